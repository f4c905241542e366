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
        // From now on nothing leaves this process, as if it were killed.
        store.close().await.unwrap();
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

/// Keys of the server, as far as a pattern goes.
fn keys(server: &RedisServer, pattern: &str) -> Vec<String> {
    server.asked(&["KEYS", pattern]).unwrap()
}

/// What a server forgets while a bulk is under way.
#[derive(Clone, Copy, Debug)]
enum Forgotten {
    Nothing,
    LockOfTheHome,
    LockOfTheCommonHome,
    AllLocks,
    Decision,
    DecisionAndItsLock,
    AllLocksAndTheDecision,
}

/// The home that a bulk could not be applied to: its hash tag.
async fn left_in_the_middle(server: &RedisServer, store: &Redis) -> String {
    // A counter that a look can read and no script can add to.
    let poisoned = openid(0, 0);
    let first = Commit { increments: vec![add(key(Metric::Messages, 1, 0), 1)], ..commit(&who(&poisoned), 0) };
    assert_eq!(store.commit(first).await.unwrap(), Committed::Applied);
    let run = keys(server, "*:run:*").remove(0);
    let field = server.asked::<Vec<String>>(&["HKEYS", &run]).unwrap().remove(0);
    assert_eq!(server.asked::<i64>(&["HSET", &run, &field, "1e0"]), Some(0));
    let mut bulk = bulk(0);
    bulk.commits[0].base = Version(1);
    store.commit_all(bulk).await.unwrap_err();
    assert_eq!(server.asked::<i64>(&["HSET", &run, &field, "1"]), Some(0));
    let home = run.split(":run:").next().unwrap().to_owned();
    let mut locks = keys(server, "*:lock:");
    locks.sort();
    assert_eq!(locks, [format!("{home}:lock:"), "{fuwu}:lock:".into()], "all others are done");
    assert_eq!(keys(server, "{fuwu}:bulk:*").len(), 1);
    home
}

impl Forgotten {
    fn happens(self, server: &RedisServer, home: &str) {
        let (lock, common) = (format!("{home}:lock:"), "{fuwu}:lock:".to_owned());
        let decision = keys(server, "{fuwu}:bulk:*").remove(0);
        let gone = match self {
            Self::Nothing => vec![],
            Self::LockOfTheHome => vec![lock],
            Self::LockOfTheCommonHome => vec![common],
            Self::AllLocks => vec![lock, common],
            Self::Decision => vec![decision],
            Self::DecisionAndItsLock => vec![decision, common],
            Self::AllLocksAndTheDecision => vec![decision, common, lock],
        };
        for key in gone {
            assert_eq!(server.asked::<i64>(&["DEL", &key]), Some(1));
        }
        age_locks(&[server]);
    }
}

