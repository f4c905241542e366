//! What did not arrive as it was sent is found at the end, named, and copied anew.

use std::path::Path;

use fuwu::app::{CopyError, Differing};
use fuwu::domain::time::UnixSecs;
use fuwu::growth::counter::Metric;
use fuwu::store::{
    Commit, Half, Moving, Quarantined, SharedChange, SharedKind, SharedName, Stage, Step, Store, Version,
};

use super::rich::{Everything, STAYED, everything, fill};
use super::{beside, copied, embedded, redis};
use crate::process::run;
use crate::redis_servers::RedisServer;
use crate::store_conformance::samples::{add, apply, commit, demo, fact, key, who, work};

/// A change of each kind of what is kept.
async fn spoil(store: &dyn Store, which: Step) {
    let of = who(STAYED);
    let stored = store.load(&of).await.unwrap();
    let commit = Commit { customer: stored.customer, ..commit(&of, stored.version.0) };
    match which {
        Step::Records => apply(store, Commit { outbox: vec![work("added", 5)], ..commit }).await,
        Step::Facts => apply(store, Commit { facts: vec![fact(1)], ..commit }).await,
        Step::Counters => {
            apply(store, Commit { increments: vec![add(key(Metric::Messages, 1, 0), 7)], ..commit }).await
        }
        Step::Journal => {
            let mut late = add(key(Metric::Messages, 1, 0), 7);
            late.late_on = Some(fuwu::domain::time::BusinessDay(3));
            apply(store, Commit { increments: vec![late], ..commit }).await;
        }
        Step::Residue => assert!(store.erase(&of).await.unwrap()),
        Step::Aside => {
            let entry = Quarantined { account: demo(), arrived: UnixSecs(1), reason: "r".into(), body: vec![1] };
            store.quarantine(entry).await.unwrap();
        }
        Step::Shared => {
            let name = SharedName { kind: SharedKind::Replay, part: "part 0".into() };
            let change = SharedChange { account: demo(), name, base: Version(1), body: None };
            store.put_shared(change).await.unwrap();
        }
    }
}

/// Spoils a whole copy and has it compared again.
async fn compared<S: Moving>(target: S, half: &Half, which: Step) {
    target.mark(half).await.unwrap();
    spoil(&target, which).await;
    target.close().await.unwrap();
}

async fn assert_found(dir: &Path, urls: (&str, &str), which: Step) {
    let refused = copied(dir, urls).await.unwrap_err();
    let CopyError::Differs { count, listed } = refused else { panic!("{which:?}: {refused:?}") };
    let names = |differing: &Differing| differing.step == which && differing.account == demo();
    assert!(count > 0 && listed.iter().any(names), "{which:?}: {listed:?}");
    assert!(listed.iter().all(|differing| !differing.to_string().contains(STAYED)), "nobody is named: {listed:?}");
}

async fn assert_same(store: &impl Moving, was: &Everything) {
    assert_eq!(everything(store).await, *was);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_did_not_arrive_is_named_and_copied_anew() {
    let dir = tempfile::tempdir().unwrap();
    let was = fill(dir.path()).await;
    let server = RedisServer::start(&[]);
    let url = server.url();
    let there = ("embedded:", url.as_str());
    copied(dir.path(), there).await.unwrap();
    let back = beside(dir.path());
    let home = (url.as_str(), "embedded:");
    copied(back.path(), home).await.unwrap();
    let half = |from| Half {
        from,
        accounts: vec![demo()],
        stage: Stage::Filling { account: 0, step: Step::Shared, place: u64::from(u32::MAX) },
    };
    for which in Step::ALL {
        let origin = redis(dir.path(), &url).await.origin().await.unwrap();
        compared(embedded(back.path()), &half(origin), which).await;
        assert_found(back.path(), home, which).await;
        copied(back.path(), home).await.unwrap();
        assert_same(&embedded(back.path()), &was).await;
    }
    let source = fuwu::store::Embedded::open_read_only(&dir.path().join("data")).unwrap();
    let origin = source.origin().await.unwrap();
    drop(source);
    for which in Step::ALL {
        compared(redis(dir.path(), &url).await, &half(origin), which).await;
        assert_found(dir.path(), there, which).await;
        copied(dir.path(), there).await.unwrap();
        assert_same(&redis(dir.path(), &url).await, &was).await;
    }
}

/// As an operator sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_says_what_differs_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let server = RedisServer::start(&[]);
    let url = server.url();
    copied(dir.path(), ("embedded:", &url)).await.unwrap();
    let source = fuwu::store::Embedded::open_read_only(&dir.path().join("data")).unwrap();
    let (from, stage) =
        (source.origin().await.unwrap(), Stage::Filling { account: 0, step: Step::Shared, place: 99_999 });
    drop(source);
    compared(redis(dir.path(), &url).await, &Half { from, accounts: vec![demo()], stage }, Step::Counters).await;
    let asked = || run(dir.path(), &[], &["store", "copy", "--from", "embedded:", "--to", &url]);
    let refused = asked();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("run the same command again") && said.contains("Messages[1, 0] \"\": 0 at --from, 7 at --to"),
        "{said}"
    );
    let again = asked();
    assert!(again.status.success() && again.stdout.ends_with("equal on both sides\n".as_bytes()));
    // And once more, when there is nothing left to do.
    assert_eq!(asked().stdout, again.stdout);
}
