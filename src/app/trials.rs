//! Random logs through the embedded store and a cluster, closed and opened again on the way, compared with the oracle in
//! every counter, every journal and every report. `FUWU_LOGS` sets how many (60).

mod expect;
mod logs;
#[path = "../../tests/it/redis_servers.rs"]
#[allow(dead_code, reason = "the tests of the whole program use all of it")]
mod redis_servers;
mod shell;

use std::collections::{BTreeSet, HashMap};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use serde::Deserialize as _;
use serde::de::IntoDeserializer;
use serde::de::value::Error;
use tempfile::TempDir;

use self::expect::View;
use self::logs::{Delivery, Log, Trial};
use self::redis_servers::RedisCluster;
use crate::domain::ids::AccountId;
use crate::domain::reply::Reply;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{Increment, Metric};
use crate::growth::lateness::Lateness;
use crate::growth::oracle::Cells;
use crate::growth::record::record;
use crate::store::{Commit, Committed, CounterRange, CustomerRef, Embedded, Keep, PseudonymKey, Redis, Spec, Store};

/// So many logs are under way at once, so that one goes on while another waits for the disk.
const AT_ONCE: usize = 4;

fn demo() -> AccountId {
    "demo".into()
}

fn how_many(usual: u64) -> u64 {
    std::env::var("FUWU_LOGS").ok().and_then(|logs| logs.parse().ok()).unwrap_or(usual)
}

/// Every counter of the store. Metrics are found through their derived reader, so that none can be forgotten here.
async fn every_counter(store: &dyn Store) -> Cells {
    let nth = |n: u32| Metric::deserialize(IntoDeserializer::<Error>::into_deserializer(n)).ok();
    let all: Vec<CounterRange> = (0..).map_while(nth).map(CounterRange::all).collect();
    store.counters(&demo(), &all).await.unwrap().cells().collect()
}

fn assert_same(engine: &Cells, oracle: &Cells, seed: u64) {
    for key in engine.keys().chain(oracle.keys()) {
        assert_eq!(engine.get(key), oracle.get(key), "log {seed}, {key:?}: engine against oracle");
    }
}

/// What applies deliveries; with a fault of its own, if one is planted.
#[derive(Clone, Copy)]
struct Hand<'a> {
    store: &'a dyn Store,
    lateness: Lateness,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// This metric is not counted.
    Dropped(Metric),
    /// Nothing is journalled.
    Unjournalled,
}

impl Fault {
    fn plant(self, increments: &mut Vec<Increment>) {
        match self {
            Self::None => {}
            Self::Dropped(metric) => increments.retain(|increment| increment.key.metric != metric),
            Self::Unjournalled => increments.iter_mut().for_each(|increment| increment.late_on = None),
        }
    }
}

impl Hand<'_> {
    /// One delivery as the shell applies it: a known one changes nothing, and whoever was overtaken decides again.
    async fn apply(&self, of: &CustomerRef, delivery: &Delivery) {
        let fact = delivery.fact();
        loop {
            let stored = self.store.load(of).await.unwrap();
            let mut customer = stored.customer;
            if customer.recent.earned(fact.key).is_some() {
                return;
            }
            let mut increments = record(&mut customer, &delivery.facts, self.lateness).increments;
            self.fault.plant(&mut increments);
            customer.recent.remember(fact.key, Reply::Silent, fact.arrived);
            let (of, base, facts) = (of.clone(), stored.version, delivery.facts.clone());
            let commit = Commit {
                of,
                base,
                customer,
                increments,
                facts,
                outbox: Vec::new(),
                settled: Vec::new(),
                spent: Vec::new(),
                keep: Keep::Known,
            };
            if self.store.commit(commit).await.unwrap() == Committed::Applied {
                return;
            }
        }
    }

    /// Customers at once, the deliveries of each in their order, copies of one delivery at the same moment.
    async fn live(&self, deliveries: &[Delivery]) {
        let mut lives = HashMap::<CustomerRef, Vec<&Delivery>>::new();
        for delivery in deliveries {
            lives.entry(delivery.of()).or_default().push(delivery);
        }
        let life = async |of: &CustomerRef, deliveries: &[&Delivery]| {
            for delivery in deliveries {
                join_all((0..delivery.copies).map(|_| self.apply(of, delivery))).await;
            }
        };
        join_all(lives.iter().map(|(of, deliveries)| life(of, deliveries))).await;
    }
}

/// The counters as they stood at the end of a day, of the days that were over by then: the journal takes back what
/// arrived later.
async fn as_it_stood(store: &dyn Store, day: i32) -> Cells {
    let mut then = every_counter(store).await;
    let later = store.journal(&demo(), BusinessDay(day + 1), BusinessDay(i32::MAX)).await.unwrap();
    for (_, key, by) in later {
        *then.entry(key).or_default() -= by;
    }
    then.retain(|key, value| *value != 0 && expect::is_over_by(key, day));
    then
}

/// The same by the oracle.
fn as_it_was_known(log: &Log, (day, lateness): (i32, Lateness)) -> Cells {
    let mut then = logs::oracle_as_of(log, (day, lateness)).cells;
    then.retain(|key, _| expect::is_over_by(key, day));
    then
}

