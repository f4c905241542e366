//! A fault, again and again, under signed traffic; afterwards everything that was acknowledged must be there, once.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fuwu::app::verify;
use fuwu::domain::fact::FactKind;
use fuwu::growth::counter::Metric;
use fuwu::growth::lateness::Lateness;
use fuwu::store::{CounterRange, Store};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::sleep;

use super::talk::{Front, Seen, TALKERS, Told, talk, watch};
use crate::harness::World;

/// How long it may take until everything is where it belongs.
const CLEAN_WITHIN: Duration = Duration::from_secs(90);
const PAGE: usize = 10_000;

/// Servers, and what is done to them.
pub struct Trouble<S> {
    pub servers: S,
    /// One fault, from its beginning to its end.
    pub strike: fn(&mut S, &mut StdRng),
}

/// What a run was like.
#[derive(Debug)]
pub struct Outcome {
    faults: u64,
    pub seen: Seen,
    lasted: Duration,
    restored: u64,
    given_up: u64,
    doubled: usize,
    missing: usize,
    clean_after: Duration,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { faults, seen, restored, doubled, missing, given_up, .. } = self;
        let (lasted, slowest) = (self.lasted.as_secs_f64(), seen.slowest.as_secs_f64());
        write!(
            f,
            "{faults} faults in {lasted:.0} s; {} acknowledged, {} of them without an answer, {} tries refused, {} cut off; \
             {restored} lost by Redis and restored, {given_up} given up, {missing} missing, {doubled} doubled, {} wrong \
             answers; slowest {slowest:.2} s, clean {:.1} s after the last",
            seen.acknowledged,
            seen.later,
            seen.refused,
            seen.cut,
            seen.wrong.len(),
            self.clean_after.as_secs_f64(),
        )
    }
}

/// How often a fault is to happen: `FUWU_FAULTS` times, else as usual.
pub fn faults(usual: u64) -> u64 {
    std::env::var("FUWU_FAULTS").map_or(usual, |faults| faults.parse().unwrap())
}

/// The whole course on one fuwu whose store is at `url`.
pub async fn run<S: Send + 'static>(name: &str, url: &str, (trouble, times): (Trouble<S>, u64)) -> Outcome {
    let world = World::start_with(&[("FUWU__STORE__URL", url)]).await;
    let front = Front::of(&world);
    let outcome = through(name, front, (trouble, times)).await;
    world.running.stop().await.unwrap();
    outcome
}

/// The whole course where something is running already.
pub async fn through<S: Send + 'static>(name: &str, front: Front, (trouble, times): (Trouble<S>, u64)) -> Outcome {
    let Front { hands, metrics, at, store } = front;
    let told = Told::at_first();
    let watching = actix_web::rt::spawn(watch(metrics, Arc::clone(&told)));
    let begun = Instant::now();
    let talking = (0..TALKERS).map(|talker| talk((hands.clone(), at), Arc::clone(&told), talker));
    let talking: Vec<_> = talking.map(actix_web::rt::spawn).collect();
    let servers = strike_often((trouble, times)).await;
    let (lasted, healed) = (begun.elapsed(), Instant::now());
    told.is_over.store(true, Ordering::Relaxed);
    let mut seen = Seen::default();
    for talker in talking {
        seen.add(talker.await.unwrap());
    }
    let expected = usize::try_from(seen.acknowledged).unwrap();
    let found = await_all(store.as_ref(), expected).await;
    let clean_after = healed.elapsed();
    told.is_watched.store(false, Ordering::Relaxed);
    watching.await.unwrap();
    let outcome = Outcome {
        faults: times,
        lasted,
        restored: told.restored.load(Ordering::Relaxed),
        given_up: told.given_up.load(Ordering::Relaxed),
        doubled: found.values().filter(|times| **times > 1).count(),
        // All that is sent is acknowledged in the end, so whoever is there was.
        missing: expected.abs_diff(found.len()),
        clean_after,
        seen,
    };
    println!("{name}: {outcome}");
    assert_eq!((outcome.missing, outcome.doubled, outcome.given_up), (0, 0, 0), "{name}");
    assert_eq!(outcome.seen.wrong, [""; 0], "{name}");
    assert_eq!(messages(store.as_ref()).await, Some(expected), "{name}: counted");
    let verified = verify(store.as_ref(), (&"demo".into(), Lateness::DEFAULT), |_, _| {}).await.unwrap();
    assert_eq!(verified.differences, 0, "{name}: {:?}", verified.listed);
    drop(servers);
    outcome
}

async fn strike_often<S: Send + 'static>((trouble, times): (Trouble<S>, u64)) -> S {
    let Trouble { mut servers, strike } = trouble;
    let mut dice = StdRng::seed_from_u64(times);
    for _ in 0..times {
        // When it happens is what is tried, so the pause decides nothing.
        sleep(Duration::from_millis(dice.random_range(50..1500))).await;
        (servers, dice) = tokio::task::spawn_blocking(move || {
            strike(&mut servers, &mut dice);
            (servers, dice)
        })
        .await
        .unwrap();
    }
    servers
}

/// How often messages were counted, unless the store is away.
async fn messages(store: &dyn Store) -> Option<usize> {
    let counted = store.counters(&"demo".into(), &[CounterRange::all(Metric::Messages)]).await.ok()?;
    usize::try_from(counted.cells().map(|(_, n)| n).sum::<i64>()).ok()
}

/// Waits until as many are there as should be; how often each is in the log, by its key.
async fn await_all(store: &dyn Store, expected: usize) -> HashMap<u64, usize> {
    let since = Instant::now();
    while messages(store).await.is_none_or(|counted| counted < expected) && since.elapsed() < CLEAN_WITHIN {
        sleep(Duration::from_millis(50)).await;
    }
    let mut times = HashMap::new();
    let mut from = 0;
    loop {
        let page = store.facts(&"demo".into(), from, PAGE).await.unwrap();
        let Some(last) = page.last() else { break times };
        from = last.seq;
        for logged in page.into_iter().filter(|logged| logged.fact.what == FactKind::Messaged) {
            *times.entry(logged.fact.key.0).or_default() += 1;
        }
    }
}
