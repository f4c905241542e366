use std::collections::BTreeSet;

use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use fuwu::domain::work::{Task, Work};
use fuwu::store::{Claimed, Commit, Committed, Store, Version};

use super::Engine;
use super::samples::{apply, commit, who, work};

fn ids(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| claimed.work.id.as_str()).collect()
}

async fn claim(store: &dyn Store, now: i64) -> Vec<Claimed> {
    store.claim_due(UnixSecs(now), 60, 99).await.unwrap()
}

pub async fn work_of_one_name_is_one_work(engine: &dyn Engine) {
    let store = engine.open().await;
    let other = Work { task: Task::Send(Reply::Silent), due: UnixSecs(1), ..work("w", 1) };
    apply(&*store, Commit { outbox: vec![work("w", 10), other.clone()], ..commit(&who("o1"), 0) }).await;
    apply(&*store, Commit { outbox: vec![other], ..commit(&who("o1"), 1) }).await;
    apply(&*store, Commit { outbox: vec![work("w", 20)], ..commit(&who("o2"), 0) }).await;
    let claimed = claim(&*store, 100).await;
    assert_eq!(claimed[0], Claimed { of: who("o1"), work: work("w", 10), attempt: 1, lease_ends: UnixSecs(160) });
    assert_eq!(claimed[1], Claimed { of: who("o2"), work: work("w", 20), attempt: 1, lease_ends: UnixSecs(160) });
    assert_eq!(claimed.len(), 2);
    // Also while it is leased.
    apply(&*store, Commit { outbox: vec![work("w", 1)], ..commit(&who("o1"), 2) }).await;
    assert_eq!(claim(&*store, 100).await, []);
}

pub async fn work_is_handed_out_when_due_and_in_that_order(engine: &dyn Engine) {
    let store = engine.open().await;
    let first = vec![work("c", 30), work("a", 10), work("late", 101), work("b1", 20)];
    apply(&*store, Commit { outbox: first, ..commit(&who("o1"), 0) }).await;
    apply(&*store, Commit { outbox: vec![work("b2", 20), work("d", 100)], ..commit(&who("o2"), 0) }).await;
    assert_eq!(claim(&*store, 9).await, []);
    assert_eq!(ids(&store.claim_due(UnixSecs(100), 60, 2).await.unwrap()), ["a", "b1"]);
    assert_eq!(ids(&claim(&*store, 100).await), ["b2", "c", "d"]);
    assert_eq!(claim(&*store, 100).await, []);
    assert_eq!(ids(&claim(&*store, 101).await), ["late"]);
}

pub async fn leased_work_comes_back_when_nobody_settles_it(engine: &dyn Engine) {
    let store = engine.open().await;
    apply(&*store, Commit { outbox: vec![work("w", 10)], ..commit(&who("o1"), 0) }).await;
    assert_eq!(claim(&*store, 10).await[0].attempt, 1);
    assert_eq!(claim(&*store, 69).await, []);
    let again = claim(&*store, 70).await;
    assert_eq!(again, [Claimed { of: who("o1"), work: work("w", 10), attempt: 2, lease_ends: UnixSecs(130) }]);
}

pub async fn deferred_work_waits_until_then(engine: &dyn Engine) {
    let store = engine.open().await;
    apply(&*store, Commit { outbox: vec![work("w", 10), work("x", 11)], ..commit(&who("o1"), 0) }).await;
    let claimed = claim(&*store, 20).await;
    store.defer(&who("o1"), &claimed[0], UnixSecs(500)).await.unwrap();
    store.defer(&who("o1"), &claimed[1], UnixSecs(30)).await.unwrap();
    // Sooner than the lease is allowed too.
    assert_eq!(ids(&claim(&*store, 30).await), ["x"]);
    assert_eq!(ids(&claim(&*store, 499).await), ["x"]);
    let late = claim(&*store, 500).await;
    assert_eq!(late, [Claimed { of: who("o1"), work: work("w", 10), attempt: 2, lease_ends: UnixSecs(560) }]);
}

pub async fn an_overtaken_claim_defers_nothing(engine: &dyn Engine) {
    let store = engine.open().await;
    apply(&*store, Commit { outbox: vec![work("w", 10)], ..commit(&who("o1"), 0) }).await;
    apply(&*store, Commit { outbox: vec![work("w", 1_000)], ..commit(&who("o2"), 0) }).await;
    let overtaken = claim(&*store, 10).await.remove(0);
    let holder = claim(&*store, 70).await.remove(0);
    store.defer(&who("o1"), &overtaken, UnixSecs(71)).await.unwrap();
    assert_eq!(claim(&*store, 129).await, []);
    store.defer(&who("o2"), &holder, UnixSecs(72)).await.unwrap();
    assert_eq!(claim(&*store, 129).await, [], "somebody else's work of the same name");
    store.defer(&who("o1"), &holder, UnixSecs(75)).await.unwrap();
    assert_eq!(claim(&*store, 75).await[0].attempt, 3);
    // What is gone is gone.
    apply(&*store, Commit { settled: vec!["w".into()], ..commit(&who("o1"), 1) }).await;
    store.defer(&who("o1"), &holder, UnixSecs(80)).await.unwrap();
    assert_eq!(claim(&*store, 500).await, []);
}