/// How many of the first bulk's customers have its fact, and whether it is noted as done.
async fn came_of_it(store: &Redis) -> (usize, bool) {
    let facts = store.facts(&demo(), 0, usize::MAX).await.unwrap();
    let noted = store.shared(&demo(), &name(0)).await.unwrap().version.0 == 1;
    (facts.iter().filter(|logged| logged.of.openid.as_str().starts_with("oBulk0C")).count(), noted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_redis_forgets_of_a_bulk_it_ends_and_nobody_waits_for_it() {
    for (forgotten, is_finished) in [
        (Forgotten::Nothing, true),
        (Forgotten::LockOfTheHome, true),
        (Forgotten::LockOfTheCommonHome, true),
        // Nobody meets it again, but for its writer.
        (Forgotten::AllLocks, false),
        (Forgotten::Decision, false),
        (Forgotten::DecisionAndItsLock, false),
        (Forgotten::AllLocksAndTheDecision, false),
    ] {
        let server = RedisServer::start(&[]);
        let store = open(&server.url()).await;
        let home = left_in_the_middle(&server, &store).await;
        let (before, _) = came_of_it(&store).await;
        assert!(before > 0 && before < CUSTOMERS, "{before}");
        forgotten.happens(&server, &home);
        // Numbers wait for the common home, a commit for that of its customer, another bulk for both.
        store.numbers(&demo()).await.unwrap();
        let of = who(&openid(0, 0));
        assert_eq!(store.commit(commit(&of, 0)).await.unwrap(), Committed::Stale, "{forgotten:?}");
        assert_eq!(store.commit_all(bulk(1)).await.unwrap(), Committed::Applied, "{forgotten:?}");
        assert_eq!(keys(&server, "*:lock:"), [""; 0], "{forgotten:?}");
        let expected = if is_finished { (CUSTOMERS, true) } else { (before, false) };
        assert_eq!(came_of_it(&store).await, expected, "{forgotten:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_no_longer_fits_is_left_out_and_not_noted_as_done() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let home = left_in_the_middle(&server, &store).await;
    Forgotten::LockOfTheHome.happens(&server, &home);
    let of = who(&openid(0, 0));
    assert_eq!(store.commit(commit(&of, 1)).await.unwrap(), Committed::Applied, "nothing is in its way");
    let before = came_of_it(&store).await;
    store.numbers(&demo()).await.unwrap();
    assert_eq!(came_of_it(&store).await, before, "and it was not noted");
    assert_eq!(keys(&server, "{fuwu}:bulk:*"), [""; 0], "nothing of its customers stays behind");
    // So whoever replays does it again, from what is there by now.
    let mut again = bulk(0);
    for commit in &mut again.commits {
        commit.base = store.load(&commit.of).await.unwrap().version;
    }
    assert_eq!(store.commit_all(again).await.unwrap(), Committed::Applied);
    assert_eq!(came_of_it(&store).await, (before.0 + CUSTOMERS, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_whose_locks_are_forgotten_on_the_way_applies_all_of_it() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let forget = "local gone = 0 for _, lock in ipairs(redis.call('KEYS', '{fuwu-*}:lock:')) do \
                  gone = gone + redis.call('DEL', lock) end return gone";
    let mut forgotten = 0;
    for number in 0..BULKS {
        let applying = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit_all(bulk(number)).await }
        });
        while !applying.is_finished() {
            forgotten += server.asked::<i64>(&["EVAL", forget, "0"]).unwrap();
        }
        assert_eq!(applying.await.unwrap().unwrap(), Committed::Applied, "bulk {number}");
    }
    assert!(forgotten > 0, "none was there to be forgotten");
    let counters = store.counters(&demo(), &[CounterRange::all(Metric::Messages)]).await.unwrap();
    let counted: i64 = counters.cells().map(|(_, n)| n).sum();
    assert_eq!(counted, i64::try_from(BULKS * CUSTOMERS).unwrap(), "each part once");
    assert_eq!(keys(&server, "*:lock:"), [""; 0]);
}

/// A replica that lagged takes over: its lock is there again, and what was done under it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_comes_back_after_its_bulk_keeps_nobody_out() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let home = left_in_the_middle(&server, &store).await;
    let lock = format!("{home}:lock:");
    age_locks(&[&server]);
    let held = server.ask(&["GET", &lock]).unwrap();
    store.numbers(&demo()).await.unwrap();
    assert_eq!(came_of_it(&store).await, (CUSTOMERS, true));
    assert_eq!(server.ask(&["SET", &lock, &held]).as_deref(), Some("OK"));
    assert_eq!(server.asked::<i64>(&["DEL", &format!("{home}:done:{}", &held[..32])]), Some(1));
    let of = who(&openid(0, 0));
    let version = store.load(&of).await.unwrap().version.0;
    assert_eq!(store.commit(commit(&of, version)).await.unwrap(), Committed::Applied);
    assert_eq!(keys(&server, "*:lock:"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_broken_off_while_a_node_is_away_keeps_nobody_out() {
    let mut cluster = RedisCluster::start();
    let store = open(&cluster.url()).await;
    let owns = |node: &RedisServer, key: &str| node.asked::<Option<String>>(&["GET", key]).is_some();
    let lock = |partition: u16| format!("{{fuwu-{partition}}}:lock:");
    let away = (0..3).find(|nth| !owns(&cluster.0[*nth], "{fuwu}:lock:")).unwrap();
    let abandoned = format!("{}0", "7".repeat(32));
    let mut reachable = Vec::new();
    for partition in 0..Spec::default().partitions {
        let node = cluster.nodes().find(|node| owns(node, &lock(partition))).unwrap();
        assert_eq!(node.ask(&["SET", &lock(partition), &abandoned]).as_deref(), Some("OK"));
        reachable.extend((node.port != cluster.0[away].port).then_some(partition));
    }
    let partitions = fuwu::store::Partitions::new(Spec::default().partitions).unwrap();
    let of = (0..).map(|nth| who(&format!("oHere{nth}"))).find(|of| reachable.contains(&partitions.of(of).0)).unwrap();
    cluster.0[away].kill();
    assert_eq!(store.commit(commit(&of, 0)).await.unwrap(), Committed::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_whose_caller_goes_away_comes_to_its_end_at_once() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let is_begun = || !keys(&server, "*:lock:").is_empty();
    let mut met = 0;
    for number in 0..BULKS {
        let applying = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit_all(bulk(number)).await }
        });
        while !is_begun() && !applying.is_finished() {
            tokio::task::yield_now().await;
        }
        applying.abort();
        met += usize::from(applying.await.is_err_and(|error| error.is_cancelled()));
        // Long before anybody would end it who meets a lock.
        crate::redis_servers::wait_for("it is at its end", || !is_begun());
        assert_eq!(store.shared(&demo(), &name(number)).await.unwrap().version.0, 1, "bulk {number}");
    }
    assert!(met > 0, "nobody went away in time");
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
