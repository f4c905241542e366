//! What the counters of a busy account's year take in Redis: `FUWU_MANY` customers, a million if not told, in
//! `FUWU_PARTITIONS`. Partitions are counted apart, so a 64th of the customers in one of them tell of all.

use fuwu::domain::customer::Customer;
use fuwu::growth::counter::Increment;
use fuwu::store::{Commit, Committed, CustomerRef, Keep, Partition, Partitions, Redis, Spec, Store as _, Version};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::redis_servers::RedisServer;
use crate::report_measure::{Cells, live};
use crate::store_conformance::samples::who;

/// So many counter changes are committed at once.
const CHUNK: usize = 2_000;

fn used_bytes(redis: &RedisServer) -> i64 {
    let memory = redis.ask(&["INFO", "memory"]).unwrap();
    memory.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().parse().unwrap()
}

#[tokio::test]
#[ignore = "a measurement"]
async fn measure_the_counters_of_a_year_in_redis() {
    let told = |name, usual| std::env::var(name).map_or(usual, |number| number.parse().unwrap());
    let (customers, partitions) = (told("FUWU_MANY", 1_000_000), told("FUWU_PARTITIONS", 64));
    let spec = Spec { partitions: u16::try_from(partitions).unwrap(), ..Spec::default() };
    let redis = RedisServer::start(&[]);
    let store = Redis::open(&redis.url(), spec, crate::harness::key()).await.unwrap();
    let partitions = Partitions::new(spec.partitions).unwrap();
    // One customer of each partition has all that was counted there.
    let mut all: Vec<(Option<CustomerRef>, Cells)> = vec![(None, Cells::new()); usize::from(spec.partitions)];
    let mut rng = StdRng::seed_from_u64(7);
    for nth in 0..customers {
        let of = who(&format!("oYear{nth}"));
        let Partition(partition) = partitions.of(&of);
        let (first, cells) = &mut all[usize::from(partition)];
        first.get_or_insert(of);
        live(&mut rng, cells);
    }
    let before = used_bytes(&redis);
    let mut written = 0;
    for (of, cells) in all {
        let Some(of) = of else { continue };
        let increments = cells.into_iter().filter(|(_, by)| *by != 0);
        let increments: Vec<Increment> = increments.map(|(key, by)| Increment { key, by, late_on: None }).collect();
        written += increments.len();
        for (base, chunk) in (0..).zip(increments.chunks(CHUNK)) {
            let commit = Commit {
                of: of.clone(),
                base: Version(base),
                customer: Customer::default(),
                increments: chunk.to_vec(),
                facts: Vec::new(),
                outbox: Vec::new(),
                settled: Vec::new(),
                spent: Vec::new(),
                keep: Keep::Known,
            };
            assert_eq!(store.commit(commit).await.unwrap(), Committed::Applied);
        }
    }
    let taken = used_bytes(&redis) - before;
    println!(
        "{customers} customers' year: {written} cells in {} partitions take {:.1} MiB, {:.1} bytes each",
        spec.partitions,
        taken as f64 / f64::from(1 << 20),
        taken as f64 / written as f64
    );
}