/// Where a log is stored.
enum Place<'a> {
    Folder(TempDir),
    Cluster(&'a RedisCluster),
}

impl Place<'_> {
    async fn open(&self, trial: &Trial) -> Box<dyn Store> {
        let spec = Spec { partitions: trial.partitions, lateness: trial.lateness };
        let key = PseudonymKey::new("trial");
        match self {
            Self::Folder(dir) => Box::new(Embedded::open(dir.path(), spec, key).unwrap()),
            Self::Cluster(cluster) => Box::new(Redis::open(&cluster.url(), spec, key).await.unwrap()),
        }
    }
}

async fn run(seed: u64, place: Place<'_>) {
    let trial = Trial::of(seed);
    let (before, after) = trial.deliveries.split_at(trial.deliveries.len() / 2);

    let store = place.open(&trial).await;
    let hand = |store| Hand { store, lateness: trial.lateness, fault: Fault::None };
    hand(store.as_ref()).live(before).await;
    store.close().await.unwrap();
    let store = place.open(&trial).await;
    let store = store.as_ref();
    let half = logs::oracle(&logs::applied(before), trial.lateness);
    assert_same(&every_counter(store).await, &half.cells, seed);
    hand(store).live(after).await;

    let log = logs::applied(&trial.deliveries);
    let oracle = logs::oracle(&log, trial.lateness);
    assert_same(&every_counter(store).await, &oracle.cells, seed);
    assert_eq!(store.facts(&demo(), 0, usize::MAX).await.unwrap().len(), log.len(), "log {seed}");
    let days = logs::span(&log);
    let view = View { store, oracle: &oracle, lateness: trial.lateness, days, as_of: None };
    view.check().await;
    if trial.in_order {
        let day = days.0 + i32::try_from(seed).unwrap() * 7 % (days.1 - days.0);
        let then = logs::oracle_as_of(&log, (day, trial.lateness));
        View { oracle: &then, as_of: Some(day), ..view }.check().await;
        assert_same(&as_it_stood(store, day).await, &as_it_was_known(&log, (day, trial.lateness)), seed);
    }
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_number_of_random_logs_on_the_embedded_store_equals_the_oracle() {
    let on_its_own = |seed| tokio::spawn(run(seed, Place::Folder(tempfile::tempdir().unwrap())));
    let mut runs = stream::iter((0..how_many(60)).map(on_its_own)).buffer_unordered(AT_ONCE);
    while let Some(run) = runs.next().await {
        run.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long"]
async fn every_number_of_random_logs_on_a_redis_cluster_equals_the_oracle() {
    let cluster = RedisCluster::start();
    for seed in 0..how_many(4) {
        cluster.empty();
        run(seed, Place::Cluster(&cluster)).await;
    }
}

/// A check that cannot fail proves nothing.
#[tokio::test]
async fn a_fault_planted_in_any_metric_or_in_the_journal_is_found() {
    let trial = Trial::of(1);
    let log = logs::applied(&trial.deliveries);
    let oracle = logs::oracle(&log, trial.lateness).cells;
    let (from, to) = logs::span(&log);
    let metrics: BTreeSet<Metric> = oracle.keys().map(|key| key.metric).collect();
    assert!(metrics.len() > 15, "{metrics:?}");
    for fault in metrics.into_iter().map(Fault::Dropped).chain([Fault::Unjournalled]) {
        let dir = tempfile::tempdir().unwrap();
        let store = Embedded::open(
            dir.path(),
            Spec { lateness: trial.lateness, ..Spec::default() },
            PseudonymKey::new("trial"),
        )
        .unwrap();
        Hand { store: &store, lateness: trial.lateness, fault }.live(&trial.deliveries).await;
        assert_eq!(every_counter(&store).await == oracle, fault == Fault::Unjournalled, "{fault:?}");
        if fault == Fault::Unjournalled {
            let mut found = 0;
            for day in from..to {
                found += u32::from(as_it_stood(&store, day).await != as_it_was_known(&log, (day, trial.lateness)));
            }
            assert!(found > 3, "{found} days");
        }
        store.close().await.unwrap();
    }
}

#[test]
fn the_logs_hold_what_the_trial_is_about() {
    let (mut late, mut quarantined, mut again, mut refollows, mut partitions) = (0, 0, 0, 0, 0_u64);
    for seed in 0..64 {
        let trial = Trial::of(seed);
        let oracle = logs::oracle(&logs::applied(&trial.deliveries), trial.lateness);
        let sum = |metric| oracle.cells.iter().filter(|(key, _)| key.metric == metric).map(|(_, n)| n).sum::<i64>();
        late += trial.deliveries.iter().filter(|delivery| delivery.is_late()).count();
        again += trial.deliveries.iter().filter(|delivery| delivery.again || delivery.copies > 1).count();
        quarantined += sum(Metric::Quarantined);
        refollows += sum(Metric::Refollows);
        partitions |= 1 << (trial.partitions - 1);
    }
    assert_eq!(partitions, u64::MAX, "1 to 64 partitions");
    assert!(
        late > 500 && quarantined > 200 && again > 500 && refollows > 200,
        "{late} {quarantined} {again} {refollows}"
    );
}
