use std::collections::BTreeMap;

use fuwu::domain::customer::{Customer, Follow};
use fuwu::domain::fact::{Fact, FactKind};
use fuwu::domain::ids::{DedupeKey, Openid};
use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::growth::counter::{CounterKey, Increment, Metric};
use fuwu::growth::lateness::Lateness;
use fuwu::growth::record::record;
use fuwu::growth::residue::contribution;
use fuwu::store::{Bulk, Commit, Committed, CustomerRef, Erasure, Keep, Quarantined, Spent, Store, Stored, Version};

use super::Engine;
use super::samples::{apply, commit, customer, demo, fact, marks, who, work};

/// 2026-03-02 10:00:00 +08:00.
const MORNING: UnixSecs = UnixSecs(1_772_416_800);

/// What happens on a day after that Monday, and arrives at once.
fn on(day: i64, what: FactKind) -> Fact {
    let at = MORNING.plus_secs(day * 86_400);
    Fact { at, arrived: at, key: DedupeKey(at.0.unsigned_abs()), playbook: "p".into(), what }
}

fn unanswered(text: &str) -> FactKind {
    FactKind::Unanswered { text: text.into() }
}

fn followed() -> FactKind {
    FactKind::Followed { scene: None, channel: Default::default() }
}

/// Commits a fact as the shell does: record and counters follow from it.
async fn happen(store: &dyn Store, of: &CustomerRef, fact: Fact, keep: Keep) {
    let Stored { version, customer: mut after } = store.load(of).await.unwrap();
    let increments = record(&mut after, std::slice::from_ref(&fact), Lateness::default()).increments;
    let commit = Commit { customer: after, increments, facts: vec![fact], keep, ..commit(of, version.0) };
    apply(store, commit).await;
}

type Cells = BTreeMap<CounterKey, i64>;
type Late = Vec<(BusinessDay, CounterKey, i64)>;

async fn counted(store: &dyn Store) -> (Cells, Late) {
    let mut cells = Cells::new();
    for metric in Metric::all() {
        cells.extend(super::samples::counters(store, metric).await);
    }
    let journal = store.journal(&demo(), BusinessDay(0), BusinessDay(99_999)).await.unwrap();
    (cells, journal.into_iter().filter(|(_, _, by)| *by != 0).collect())
}

/// The counters and the journal as the facts and the residue make them.
async fn rebuilt(store: &dyn Store) -> (Cells, Late) {
    let mut facts = BTreeMap::<Openid, Vec<Fact>>::new();
    for logged in store.facts(&demo(), 0, usize::MAX).await.unwrap() {
        facts.entry(logged.of.openid).or_default().push(logged.fact);
    }
    let (mut cells, mut journal) = (Cells::new(), BTreeMap::new());
    let all = facts
        .values()
        .flat_map(|facts| contribution(facts, Lateness::default()))
        .chain(store.residue(&demo()).await.unwrap());
    for Increment { key, by, late_on } in all {
        if let Some(day) = late_on {
            *journal.entry((day, key.clone())).or_insert(0) += by;
        }
        *cells.entry(key).or_default() += by;
    }
    cells.retain(|_, by| *by != 0);
    // A delivery that could not be read has no fact: it was counted when it was set aside.
    cells.extend(super::samples::counters(store, Metric::Quarantined).await);
    (cells, journal.into_iter().filter(|(_, by)| *by != 0).map(|((day, key), by)| (day, key, by)).collect())
}

/// Without the words that something was counted by.
fn wordless(cells: &Cells) -> Cells {
    let mut all = Cells::new();
    for (key, by) in cells {
        let dimension = if key.metric == Metric::Unanswered { String::new() } else { key.dimension.clone() };
        *all.entry(CounterKey { dimension, ..key.clone() }).or_default() += by;
    }
    all
}

fn record_of(first_day: i32) -> Customer {
    let follow =
        Follow { first_day: Some(BusinessDay(first_day)), changed_at: Some(UnixSecs(99)), ..Follow::default() };
    Customer { follow, ..Customer::default() }
}

