use std::sync::Arc;

use futures_util::future::join_all;
use fuwu::growth::counter::Metric;
use fuwu::store::{Commit, Committed, Version};

use super::Engine;
use super::samples::{add, apply, commit, counters, demo, fact, key, who};

pub async fn of_commits_at_once_exactly_one_wins_each_version(engine: &dyn Engine) {
    const WRITERS: u64 = 16;
    const EACH: u64 = 8;
    let store = engine.open().await;
    let writer = |writer: u64| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut won = Vec::new();
            while won.len() < usize::try_from(EACH).unwrap() {
                let base = store.load(&who("o1")).await.unwrap().version.0;
                let mine = Commit {
                    facts: vec![fact(writer)],
                    increments: vec![add(key(Metric::Messages, 1, 0), 1)],
                    ..commit(&who("o1"), base)
                };
                if store.commit(mine).await.unwrap() == Committed::Applied {
                    won.push(base);
                }
            }
            won
        })
    };
    let won = join_all((0..WRITERS).map(writer)).await;
    let mut won: Vec<u64> = won.into_iter().flat_map(Result::unwrap).collect();
    won.sort_unstable();
    assert_eq!(won, (0..WRITERS * EACH).collect::<Vec<_>>());
    assert_eq!(store.load(&who("o1")).await.unwrap().version, Version(WRITERS * EACH));
    assert_eq!(store.facts(&demo(), 0, 999).await.unwrap().len(), 128);
    assert_eq!(counters(&*store, Metric::Messages).await, [(key(Metric::Messages, 1, 0), 128)]);
}

pub async fn many_customers_at_once_are_counted_to_the_last_one(engine: &dyn Engine) {
    const TASKS: i32 = 64;
    const CUSTOMERS: i32 = 5;
    const EACH: u64 = 4;
    let store = engine.open().await;
    let task = |task: i32| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for customer in 0..CUSTOMERS {
                let of = who(&format!("o{task}-{customer}"));
                for base in 0..EACH {
                    let increments = vec![
                        add(key(Metric::Messages, 0, 0), 1),
                        add(key(Metric::Messages, 1, task % 7), 1),
                        add(key(Metric::Messages, 2, customer), i64::from(task)),
                    ];
                    apply(&*store, Commit { increments, facts: vec![fact(base)], ..commit(&of, base) }).await;
                }
            }
        })
    };
    for done in join_all((0..TASKS).map(task)).await {
        done.unwrap();
    }
    let mut expected = vec![(key(Metric::Messages, 0, 0), 1280)];
    for rest in 0..7 {
        let tasks = i64::try_from((0..TASKS).filter(|task| task % 7 == rest).count()).unwrap();
        expected.push((key(Metric::Messages, 1, rest), tasks * 20));
    }
    let sum = i64::from((0..TASKS).sum::<i32>()) * 4;
    expected.extend((0..CUSTOMERS).map(|customer| (key(Metric::Messages, 2, customer), sum)));
    assert_eq!(counters(&*store, Metric::Messages).await, expected);
    assert_eq!(store.facts(&demo(), 0, usize::MAX).await.unwrap().len(), 1280);
}

pub async fn an_acknowledged_commit_is_read_at_once(engine: &dyn Engine) {
    let store = engine.open().await;
    let reader = |n: u64| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let of = who(&format!("o{n}"));
            for base in 0..30 {
                apply(&*store, commit(&of, base)).await;
                assert_eq!(store.load(&of).await.unwrap().version, Version(base + 1));
            }
        })
    };
    for done in join_all((0..16).map(reader)).await {
        done.unwrap();
    }
}
