//! What exactness costs: bytes in a customer's record, increments per delivery, counter cells per account and year.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::count;
use super::logs::{DAY, Draft, Drafts, START, lifelike};
use crate::domain::customer::Activity;
use crate::domain::time::BusinessDay;
use crate::growth::lateness::Lateness;

fn stored_bytes(history: Option<Activity>) -> usize {
    postcard::to_allocvec(&history).unwrap().len()
}

#[test]
fn all_activity_state_of_a_customer_is_at_most_40_bytes_in_the_record() {
    // The farthest days of the calendar, and every one of the latest 128 active.
    let worst = Activity { first: BusinessDay(i32::MIN), last: BusinessDay(i32::MAX), bits: u128::MAX };
    assert!(stored_bytes(Some(worst)) <= 40);
    // And as the engine leaves it: a customer who has come every day for ten years.
    let today = (START / DAY) as i32;
    let mut history = Activity::starting(BusinessDay(today - 3_650));
    for day in today - 3_649..=today {
        history.place(BusinessDay(day));
    }
    assert_eq!(history.bits, u128::MAX);
    assert!(stored_bytes(Some(history)) <= 40);
}

/// A year of an account: few come daily, most now and then, by two channels, one for other codes, or none, and with
/// three menu keys, three playbooks and two questions without an answer.
fn year(customers: u32) -> Drafts {
    let mut rng = StdRng::seed_from_u64(1);
    let mut drafts = Vec::new();
    for customer in 0..customers {
        let mut day = rng.random_range(0..365i64);
        let mut put = |rng: &mut StdRng, kind: u8, day: i64| {
            let late = rng.random_bool(0.01);
            let delay_secs = if late { rng.random_range(0..2 * DAY) } else { rng.random_range(0..5) };
            drafts.push(Draft { customer, kind, day, sec: rng.random_range(0..DAY), delay_secs, jitter_secs: 0 });
        };
        put(&mut rng, 8, day);
        let rate = [0.01, 0.03, 0.1, 0.5][rng.random_range(0..4)];
        while day < 365 {
            for _ in 0..rng.random_range(1..5) {
                let kind = [0, 1, 2, 4, 5, 15][rng.random_range(0..6)];
                put(&mut rng, kind, day);
            }
            while day < 365 && !rng.random_bool(rate) {
                day += 1;
            }
            day += 1;
            if rng.random_bool(0.02) {
                put(&mut rng, 11, day);
                break;
            }
        }
    }
    Drafts { drafts, lateness: Lateness::DEFAULT }
}

#[test]
#[ignore = "a measurement: run it with --run-ignored all --no-capture"]
fn measure_increments_and_counter_cells() {
    for (what, drafts) in [("lifelike", lifelike(7, 400, 365)), ("a year", year(20_000))] {
        let log = drafts.in_order_of_arrival();
        let counted = count(&log);
        let late: Vec<bool> = log
            .deliveries
            .iter()
            .map(|(_, facts)| facts[0].arrived.business_day() > facts[0].at.business_day())
            .collect();
        for (name, is_late) in [("in order", false), ("late", true)] {
            let sizes: Vec<usize> =
                counted.commits.iter().zip(&late).filter(|(_, l)| **l == is_late).map(|(c, _)| c.len()).collect();
            let (max, sum) = (sizes.iter().max().copied().unwrap_or(0), sizes.iter().sum::<usize>());
            println!(
                "{what}: {name}: {} deliveries, increments at most {max}, mean {:.2}",
                sizes.len(),
                sum as f64 / sizes.len().max(1) as f64
            );
        }
        let (mut cells, mut dimensions) = (BTreeMap::<_, usize>::new(), BTreeMap::<_, BTreeSet<String>>::new());
        for (key, _) in counted.counters().cells() {
            *cells.entry(key.metric).or_default() += 1;
            dimensions.entry(key.metric).or_default().insert(key.dimension);
        }
        for (metric, cells) in &cells {
            println!("{what}: {metric:?}: {cells} cells in {} dimensions", dimensions[metric].len());
        }
        println!("{what}: {} cells in all", cells.values().sum::<usize>());
        let journal = counted.increments().filter(|increment| increment.late_on.is_some()).count();
        println!("{what}: {journal} journal entries");
    }
}