pub async fn a_tombstone_is_found_by_its_openid_and_bears_another_name(engine: &dyn Engine) {
    let store = engine.open().await;
    let of = who("oA");
    apply(&*store, Commit { facts: vec![fact(1)], ..commit(&of, 0) }).await;
    apply(&*store, Commit { customer: record_of(7), keep: Keep::Tombstone, facts: vec![fact(2)], ..commit(&of, 1) })
        .await;
    assert_eq!(store.load(&of).await.unwrap(), Stored { version: Version(2), customer: record_of(7) });
    for base in [0, 1, 3] {
        for keep in [Keep::Known, Keep::Tombstone, Keep::Nothing] {
            let stale = Commit { keep, ..commit(&of, base) };
            assert_eq!(store.commit(stale).await.unwrap(), Committed::Stale, "from {base}");
        }
    }
    let facts = store.facts(&demo(), 0, 9).await.unwrap();
    assert_eq!(marks(&facts), [1, 2]);
    assert!(facts.iter().all(|logged| logged.of.openid.as_str().starts_with('~') && logged.of == facts[0].of));
    store.close().await.unwrap();

    let store = engine.open().await;
    assert_eq!(store.load(&of).await.unwrap().version, Version(2));
    assert_eq!(store.load(&CustomerRef { account: "other".into(), ..of.clone() }).await.unwrap(), Stored::default());
    apply(&*store, Commit { facts: vec![fact(3)], ..commit(&of, 2) }).await;
    let facts = store.facts(&demo(), 0, 9).await.unwrap();
    assert!(facts.iter().all(|logged| logged.of == of), "who comes back has their name again: {facts:?}");
    assert_eq!(store.load(&of).await.unwrap().version, Version(3));
}

pub async fn what_is_kept_of_nobody_is_found_by_nobody(engine: &dyn Engine) {
    let store = engine.open().await;
    let of = who("oA");
    apply(&*store, Commit { facts: vec![fact(1)], ..commit(&of, 0) }).await;
    apply(
        &*store,
        Commit { customer: Customer::default(), keep: Keep::Nothing, facts: vec![fact(2)], ..commit(&of, 1) },
    )
    .await;
    assert_eq!(store.load(&of).await.unwrap(), Stored::default());
    assert_eq!(store.commit(commit(&of, 2)).await.unwrap(), Committed::Stale);
    apply(&*store, Commit { facts: vec![fact(3)], ..commit(&of, 0) }).await;
    let facts = store.facts(&demo(), 0, 9).await.unwrap();
    assert_eq!(marks(&facts), [1, 2, 3]);
    assert!(facts[0].of.openid.as_str().starts_with('!') && facts[0].of == facts[1].of);
    assert_eq!(facts[2].of, of);
}

pub async fn deliveries_of_nobody_stay_known(engine: &dyn Engine) {
    let store = engine.open().await;
    let of = who("oA");
    apply(&*store, commit(&of, 0)).await;
    let spent = [1, 2].map(|n| Spent { key: DedupeKey(n), at: MORNING }).to_vec();
    let gone = Commit { customer: Customer::default(), keep: Keep::Nothing, spent, ..commit(&of, 1) };
    apply(&*store, gone.clone()).await;
    let known = async |store: &dyn Store, of: &CustomerRef| {
        let asked = [1, 2, 3].map(async |n| store.is_spent(of, DedupeKey(n)).await.unwrap());
        futures_util::future::join_all(asked).await
    };
    assert_eq!(known(&*store, &of).await, [true, true, false]);
    // The same once more, of a customer who is as unknown as the first one is now, and in a bulk.
    apply(&*store, commit(&of, 0)).await;
    let base = store.load(&of).await.unwrap().version;
    let bulk = Bulk { commits: vec![Commit { base, ..gone }], ..Bulk::default() };
    assert_eq!(store.commit_all(bulk).await.unwrap(), Committed::Applied);
    drop(store);
    let store = engine.open().await;
    assert_eq!(known(&*store, &of).await, [true, true, false]);
    let elsewhere = CustomerRef { account: "other".into(), ..of };
    assert_eq!(known(&*store, &elsewhere).await, [false; 3]);
}

pub async fn somebody_whose_first_word_is_a_goodbye_is_a_tombstone_at_once(engine: &dyn Engine) {
    let store = engine.open().await;
    apply(&*store, Commit { keep: Keep::Tombstone, ..commit(&who("oA"), 0) }).await;
    assert_eq!(store.commit(commit(&who("oA"), 0)).await.unwrap(), Committed::Stale);
    assert_eq!(store.load(&who("oA")).await.unwrap().version, Version(1));
}

