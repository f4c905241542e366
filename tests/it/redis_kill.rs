//! Redis killed at any moment under signed traffic: every acknowledged delivery is there in the end, once, and all numbers
//! are those of the facts. `FUWU_KILLS=300` makes a soak of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fuwu::app::verify;
use fuwu::channel::official::Mode;
use fuwu::growth::counter::Metric;
use fuwu::growth::lateness::Lateness;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::hand::{Hand, text};
use crate::harness::World;
use crate::redis_servers::RedisServer;

const TASKS: u64 = 8;
const CUSTOMERS_OF_A_TASK: u64 = 8;
/// How long it may take until everything is where it belongs.
const CLEAN_WITHIN: Duration = Duration::from_secs(60);

/// What Redis keeps on its disk.
const WAYS: [(&str, &[&str]); 2] = [
    ("a file of every write, synced each second", &["--appendonly", "yes", "--appendfsync", "everysec"]),
    ("a snapshot each second", &["--save", "1 1"]),
];

/// What is said of a run.
#[derive(Debug, Default)]
struct Seen {
    acknowledged: u64,
    /// Acknowledged without an answer, since Redis was away.
    later: u64,
    slowest: Duration,
    refused: u64,
}

async fn talk(hand: Hand, (task, next): (u64, Arc<AtomicU64>), stop: Arc<AtomicBool>) -> (Seen, Vec<u64>) {
    let (mut seen, mut ids) = (Seen::default(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let id = next.fetch_add(1, Ordering::Relaxed);
        let openid = format!("oKill{task}-{}", id % CUSTOMERS_OF_A_TASK);
        let xml = text(&openid, id, "你好");
        loop {
            let since = Instant::now();
            let posted = hand.deliver(&xml).await;
            seen.slowest = seen.slowest.max(since.elapsed());
            if posted.status == 200 {
                seen.later += u64::from(posted.is_acknowledged_only());
                break;
            }
            // The platform repeats it.
            seen.refused += 1;
        }
        seen.acknowledged += 1;
        ids.push(id);
    }
    (seen, ids)
}

/// How often each delivery was applied, by its key.
async fn applied(world: &World) -> HashMap<u64, usize> {
    let mut times = HashMap::new();
    if let Ok(facts) = world.store().facts(&"demo".into(), 0, usize::MAX).await {
        for logged in facts {
            if matches!(logged.fact.what, fuwu::domain::fact::FactKind::Messaged) {
                *times.entry(logged.fact.key.0).or_default() += 1;
            }
        }
    }
    times
}

async fn metric(world: &World, name: &str) -> u64 {
    let told = world.http.get(world.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let line = told.lines().find(|line| line.starts_with(name)).unwrap_or("x 0");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[actix_web::test]
async fn whatever_redis_forgets_when_it_is_killed_is_there_once_in_the_end() {
    let kills: u64 = std::env::var("FUWU_KILLS").map_or(4, |kills| kills.parse().unwrap());
    for (way, (named, settings)) in (0_u64..).zip(WAYS) {
        let mut redis = RedisServer::start(settings);
        let world = World::start_with(&[("FUWU__STORE__URL", &redis.url())]).await;
        let restored_before = metric(&world, "fuwu_journal_restored_total").await;
        let (next, stop) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(false)));
        let talking: Vec<_> = (0..TASKS)
            .map(|task| actix_web::rt::spawn(talk(world.hand(Mode::Safe), (task, next.clone()), stop.clone())))
            .collect();
        let mut dice = StdRng::seed_from_u64(way);
        let mut killed_at = Instant::now();
        for _ in 0..kills.div_ceil(WAYS.len() as u64) {
            // When it is killed is what is tried, so the pause decides nothing.
            tokio::time::sleep(Duration::from_millis(dice.random_range(50..1500))).await;
            killed_at = Instant::now();
            redis = tokio::task::spawn_blocking(move || {
                redis.kill_and_restart();
                redis
            })
            .await
            .unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        let (mut seen, mut acknowledged) = (Seen::default(), BTreeMap::new());
        for task in talking {
            let (of_task, ids) = task.await.unwrap();
            seen.acknowledged += of_task.acknowledged;
            seen.later += of_task.later;
            seen.refused += of_task.refused;
            seen.slowest = seen.slowest.max(of_task.slowest);
            acknowledged.extend(ids.into_iter().map(|id| (id, ())));
        }
        let expected = acknowledged.len();
        let times = loop {
            let times = applied(&world).await;
            if times.len() >= expected {
                break times;
            }
            assert!(killed_at.elapsed() < CLEAN_WITHIN, "{named}: {} of {expected} are there", times.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let clean = killed_at.elapsed();
        let doubled = times.values().filter(|times| **times > 1).count();
        let restored = metric(&world, "fuwu_journal_restored_total").await - restored_before;
        println!(
            "{named}: {kills} kills in all, {seen:?}; {restored} restored, {doubled} doubled, clean {clean:?} after the last"
        );
        assert_eq!((times.len(), doubled), (expected, 0), "{named}");
        assert_eq!(world.count(Metric::Messages).await, expected as i64, "{named}");
        let verified = verify(world.store().as_ref(), (&"demo".into(), Lateness::DEFAULT), |_, _| {}).await.unwrap();
        assert_eq!(verified.differences, 0, "{named}: {:?}", verified.listed);
        world.running.stop().await.unwrap();
    }
}
