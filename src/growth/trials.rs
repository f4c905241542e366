//! Random logs through the engine, compared with the oracle in every number. `PROPTEST_CASES` sets how many (256).

mod faults;
mod logs;
mod measure;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::counter::{CounterKey, CounterRange, Increment, Metric};
use super::counters::Counters;
use super::identities::{self, check_identities};
use super::lateness::Lateness;
use super::oracle::{Cells, Oracle, day_of, week_of};
use super::record::record;
use super::report::{AsOf, Asked, Cell, Context, Period, ReportName, build, needed};
use crate::domain::customer::Customer;
use crate::domain::ids::Channel;
use crate::domain::time::BusinessDay;
use logs::{Log, START, drafts, lifelike, populations};

/// What the engine made of a log.
#[derive(Clone, Default)]
struct Counted {
    /// What each delivery changed.
    commits: Vec<Vec<Increment>>,
    late: usize,
    quarantined: usize,
}

fn count(log: &Log) -> Counted {
    let mut customers = BTreeMap::<u32, Customer>::new();
    let mut counted = Counted::default();
    for (customer, facts) in &log.deliveries {
        let recorded = record(customers.entry(*customer).or_default(), facts, log.lateness);
        counted.late += recorded.late;
        counted.quarantined += recorded.quarantined;
        counted.commits.push(recorded.increments);
    }
    counted
}

impl Counted {
    fn increments(&self) -> impl Iterator<Item = &Increment> {
        self.commits.iter().flatten()
    }

    fn counters(&self) -> Counters {
        self.increments().map(|increment| (increment.key.clone(), increment.by)).collect()
    }

    fn cells(&self) -> Cells {
        self.counters().cells().collect()
    }

    /// How the counters stood at the end of a day, from how they stand now and the journal. Of cells about days that
    /// were over by then; the latest active day is by its nature only known as of now, and a vote has no day.
    fn as_of(&self, day: i32) -> Cells {
        let mut then = self.counters();
        for increment in self.increments().filter(|i| i.late_on.is_some_and(|arrived| arrived.0 > day)) {
            then.add(increment.key.clone(), -increment.by);
        }
        then.cells().filter(|(key, _)| is_over(key, day)).collect()
    }
}

fn is_over(key: &CounterKey, as_of: i32) -> bool {
    match key.metric {
        Metric::Latest | Metric::Votes => false,
        Metric::Retained | Metric::SpellEnded => key.a + key.b <= as_of,
        Metric::RetainedWeekly => week_of(as_of + 1) > key.a + key.b,
        _ => key.a <= as_of,
    }
}

fn over(mut cells: Cells, as_of: i32) -> Cells {
    cells.retain(|key, _| is_over(key, as_of));
    cells
}

fn assert_same(cells: &Cells, oracle: &Oracle) {
    for key in cells.keys().chain(oracle.cells.keys()) {
        assert_eq!(cells.get(key), oracle.cells.get(key), "{key:?}: engine against oracle");
    }
}

fn number(cell: &Cell) -> i64 {
    match cell {
        Cell::Count(count) => *count,
        other => panic!("not a number: {other:?}"),
    }
}

fn only(counters: &Counters, ranges: &[CounterRange]) -> Counters {
    let asked = |key: &CounterKey| ranges.iter().any(|range| range.holds(key));
    counters.cells().filter(|(key, _)| asked(key)).collect()
}

/// A report made of nothing but what it asked for.
fn rows(report: ReportName, (from, to): (i32, i32), counters: &Counters) -> Vec<Vec<Cell>> {
    let (from, to) = (BusinessDay(from), BusinessDay(to));
    let asked = Asked::new(report, Period::new(from, to).unwrap());
    let read = only(counters, &needed(&asked));
    let sealed = AsOf { now: to.plus_days(9).start(), lateness: Lateness::default() };
    build(&asked, sealed, &read, &Context::default()).rows
}

fn assert_reports(counters: &Counters, oracle: &Oracle, (from, to): (i32, i32)) {
    let activity = rows(ReportName::Activity, (from, to), counters);
    let followers = rows(ReportName::Followers, (from, to), counters);
    let mut total_before = oracle.followers(None, from - 1);
    for (day, (activity, followers)) in (from..=to).zip(activity.iter().zip(&followers)) {
        let expected = oracle.day(day);
        let got: Vec<i64> = activity[3..].iter().map(number).collect();
        let e = &expected;
        let want = [e.active, e.active_7, e.active_30, e.new, e.returning, e.resurrected, e.dormant];
        assert_eq!(got, want, "activity of {day}");
        let got: Vec<i64> = followers[2..].iter().map(number).collect();
        assert_eq!(got[5], expected.followers, "followers of {day}");
        assert_eq!((got[0] + got[1], got[2] - got[3], got[5] - total_before), (got[2], got[4], got[4]));
        total_before = got[5];
    }
    let (from, to) = (BusinessDay(from), BusinessDay(to));
    let read = only(counters, &identities::needed(from, to));
    assert_eq!(check_identities(&read, from, to), []);
}

