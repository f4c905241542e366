//! Many commits in one step.

use fuwu::growth::counter::Metric;
use fuwu::store::{
    Bulk, Commit, Committed, CustomerRef, Keep, Quarantined, SharedChange, SharedKind, SharedName, Store, Version,
};

use super::Engine;
use super::samples::{add, apply, commit, counters, customer, demo, fact, key, marks, who, work};

fn note(base: u64) -> SharedChange {
    let name = SharedName { kind: SharedKind::Replay, part: "file".into() };
    SharedChange { account: demo(), name, base: Version(base), body: Some(b"so far".to_vec()) }
}

fn unusable() -> Quarantined {
    Quarantined { account: demo(), arrived: fact(1).arrived, reason: "broken".into(), body: b"<xml>".to_vec() }
}

fn another_note() -> SharedChange {
    let SharedChange { account, name, base, body } = note(0);
    SharedChange { account, name: SharedName { part: "another".to_owned(), ..name }, base, body }
}

/// A commit with a fact, a counter and a piece of work.
fn full(openid: &str, base: u64, mark: u64) -> fuwu::store::Commit {
    fuwu::store::Commit {
        increments: vec![add(key(Metric::Messages, 1, 0), 1)],
        facts: vec![fact(mark)],
        outbox: vec![work(&mark.to_string(), 5)],
        ..commit(&who(openid), base)
    }
}

async fn seen(store: &dyn Store) -> (Vec<u64>, Vec<i64>, usize, u64, usize) {
    let mut facts = marks(&store.facts(&demo(), 0, 99).await.unwrap());
    // Of several customers, whose order is nobody's promise.
    facts.sort_unstable();
    let counted = counters(store, Metric::Messages).await.into_iter().map(|(_, n)| n).collect();
    let kept = store.quarantined(&demo(), 9).await.unwrap().len();
    let noted = store.shared(&demo(), &note(0).name).await.unwrap().version.0;
    let due = store.claim_due(work("", 9).due, 1, 99).await.unwrap().len();
    (facts, counted, kept, noted, due)
}

pub async fn a_bulk_is_applied_as_a_whole(engine: &impl Engine) {
    {
        let store = engine.open().await;
        apply(store.as_ref(), commit(&who("b"), 0)).await;
        let commits = vec![full("a", 0, 1), full("b", 1, 2), full("c", 0, 3)];
        let bulk = Bulk { commits, quarantined: vec![unusable()], notes: vec![note(0)] };
        assert_eq!(store.commit_all(bulk).await.unwrap(), Committed::Applied);
        store.close().await.unwrap();
    }
    let store = engine.open().await;
    assert_eq!(seen(store.as_ref()).await, (vec![1, 2, 3], vec![3], 1, 1, 3));
    let versions = store.load_all(&["c", "b", "nobody", "a"].map(who)).await.unwrap();
    assert_eq!(versions.iter().map(|stored| stored.version.0).collect::<Vec<_>>(), [1, 2, 0, 1]);
    assert_eq!(versions[1].customer, customer(2));
    assert_eq!(store.load_all(&[]).await.unwrap(), []);
}

pub async fn many_are_read_as_each_would_be(engine: &impl Engine) {
    let store = engine.open().await;
    let of = |account: &str, openid: &str| CustomerRef { account: account.into(), openid: openid.into() };
    for (nth, of) in [of("demo", "a"), of("other", "a"), of("other", "b"), of("demo", "left")].iter().enumerate() {
        for base in 0..=nth as u64 {
            apply(store.as_ref(), commit(of, base)).await;
        }
    }
    let left = of("demo", "left");
    apply(store.as_ref(), Commit { keep: Keep::Tombstone, ..commit(&left, 4) }).await;
    let asked =
        [of("other", "b"), of("demo", "b"), of("demo", "a"), left, of("none", "a"), of("other", "a"), of("demo", "a")];
    let many = store.load_all(&asked).await.unwrap();
    assert_eq!(many.iter().map(|stored| stored.version.0).collect::<Vec<_>>(), [3, 0, 1, 5, 0, 2, 1]);
    for (of, stored) in asked.iter().zip(many) {
        assert_eq!(store.load(of).await.unwrap(), stored);
    }
}

pub async fn a_bulk_with_one_outdated_base_changes_nothing(engine: &impl Engine) {
    let store = engine.open().await;
    apply(store.as_ref(), full("b", 0, 1)).await;
    let before = seen(store.as_ref()).await;
    for (commits, base) in [
        (vec![full("a", 0, 2), full("b", 0, 3), full("c", 0, 4)], 0),
        (vec![full("a", 0, 2), full("other", 7, 3)], 0),
        (vec![full("a", 0, 2), full("c", 0, 3)], 1),
    ] {
        let fresh = another_note();
        let bulk = Bulk { commits, quarantined: vec![unusable()], notes: vec![fresh.clone(), note(base)] };
        assert_eq!(store.commit_all(bulk).await.unwrap(), Committed::Stale);
        assert_eq!(store.shared(&demo(), &fresh.name).await.unwrap().version.0, 0);
        let after = seen(store.as_ref()).await;
        // The work of the very first commit is leased by the first look.
        assert_eq!((after.0, after.1, after.2, after.3), (before.0.clone(), before.1.clone(), before.2, before.3));
        assert_eq!(store.load(&who("a")).await.unwrap().version.0, 0);
    }
    let twice = Bulk { commits: vec![full("a", 0, 2)], notes: vec![note(0), note(0)], ..Bulk::default() };
    store.commit_all(twice).await.unwrap_err();
    assert_eq!(store.shared(&demo(), &note(0).name).await.unwrap().version.0, 0);
    // Places in the log that were taken back are given out again, and accounts are known again.
    let bulk = Bulk { commits: vec![full("a", 0, 5)], ..Bulk::default() };
    assert_eq!(store.commit_all(bulk).await.unwrap(), Committed::Applied);
    apply(store.as_ref(), full("d", 0, 6)).await;
    assert_eq!(seen(store.as_ref()).await.0, [1, 5, 6]);
}