pub async fn a_burial_drops_outgoing_work_and_words_and_the_counters_agree(engine: &dyn Engine) {
    let store = engine.open().await;
    let of = who("oA");
    happen(&*store, &of, on(0, unanswered("月球套餐有吗")), Keep::Known).await;
    happen(&*store, &who("oB"), on(0, unanswered("月球套餐有吗")), Keep::Known).await;
    let waiting = Commit { outbox: vec![work("w", 10)], ..commit(&of, 1) };
    apply(&*store, waiting).await;
    let before = counted(&*store).await;
    let last = on(1, unanswered("再见"));
    happen(&*store, &of, last, Keep::Tombstone).await;
    assert_eq!(store.next_due().await.unwrap(), None);
    let facts = store.facts(&demo(), 0, 9).await.unwrap();
    let (left, kept): (Vec<_>, Vec<_>) = facts.iter().partition(|logged| logged.of != who("oB"));
    assert!(left.len() == 2 && left.iter().all(|logged| logged.fact.what == unanswered("")), "{facts:?}");
    assert_eq!(kept.iter().map(|logged| &logged.fact.what).collect::<Vec<_>>(), [&unanswered("月球套餐有吗")]);
    let after = counted(&*store).await;
    assert_eq!(after, rebuilt(&*store).await);
    let of_day = |cells: &Cells, day| -> i64 {
        cells.iter().filter(|(key, _)| key.metric == Metric::Unanswered && key.a == day).map(|(_, by)| by).sum()
    };
    let day = MORNING.business_day().0;
    assert_eq!(of_day(&before.0, day), of_day(&after.0, day));
    assert!(!after.0.keys().any(|key| key.dimension.contains("再见")));
    let kept = Commit { outbox: vec![work("late", 10)], keep: Keep::Tombstone, ..commit(&of, 3) };
    apply(&*store, kept).await;
    assert_eq!(store.next_due().await.unwrap(), None, "nor does a tombstone get any");
}

pub async fn somebody_who_is_away_and_heard_of_again_in_one_bulk_loses_their_words_once(engine: &dyn Engine) {
    let store = engine.open().await;
    let of = who("oA");
    happen(&*store, &of, on(0, unanswered("月球套餐有吗")), Keep::Known).await;
    let Stored { version, mut customer } = store.load(&of).await.unwrap();
    let mut commits = Vec::new();
    for (n, words) in [(1, "再见"), (2, "还有")] {
        let fact = on(n, unanswered(words));
        let increments = record(&mut customer, std::slice::from_ref(&fact), Lateness::default()).increments;
        let base = version.0 + commits.len() as u64;
        let keep = Keep::Tombstone;
        commits.push(Commit { customer: customer.clone(), increments, facts: vec![fact], keep, ..commit(&of, base) });
    }
    let bulk = Bulk { commits, ..Bulk::default() };
    assert_eq!(store.commit_all(bulk).await.unwrap(), Committed::Applied);
    let facts = store.facts(&demo(), 0, 9).await.unwrap();
    assert!(facts.len() == 3 && facts.iter().all(|logged| logged.fact.what == unanswered("")), "{facts:?}");
    assert_eq!(counted(&*store).await, rebuilt(&*store).await);
}

pub async fn a_pseudonym_is_handed_in_like_an_openid(engine: &dyn Engine) {
    let store = engine.open().await;
    for (openid, keep) in [("oA", Keep::Tombstone), ("oB", Keep::Nothing)] {
        apply(&*store, Commit { keep, facts: vec![fact(1)], ..commit(&who(openid), 0) }).await;
        let name = store.facts(&demo(), 0, 9).await.unwrap().pop().unwrap().of;
        assert_eq!(store.load(&name).await.unwrap().version, Version(1));
        apply(&*store, Commit { facts: vec![fact(2)], ..commit(&name, 1) }).await;
        apply(&*store, Commit { facts: vec![fact(2)], keep: Keep::Tombstone, ..commit(&name, 2) }).await;
        assert_eq!(store.facts(&demo(), 0, 9).await.unwrap().pop().unwrap().of, name, "its openid is not known");
        assert_eq!(store.load(&name).await.unwrap().version, Version(3));
    }
    assert_eq!(store.load(&who("oA")).await.unwrap().version, Version(3));
}

fn aside(body: &str) -> Quarantined {
    Quarantined { account: demo(), arrived: UnixSecs(1), reason: "time".into(), body: body.as_bytes().to_vec() }
}

