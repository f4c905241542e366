//! What must not be copied is refused by name, and nothing is changed.

use std::path::Path;
use std::process::Output;

use fuwu::app::CopyError;
use fuwu::store::{Half, Moving, Origin, Redis, Spec, Stage, Step, Store, StoreError, open};

use super::rich::{everything, fill, key_of};
use super::{beside, copied, embedded, redis};
use crate::process::{Process, run};
use crate::redis_servers::RedisServer;
use crate::store_conformance::samples::{apply, commit, who};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn copy(dir: &Path, env: &[(&str, &str)], (from, to): (&str, &str)) -> Output {
    run(dir, env, &["store", "copy", "--from", from, "--to", to])
}

async fn keys(server: &RedisServer) -> String {
    server.ask(&["DBSIZE"]).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_partitions_and_an_account_that_is_there_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let server = RedisServer::start(&[]);
    let urls = ("embedded:", server.url());
    let refused = copy(dir.path(), &[("FUWU__STORE__PARTITIONS", "32")], (urls.0, &urls.1));
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("made with 64 partitions and store.partitions is 32"), "{}", said(&refused));
    assert_eq!(keys(&server).await, "int(0)", "nothing was made");

    let there = redis(dir.path(), &urls.1).await;
    apply(&there, commit(&who("oWasThere"), 0)).await;
    there.close().await.unwrap();
    let (before, whole) = (keys(&server).await, everything(&redis(dir.path(), &urls.1).await).await);
    let refused = copy(dir.path(), &[], (urls.0, &urls.1));
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("already holds records of the account demo"), "{}", said(&refused));
    assert_eq!(everything(&redis(dir.path(), &urls.1).await).await, whole);
    assert_eq!(keys(&server).await, before);

    // Into the file that is there, too.
    let refused = copy(dir.path(), &[], (&urls.1, "embedded:"));
    assert!(said(&refused).contains("already holds records of the account demo"), "{}", said(&refused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_copied_store_is_refused_by_every_command_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let was = fill(dir.path()).await;
    let server = RedisServer::start(&[]);
    let url = server.url();
    copied(dir.path(), ("embedded:", &url)).await.unwrap();
    let back = beside(dir.path());
    copied(back.path(), (&url, "embedded:")).await.unwrap();
    let half = Half {
        from: Origin { id: 1, opened: 1 },
        accounts: vec!["demo".into()],
        stage: Stage::Filling { account: 0, step: Step::Facts, place: 3 },
    };
    let (remote, file) = (redis(dir.path(), &url).await, embedded(back.path()));
    remote.mark(&half).await.unwrap();
    file.mark(&half).await.unwrap();
    remote.close().await.unwrap();
    file.close().await.unwrap();
    drop(file);
    for (dir, url) in [(dir.path(), url.as_str()), (back.path(), "embedded:")] {
        let env = [("FUWU__STORE__URL", url)];
        let commands: [&[&str]; 4] =
            [&["serve"], &["store", "verify"], &["customer", "export", "oAnybody"], &["explain", "quarantine"]];
        for command in commands {
            let refused = run(dir, &env, command);
            assert!(
                !refused.status.success() && said(&refused).contains("half copied"),
                "{command:?}: {}",
                said(&refused)
            );
        }
        // As a source too, and as the target of another copy.
        let other = RedisServer::start(&[]);
        assert!(said(&copy(dir, &[], (url, &other.url()))).contains("half copied"));
        if url == "embedded:" {
            let from = redis(dir, &other.url()).await;
            from.close().await.unwrap();
            let refused = said(&copy(dir, &[], (&other.url(), url)));
            assert!(refused.contains("half copied from another place"), "{refused}");
        }
    }
    let remote = Redis::open(&url, Spec::default(), key_of(dir.path())).await.err().unwrap();
    assert!(matches!(remote, StoreError::Mismatch(_)), "{remote:?}");
    // Nothing was changed but the mark, which is taken away here by hand.
    assert_eq!(server.ask(&["HDEL", "{fuwu}:meta:", "half"]).as_deref(), Some("int(1)"));
    assert_eq!(everything(&redis(dir.path(), &url).await).await, was);
    let file = rusqlite::Connection::open(back.path().join("data/fuwu.db")).unwrap();
    file.execute_batch("DROP TABLE half").unwrap();
    drop(file);
    assert_eq!(everything(&embedded(back.path())).await, was);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_either_side_keeps_a_copy_out_and_a_copy_a_server() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let server = RedisServer::start(&[]);
    let url = server.url();
    let process = Process::start(dir.path(), &[]);
    let refused = copy(dir.path(), &[], ("embedded:", &url));
    assert!(!refused.status.success() && said(&refused).contains("in use by process"), "{}", said(&refused));
    assert_eq!(keys(&server).await, "int(0)");
    let source = RedisServer::start(&[]);
    redis(dir.path(), &source.url()).await.close().await.unwrap();
    let refused = copied(dir.path(), (&source.url(), "embedded:")).await.unwrap_err();
    assert!(matches!(refused, CopyError::Store(StoreError::Locked(_))), "{refused:?}");
    process.kill();

    let elsewhere = beside(dir.path());
    let mut serving = Process::start(elsewhere.path(), &[("FUWU__STORE__URL", &url)]);
    for urls in [("embedded:", url.as_str()), (url.as_str(), "embedded:")] {
        let refused = copied(dir.path(), urls).await.unwrap_err();
        let CopyError::Store(StoreError::Locked(cause)) = refused else { panic!("{refused:?}") };
        assert!(cause.contains("a server writes to the store"), "{cause}");
    }
    serving.signal("TERM");
    assert!(serving.ended().await.success());
    // It said that it is gone, so nobody waits.
    assert_eq!(server.ask(&["ZCARD", "{fuwu}:serving:"]).as_deref(), Some("int(0)"));

    let holds = redis(dir.path(), &url).await;
    holds.hold().await.unwrap();
    let refused = open(&url, dir.path(), Spec::default(), key_of(dir.path())).await.err().unwrap();
    assert!(matches!(&refused, StoreError::Locked(cause) if cause.contains("store copy")), "{refused:?}");
    holds.close().await.unwrap();
    let serves = open(&url, dir.path(), Spec::default(), key_of(dir.path())).await.unwrap();
    serves.close().await.unwrap();
}

/// A server that could not be heard of for long, while a copy began, must not write any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lost_its_place_to_a_copy_writes_no_more() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let server = RedisServer::start(&[]);
    let serves = open(&server.url(), dir.path(), Spec::default(), key_of(dir.path())).await.unwrap();
    assert_eq!(server.ask(&["DEL", "{fuwu}:serving:"]).as_deref(), Some("int(1)"));
    let holds = redis(dir.path(), &server.url()).await;
    crate::harness::until("the server writes no more", async || {
        holds.hold().await.unwrap();
        matches!(serves.load(&who("oAnybody")).await, Err(StoreError::Unavailable(_)))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_not_copied_onto_itself_and_no_password_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let server = RedisServer::start(&[]);
    let made = redis(dir.path(), &server.url()).await;
    made.close().await.unwrap();
    let same = format!("redis://localhost:{}", server.port);
    for urls in [(server.url().as_str(), same.as_str()), ("embedded:", "embedded:")] {
        let refused = copy(dir.path(), &[], urls);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains("the same store"), "{}", said(&refused));
    }
    for to in ["redis://:hunter2@127.0.0.1:1/0", "postgres://:hunter2@h", "redis://:hunter2@[/"] {
        let refused = copy(dir.path(), &[], ("embedded:", to));
        assert!(!refused.status.success() && !said(&refused).contains("hunter2"), "{}", said(&refused));
    }
    let refused = copied(beside(dir.path()).path(), ("embedded:", &server.url())).await.unwrap_err().to_string();
    assert!(refused.contains("there is no fuwu.db"), "{refused}");
}
