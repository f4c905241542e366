//! Opening a store on Redis: what is not fit is refused by name, with what to do, and is left as it was.

use fuwu::store::{PseudonymKey, Redis, Spec, Store, StoreError, redis_health};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::redis_servers::{RedisCluster, RedisServer, RedisTrio};
use crate::store_conformance::samples::{commit, who};

pub async fn open(url: &str) -> Result<Redis, StoreError> {
    Redis::open(url, Spec::default(), crate::harness::key()).await
}

/// Why it is not opened: a mismatch, which somebody has to mend.
pub async fn refusal(url: &str) -> String {
    match open(url).await.err() {
        Some(StoreError::Mismatch(why)) => why,
        other => panic!("{url}: {other:?}"),
    }
}

pub fn assert_says(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "{part}: {sentence}");
    }
}

/// Everything a server holds, as bytes.
fn held(server: &RedisServer) -> String {
    let script = "local all = {} for _, k in ipairs(redis.call('KEYS', '*')) do all[#all + 1] = k .. redis.call('DUMP', k) \
                  end table.sort(all) return redis.sha1hex(table.concat(all))";
    server.ask(&["EVAL", script, "0"]).unwrap()
}

#[tokio::test]
async fn what_is_not_ours_or_not_of_our_version_is_refused_and_left_as_it_was() {
    let server = RedisServer::start(&[]);
    let url = server.url();
    let meta = "{fuwu}:meta:";
    for (set, says) in [
        (vec!["SET", meta, "x"], vec!["another program", "/1"]),
        (vec!["HSET", meta, "owner", "somebody"], vec!["not written by fuwu", "/1"]),
        (vec!["HSET", meta, "format", "2", "partitions", "64"], vec!["newer version", "format 2"]),
        (
            vec!["HSET", meta, "format", "1", "partitions", "32", "lateness_days", "2"],
            vec!["32 partitions", "set it to 32"],
        ),
        (vec!["HSET", meta, "format", "1", "partitions", "64", "lateness_days", "5"], vec!["up to 5 days"]),
        (
            vec!["HSET", meta, "format", "1", "partitions", "64", "lateness_days", "2", "key", "0"],
            vec!["another pseudonym key", "secrets.json"],
        ),
    ] {
        assert_eq!(server.ask(&["FLUSHALL"]).as_deref(), Some("OK"));
        server.ask(&set).unwrap();
        let before = held(&server);
        assert_says(&refusal(&url).await, &says);
        let looked = Redis::open_read_only(&url, (Some(Spec::default()), Some(crate::harness::key()))).await;
        assert!(matches!(looked, Err(StoreError::Mismatch(_))));
        assert_eq!(held(&server), before, "{set:?}");
    }
    // Another database of the same server is a place of its own.
    assert!(open(&format!("{url}/1")).await.is_ok());
}

#[tokio::test]
async fn a_server_that_evicts_or_follows_another_is_refused() {
    let server = RedisServer::start(&["--maxmemory-policy", "volatile-lru"]);
    assert_says(&refusal(&server.url()).await, &["volatile-lru", "noeviction", &server.port.to_string()]);
    assert_eq!(server.ask(&["DBSIZE"]).as_deref(), Some("int(0)"));
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).unwrap();
    assert!(open(&server.url()).await.is_ok());

    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &server.port.to_string()]);
    assert_says(&refusal(&replica.url()).await, &["read-only replica", "redis+sentinel://"]);
}

#[tokio::test]
async fn every_master_of_a_cluster_is_looked_at_and_each_kind_of_url_is_for_its_kind() {
    let cluster = RedisCluster::start();
    let last = cluster.0.last().unwrap();
    last.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"]).unwrap();
    assert_says(&refusal(&cluster.url()).await, &["allkeys-lfu", &last.port.to_string()]);
    last.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).unwrap();
    assert!(open(&cluster.url()).await.is_ok());
    assert_says(&refusal(&cluster.0[0].url()).await, &["redis+cluster://"]);
    let single = RedisServer::start(&[]);
    let as_cluster = format!("redis+cluster://127.0.0.1:{}", single.port);
    assert_says(&refusal(&as_cluster).await, &["belongs to no cluster", "redis://"]);
    let as_sentinel = format!("redis+sentinel://127.0.0.1:{}/?master=shop", single.port);
    assert_says(&refusal(&as_sentinel).await, &["no sentinel", "26379"]);
    // Health names each node, and what it says of itself.
    let health = redis_health(&cluster.url(), || 0).await.unwrap();
    assert_eq!((health.nodes.len(), health.slots_without_owner), (3, Some(0)));
    for node in &health.nodes {
        let said = node.said.as_ref().unwrap();
        assert_eq!((said.of("appendonly"), said.of("role")), (Some("no"), Some("master")));
        assert!(said.clock_ahead_ms.unwrap() > 1_700_000_000_000 && said.round_trip_us > 0);
    }
}