pub async fn everything_held_of_a_customer_is_told(engine: &dyn Engine) {
    let store = engine.open().await;
    assert_eq!(store.held(&who("oA")).await.unwrap(), None);
    apply(&*store, Commit { facts: vec![fact(1)], outbox: vec![work("w", 10)], ..commit(&who("oA"), 0) }).await;
    apply(&*store, Commit { facts: vec![fact(2)], outbox: vec![work("x", 10)], ..commit(&who("oB"), 0) }).await;
    apply(&*store, Commit { facts: vec![fact(3)], ..commit(&who("oA"), 1) }).await;
    for body in ["<a>oA</a>", "<a>oAB</a>", "<a>oB</a>"] {
        store.quarantine(aside(body)).await.unwrap();
    }
    let held = store.held(&who("oA")).await.unwrap().unwrap();
    assert_eq!((held.stored.version, held.stored.customer), (Version(2), customer(2)));
    assert_eq!(marks(&held.facts), [1, 3]);
    assert_eq!((held.outbox, held.quarantined), (vec![work("w", 10)], vec![aside("<a>oA</a>")]));
    let buried = Commit { keep: Keep::Tombstone, ..commit(&who("oA"), 2) };
    apply(&*store, buried).await;
    assert_eq!(marks(&store.held(&who("oA")).await.unwrap().unwrap().facts), [1, 3]);
}

/// Customers who live through everything that is counted, the middle one under every name in turn.
async fn live(store: &dyn Store, buried: Keep) {
    for openid in ["oA", "oB", "oC"] {
        let of = who(openid);
        happen(store, &of, on(0, followed()), Keep::Known).await;
        happen(store, &of, on(0, FactKind::Tapped { key: "plan".into() }), Keep::Known).await;
        happen(store, &of, on(0, FactKind::Messaged), Keep::Known).await;
        happen(store, &of, on(3, FactKind::Messaged), Keep::Known).await;
        happen(store, &of, on(3, unanswered(&format!("{openid} 住在幸福路"))), Keep::Known).await;
        let late = Fact { arrived: on(3, followed()).at, ..on(2, FactKind::Messaged) };
        happen(store, &of, late, Keep::Known).await;
        let vote = FactKind::Voted { action: "topic".into(), topic: "w1".into(), option: "a".into() };
        happen(store, &of, on(4, vote), Keep::Known).await;
    }
    happen(store, &who("oB"), on(5, FactKind::Unfollowed), buried).await;
}

pub async fn erasing_takes_everything_away_and_changes_no_number(engine: &dyn Engine) {
    let store = engine.open().await;
    live(&*store, Keep::Known).await;
    store.quarantine(aside("<a>oB</a>")).await.unwrap();
    store.quarantine(aside("<a>oBB</a>")).await.unwrap();
    let waiting = store.load(&who("oB")).await.unwrap().version.0;
    apply(&*store, Commit { outbox: vec![work("w", 10)], ..commit(&who("oB"), waiting) }).await;
    let before = counted(&*store).await;
    assert_eq!(before, rebuilt(&*store).await);
    let last = store.facts(&demo(), 0, usize::MAX).await.unwrap().pop().unwrap();
    assert_eq!(last.of, who("oB"), "the last number is one of theirs");

    assert!(store.erase(&who("oB")).await.unwrap());
    assert_eq!(
        (store.load(&who("oB")).await.unwrap(), store.held(&who("oB")).await.unwrap()),
        (Stored::default(), None)
    );
    let after = counted(&*store).await;
    assert_eq!((wordless(&before.0), &before.1), (wordless(&after.0), &after.1));
    assert!(!format!("{after:?}").to_lowercase().contains("ob"), "{after:?}");
    assert_eq!(after, rebuilt(&*store).await);
    let facts = store.facts(&demo(), 0, usize::MAX).await.unwrap();
    assert!(facts.len() == 14 && facts.iter().all(|logged| logged.of == who("oA") || logged.of == who("oC")));
    assert_eq!(store.next_due().await.unwrap(), None);
    assert_eq!(store.quarantined(&demo(), 9).await.unwrap(), [aside("<a>oBB</a>")]);
    assert!(!store.erase(&who("oB")).await.unwrap(), "there is nobody any more");
    store.close().await.unwrap();

    let store = engine.open().await;
    assert_eq!(counted(&*store).await, after);
    happen(&*store, &who("oB"), on(6, followed()), Keep::Known).await;
    let new = store.facts(&demo(), 0, usize::MAX).await.unwrap().pop().unwrap();
    assert!(new.seq > last.seq, "the number of an erased fact is never given again");
    assert_eq!(counted(&*store).await, rebuilt(&*store).await);
    assert!(store.erase(&who("oB")).await.unwrap());
    assert_eq!(counted(&*store).await, rebuilt(&*store).await);
}

