//! Redis falls over, freezes, forgets scripts, hands over: nobody waits long, and what works goes on working.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fuwu::store::{Committed, Partition, Partitions, Redis, Spec, Store, StoreError};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::redis_servers::{RedisCluster, RedisServer, RedisTrio, wait_for};
use crate::store_conformance::samples::{commit, who};

/// A request has ended by then, whatever happened. The limit is 1.5 s; the rest is for a busy machine.
const LIMIT: Duration = Duration::from_secs(2);
/// What was cut off serves again by then.
const BACK_WITHIN: Duration = Duration::from_secs(20);

async fn open(url: &str) -> Arc<Redis> {
    Arc::new(Redis::open(url, Spec::default(), crate::harness::key()).await.unwrap())
}

/// One more commit of a customer, from whatever is there.
async fn act(store: &Redis, openid: &str) -> Result<u64, StoreError> {
    let of = who(openid);
    let version = store.load(&of).await?.version.0;
    store.commit(commit(&of, version)).await?;
    Ok(version + 1)
}

/// As [`act`], and it ended in time.
async fn act_in_time(store: &Redis, openid: &str) -> Result<u64, StoreError> {
    let since = Instant::now();
    let answer = act(store, openid).await;
    // It is two requests.
    assert!(since.elapsed() < LIMIT * 2, "{answer:?} took {:?}", since.elapsed());
    answer
}

