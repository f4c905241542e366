//! Does the comparison bite? Faults are planted into what the engine emits, for every metric, and each must be seen.

use std::collections::BTreeSet;
use std::ops::Range;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::logs::{Log, lifelike};
use super::{Counted, assert_same, count, is_over, over};
use crate::domain::time::BusinessDay;
use crate::growth::counter::{Increment, Metric};
use crate::growth::counters::Counters;
use crate::growth::identities::check_identities;

/// Every metric the engine emits.
fn emitted() -> impl Iterator<Item = Metric> {
    // No personal codes are in these logs; the referral funnel has an oracle of its own (`growth::referral`).
    let elsewhere =
        [Metric::FirstFollowScenes, Metric::Invites, Metric::InvitesBy, Metric::InviteLags, Metric::KeptLags];
    Metric::all().filter(move |metric| !elsewhere.contains(metric))
}

/// What is done to an increment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Dropped,
    Doubled,
    DayBefore,
    DayAfter,
    SecondLess,
    SecondMore,
    OtherDimension,
    NotJournalled,
    JournalledADayLate,
}

const FAULTS: [Fault; 9] = [
    Fault::Dropped,
    Fault::Doubled,
    Fault::DayBefore,
    Fault::DayAfter,
    Fault::SecondLess,
    Fault::SecondMore,
    Fault::OtherDimension,
    Fault::NotJournalled,
    Fault::JournalledADayLate,
];

/// Where it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// To one change of one delivery.
    One(usize),
    /// To all changes of one delivery.
    Delivery(usize),
    /// To all of them.
    Everywhere,
}

fn altered(increment: &Increment, fault: Fault) -> Increment {
    let mut increment = increment.clone();
    match fault {
        Fault::Dropped => increment.by = 0,
        Fault::Doubled => increment.by *= 2,
        Fault::DayBefore => increment.key.a -= 1,
        Fault::DayAfter => increment.key.a += 1,
        Fault::SecondLess => increment.key.b -= 1,
        Fault::SecondMore => increment.key.b += 1,
        Fault::OtherDimension if increment.key.dimension.is_empty() => increment.key.dimension.push_str("channel1"),
        Fault::OtherDimension => increment.key.dimension.clear(),
        Fault::NotJournalled => increment.late_on = None,
        Fault::JournalledADayLate => increment.late_on = increment.late_on.map(|day| day.plus_days(1)),
    }
    increment
}

/// The increments that a fault hits.
fn hit(counted: &Counted, metric: Metric, place: Where) -> Vec<&Increment> {
    let of = |nth: usize| counted.commits[nth].iter().filter(move |increment| increment.key.metric == metric);
    match place {
        Where::One(nth) => of(nth).take(1).collect(),
        Where::Delivery(nth) => of(nth).collect(),
        Where::Everywhere => (0..counted.commits.len()).flat_map(of).collect(),
    }
}

/// A log, what the engine emitted for it, and how both it and the oracle see the counters at the end of every day.
struct Trial {
    counted: Counted,
    counters: Counters,
    days: Range<i32>,
}

impl Trial {
    /// The comparison that has to bite: of the counters as they are, and as they stood at the end of every day.
    fn of(log: &Log) -> Self {
        let (counted, (from, to)) = (count(log), log.span());
        assert_same(&counted.cells(), &log.oracle());
        for day in from..to {
            assert_eq!(counted.as_of(day), over(log.oracle_as_of(day).cells, day), "as of {day}");
        }
        Self { counters: counted.counters(), counted, days: from..to }
    }

    /// Whether the faulty engine differs from the oracle. Without the fault it did not, and both sides of every
    /// comparison are sums: what is left is what the fault took away and put in.
    fn catches(&self, changes: &[(&Increment, Increment)]) -> bool {
        let mut final_cells = Counters::default();
        for (was, is) in changes {
            final_cells.add(was.key.clone(), -was.by);
            final_cells.add(is.key.clone(), is.by);
        }
        final_cells.cells().next().is_some() || self.days.clone().any(|day| self.catches_as_of(changes, day))
    }

