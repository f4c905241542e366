use fuwu::domain::customer::Customer;
use fuwu::domain::fact::FactKind;
use fuwu::domain::ids::DedupeKey;
use fuwu::domain::notes::Note;
use fuwu::domain::reply::Reply;
use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::growth::counter::{Increment, Metric};
use fuwu::store::{Commit, Committed, CustomerRef, Quarantined, StoreError, Stored, Version};

use super::Engine;
use super::samples::{add, apply, commit, counters, customer, demo, fact, key, who, work};

pub async fn a_customer_never_seen_is_empty_at_version_zero(engine: &dyn Engine) {
    let store = engine.open().await;
    assert_eq!(store.load(&who("o1")).await.unwrap(), Stored::default());
}

pub async fn what_was_committed_is_read_back(engine: &dyn Engine) {
    let store = engine.open().await;
    let mut record = customer(42);
    record.recent.remember(DedupeKey(u64::MAX), Reply::Text("好的😀".into()), UnixSecs(100));
    record.notes =
        vec![Note { reply: Reply::Image { media_id: "m".into() }, expires: UnixSecs(200), is_receipt: false }];
    apply(&*store, Commit { customer: record.clone(), ..commit(&who("o1"), 0) }).await;
    assert_eq!(store.load(&who("o1")).await.unwrap(), Stored { version: Version(1), customer: record });
    apply(&*store, Commit { customer: Customer::default(), ..commit(&who("o1"), 1) }).await;
    assert_eq!(store.load(&who("o1")).await.unwrap(), Stored { version: Version(2), customer: Customer::default() });
}

pub async fn a_commit_from_another_version_is_stale_and_changes_nothing(engine: &dyn Engine) {
    let store = engine.open().await;
    let of = who("o1");
    apply(&*store, Commit { outbox: vec![work("kept", 10)], ..commit(&of, 0) }).await;
    apply(&*store, commit(&of, 1)).await;
    let before = store.load(&of).await.unwrap();
    for base in [0, 1, 3, u64::MAX] {
        let stale = Commit {
            customer: customer(99),
            increments: vec![Increment { late_on: Some(BusinessDay(2)), ..add(key(Metric::Messages, 1, 0), 1) }],
            facts: vec![fact(1)],
            outbox: vec![work("stale", 10)],
            settled: vec!["kept".into()],
            ..commit(&of, base)
        };
        assert_eq!(store.commit(stale).await.unwrap(), Committed::Stale, "at base {base}");
    }
    assert_eq!(store.commit(commit(&who("never seen"), 1)).await.unwrap(), Committed::Stale);
    assert_eq!(store.load(&of).await.unwrap(), before);
    assert_eq!(store.load(&who("never seen")).await.unwrap(), Stored::default());
    assert_eq!(counters(&*store, Metric::Messages).await, []);
    assert_eq!(store.journal(&demo(), BusinessDay(0), BusinessDay(9)).await.unwrap(), []);
    assert_eq!(store.facts(&demo(), 0, 9).await.unwrap(), []);
    let claimed = store.claim_due(UnixSecs(100), 60, 9).await.unwrap();
    assert_eq!(claimed.iter().map(|c| c.work.id.as_str()).collect::<Vec<_>>(), ["kept"]);
}

pub async fn customers_with_odd_names_stay_apart(engine: &dyn Engine) {
    let store = engine.open().await;
    let (long, longer) = ("长".repeat(128), "o".repeat(128));
    let odd = [
        "oA",
        "oa",
        "oA ",
        " oA",
        "'; DROP TABLE customer; --",
        "\"",
        "\\",
        "%",
        "_",
        "*",
        "{oA}",
        "oA:1",
        "oA}",
        "客户",
        "😀",
        "👩‍👩‍👧",
        "é",
        "e\u{301}",
        "line\nbreak",
        "\u{1}",
        "",
        &long,
        &longer,
    ];
    for (n, openid) in odd.iter().enumerate() {
        let mark = i64::try_from(n).unwrap();
        let own = Commit {
            customer: customer(mark),
            facts: vec![fact(u64::try_from(n).unwrap())],
            outbox: vec![work(openid, mark)],
            ..commit(&who(openid), 0)
        };
        apply(&*store, own).await;
    }
    for (n, openid) in odd.iter().enumerate() {
        let stored = store.load(&who(openid)).await.unwrap();
        assert_eq!(stored, Stored { version: Version(1), customer: customer(i64::try_from(n).unwrap()) }, "{openid:?}");
    }
    let logged = store.facts(&demo(), 0, 99).await.unwrap();
    let mut names: Vec<_> = logged.iter().map(|l| l.of.openid.as_str()).collect();
    names.sort_unstable();
    let mut sorted = odd;
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    let claimed = store.claim_due(UnixSecs(1_000), 60, 99).await.unwrap();
    assert_eq!(
        claimed.iter().map(|c| (c.of.openid.as_str(), c.work.id.as_str())).collect::<Vec<_>>(),
        odd.map(|o| (o, o))
    );
}

