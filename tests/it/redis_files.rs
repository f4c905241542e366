//! What the servers themselves keep on their disks.

use fuwu::store::{Commit, Redis, Spec, Store};

use crate::redis_servers::{RedisServer, wait_for};
use crate::store_conformance::samples::{apply, commit, demo, fact, who};

const ERASED: &str = "oWantsToBeForgotten";

async fn open(server: &RedisServer) -> Redis {
    Redis::open(&server.url(), Spec::default(), crate::harness::key()).await.unwrap()
}

fn is_at(server: &RedisServer, what: &str) -> bool {
    server.ask(&["INFO", "persistence"]).unwrap().contains(&format!("{what}:1"))
}

/// A server with the append-only file and snapshots, and both on the disk.
async fn with_files() -> (RedisServer, Redis) {
    let server = RedisServer::start(&["--appendonly", "yes", "--save", "3600 1", "--rdbcompression", "no"]);
    let store = open(&server).await;
    for openid in [ERASED, "oStays"] {
        apply(&store, Commit { facts: vec![fact(1)], ..commit(&who(openid), 0) }).await;
    }
    // Of the append-only file alone.
    wait_for("it is written", || server.has_on_disk(ERASED.as_bytes()));
    assert!(server.ask(&["BGSAVE"]).is_some());
    wait_for("the snapshot", || !is_at(&server, "rdb_bgsave_in_progress"));
    (server, store)
}

fn wait_until_gone(server: &RedisServer) {
    wait_for("both files are written anew", || {
        let is_busy = ["aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress"]
            .iter()
            .any(|what| is_at(server, what));
        // The old ones are taken away a moment after that.
        !is_busy && !server.has_on_disk(ERASED.as_bytes())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_whom_was_erased_stays_in_the_files_of_a_server() {
    let (server, store) = with_files().await;
    assert!(store.erase(&who(ERASED)).await.unwrap());
    wait_until_gone(&server);
    assert!(server.has_on_disk(b"oStays"));
    assert_eq!(store.facts(&demo(), 0, 9).await.unwrap().len(), 1);
}

/// What it is writing just then was there before the erasure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_writing_its_file_is_asked_again_afterwards() {
    let (server, store) = with_files().await;
    // The slower the more there is.
    assert_eq!(server.ask(&["CONFIG", "SET", "rdb-key-save-delay", "100000"]).as_deref(), Some("OK"));
    assert!(server.ask(&["BGREWRITEAOF"]).is_some());
    wait_for("it is at it", || is_at(&server, "aof_rewrite_in_progress"));
    assert_eq!(server.ask(&["CONFIG", "SET", "rdb-key-save-delay", "0"]).as_deref(), Some("OK"));
    assert!(store.erase(&who(ERASED)).await.unwrap());
    wait_until_gone(&server);
    assert!(server.has_on_disk(b"oStays"));
}