pub async fn commits_of_one_customer_in_a_bulk_are_each_made_from_what_the_one_before_leaves(engine: &impl Engine) {
    let store = engine.open().await;
    apply(store.as_ref(), full("b", 0, 1)).await;
    let settling =
        |openid, base, mark, settled: &str| Commit { settled: vec![settled.into()], ..full(openid, base, mark) };
    let goes = |openid, base, mark| Commit { keep: Keep::Tombstone, ..full(openid, base, mark) };
    let vanishes = |openid, base, mark| Commit { keep: Keep::Nothing, ..full(openid, base, mark) };
    // The second one at odds with the first is a mistake of whoever made them: asking again would not help.
    for at_odds in [
        vec![full("b", 1, 7), full("b", 1, 8)],
        vec![full("b", 1, 7), full("b", 3, 8)],
        vec![full("a", 0, 7), full("a", 0, 8)],
        vec![full("a", 0, 7), full("b", 1, 8), settling("a", 1, 9, "none")],
        vec![settling("b", 1, 7, "1"), settling("b", 2, 8, "1")],
        vec![goes("b", 1, 7), settling("b", 2, 8, "1")],
        vec![goes("b", 1, 7), full("b", 1, 8)],
        vec![vanishes("b", 1, 7), full("b", 2, 8)],
    ] {
        let bulk = Bulk { commits: at_odds.clone(), notes: vec![note(0)], ..Bulk::default() };
        assert!(store.commit_all(bulk).await.is_err(), "{at_odds:?}");
        let (facts, counted, _, noted, _) = seen(store.as_ref()).await;
        assert_eq!((facts, counted, noted), (vec![1], vec![1], 0), "{at_odds:?}");
        assert_eq!(store.load(&who("b")).await.unwrap().version.0, 1);
    }
    // What the first one asks for the second may settle; whoever has gone begins anew.
    let commits = vec![
        settling("b", 1, 2, "1"),
        settling("b", 2, 3, "2"),
        goes("b", 3, 4),
        full("b", 4, 5),
        vanishes("a", 0, 6),
        full("a", 0, 7),
        settling("a", 1, 8, "7"),
    ];
    assert_eq!(store.commit_all(Bulk { commits, ..Bulk::default() }).await.unwrap(), Committed::Applied);
    let (facts, counted, ..) = seen(store.as_ref()).await;
    assert_eq!((facts, counted), ((1..=8).collect(), vec![8]));
    let held = async |of| store.held(&of).await.unwrap().unwrap();
    let works =
        |held: fuwu::store::Held| -> Vec<String> { held.outbox.iter().map(|work| work.id.to_string()).collect() };
    let (b, a) = (held(who("b")).await, held(who("a")).await);
    assert_eq!(b.stored.version.0, 5);
    assert_eq!((works(b), works(a)), (vec!["5".to_owned()], vec!["8".to_owned()]));
}

pub async fn all_numbers_are_read_at_one_instant(engine: &impl Engine) {
    let store = engine.open().await;
    assert_eq!(store.numbers(&demo()).await.unwrap(), Default::default());
    let mut late = full("a", 0, 1);
    late.increments.push(add(key(Metric::Gap, 3, -1), 2));
    late.increments[1].late_on = Some(fuwu::domain::time::BusinessDay(4));
    late.increments.push(add(key(Metric::Votes, 0, 0), 0));
    apply(store.as_ref(), late).await;
    let elsewhere = fuwu::store::CustomerRef { account: "other".into(), openid: "a".into() };
    apply(store.as_ref(), fuwu::store::Commit { facts: vec![fact(9)], ..commit(&elsewhere, 0) }).await;
    let numbers = store.numbers(&demo()).await.unwrap();
    assert_eq!(numbers.counters, [(key(Metric::Gap, 3, -1), 2), (key(Metric::Messages, 1, 0), 1)]);
    assert_eq!(numbers.journal, [(fuwu::domain::time::BusinessDay(4), key(Metric::Gap, 3, -1), 2)]);
    let seq = store.facts(&demo(), 0, 9).await.unwrap()[0].seq;
    assert!(numbers.facts.iter().any(|places| places.contains(&seq) && *places.end() == seq), "{:?}", numbers.facts);
}

pub async fn facts_of_one_record_carry_one_number(engine: &impl Engine) {
    let store = engine.open().await;
    for (openid, base, mark) in [("a", 0, 1), ("b", 0, 2), ("a", 1, 3), ("b", 1, 4)] {
        apply(store.as_ref(), full(openid, base, mark)).await;
    }
    let facts = store.facts(&demo(), 0, 9).await.unwrap();
    let of = |openid: &str| -> Vec<u64> {
        facts.iter().filter(|logged| logged.of == who(openid)).map(|logged| logged.customer).collect()
    };
    let (a, b) = (of("a"), of("b"));
    assert!(a[0] == a[1] && b[0] == b[1] && a[0] != b[0], "{facts:?}");
}
