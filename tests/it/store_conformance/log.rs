use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use fuwu::domain::ids::Openid;
use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::growth::counter::{CounterKey, Metric};
use fuwu::store::{Commit, CustomerRef, Quarantined};

use super::Engine;
use super::samples::{add, apply, commit, counters, demo, fact, key, marks, who};

pub async fn facts_come_in_order_of_commit(engine: &dyn Engine) {
    let store = engine.open().await;
    apply(&*store, Commit { facts: vec![fact(1), fact(2)], ..commit(&who("o2"), 0) }).await;
    apply(&*store, Commit { facts: vec![fact(3)], ..commit(&who("o1"), 0) }).await;
    apply(&*store, Commit { facts: vec![fact(4), fact(4)], ..commit(&who("o2"), 1) }).await;
    let facts = store.facts(&demo(), 0, 99).await.unwrap();
    let of = |openid: &str| facts.iter().filter(|logged| logged.of == who(openid)).cloned().collect::<Vec<_>>();
    assert_eq!((marks(&of("o2")), marks(&of("o1"))), (vec![1, 2, 4, 4], vec![3]));
    assert_eq!((of("o1")[0].fact.clone(), facts.len()), (fact(3), 5));
    assert!(facts.windows(2).all(|two| two[0].seq < two[1].seq));
    assert!(facts[0].seq > 0, "0 means from the beginning");
}

pub async fn facts_are_read_in_pages(engine: &dyn Engine) {
    let store = engine.open().await;
    for n in 0..10 {
        apply(&*store, Commit { facts: vec![fact(n), fact(100 + n)], ..commit(&who(&format!("o{n}")), 0) }).await;
    }
    let (mut after, mut read) = (0, Vec::new());
    loop {
        let page = store.facts(&demo(), after, 3).await.unwrap();
        assert!(page.len() <= 3 && page.iter().all(|logged| logged.seq > after), "{page:?}");
        let Some(last) = page.last() else { break };
        after = last.seq;
        read.extend(page);
    }
    assert_eq!(read, store.facts(&demo(), 0, usize::MAX).await.unwrap());
    assert_eq!(read.len(), 20);
    assert_eq!(store.facts(&demo(), 0, 0).await.unwrap(), []);
    assert_eq!(store.facts(&demo(), u64::MAX, 9).await.unwrap(), []);
}

pub async fn facts_of_accounts_are_apart(engine: &dyn Engine) {
    let store = engine.open().await;
    let other = CustomerRef { account: "other".into(), openid: "o1".into() };
    apply(&*store, Commit { facts: vec![fact(1)], ..commit(&who("o1"), 0) }).await;
    apply(&*store, Commit { facts: vec![fact(2)], ..commit(&other, 0) }).await;
    apply(&*store, Commit { facts: vec![fact(3)], ..commit(&who("o1"), 1) }).await;
    assert_eq!(marks(&store.facts(&demo(), 0, 9).await.unwrap()), [1, 3]);
    assert_eq!(marks(&store.facts(&other.account, 0, 9).await.unwrap()), [2]);
    assert_eq!(store.facts(&"nobody".into(), 0, 9).await.unwrap(), []);
}

pub async fn whoever_reads_the_log_to_its_end_has_all_that_was_committed_before(engine: &dyn Engine) {
    const CUSTOMERS: u64 = 12;
    const EACH: u64 = 20;
    let store = engine.open().await;
    let acknowledged = AtomicUsize::new(0);
    let write = async |n: u64| {
        let of = who(&format!("o{n}"));
        for base in 0..EACH {
            apply(&*store, Commit { facts: vec![fact(base), fact(base)], ..commit(&of, base) }).await;
            acknowledged.fetch_add(2, Ordering::Relaxed);
        }
    };
    let twice: Vec<u64> = (0..EACH).flat_map(|n| [n, n]).collect();
    let read = async {
        loop {
            let before = acknowledged.load(Ordering::Relaxed);
            let (mut after, mut seen) = (0, BTreeMap::<Openid, Vec<u64>>::new());
            loop {
                let page = store.facts(&demo(), after, 7).await.unwrap();
                let Some(last) = page.last() else { break };
                assert!(page.windows(2).all(|two| two[0].seq < two[1].seq) && page[0].seq > after);
                after = last.seq;
                for logged in page {
                    seen.entry(logged.of.openid).or_default().push(logged.fact.key.0);
                }
            }
            let count = seen.values().map(Vec::len).sum::<usize>();
            assert!(count >= before, "{count} of {before}");
            assert!(seen.values().all(|marks| twice.starts_with(marks)), "in order of commit: {seen:?}");
            if before == usize::try_from(CUSTOMERS * EACH * 2).unwrap() {
                return;
            }
        }
    };
    tokio::join!(async { drop(futures_util::future::join_all((0..CUSTOMERS).map(write)).await) }, read);
}

pub async fn quarantined_deliveries_come_newest_first(engine: &dyn Engine) {
    let store = engine.open().await;
    let aside = |n: i64| Quarantined {
        account: demo(),
        arrived: UnixSecs(n),
        reason: format!("reason {n}"),
        body: vec![0xff, 0, b'<', u8::try_from(n).unwrap()],
    };
    for n in 1..=5 {
        store.quarantine(aside(n)).await.unwrap();
    }
    let foreign = Quarantined { account: "other".into(), ..aside(9) };
    store.quarantine(foreign.clone()).await.unwrap();
    assert_eq!(store.quarantined(&demo(), 3).await.unwrap(), [aside(5), aside(4), aside(3)]);
    assert_eq!(store.quarantined(&demo(), 99).await.unwrap().len(), 5);
    assert_eq!(store.quarantined(&"other".into(), 99).await.unwrap(), [foreign]);
    assert_eq!(store.quarantined(&"nobody".into(), 99).await.unwrap(), []);
}

pub async fn quarantined_deliveries_are_counted_by_day_and_reason(engine: &dyn Engine) {
    let store = engine.open().await;
    let midnight = BusinessDay(20_000).start();
    let aside = |arrived, reason: &str| Quarantined {
        account: demo(),
        arrived,
        reason: reason.into(),
        body: b"<xml>".to_vec(),
    };
    let (before, after) = (midnight.plus_secs(-1), midnight);
    for entry in [aside(before, "broken"), aside(after, "broken"), aside(after, "broken"), aside(after, "doctype")] {
        store.quarantine(entry).await.unwrap();
    }
    store.quarantine(Quarantined { account: "other".into(), ..aside(after, "broken") }).await.unwrap();
    // A delivery that came too late is counted by the commit that has its fact, in the same metric.
    let late = CounterKey { dimension: "late".into(), ..key(Metric::Quarantined, 20_000, 0) };
    apply(&*store, Commit { increments: vec![add(late.clone(), 1)], ..commit(&who("o1"), 0) }).await;
    let cell = |day, reason: &str| CounterKey { dimension: reason.into(), ..key(Metric::Quarantined, day, 0) };
    let expected = [(cell(19_999, "broken"), 1), (cell(20_000, "broken"), 2), (cell(20_000, "doctype"), 1), (late, 1)];
    assert_eq!(counters(&*store, Metric::Quarantined).await, expected);
    store.close().await.unwrap();
    assert_eq!(counters(&*engine.open().await, Metric::Quarantined).await, expected);
}
