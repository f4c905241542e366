//! Small values to store.

use fuwu::domain::customer::{Customer, Follow};
use fuwu::domain::fact::{Fact, FactKind};
use fuwu::domain::ids::{AccountId, DedupeKey};
use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use fuwu::domain::work::{Task, Work};
use fuwu::growth::counter::{CounterKey, Increment, Metric};
use fuwu::store::{Commit, Committed, CounterRange, CustomerRef, Logged, Store, Version};

pub fn demo() -> AccountId {
    "demo".into()
}

pub fn who(openid: &str) -> CustomerRef {
    CustomerRef { account: demo(), openid: openid.into() }
}

/// A customer that can be told from every other one by `mark`.
pub fn customer(mark: i64) -> Customer {
    let follow = Follow { following: true, changed_at: Some(UnixSecs(mark)), ..Follow::default() };
    Customer { follow, ..Customer::default() }
}

/// A commit of nothing but the record.
pub fn commit(of: &CustomerRef, base: u64) -> Commit {
    Commit {
        of: of.clone(),
        base: Version(base),
        customer: customer(i64::try_from(base).unwrap_or_default() + 1),
        increments: Vec::new(),
        facts: Vec::new(),
        outbox: Vec::new(),
        settled: Vec::new(),
        spent: Vec::new(),
        keep: fuwu::store::Keep::Known,
    }
}

pub fn fact(mark: u64) -> Fact {
    Fact {
        at: UnixSecs(1_767_225_600),
        arrived: UnixSecs(1_767_225_601),
        key: DedupeKey(mark),
        playbook: "0123456789ab".into(),
        what: FactKind::Messaged,
    }
}

pub fn work(id: &str, due: i64) -> Work {
    Work {
        id: id.into(),
        origin: DedupeKey(7),
        due: UnixSecs(due),
        expires: UnixSecs(due + 10),
        task: Task::Send(Reply::Text(format!("您好：{id}"))),
    }
}

pub fn key(metric: Metric, a: i32, b: i32) -> CounterKey {
    CounterKey { metric, a, b, dimension: String::new() }
}

pub fn add(key: CounterKey, by: i64) -> Increment {
    Increment { key, by, late_on: None }
}

/// Commits and insists that it is applied.
pub async fn apply(store: &dyn Store, commit: Commit) {
    let base = commit.base;
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Applied, "at base {base:?}");
}

/// The counters of a metric, whatever the coordinates, without the zero ones.
pub async fn counters(store: &dyn Store, metric: Metric) -> Vec<(CounterKey, i64)> {
    store.counters(&demo(), &[CounterRange::all(metric)]).await.unwrap().cells().collect()
}

/// The marks of the facts, in order.
pub fn marks(facts: &[Logged]) -> Vec<u64> {
    facts.iter().map(|logged| logged.fact.key.0).collect()
}