    fn catches_as_of(&self, changes: &[(&Increment, Increment)], day: i32) -> bool {
        let mut then = Counters::default();
        let known = |increment: &Increment| increment.late_on.is_none_or(|arrived| arrived.0 <= day);
        for (was, is) in changes {
            then.add(was.key.clone(), if known(was) { -was.by } else { 0 });
            then.add(is.key.clone(), if known(is) { is.by } else { 0 });
        }
        then.cells().any(|(key, _)| is_over(&key, day))
    }

    /// Whether the identities see it, without any oracle.
    fn breaks_identities(&self, changes: &[(&Increment, Increment)]) -> bool {
        let mut faulty = self.counters.clone();
        for (was, is) in changes {
            faulty.add(was.key.clone(), -was.by);
            faulty.add(is.key.clone(), is.by);
        }
        !check_identities(&faulty, BusinessDay(self.days.start), BusinessDay(self.days.end)).is_empty()
    }
}

/// How many faults were planted, and of some how many the identities see without any oracle.
#[derive(Debug, Default)]
struct Tally {
    kinds: BTreeSet<(Metric, Fault)>,
    planted: usize,
    journal: usize,
    tried_on_identities: usize,
    seen_by_identities: usize,
}

fn plant_everything(seed: u64, tally: &mut Tally) {
    let log = lifelike(seed, 40, 50).in_order_of_arrival();
    let trial = Trial::of(&log);
    let counted = &trial.counted;
    let mut rng = StdRng::seed_from_u64(seed);
    for metric in emitted() {
        for fault in FAULTS {
            // Deliveries in which that fault changes something, first in their first change.
            let changes = |increment: &&Increment| altered(increment, fault) != **increment;
            let nths = 0..counted.commits.len();
            let first = |nth: &usize| hit(counted, metric, Where::One(*nth)).iter().any(changes);
            let any = |nth: &usize| hit(counted, metric, Where::Delivery(*nth)).iter().any(changes);
            let (firsts, anys): (Vec<_>, Vec<_>) = (nths.clone().filter(first).collect(), nths.filter(any).collect());
            let one = firsts.choose(&mut rng).copied().map(Where::One);
            let delivery = anys.choose(&mut rng).copied().map(Where::Delivery);
            let everywhere = delivery.map(|_| Where::Everywhere);
            for place in [one, delivery, everywhere].into_iter().flatten() {
                let changes: Vec<_> =
                    hit(counted, metric, place).into_iter().map(|was| (was, altered(was, fault))).collect();
                assert!(trial.catches(&changes), "seed {seed}: {metric:?} {fault:?} {place:?} was not caught");
                tally.kinds.insert((metric, fault));
                tally.planted += 1;
                if matches!(fault, Fault::NotJournalled | Fault::JournalledADayLate) {
                    tally.journal += 1;
                } else if matches!(place, Where::Delivery(_)) {
                    tally.tried_on_identities += 1;
                    tally.seen_by_identities += usize::from(trial.breaks_identities(&changes));
                }
            }
        }
    }
}

#[test]
fn a_fault_planted_in_any_increment_is_caught() {
    let mut tally = Tally::default();
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..3 {
        plant_everything(rng.random_range(0..1_000_000) * 5 + 2, &mut tally);
    }
    // The longest lateness bound: only then do many late days begin a week that is over.
    for seed in [4, 9, 14] {
        plant_everything(seed, &mut tally);
    }
    for metric in emitted() {
        for fault in FAULTS {
            let journal = matches!(fault, Fault::NotJournalled | Fault::JournalledADayLate);
            // The latest active day is only known as of now, a vote has no day, and what is set aside is of its arrival.
            let never = journal && matches!(metric, Metric::Latest | Metric::Votes | Metric::Quarantined);
            assert_eq!(tally.kinds.contains(&(metric, fault)), !never, "{metric:?} {fault:?}");
        }
    }
    let Tally { planted, journal, tried_on_identities, seen_by_identities, .. } = tally;
    println!("{planted} faults planted, {journal} of them in the journal, and every one was caught;");
    println!("the identities alone, without the oracle, saw {seen_by_identities} of {tried_on_identities}");
    assert!(planted > 1_500 && journal > 200);
}
