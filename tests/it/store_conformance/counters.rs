use fuwu::domain::time::BusinessDay;
use fuwu::growth::counter::{CounterKey, GAP_FAR, GAP_FIRST, Increment, Metric};
use fuwu::growth::counters::Counters;
use fuwu::store::{Commit, CounterRange, CustomerRef};

use super::Engine;
use super::samples::{add, apply, commit, counters, demo, key, who};

pub async fn changes_add_up(engine: &dyn Engine) {
    let store = engine.open().await;
    let messages = key(Metric::Messages, 20_000, 0);
    for n in 0..100 {
        let twice = vec![add(messages.clone(), 1), add(messages.clone(), n)];
        apply(&*store, Commit { increments: twice, ..commit(&who(&format!("o{n}")), 0) }).await;
    }
    assert_eq!(counters(&*store, Metric::Messages).await, [(messages.clone(), 100 + 4950)]);
    let corrected = vec![add(messages.clone(), -6_000)];
    apply(&*store, Commit { increments: corrected, ..commit(&who("o1"), 1) }).await;
    assert_eq!(counters(&*store, Metric::Messages).await, [(messages.clone(), -950)]);
    apply(&*store, Commit { increments: vec![add(messages, 950)], ..commit(&who("o1"), 2) }).await;
    assert_eq!(counters(&*store, Metric::Messages).await, []);
}

pub async fn a_range_holds_both_ends_and_one_metric_in_order_of_key(engine: &dyn Engine) {
    let store = engine.open().await;
    let days = [12, 9, 10, 11, -1, 13];
    let gaps = days.iter().flat_map(|day| [GAP_FIRST, 3, GAP_FAR, 0].map(|gap| add(key(Metric::Gap, *day, gap), 1)));
    let others = days.iter().map(|day| add(key(Metric::Messages, *day, 0), 1));
    apply(&*store, Commit { increments: gaps.chain(others).collect(), ..commit(&who("o1"), 0) }).await;
    let read =
        async |ranges: &[CounterRange]| store.counters(&demo(), ranges).await.unwrap().cells().collect::<Vec<_>>();
    let gaps = |days: &[i32], gaps: &[i32]| -> Vec<_> {
        let of_day = |day: &i32| gaps.iter().map(move |gap| (*day, *gap)).collect::<Vec<_>>();
        days.iter().flat_map(of_day).map(|(day, gap)| (key(Metric::Gap, day, gap), 1)).collect()
    };
    let range = CounterRange::new(Metric::Gap, 10, 12);
    assert_eq!(read(&[range]).await, gaps(&[10, 11, 12], &[GAP_FAR, GAP_FIRST, 0, 3]));
    assert_eq!(read(&[range.up_to(2)]).await, gaps(&[10, 11, 12], &[GAP_FAR, GAP_FIRST, 0]));
    assert_eq!(read(&[range.up_to(GAP_FAR)]).await, gaps(&[10, 11, 12], &[GAP_FAR]));
    let two = [CounterRange::new(Metric::Messages, 13, 20), CounterRange::new(Metric::Gap, -5, -1).up_to(0)];
    let messages = (key(Metric::Messages, 13, 0), 1);
    assert_eq!(read(&two).await, [gaps(&[-1], &[GAP_FAR, GAP_FIRST, 0]), vec![messages]].concat());
    assert_eq!(read(&[CounterRange::new(Metric::Gap, 12, 10)]).await, []);
    assert_eq!(read(&[]).await, []);
}

pub async fn accounts_are_counted_apart(engine: &dyn Engine) {
    let store = engine.open().await;
    let other = CustomerRef { account: "demo2".into(), openid: "o1".into() };
    let follows = key(Metric::Follows, 1, 0);
    apply(&*store, Commit { increments: vec![add(follows.clone(), 1)], ..commit(&who("o1"), 0) }).await;
    apply(&*store, Commit { increments: vec![add(follows.clone(), 10)], ..commit(&other, 0) }).await;
    assert_eq!(counters(&*store, Metric::Follows).await, [(follows.clone(), 1)]);
    let range = CounterRange::new(Metric::Follows, 1, 1);
    assert_eq!(store.counters(&other.account, &[range]).await.unwrap(), [(follows, 10)].into_iter().collect());
    assert_eq!(store.counters(&"nobody".into(), &[range]).await.unwrap(), Counters::default());
}

pub async fn dimensions_are_counted_apart(engine: &dyn Engine) {
    let store = engine.open().await;
    let named = |dimension: &str| CounterKey { dimension: dimension.into(), ..key(Metric::Votes, 0, 0) };
    let names = ["", "a", "a/b", "a/b/查流量", "a/b/😀", "a:b", "b", "查流量"];
    let votes = names.iter().zip(1..).map(|(name, by)| add(named(name), by)).collect();
    apply(&*store, Commit { increments: votes, ..commit(&who("o1"), 0) }).await;
    let mut expected: Vec<_> = names.iter().zip(1..).map(|(name, by)| (named(name), by)).collect();
    expected.sort();
    assert_eq!(counters(&*store, Metric::Votes).await, expected);
}

pub async fn late_changes_are_counted_and_journalled_by_arrival(engine: &dyn Engine) {
    let store = engine.open().await;
    let late =
        |metric, day, (by, arrived)| Increment { late_on: Some(BusinessDay(arrived)), ..add(key(metric, day, 0), by) };
    let changes = vec![
        late(Metric::Messages, 5, (1, 8)),
        late(Metric::Messages, 5, (2, 7)),
        late(Metric::Messages, 5, (4, 7)),
        late(Metric::Gap, 6, (-1, 7)),
        late(Metric::Gap, 6, (1, 9)),
        add(key(Metric::Messages, 5, 0), 8),
    ];
    apply(&*store, Commit { increments: changes, ..commit(&who("o1"), 0) }).await;
    assert_eq!(counters(&*store, Metric::Messages).await, [(key(Metric::Messages, 5, 0), 15)]);
    let mut journal = store.journal(&demo(), BusinessDay(7), BusinessDay(8)).await.unwrap();
    journal.retain(|(_, _, by)| *by != 0);
    assert_eq!(
        journal,
        [
            (BusinessDay(7), key(Metric::Gap, 6, 0), -1),
            (BusinessDay(7), key(Metric::Messages, 5, 0), 6),
            (BusinessDay(8), key(Metric::Messages, 5, 0), 1),
        ]
    );
    assert_eq!(store.journal(&"demo2".into(), BusinessDay(0), BusinessDay(99)).await.unwrap(), []);
}