pub async fn one_openid_in_two_accounts_is_two_customers(engine: &dyn Engine) {
    let store = engine.open().await;
    let other = CustomerRef { account: "other".into(), openid: "o1".into() };
    apply(&*store, Commit { customer: customer(5), ..commit(&who("o1"), 0) }).await;
    assert_eq!(store.load(&other).await.unwrap(), Stored::default());
    apply(&*store, Commit { customer: customer(6), ..commit(&other, 0) }).await;
    assert_eq!(store.load(&who("o1")).await.unwrap().customer, customer(5));
    assert_eq!(store.load(&other).await.unwrap().customer, customer(6));
}

pub async fn a_record_of_64_kib_is_read_back(engine: &dyn Engine) {
    let store = engine.open().await;
    let long = Reply::Text("满".repeat(64 * 1024 / 3));
    let record =
        Customer { notes: vec![Note { reply: long, expires: UnixSecs(1), is_receipt: false }], ..Customer::default() };
    let mut long_fact = fact(1);
    long_fact.what = FactKind::Unanswered { text: "满".repeat(64 * 1024 / 3) };
    let big = Commit { customer: record.clone(), facts: vec![long_fact.clone()], ..commit(&who("o1"), 0) };
    apply(&*store, big).await;
    assert_eq!(store.load(&who("o1")).await.unwrap().customer, record);
    assert_eq!(store.facts(&demo(), 0, 1).await.unwrap()[0].fact, long_fact);
}

pub async fn all_of_it_is_there_after_opening_again(engine: &dyn Engine) {
    let store = engine.open().await;
    let late = Increment { late_on: Some(BusinessDay(2)), ..add(key(Metric::Messages, 1, 0), 3) };
    let full = Commit {
        increments: vec![late.clone()],
        facts: vec![fact(1)],
        outbox: vec![work("w", 10)],
        ..commit(&who("o1"), 0)
    };
    apply(&*store, full).await;
    let aside = Quarantined { account: demo(), arrived: UnixSecs(5), reason: "broken".into(), body: vec![0, 255] };
    store.quarantine(aside.clone()).await.unwrap();
    let logged = store.facts(&demo(), 0, 9).await.unwrap();
    store.close().await.unwrap();
    drop(store);

    let store = engine.open().await;
    assert_eq!(store.load(&who("o1")).await.unwrap(), Stored { version: Version(1), customer: customer(1) });
    assert_eq!(counters(&*store, Metric::Messages).await, [(late.key.clone(), 3)]);
    assert_eq!(store.journal(&demo(), BusinessDay(2), BusinessDay(2)).await.unwrap(), [(BusinessDay(2), late.key, 3)]);
    assert_eq!(store.facts(&demo(), 0, 9).await.unwrap(), logged);
    assert_eq!(store.quarantined(&demo(), 9).await.unwrap(), [aside]);
    assert_eq!(store.claim_due(UnixSecs(10), 60, 9).await.unwrap()[0].work, work("w", 10));
    // The log goes on where it ended.
    apply(&*store, Commit { facts: vec![fact(2)], ..commit(&who("o1"), 1) }).await;
    let later = store.facts(&demo(), logged[0].seq, 9).await.unwrap();
    assert_eq!(later.len(), 1);
    assert!(later[0].seq > logged[0].seq);
}

pub async fn a_closed_store_refuses(engine: &dyn Engine) {
    let store = engine.open().await;
    store.close().await.unwrap();
    assert!(matches!(store.load(&who("o1")).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.commit(commit(&who("o1"), 0)).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.facts(&demo(), 0, 9).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.claim_due(UnixSecs(1), 1, 1).await, Err(StoreError::Unavailable(_))));
}
