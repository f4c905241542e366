//! A copy that is killed anywhere goes on when it is asked again, and comes out the same.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use fuwu::store::{Half, Moving, Stage, Step, Store, open};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::rich::{everything, fill, key_of};
use super::{beside, copied, embedded, redis};
use crate::process::{fuwu, run};
use crate::redis_servers::RedisServer;
use crate::store_conformance::samples::{apply, commit, who};

fn command<'a>(from: &'a str, to: &'a str) -> [&'a str; 6] {
    ["store", "copy", "--from", from, "--to", to]
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Kills it so many times, each a little further on, then lets it come to its end. The answer: how often it was killed at
/// work.
fn killed(dir: &Path, (from, to): (&str, &str), (kills, within): (u32, Duration)) -> u32 {
    let (mut dice, mut at_work) = (StdRng::seed_from_u64(11), 0);
    for kill in 0..kills {
        let mut child =
            fuwu(dir, &[]).args(command(from, to)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // When it is killed is what is tried, so the pause decides nothing.
        std::thread::sleep(within.mul_f64(dice.random_range(0.3..1.3)));
        // Every third by Ctrl-C.
        if kill % 3 == 2 {
            let id = child.id().to_string();
            assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        } else {
            // It may have ended.
            let _ = child.kill();
        }
        let ended = child.wait().unwrap();
        if ended.code().is_some() {
            assert!(ended.success(), "it ended by itself: {ended:?}");
            break;
        }
        at_work += 1;
    }
    at_work
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_and_resumed_it_comes_out_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let was = fill(dir.path()).await;
    // How long one takes here, when nobody kills it.
    let trial = RedisServer::start(&[]);
    let since = Instant::now();
    let whole = run(dir.path(), &[], &command("embedded:", &trial.url()));
    assert!(whole.status.success(), "{}", said(&whole));
    let takes = since.elapsed();
    let (mut there, mut back) = (0, 0);
    for _ in 0..3 {
        let server = RedisServer::start(&[]);
        there += killed(dir.path(), ("embedded:", &server.url()), (4, takes));
        // It may be done by now, and then nothing is to be copied any more.
        let _ = run(dir.path(), &[], &command("embedded:", &server.url()));
        let store = redis(dir.path(), &server.url()).await;
        assert_eq!(everything(&store).await, was);
        store.close().await.unwrap();
        let other = beside(dir.path());
        back += killed(other.path(), (&server.url(), "embedded:"), (4, takes));
        let _ = run(other.path(), &[], &command(&server.url(), "embedded:"));
        assert_eq!(everything(&embedded(other.path())).await, was);
    }
    println!("killed at work {there} times on the way there, {back} times on the way back");
    assert!(there > 0 && back > 0, "it was killed too late: {there}, {back}");
}

/// Wherever the last page was taken in and the mark was not: the same pages again change nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_are_sent_again_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let was = fill(dir.path()).await;
    let server = RedisServer::start(&[]);
    copied(dir.path(), ("embedded:", &server.url())).await.unwrap();
    let origin = {
        let source = embedded(dir.path());
        source.origin().await.unwrap()
    };
    // The homes remember how far they are only until the end; so what is looked at here is a copy before its end.
    let half = RedisServer::start(&[]);
    let target = redis(dir.path(), &half.url()).await;
    target.mark(&Half { from: origin, accounts: vec!["demo".into()], stage: filling(Step::Records) }).await.unwrap();
    let source = redis(dir.path(), &server.url()).await;
    for again in 0..3 {
        send_all(&source, &target, again).await;
    }
    assert_eq!(everything(&target).await, was);
}

fn filling(step: Step) -> Stage {
    Stage::Filling { account: 0, step, place: 0 }
}

async fn send_all(source: &dyn Moving, target: &dyn Moving, again: usize) {
    use fuwu::store::{Content, Page};
    let account = "demo".into();
    let half = target.half().await.unwrap().unwrap();
    // Pages of other lengths each time.
    let length = 11 + 7 * again;
    let mut after = 0;
    loop {
        let page = source.kept(&account, after, length).await.unwrap();
        let Some(last) = page.last().map(|kept| kept.place) else { break };
        let page = Page { account: account.clone(), content: Content::Records(page), last };
        target.adopt(page, &half).await.unwrap();
        after = last;
    }
    after = 0;
    loop {
        let page = source.facts(&account, after, length).await.unwrap();
        let Some(last) = page.last().map(|logged| logged.seq) else { break };
        let page = Page { account: account.clone(), content: Content::Facts(page), last };
        target.adopt(page, &half).await.unwrap();
        after = last;
    }
    let aside = source.aside_after(&account, "", usize::MAX >> 40).await.unwrap();
    let aside = aside.into_iter().map(|(_, entry)| entry).collect();
    let mut shared = Vec::new();
    for kind in fuwu::store::SharedKind::all() {
        let records = source.shared_of(&account, kind).await.unwrap();
        shared.extend(records.into_iter().map(|(part, record)| (fuwu::store::SharedName { kind, part }, record)));
    }
    let numbers = source.numbers(&account).await.unwrap();
    let wholes = [
        Content::Counters(numbers.counters),
        Content::Journal(numbers.journal),
        Content::Residue(source.residue(&account).await.unwrap()),
        Content::Aside(aside),
        Content::Shared(shared),
    ];
    for content in wholes {
        let last = content.len() as u64;
        target.adopt(Page { account: account.clone(), content, last }, &half).await.unwrap();
    }
}

/// Somebody served from the source between the two halves of a copy: what was copied is outdated.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_source_was_used_meanwhile_the_copy_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let server = RedisServer::start(&[]);
    copied(dir.path(), ("embedded:", &server.url())).await.unwrap();
    let origin = {
        let from = fuwu::store::Embedded::open_read_only(&dir.path().join("data")).unwrap();
        from.origin().await.unwrap()
    };
    // As if it had been broken off near its end.
    let whole = redis(dir.path(), &server.url()).await;
    let half = Half { from: origin, accounts: vec!["demo".into()], stage: filling(Step::Shared) };
    whole.mark(&half).await.unwrap();
    let store = open("embedded:", &dir.path().join("data"), Default::default(), key_of(dir.path())).await.unwrap();
    apply(&*store, commit(&who("oCameMeanwhile"), 0)).await;
    store.close().await.unwrap();
    drop(store);
    copied(dir.path(), ("embedded:", &server.url())).await.unwrap();
    let was = everything(&embedded(dir.path())).await;
    assert!(was.records.contains_key("oCameMeanwhile"));
    assert_eq!(everything(&redis(dir.path(), &server.url()).await).await, was);
    // And the other way, into the file.
    let back = beside(dir.path());
    copied(back.path(), (&server.url(), "embedded:")).await.unwrap();
    let from = redis(dir.path(), &server.url()).await.origin().await.unwrap();
    let target = embedded(back.path());
    target.mark(&Half { from, accounts: vec!["demo".into()], stage: filling(Step::Facts) }).await.unwrap();
    target.close().await.unwrap();
    drop(target);
    let store = open(&server.url(), back.path(), Default::default(), key_of(dir.path())).await.unwrap();
    apply(&*store, commit(&who("oCameLater"), 0)).await;
    store.close().await.unwrap();
    copied(back.path(), (&server.url(), "embedded:")).await.unwrap();
    let was = everything(&redis(dir.path(), &server.url()).await).await;
    assert!(was.records.contains_key("oCameLater"));
    assert_eq!(everything(&embedded(back.path())).await, was);
}