pub async fn settled_work_is_gone(engine: &dyn Engine) {
    let store = engine.open().await;
    apply(&*store, Commit { outbox: vec![work("w", 10), work("x", 10)], ..commit(&who("o1"), 0) }).await;
    apply(&*store, Commit { outbox: vec![work("w", 10)], ..commit(&who("o2"), 0) }).await;
    assert_eq!(claim(&*store, 10).await.len(), 3);
    apply(&*store, Commit { settled: vec!["w".into()], ..commit(&who("o1"), 1) }).await;
    let left = claim(&*store, 70).await;
    assert_eq!(
        left.iter().map(|c| (c.of.openid.as_str(), c.work.id.as_str())).collect::<Vec<_>>(),
        [("o1", "x"), ("o2", "w")]
    );
    // The name is free again.
    apply(&*store, Commit { outbox: vec![work("w", 11)], ..commit(&who("o1"), 2) }).await;
    let fresh = Claimed { of: who("o1"), work: work("w", 11), attempt: 1, lease_ends: UnixSecs(130) };
    assert_eq!(claim(&*store, 70).await, [fresh]);
}

pub async fn work_that_two_workers_did_has_one_effect(engine: &dyn Engine) {
    let store = engine.open().await;
    apply(&*store, Commit { outbox: vec![work("w", 10), work("x", 10)], ..commit(&who("o1"), 0) }).await;
    let done = |base| Commit { settled: vec!["x".into(), "w".into()], ..commit(&who("o1"), base) };
    apply(&*store, done(1)).await;
    assert_eq!(store.commit(done(2)).await.unwrap(), Committed::Settled, "the second worker, after it loaded again");
    assert_eq!(store.load(&who("o1")).await.unwrap().version, Version(2));
    let unheard_of = Commit { settled: vec!["w".into()], ..commit(&who("nobody"), 0) };
    assert_eq!(store.commit(unheard_of).await.unwrap(), Committed::Settled);
    assert_eq!(store.load(&who("nobody")).await.unwrap().version, Version(0), "nothing was changed");
}

pub async fn work_settled_and_asked_for_anew_is_fresh(engine: &dyn Engine) {
    let store = engine.open().await;
    apply(&*store, Commit { outbox: vec![work("w", 10)], ..commit(&who("o1"), 0) }).await;
    claim(&*store, 10).await;
    let anew = Commit { outbox: vec![work("w", 20)], settled: vec!["w".into()], ..commit(&who("o1"), 1) };
    apply(&*store, anew).await;
    let fresh = Claimed { of: who("o1"), work: work("w", 20), attempt: 1, lease_ends: UnixSecs(80) };
    assert_eq!(claim(&*store, 20).await, [fresh]);
}

pub async fn claimants_never_share_work(engine: &dyn Engine) {
    let store = engine.open().await;
    for n in 0..20 {
        let outbox = (0..10).map(|m| work(&format!("{n}/{m}"), m)).collect();
        apply(&*store, Commit { outbox, ..commit(&who(&format!("o{n}")), 0) }).await;
    }
    let claimant = |_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let some = store.claim_due(UnixSecs(100), 60, 7).await.unwrap();
                if some.is_empty() {
                    return mine;
                }
                assert!(some.len() <= 7);
                mine.extend(some.into_iter().map(|claimed| claimed.work.id.as_str().to_owned()));
            }
        })
    };
    let claims = futures_util::future::join_all((0..8).map(claimant)).await;
    let all: Vec<String> = claims.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (200, 200));
}

pub async fn the_next_due_moment_is_known(engine: &dyn Engine) {
    let store = engine.open().await;
    assert_eq!(store.next_due().await.unwrap(), None);
    apply(&*store, Commit { outbox: vec![work("w", 50), work("x", 40)], ..commit(&who("o1"), 0) }).await;
    assert_eq!(store.next_due().await.unwrap(), Some(UnixSecs(40)));
    assert_eq!(ids(&claim(&*store, 40).await), ["x"]);
    assert_eq!(store.next_due().await.unwrap(), Some(UnixSecs(50)));
    apply(&*store, Commit { settled: vec!["w".into()], ..commit(&who("o1"), 1) }).await;
    assert_eq!(store.next_due().await.unwrap(), Some(UnixSecs(100)), "the end of the lease");
    apply(&*store, Commit { settled: vec!["x".into()], ..commit(&who("o1"), 2) }).await;
    assert_eq!(store.next_due().await.unwrap(), None);
}

pub async fn work_past_its_use_is_still_handed_out(engine: &dyn Engine) {
    let store = engine.open().await;
    apply(&*store, Commit { outbox: vec![work("w", 10)], ..commit(&who("o1"), 0) }).await;
    assert_eq!(ids(&claim(&*store, 1_000_000).await), ["w"]);
}
