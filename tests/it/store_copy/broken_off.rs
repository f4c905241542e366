//! A copy that is killed anywhere goes on when it is asked again, and comes out the same.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::task::Poll;
use std::time::{Duration, Instant};

use fuwu::store::{Bulk, Commit, Committed, Half, Moving, Stage, Step, Store, open};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::rich::{everything, fill, key_of};
use super::{beside, copied, embedded, redis};
use crate::process::{fuwu, run};
use crate::redis_servers::RedisServer;
use crate::store_conformance::samples::{apply, commit, fact, who};

fn command<'a>(from: &'a str, to: &'a str) -> [&'a str; 6] {
    ["store", "copy", "--from", from, "--to", to]
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Kills it so many times, and then lets it come to its end. The answer: how often it was at work when it was killed.
fn killed(dir: &Path, (from, to): (&str, &str), (kills, takes): (usize, Duration)) -> usize {
    let (mut dice, mut at_work) = (StdRng::seed_from_u64(11), 0);
    for kill in 0..kills {
        let mut copying =
            fuwu(dir, &[]).args(command(from, to)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // When it is killed is what is tried, so the pause decides nothing.
        std::thread::sleep(takes.mul_f64(dice.random_range(0.05..0.9)));
        // Every third by Ctrl-C.
        let signal = if kill % 3 == 2 { "-INT" } else { "-KILL" };
        // It may have ended.
        let _ = Command::new("kill").args([signal, &copying.id().to_string()]).status();
        let ended = copying.wait().unwrap();
        match ended.code() {
            Some(_) => {
                assert!(ended.success(), "it ended by itself: {ended:?}");
                return at_work;
            }
            None => at_work += 1,
        }
    }
    let ended = run(dir, &[], &command(from, to));
    assert!(ended.status.success(), "{}", said(&ended));
    at_work
}

/// Kills in each direction; `FUWU_KILLS=100` makes a soak of it.
fn kills() -> usize {
    std::env::var("FUWU_KILLS").map_or(4, |kills| kills.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_and_resumed_it_comes_out_the_same() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    many(dir.path()).await;
    let was = everything(&embedded(dir.path())).await;
    // How long one takes here, when nobody kills it.
    let (trial, back) = (RedisServer::start(&[]), beside(dir.path()));
    let mut takes = Vec::new();
    for (dir, from, to) in [(dir.path(), "embedded:", &*trial.url()), (back.path(), &*trial.url(), "embedded:")] {
        let since = Instant::now();
        let whole = run(dir, &[], &command(from, to));
        assert!(whole.status.success(), "{}", said(&whole));
        takes.push(since.elapsed());
    }
    let server = RedisServer::start(&[]);
    let there = killed(dir.path(), ("embedded:", &server.url()), (kills(), takes[0]));
    let store = redis(dir.path(), &server.url()).await;
    assert_eq!(everything(&store).await, was);
    store.close().await.unwrap();
    let other = beside(dir.path());
    let back = killed(other.path(), (&server.url(), "embedded:"), (kills(), takes[1]));
    assert_eq!(everything(&embedded(other.path())).await, was);
    println!("killed at work {there} times on the way there, {back} times on the way back, of {takes:?}");
    assert!(there > 0 && back > 0, "it was killed too late: {there}, {back}");
}

/// So many more customers that a copy takes its time.
async fn many(dir: &Path) {
    let store = embedded(dir);
    for some in 0..6 {
        let commits = (0..500).map(|n| {
            let facts = (0..3).map(fact).collect();
            Commit { facts, ..commit(&who(&format!("oMany{some:02}_{n:04}")), 0) }
        });
        let bulk = Bulk { commits: commits.collect(), ..Bulk::default() };
        assert_eq!(store.commit_all(bulk).await.unwrap(), Committed::Applied);
    }
    store.close().await.unwrap();
}

/// Polls it so many times and no more: whatever it waited for then, it was broken off there.
async fn polled<T>(copying: impl Future<Output = T>, (polls, used): (usize, &mut usize)) -> Option<T> {
    let mut copying = std::pin::pin!(copying);
    std::future::poll_fn(|context| {
        if *used == polls {
            return Poll::Ready(None);
        }
        *used += 1;
        copying.as_mut().poll(context).map(Some)
    })
    .await
}

/// Begins again and again until it is done, broken off after ever other numbers of polls; how often that was.
async fn broken(
    dir: &Path,
    urls: (&str, &str),
    (dice, longest): (&mut StdRng, usize),
    servers: &[&RedisServer],
) -> usize {
    let mut times = 0;
    loop {
        let polls = dice.random_range(1..=longest);
        if let Some(done) = polled(copied(dir, urls), (polls, &mut 0)).await {
            done.unwrap();
            return times;
        }
        times += 1;
        for server in servers {
            // As if the seconds had passed that a copy which ended without a word is waited for.
            server.ask(&["DEL", "{fuwu}:copying:"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_off_at_any_request_and_resumed_it_comes_out_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let was = fill(dir.path()).await;
    let (trial, mut whole) = (RedisServer::start(&[]), 0);
    polled(copied(dir.path(), ("embedded:", &trial.url())), (usize::MAX, &mut whole)).await.unwrap().unwrap();
    let (mut dice, mut times, rounds) = (StdRng::seed_from_u64(5), 0, kills().div_ceil(4));
    for _ in 0..rounds {
        let (first, second) = (RedisServer::start(&[]), RedisServer::start(&[]));
        let servers = [&first, &second];
        let urls = [first.url(), second.url()];
        times += broken(dir.path(), ("embedded:", &urls[0]), (&mut dice, whole), &servers).await;
        assert_eq!(everything(&redis(dir.path(), &urls[0]).await).await, was);
        times += broken(dir.path(), (&urls[0], &urls[1]), (&mut dice, whole), &servers).await;
        assert_eq!(everything(&redis(dir.path(), &urls[1]).await).await, was);
        let back = beside(dir.path());
        times += broken(back.path(), (&urls[1], "embedded:"), (&mut dice, whole), &servers).await;
        assert_eq!(everything(&embedded(back.path())).await, was);
    }
    println!("broken off {times} times in {} copies of {whole} polls", rounds * 3);
    assert!(times > rounds, "it was hardly broken off: {times}");
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