/// Retention of any kind, survival, unique customers and followers: of everybody, and of the customers of each channel.
fn assert_definitions(counters: &Counters, oracle: &Oracle, (from, to): (i32, i32)) {
    for of in oracle.channels().into_iter().map(Some).chain([None]) {
        let counters = match of {
            Some(channel) => counters.of_channel(&Channel::from(channel)),
            None => counters.clone(),
        };
        let from_n = |metric, (a, n): (i32, i32)| -> i64 {
            counters.row(metric, a).filter(|cell| cell.0 >= n).map(|cell| cell.2).sum()
        };
        // A dozen days is enough: every cell was compared already.
        for day in (from..=to).step_by((to - from) as usize / 12 + 1) {
            for n in [0, 1, 2, 6, 7, 30, 61] {
                let cell = (day, n);
                assert_eq!(counters.get(Metric::Retained, cell), oracle.retained(of, cell), "{of:?} {cell:?}");
                assert_eq!(from_n(Metric::Latest, cell), oracle.retained_or_later(of, cell), "{of:?} {cell:?}");
                let ended = counters.sum(Metric::SpellEnded, day) - from_n(Metric::SpellEnded, (day, n + 1));
                let left = counters.sum(Metric::Follows, day) - ended;
                assert_eq!(left, oracle.still_following(of, cell), "{of:?} {cell:?}");
                let week = (week_of(day), n / 7);
                assert_eq!(counters.get(Metric::RetainedWeekly, week), oracle.retained_weekly(of, week), "{of:?}");
            }
            let unique = counters.unique(BusinessDay(day - 13), BusinessDay(day));
            assert_eq!(unique, Some(oracle.unique(of, (day - 13, day))), "{of:?} {day}");
            assert_eq!(counters.sum_to(Metric::ActiveFollowers, day), oracle.active_followers(of, day), "{of:?} {day}");
            let followers = counters.sum_to(Metric::Follows, day) - counters.sum_to(Metric::Unfollows, day);
            assert_eq!(followers, oracle.followers(of, day), "{of:?} {day}");
        }
    }
}

proptest! {
    #[test]
    fn every_counter_and_every_row_equals_the_oracle(drafts in populations()) {
        let log = drafts.in_order_of_arrival();
        let (counted, oracle) = (count(&log), log.oracle());
        assert_same(&counted.cells(), &oracle);
        let counters = counted.counters();
        let (from, to) = log.span();
        assert_reports(&counters, &oracle, (from, to));
        assert_reports(&counters, &oracle, ((from + to) / 2, to));
        assert_definitions(&counters, &oracle, (from, to));
        let quarantined: i64 = oracle.cells.iter().filter(|(k, _)| k.metric == Metric::Quarantined).map(|(_, v)| v).sum();
        assert_eq!(counted.quarantined as i64, quarantined);
        assert!(counted.late + counted.quarantined <= log.deliveries.len());
    }

    #[test]
    fn the_order_of_arrival_changes_no_number(drafts in populations()) {
        assert_same(&count(&drafts.log()).cells(), &drafts.in_order_of_arrival().oracle());
    }

    #[test]
    fn unique_customers_of_any_range_are_exact(drafts in drafts(4, 300, 120), ranges in
        proptest::collection::vec((-3..330i32, 0..=92i32), 30))
    {
        let log = drafts.in_order_of_arrival();
        let (counters, oracle) = (count(&log).counters(), log.oracle());
        for (from, len) in ranges {
            let (from, to) = (day_of(START) + from, day_of(START) + from + len);
            assert_eq!(counters.unique(BusinessDay(from), BusinessDay(to)), Some(oracle.unique(None, (from, to))));
            let tappers: i64 = (from..=to)
                .flat_map(|day| counters.row(Metric::MenuTappers, day).map(move |cell| (day, cell)))
                .filter(|(day, (gap, key, _))| *key == "key1" && (*gap < 0 || day - gap < from))
                .map(|(_, (_, _, value))| value)
                .sum();
            assert_eq!(tappers, oracle.unique_tappers("key1", from, to));
        }
    }

    #[test]
    fn shards_added_are_one(drafts in populations(), shards in 1..=64u32) {
        let log = drafts.log();
        let mut merged = Counters::default();
        for shard in 0..shards {
            count(&log.shard((shard, shards))).counters().cells().for_each(|(key, by)| merged.add(key, by));
        }
        assert_same(&merged.cells().collect(), &log.oracle());
    }

    #[test]
    fn the_journal_gives_back_every_day_as_it_stood(drafts in populations(), after in 0..60i32) {
        let log = drafts.in_order_of_arrival();
        let as_of = log.span().0 + after;
        assert_eq!(count(&log).as_of(as_of), over(log.oracle_as_of(as_of).cells, as_of));
    }
}

#[test]
fn a_larger_population_over_a_year_equals_the_oracle() {
    let log = lifelike(7, 400, 365).log();
    let (counted, oracle) = (count(&log), log.oracle());
    assert_same(&counted.cells(), &oracle);
    assert_reports(&counted.counters(), &oracle, log.span());
    assert_definitions(&counted.counters(), &oracle, log.span());
    // The trial must hold what it is about.
    assert!(log.deliveries.len() > 5_000 && counted.late > 500 && counted.quarantined > 20);
    assert_eq!(oracle.channels().len(), 4);
    // Adding up days is the commonest wrong number in the field (growth.md 1.0): here it would be far off.
    let day = day_of(START) + 300;
    let added: i64 = (day - 29..=day).map(|day| oracle.unique(None, (day, day))).sum();
    assert!(added > 2 * oracle.unique(None, (day - 29, day)));
}