#[tokio::test]
async fn sentinels_that_do_not_know_the_name_say_so() {
    let trio = RedisTrio::start("10000");
    let wrong = trio.url().replace("master=shop", "master=shpo");
    assert_says(&refusal(&wrong).await, &["no master called shpo", "?master="]);
    // One sentinel that is away is no reason, and a health check sees the replicas too.
    let url = trio.url().replacen("redis+sentinel://", "redis+sentinel://127.0.0.1:1,", 1);
    let store = open(&url).await.unwrap();
    store.commit(commit(&who("oOne"), 0)).await.unwrap();
    let health = redis_health(&url, || 0).await.unwrap();
    assert_eq!(health.nodes.len(), 3);
    assert!(health.nodes.iter().all(|node| node.said.is_ok()), "{health:?}");
}

#[tokio::test]
async fn a_user_who_may_not_do_enough_is_refused_and_one_who_may_not_look_is_not() {
    let server = RedisServer::start(&[]);
    let user = |name: &str, rules: &[&str]| {
        let mut all = vec!["ACL", "SETUSER", name, "on", ">s3cret/pass"];
        all.extend(rules);
        assert_eq!(server.ask(&all).as_deref(), Some("OK"));
        format!("redis://{name}:s3cret%2Fpass@127.0.0.1:{}", server.port)
    };
    let url = user("mute", &["~*", "+@all", "-@scripting"]);
    let before = held(&server);
    assert_says(&refusal(&url).await, &["may not do what a store needs", "~{fuwu* +@all"]);
    assert_eq!(held(&server), before);
    let url = user("blind", &["~{fuwu*", "+@all", "-info", "-config", "-role"]);
    let store = open(&url).await.unwrap();
    store.commit(commit(&who("oBlind"), 0)).await.unwrap();
    let wrong = url.replace("s3cret", "0ther");
    let sentence = refusal(&wrong).await;
    assert_says(&sentence, &["refuses the user or password", "store.url"]);
    assert!(!sentence.contains("0ther"), "{sentence}");
}

/// A server of an old version, as far as it is asked.
async fn old_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(old_answers(BufReader::new(socket)));
        }
    });
    port
}

async fn old_answers(mut socket: BufReader<tokio::net::TcpStream>) -> Option<()> {
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await.ok()?;
        let parts: usize = line.trim().strip_prefix('*')?.parse().ok()?;
        let mut command = Vec::new();
        for _ in 0..parts {
            line.clear();
            socket.read_line(&mut line).await.ok()?;
            let mut part = vec![0; line.trim().strip_prefix('$')?.parse::<usize>().ok()? + 2];
            socket.read_exact(&mut part).await.ok()?;
            command.push(String::from_utf8_lossy(&part).trim().to_owned());
        }
        let answer = match command.first()?.as_str() {
            "INFO" => "$37\r\nredis_version:6.2.14\r\nmaxmemory:0\r\n##\r\n".to_owned(),
            "ROLE" => "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n".to_owned(),
            other => format!("-ERR unknown command '{other}'\r\n"),
        };
        socket.write_all(answer.as_bytes()).await.ok()?;
    }
}

#[tokio::test]
async fn an_old_version_is_refused_before_it_is_asked_for_anything_else() {
    let port = old_server().await;
    let sentence = refusal(&format!("redis://127.0.0.1:{port}")).await;
    assert_says(&sentence, &["Redis 6.2.14", "7.0 or newer", &port.to_string()]);
}

#[tokio::test]
async fn the_first_process_settles_what_the_store_is_made_with() {
    let server = RedisServer::start(&[]);
    let opened = (0..8).map(|nth| {
        let url = server.url();
        async move {
            let spec = Spec { partitions: if nth % 2 == 0 { 16 } else { 32 }, ..Spec::default() };
            Redis::open(&url, spec, PseudonymKey::new("k")).await.is_ok()
        }
    });
    let opened = futures_util::future::join_all(opened).await;
    let (even, odd): (Vec<_>, Vec<_>) = opened.iter().enumerate().partition(|(nth, _)| nth % 2 == 0);
    let all = |side: &[(usize, &bool)], what: bool| side.iter().all(|(_, opened)| **opened == what);
    assert!((all(&even, true) && all(&odd, false)) || (all(&even, false) && all(&odd, true)), "{opened:?}");
}
