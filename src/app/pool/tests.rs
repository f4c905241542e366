use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::domain::time::UnixSecs;
use crate::domain::value::Value;
use crate::store::{Embedded, PseudonymKey, Spec};

const NOW: UnixSecs = UnixSecs(1_000);

fn rule(items: usize) -> PoolRule {
    PoolRule { items: (0..items).map(|n| format!("170{n:08}")).collect(), count: None, hold_secs: 900 }
}

fn text(answer: &Answer, name: &str) -> Option<String> {
    match answer {
        Answer::Loaded(values) => match values.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

async fn asked(store: &dyn Store, rule: &PoolRule, (wish, now): (Wish, UnixSecs)) -> Answer {
    fulfil(store, (&"demo".into(), &"numbers".into(), Some(rule)), (&wish, now)).await.unwrap()
}

fn hold(by: &str, item: Option<&str>) -> Wish {
    Wish::Hold { by: by.into(), item: item.map(str::to_owned), secs: None }
}

fn open(dir: &std::path::Path) -> Arc<Embedded> {
    Arc::new(Embedded::open(dir, Spec::default(), PseudonymKey::new("k")).unwrap())
}

/// Every customer wants the first one they see; whoever is too late takes the next that is offered.
async fn shop(store: Arc<Embedded>, rule: PoolRule, by: String) -> Option<String> {
    let offers = asked(&*store, &rule, (Wish::Offers { by: by.clone(), page: 0 }, NOW)).await;
    let mut wish = text(&offers, "offers")?.lines().next().map(str::to_owned)?;
    for turn in 0.. {
        let by = format!("{by}/{turn}");
        let answer = asked(&*store, &rule, (hold(&by, Some(&wish)), NOW)).await;
        // The same delivery is decided again now and then.
        assert_eq!(text(&asked(&*store, &rule, (hold(&by, Some(&wish)), NOW)).await, "got"), text(&answer, "got"));
        if let Some(got) = text(&answer, "got") {
            let taken = asked(&*store, &rule, (Wish::Take { by: by.clone(), item: Some(got.clone()) }, NOW)).await;
            assert_eq!(text(&taken, "got"), Some(got.clone()));
            return Some(got);
        }
        wish = text(&answer, "offers")?.lines().next().map(str::to_owned)?;
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_race_nobody_is_given_what_somebody_else_has() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let rule = rule(40);
    let racing = (0..60).map(|n| tokio::spawn(shop(Arc::clone(&store), rule.clone(), format!("n{n}"))));
    let mut got = Vec::new();
    for one in racing.collect::<Vec<_>>() {
        got.extend(one.await.unwrap());
    }
    let different: BTreeSet<&String> = got.iter().collect();
    assert_eq!((got.len(), different.len()), (40, 40), "every number once, and none left over");
    let empty = asked(&*store, &rule, (Wish::Offers { by: "late".into(), page: 0 }, NOW)).await;
    assert_eq!(text(&empty, "offers"), Some(String::new()));
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_stock_no_more_are_given_than_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let rule = PoolRule { items: Vec::new(), count: Some(7), hold_secs: 900 };
    let racing: Vec<_> = (0..30)
        .map(|n| {
            let (store, rule) = (Arc::clone(&store), rule.clone());
            tokio::spawn(async move { asked(&*store, &rule, (hold(&n.to_string(), None), NOW)).await })
        })
        .collect();
    let mut got = 0;
    for one in racing {
        got += usize::from(text(&one.await.unwrap(), "got").is_some());
    }
    assert_eq!(got, 7);
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_is_held_outlives_the_process_and_ends_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let rule = rule(1);
    let store = open(dir.path());
    assert!(text(&asked(&*store, &rule, (hold("a", None), NOW)).await, "got").is_some());
    store.close().await.unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(text(&asked(&*store, &rule, (hold("b", None), NOW)).await, "denied").as_deref(), Some("empty"));
    let later = NOW.plus_secs(900);
    assert!(text(&asked(&*store, &rule, (hold("b", None), later)).await, "got").is_some());
    let late = asked(&*store, &rule, (Wish::Take { by: "a".into(), item: None }, later)).await;
    assert_eq!(text(&late, "denied").as_deref(), Some("empty"), "it is somebody else's now");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let name = SharedName { kind: SharedKind::Pool, part: "numbers".into() };
    let change = SharedChange { account: "demo".into(), name: name.clone(), base: Version(0), body: Some(vec![9, 9]) };
    store.put_shared(change).await.unwrap();
    let (rule, key) = (rule(1), "numbers".into());
    let asked = fulfil(&*store, (&"demo".into(), &key, Some(&rule)), (&hold("a", None), NOW)).await;
    assert!(matches!(asked, Err(StoreError::Shape { what: "pool", .. })), "{asked:?}");
    assert_eq!(store.shared(&"demo".into(), &name).await.unwrap().body, [9, 9]);
    store.close().await.unwrap();
}
