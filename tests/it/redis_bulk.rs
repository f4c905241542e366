//! A bulk on Redis, which spans homes, broken off at any point: it is there whole or not at all, and nobody is kept out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fuwu::growth::counter::Metric;
use fuwu::store::{
    Bulk, Commit, Committed, CounterRange, Redis, SharedChange, SharedKind, SharedName, Spec, Store, Version,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::redis_servers::{RedisCluster, RedisServer};
use crate::store_conformance::samples::{add, commit, demo, fact, key, who, work};

const BULKS: usize = 60;
const CUSTOMERS: usize = 12;

fn name(bulk: usize) -> SharedName {
    SharedName { kind: SharedKind::Replay, part: bulk.to_string() }
}

fn openid(bulk: usize, nth: usize) -> String {
    format!("oBulk{bulk}Customer{nth}")
}

/// A bulk whose customers are nobody else's.
fn bulk(number: usize) -> Bulk {
    let commits = (0..CUSTOMERS).map(|nth| Commit {
        increments: vec![add(key(Metric::Messages, 1, 0), 1)],
        facts: vec![fact(nth as u64)],
        outbox: vec![work("w", 10)],
        ..commit(&who(&openid(number, nth)), 0)
    });
    let note = SharedChange { account: demo(), name: name(number), base: Version(0), body: Some(b"so far".to_vec()) };
    Bulk { commits: commits.collect(), quarantined: Vec::new(), notes: vec![note] }
}

async fn open(url: &str) -> Arc<Redis> {
    Arc::new(Redis::open(url, Spec::default(), crate::harness::key()).await.unwrap())
}

/// Makes every lock so old that its bulk counts as left.
fn age_locks(servers: &[&RedisServer]) -> usize {
    let mut aged = 0;
    for partition in
        (0..Spec::default().partitions).map(|n| format!("{{fuwu-{n}}}:lock:")).chain(["{fuwu}:lock:".into()])
    {
        for server in servers {
            if let Some(lock) = server.ask(&["GET", &partition]).filter(|lock| lock.len() > 32) {
                assert_eq!(server.ask(&["SET", &partition, &format!("{}0", &lock[..32])]).as_deref(), Some("OK"));
                aged += 1;
            }
        }
    }
    aged
}

async fn broken_off_anywhere(url: &str, servers: &[&RedisServer]) {
    let mut dice = StdRng::seed_from_u64(7);
    // How long one takes here, when nobody breaks it off.
    let since = Instant::now();
    assert_eq!(open(url).await.commit_all(bulk(BULKS)).await.unwrap(), Committed::Applied);
    let longest = u64::try_from(since.elapsed().as_micros()).unwrap();
    let (mut whole, mut locks) = (0, 0);
    for number in 0..BULKS {
        let store = open(url).await;
        let applying = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit_all(bulk(number)).await }
        });
        // Where it is broken off is what is tried, so the pause decides nothing.
        tokio::time::sleep(Duration::from_micros(dice.random_range(0..longest))).await;
        applying.abort();
        let acknowledged = matches!(applying.await, Ok(Ok(Committed::Applied)));
        locks += age_locks(servers);
        let other = open(url).await;
        // Somebody else acts in every home.
        for nth in 0..CUSTOMERS {
            let of = who(&openid(number, nth));
            let version = other.load(&of).await.unwrap().version;
            let answer = other.commit(commit(&of, version.0)).await.unwrap();
            let again = other.load(&of).await.unwrap().version;
            assert!(answer == Committed::Applied || again.0 > version.0, "{answer:?}");
        }
        let seen = other.shared(&demo(), &name(number)).await.unwrap().version.0;
        let settled = SharedChange {
            account: demo(),
            name: SharedName { kind: SharedKind::Post, part: number.to_string() },
            base: Version(0),
            body: Some(Vec::new()),
        };
        assert_eq!(other.put_shared(settled).await.unwrap(), Committed::Applied);
        let noted = other.shared(&demo(), &name(number)).await.unwrap().version.0;
        let facts = other.facts(&demo(), 0, usize::MAX).await.unwrap();
        let own =
            facts.iter().filter(|logged| logged.of.openid.as_str().starts_with(&format!("oBulk{number}C"))).count();
        let expected = if noted == 1 { CUSTOMERS } else { 0 };
        assert_eq!(own, expected, "bulk {number}: noted {seen}, then {noted}");
        assert!(!acknowledged || noted == 1, "bulk {number} was acknowledged");
        whole += usize::from(noted == 1);
    }
    let store = open(url).await;
    let counters = store.counters(&demo(), &[CounterRange::all(Metric::Messages)]).await.unwrap();
    assert_eq!(counters.cells().map(|(_, n)| n).sum::<i64>(), i64::try_from((whole + 1) * CUSTOMERS).unwrap());
    println!("{whole} of {BULKS} bulks were applied, {locks} locks were left behind");
    assert!(whole > 0 && whole < BULKS && locks > 0, "it was broken off too early or too late: {whole}, {locks}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_that_is_broken_off_anywhere_is_whole_or_not_at_all() {
    let server = RedisServer::start(&[]);
    broken_off_anywhere(&server.url(), &[&server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_on_a_cluster_that_is_broken_off_anywhere_is_whole_or_not_at_all() {
    let cluster = RedisCluster::start();
    let servers: Vec<&RedisServer> = cluster.nodes().collect();
    broken_off_anywhere(&cluster.url(), &servers).await;
}

/// A node that gives a slot away asks to try again, and does not let a script begin a home anew elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_slot_is_moved_nothing_runs_on_half_a_home() {
    let cluster = RedisCluster::start();
    let store = open(&cluster.url()).await;
    let of = who("oMoved");
    let first = Commit { facts: vec![fact(1)], ..commit(&of, 0) };
    assert_eq!(store.commit(first).await.unwrap(), Committed::Applied);
    let servers: Vec<&RedisServer> = cluster.nodes().collect();
    let asked =
        |command: &[&str]| servers.iter().find_map(|server| server.ask(command).map(|answer| (answer, *server)));
    let partition = (0..Spec::default().partitions)
        .find(|n| asked(&["GET", &format!("{{fuwu-{n}}}:last_seq:")]).is_some_and(|(seq, _)| seq == "1"))
        .unwrap();
    let last_seq = format!("{{fuwu-{partition}}}:last_seq:");
    let from = asked(&["GET", &last_seq]).unwrap().1;
    let to = *servers.iter().find(|server| server.port != from.port).unwrap();
    let slot =
        from.ask(&["CLUSTER", "KEYSLOT", &last_seq]).unwrap().replace("Int(", "").replace("int(", "").replace(')', "");
    let (from_id, to_id) = (from.ask(&["CLUSTER", "MYID"]).unwrap(), to.ask(&["CLUSTER", "MYID"]).unwrap());
    assert_eq!(to.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).as_deref(), Some("OK"));
    assert_eq!(from.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).as_deref(), Some("OK"));
    let second = Commit { facts: vec![fact(2)], ..commit(&of, 1) };
    let refused = store.commit(second.clone()).await;
    assert!(refused.is_err(), "{refused:?}");
    // Every key goes over.
    let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]).unwrap();
    assert!(keys.contains("last_seq"), "{keys}");
    from.move_slot(&slot, to);
    for server in &servers {
        assert_eq!(server.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).as_deref(), Some("OK"));
    }
    assert_eq!(store.commit(second).await.unwrap(), Committed::Applied);
    let marks: Vec<u64> = store.facts(&demo(), 0, 9).await.unwrap().iter().map(|logged| logged.fact.key.0).collect();
    assert_eq!(marks, [1, 2]);
}