/// Acts until it succeeds; how long that took, and how often it failed.
async fn until_it_serves(store: &Redis, openid: &str) -> (Duration, usize) {
    let (since, mut failed) = (Instant::now(), 0);
    while act_in_time(store, openid).await.is_err() {
        failed += 1;
        assert!(since.elapsed() < BACK_WITHIN, "it does not serve again");
        // Whoever asks waits a little before asking again.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (since.elapsed(), failed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_master_that_is_killed_is_replaced() {
    let mut trio = RedisTrio::start("1000");
    let store = open(&trio.url()).await;
    act(&store, "oKept").await.unwrap();
    trio.settle();
    trio.servers[0].kill();
    let (took, failed) = until_it_serves(&store, "oKept").await;
    assert!(failed > 0, "nobody was killed");
    assert!(store.load(&who("oKept")).await.unwrap().version.0 >= 2, "the replica had what was acknowledged");
    println!("kill -9 of a Sentinel master: serves again after {took:?}, {failed} failed meanwhile");
    // And a process that starts now finds the new one.
    let another = open(&trio.url()).await;
    act(&another, "oKept").await.unwrap();
    // The old one comes back empty, and nobody goes to it.
    let port = trio.servers[0].port.to_string();
    let again = RedisServer::started(tempfile::tempdir().unwrap(), &port, &["--port", &port]).unwrap();
    wait_for("the old master is a replica", || again.ask(&["ROLE"]).is_some_and(|role| role.contains("slave")));
    let version = store.load(&who("oKept")).await.unwrap().version.0;
    assert_eq!(act_in_time(&store, "oKept").await.unwrap(), version + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_master_that_freezes_is_left_for_the_new_one() {
    let trio = RedisTrio::start("1000");
    let store = open(&trio.url()).await;
    act(&store, "oKept").await.unwrap();
    trio.settle();
    trio.servers[0].freeze();
    let (took, failed) = until_it_serves(&store, "oKept").await;
    println!("a frozen Sentinel master: serves again after {took:?}, {failed} failed meanwhile");
    trio.servers[0].thaw();
    // Back it is, as a replica in the end, and nobody goes to it.
    wait_for("the old master is a replica", || {
        trio.servers[0].ask(&["ROLE"]).is_some_and(|role| role.contains("slave"))
    });
    for _ in 0..20 {
        act_in_time(&store, "oKept").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_master_that_hands_over_is_followed() {
    let trio = RedisTrio::start("10000");
    let store = open(&trio.url()).await;
    act(&store, "oKept").await.unwrap();
    trio.settle();
    assert_eq!(trio.sentinels[0].ask(&["SENTINEL", "FAILOVER", "shop"]).as_deref(), Some("OK"));
    wait_for("the old master is a replica", || {
        trio.servers[0].ask(&["ROLE"]).is_some_and(|role| role.contains("slave"))
    });
    let (took, failed) = until_it_serves(&store, "oKept").await;
    println!("a Sentinel master that hands over: serves again after {took:?}, {failed} failed meanwhile");
}

/// Takes a master away while everybody acts: its own customers are served again by its replica, and no other is ever
/// refused.
async fn missing(store: &Redis, (names, is_there): (&[String], impl Fn(&str) -> bool), take_away: impl FnOnce()) {
    let (lost, others): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| is_there(name));
    assert!(!lost.is_empty() && !others.is_empty(), "{} of {}", lost.len(), names.len());
    take_away();
    let is_back = AtomicBool::new(false);
    let never_fail = async {
        let (mut acts, mut longest) = (0, Duration::ZERO);
        while !is_back.load(Ordering::Relaxed) {
            for name in &others {
                let since = Instant::now();
                act(store, name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
                longest = longest.max(since.elapsed());
                acts += 1;
            }
        }
        (acts, longest)
    };
    let come_back = async {
        let mut all = (Duration::ZERO, 0);
        for name in &lost {
            let (took, failed) = until_it_serves(store, name).await;
            all = (all.0 + took, all.1 + failed);
        }
        is_back.store(true, Ordering::Relaxed);
        all
    };
    let ((acts, longest), (took, failed)) = tokio::join!(never_fail, come_back);
    println!(
        "its {} of {} serve again after {took:?}, {failed} failed meanwhile; the others acted {acts} times, none failed, \
         the longest took {longest:?}",
        lost.len(),
        names.len()
    );
    assert!(failed > 0, "nobody was missing");
    assert!(longest < LIMIT / 2, "others were kept waiting: {longest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_master_that_is_missing_takes_only_its_own_partitions_with_it_until_its_replica_serves() {
    let mut cluster = RedisCluster::with_replicas("1000");
    let store = open(&cluster.url()).await;
    let names: Vec<String> = (0..24).map(|nth| format!("oNode{nth}")).collect();
    for name in &names {
        act(&store, name).await.unwrap();
    }
    let partitions = Partitions::new(Spec::default().partitions).unwrap();
    let probe = |name: &str| {
        let Partition(partition) = partitions.of(&who(name));
        format!("{{fuwu-{partition}}}:probe:")
    };
    // Another node would send us on.
    let is_on = |node: &RedisServer, name: &str| node.ask(&["GET", &probe(name)]).is_some();
    let on_first: Vec<String> = names.iter().filter(|name| is_on(&cluster.0[0], name)).cloned().collect();
    println!("kill -9 of a cluster master:");
    let first = &mut cluster.0[0];
    missing(&store, (&names, |name: &str| on_first.iter().any(|on| on == name)), || first.kill()).await;
    println!("a frozen cluster master:");
    let second = &cluster.0[1];
    missing(&store, (&names, |name: &str| is_on(second, name)), || second.freeze()).await;
    second.thaw();
    // It still believes to be the master; nobody else does.
    for name in &names {
        act_in_time(&store, name).await.unwrap();
        assert!(store.load(&who(name)).await.unwrap().version.0 >= 2, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_freezes_keeps_nobody_waiting_and_serves_on_when_it_goes_on() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    act(&store, "oPatient").await.unwrap();
    server.freeze();
    let mut longest = Duration::ZERO;
    for _ in 0..5 {
        let since = Instant::now();
        let of = who("oPatient");
        let asked = (0..50).map(|_| store.load(&of));
        assert!(futures_util::future::join_all(asked).await.iter().all(Result::is_err));
        longest = longest.max(since.elapsed());
    }
    assert!(longest < LIMIT, "{longest:?}");
    server.thaw();
    let (took, _) = until_it_serves(&store, "oPatient").await;
    println!("a frozen server: the longest request took {longest:?}, and it served again {took:?} after it went on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_are_forgotten_all_the_time_fail_no_request() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    let is_over = AtomicBool::new(false);
    let acts = |worker: usize| {
        let store = &store;
        async move {
            for _ in 0..150 {
                act(store, &format!("oForgotten{worker}")).await.unwrap();
            }
        }
    };
    let flushed = std::thread::scope(|scope| {
        let flushes = scope.spawn(|| {
            let mut flushes = 0;
            while !is_over.load(Ordering::Relaxed) {
                server.ask(&["SCRIPT", "FLUSH"]).unwrap();
                flushes += 1;
            }
            flushes
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(futures_util::future::join_all((0..8).map(acts)));
        });
        is_over.store(true, Ordering::Relaxed);
        flushes.join().unwrap()
    });
    for worker in 0..8 {
        assert_eq!(store.load(&who(&format!("oForgotten{worker}"))).await.unwrap().version.0, 150);
    }
    println!("1200 commits while scripts were forgotten {flushed} times: none failed");
    assert!(flushed > 5);
}

#[tokio::test]
async fn a_connection_that_somebody_cuts_is_made_again_and_nobody_notices() {
    let server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    for nth in 1..=30 {
        server.ask(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap();
        assert_eq!(act(&store, "oCut").await.unwrap(), nth);
    }
}

#[tokio::test]
async fn a_restarted_server_is_found_again() {
    let mut server = RedisServer::start(&[]);
    let store = open(&server.url()).await;
    act(&store, "oRestart").await.unwrap();
    server.kill();
    let since = Instant::now();
    assert!(act(&store, "oRestart").await.is_err());
    assert!(since.elapsed() < Duration::from_secs(1), "who is known to be away is not waited for");
    let port = server.port.to_string();
    let again = RedisServer::started(tempfile::tempdir().unwrap(), &port, &["--port", &port]).unwrap();
    let (took, _) = until_it_serves(&store, "oRestart").await;
    println!("a restarted server is found again after {took:?}");
    drop(again);
}

/// An address that leads to one server and then to another, as a load balancer's or a name's does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_moves_to_the_new_master_is_followed_when_the_old_one_refuses_writes() {
    let (old, new) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let to = Arc::new(std::sync::Mutex::new(old.port));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let leads_to = Arc::clone(&to);
    tokio::spawn(async move {
        loop {
            let (mut from, _) = listener.accept().await.unwrap();
            let port = *leads_to.lock().unwrap();
            tokio::spawn(async move {
                let mut to = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                // Either end may hang up.
                let _ = copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    let store = open(&format!("redis://{address}")).await;
    act(&store, "oMoves").await.unwrap();
    *to.lock().unwrap() = new.port;
    assert_eq!(old.ask(&["REPLICAOF", "127.0.0.1", &new.port.to_string()]).as_deref(), Some("OK"));
    let (took, _) = until_it_serves(&store, "oMoves").await;
    println!("an address that moved is followed after {took:?}");
    assert_eq!(store.commit(commit(&who("oOther"), 0)).await.unwrap(), Committed::Applied);
    assert!(new.ask(&["INFO", "keyspace"]).unwrap().contains("keys="), "the new one holds it");
}