pub async fn somebody_who_left_is_erased_by_their_openid(engine: &dyn Engine) {
    let store = engine.open().await;
    live(&*store, Keep::Tombstone).await;
    let before = counted(&*store).await;
    assert!(!format!("{before:?}").to_lowercase().contains("ob"), "their words went with them");
    assert!(store.erase(&who("oB")).await.unwrap());
    assert_eq!(counted(&*store).await, before);
    assert_eq!(rebuilt(&*store).await, before);
    assert_eq!(store.load(&who("oB")).await.unwrap(), Stored::default());
    assert_eq!(store.facts(&demo(), 0, usize::MAX).await.unwrap().len(), 14);
}

pub async fn somebody_known_only_from_quarantine_is_erased_too(engine: &dyn Engine) {
    let store = engine.open().await;
    assert!(!store.erase(&who("oA")).await.unwrap());
    store.quarantine(aside("<a>oA</a>")).await.unwrap();
    assert_eq!(store.held(&who("oA")).await.unwrap().unwrap().quarantined.len(), 1);
    assert!(store.erase(&who("oA")).await.unwrap());
    assert_eq!(store.quarantined(&demo(), 9).await.unwrap(), []);
}

pub async fn one_who_is_spared_is_left_whole(engine: &dyn Engine) {
    let store = engine.open().await;
    let of = who("oA");
    apply(&*store, Commit { facts: vec![fact(1)], outbox: vec![work("w", 10)], ..commit(&of, 0) }).await;
    store.quarantine(aside("<a>oA</a>")).await.unwrap();
    let before = store.held(&of).await.unwrap();
    // What is asked is the record as it stands now.
    assert_eq!(
        store.erase_unless(&of, |customer| customer.follow.changed_at == Some(UnixSecs(1))).await.unwrap(),
        Erasure::Spared
    );
    assert_eq!(store.held(&of).await.unwrap(), before);
    apply(&*store, commit(&of, 1)).await;
    assert_eq!(
        store.erase_unless(&of, |customer| customer.follow.changed_at == Some(UnixSecs(1))).await.unwrap(),
        Erasure::Gone
    );
    assert_eq!(store.held(&of).await.unwrap(), None);
    assert_eq!(store.erase_unless(&of, |_| true).await.unwrap(), Erasure::Nobody);
}

pub async fn whoever_left_long_ago_loses_name_and_record(engine: &dyn Engine) {
    let store = engine.open().await;
    live(&*store, Keep::Known).await;
    happen(&*store, &who("oA"), on(9, FactKind::Unfollowed), Keep::Tombstone).await;
    let before = counted(&*store).await;
    let left = MORNING.business_day().plus_days(5);
    assert_eq!(store.expire(&demo(), left, 9).await.unwrap(), 0, "not before that day");
    assert_eq!(store.expire(&"other".into(), left.plus_days(99), 9).await.unwrap(), 0);
    let limited = [
        store.expire(&demo(), left.plus_days(99), 1).await.unwrap(),
        store.expire(&demo(), left.plus_days(99), 9).await.unwrap(),
    ];
    assert_eq!(limited, [1, 1], "and who follows stays");
    for openid in ["oA", "oB"] {
        assert_eq!(store.load(&who(openid)).await.unwrap(), Stored::default());
    }
    assert!(store.load(&who("oC")).await.unwrap().customer.follow.following);
    let after = counted(&*store).await;
    assert_eq!((wordless(&before.0), &after), (wordless(&after.0), &rebuilt(&*store).await));
    let facts = format!("{:?}", store.facts(&demo(), 0, usize::MAX).await.unwrap());
    // A made-up name may hold two letters of theirs.
    for gone in ["\"oA\"", "\"oB\"", "oA 住在", "oB 住在"] {
        assert!(!facts.contains(gone), "{gone} in {facts}");
    }
    assert!(facts.contains("\"oC\"") && facts.contains("oC 住在"), "{facts}");
}
