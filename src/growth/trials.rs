//! Random logs through the engine, compared with the oracle in every number. `PROPTEST_CASES` sets how many (256).

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::counter::{CounterKey, Metric};
use super::counters::Counters;
use super::identities::{self, check_identities};
use super::lateness::Lateness;
use super::oracle::{Oracle, day_of};
use super::record::record;
use super::report::{AsOf, Asked, Cell, Context, Period, ReportName, build, needed};
use crate::domain::customer::Customer;
use crate::domain::fact::{Fact, FactKind};
use crate::domain::ids::{Channel, DedupeKey};
use crate::domain::time::{BusinessDay, UnixSecs};

const DAY: i64 = 86_400;
/// A Monday, 0:00 in +08:00.
const START: i64 = 1_767_542_400;

/// One random fact, before the log is put in order.
#[derive(Clone, Debug)]
struct Draft {
    customer: u32,
    kind: u8,
    day: i64,
    sec: i64,
    delay_secs: i64,
    jitter_secs: i64,
}

/// A log in the order in which it is processed.
type Log = Vec<(u32, Fact)>;

fn kind(draft: &Draft) -> FactKind {
    let key = format!("key{}", draft.sec % 3);
    match draft.kind {
        0..=3 => FactKind::Messaged,
        4..=6 => FactKind::Tapped { key },
        7 => FactKind::Scanned { scene: "code".into() },
        8..=10 => {
            let code = (draft.sec % 4 != 0).then(|| format!("code{}", draft.sec % 4));
            let channel = code.as_deref().map(Channel::from).unwrap_or_default();
            FactKind::Followed { scene: code.as_deref().map(Into::into), channel }
        }
        11..=12 => FactKind::Unfollowed,
        13 => FactKind::Rated { action: "rate".into(), stars: (draft.sec % 5 + 1) as u8 },
        _ => FactKind::Voted { action: "topic".into(), topic: "t".into(), option: key },
    }
}

/// The log in order of arrival, disturbed by each draft's jitter.
fn log(drafts: &[Draft]) -> Log {
    let mut turns = BTreeMap::<_, u8>::new();
    let mut facts = Vec::new();
    for (number, draft) in drafts.iter().enumerate() {
        let mut what = kind(draft);
        if matches!(what, FactKind::Followed { .. } | FactKind::Unfollowed) {
            // More comings and goings within the lateness bound than are kept have their own test.
            let block = turns.entry((draft.customer, draft.day / 4)).or_default();
            *block += 1;
            if *block > 5 {
                what = FactKind::Messaged;
            }
        }
        let at = START + draft.day * DAY + draft.sec;
        let arrived = at + draft.delay_secs;
        let key = DedupeKey(number as u64);
        let fact = Fact { at: UnixSecs(at), arrived: UnixSecs(arrived), key, playbook: "p".into(), what };
        facts.push((arrived + draft.jitter_secs, draft.customer, fact));
    }
    facts.sort_by_key(|(order, _, _)| *order);
    facts.into_iter().map(|(_, customer, fact)| (customer, fact)).collect()
}

/// What the engine made of a log.
#[derive(Default)]
struct Counted {
    counters: Counters,
    journal: Vec<(BusinessDay, CounterKey, i64)>,
    late: usize,
    quarantined: usize,
    most_updates: usize,
}

fn count<'a>(log: impl IntoIterator<Item = &'a (u32, Fact)>) -> Counted {
    let mut customers = BTreeMap::<u32, Customer>::new();
    let mut counted = Counted::default();
    for (customer, fact) in log {
        let recorded = record(customers.entry(*customer).or_default(), std::slice::from_ref(fact), Lateness::default());
        counted.late += recorded.late;
        counted.quarantined += recorded.quarantined;
        counted.most_updates = counted.most_updates.max(recorded.increments.len());
        for increment in recorded.increments {
            if let Some(day) = increment.late_on {
                counted.journal.push((day, increment.key.clone(), increment.by));
            }
            counted.counters.add(increment.key, increment.by);
        }
    }
    counted
}

fn drafts(customers: u32, days: i64, facts: usize) -> impl Strategy<Value = Vec<Draft>> {
    let delay = prop_oneof![
        6 => 0..5i64,
        3 => 0..2 * DAY,
        1 => 0..5 * DAY,
        1 => -400..0i64,
    ];
    let draft = (0..customers, 0..15u8, 0..days, 0..DAY, delay, 0..DAY).prop_map(
        |(customer, kind, day, sec, delay_secs, jitter_secs)| Draft {
            customer,
            kind,
            day,
            sec,
            delay_secs,
            jitter_secs,
        },
    );
    proptest::collection::vec(draft, 1..facts)
}

/// Short and crowded, some weeks, and long enough for the longest exact gap.
fn populations() -> impl Strategy<Value = Vec<Draft>> {
    prop_oneof![drafts(3, 5, 60), drafts(6, 45, 200), drafts(2, 400, 80)]
}

fn in_order_of_arrival(drafts: &[Draft]) -> Log {
    log(&drafts.iter().map(|draft| Draft { jitter_secs: 0, ..draft.clone() }).collect::<Vec<_>>())
}

fn span(log: &Log) -> (i32, i32) {
    let days: BTreeSet<i32> = log.iter().map(|(_, fact)| day_of(fact.at.0)).collect();
    (*days.first().unwrap() - 2, *days.last().unwrap() + 33)
}

fn assert_same(counted: &Counted, oracle: &Oracle) {
    let cells: BTreeMap<_, _> = counted.counters.cells().collect();
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

fn only(counters: &Counters, ranges: &[(Metric, i32, i32)]) -> Counters {
    let asked = |key: &CounterKey| ranges.iter().any(|(m, a, b)| *m == key.metric && (*a..=*b).contains(&key.a));
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
    let mut total_before = oracle.day(from - 1).followers;
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
        assert_eq!(counters.sum_to(Metric::ActiveFollowers, day), oracle.active_followers(day), "day {day}");
    }
    let (from, to) = (BusinessDay(from), BusinessDay(to));
    let read = only(counters, &identities::needed(from, to));
    assert_eq!(check_identities(&read, from, to), []);
}

proptest! {
    #[test]
    fn every_counter_and_every_row_equals_the_oracle(drafts in populations()) {
        let log = in_order_of_arrival(&drafts);
        let (counted, oracle) = (count(&log), Oracle::of(&log));
        assert_same(&counted, &oracle);
        let (from, to) = span(&log);
        assert_reports(&counted.counters, &oracle, (from, to));
        assert_reports(&counted.counters, &oracle, ((from + to) / 2, to));
        let quarantined: i64 = oracle.cells.iter().filter(|(k, _)| k.metric == Metric::Quarantined).map(|(_, v)| v).sum();
        assert_eq!(counted.quarantined as i64, quarantined);
        assert!(counted.late + counted.quarantined <= log.len());
    }

    #[test]
    fn the_order_of_arrival_changes_no_number(drafts in populations()) {
        assert_same(&count(&log(&drafts)), &Oracle::of(&in_order_of_arrival(&drafts)));
    }

    #[test]
    fn unique_customers_of_any_range_are_exact(drafts in drafts(4, 300, 120), ranges in
        proptest::collection::vec((-3..330i32, 0..=92i32), 30))
    {
        let log = in_order_of_arrival(&drafts);
        let (counters, oracle) = (count(&log).counters, Oracle::of(&log));
        for (from, len) in ranges {
            let (from, to) = (day_of(START) + from, day_of(START) + from + len);
            assert_eq!(counters.unique(BusinessDay(from), BusinessDay(to)), Some(oracle.unique(from, to)));
            let tappers: i64 = (from..=to)
                .flat_map(|day| counters.row(Metric::MenuTappers, day).map(move |cell| (day, cell)))
                .filter(|(day, (gap, key, _))| *key == "key1" && (*gap < 0 || day - gap < from))
                .map(|(_, (_, _, value))| value)
                .sum();
            assert_eq!(tappers, oracle.unique_tappers("key1", from, to));
        }
    }

    #[test]
    fn two_shards_added_are_one(drafts in populations()) {
        let log = in_order_of_arrival(&drafts);
        let mut merged = Counters::default();
        for shard in 0..2 {
            let part = count(log.iter().filter(|(customer, _)| customer % 2 == shard));
            part.counters.cells().for_each(|(key, by)| merged.add(key, by));
        }
        let whole = count(&log).counters;
        assert_eq!(merged.cells().collect::<Vec<_>>(), whole.cells().collect::<Vec<_>>());
        assert_reports(&merged, &Oracle::of(&log), span(&log));
    }

    #[test]
    fn the_journal_gives_back_every_day_as_it_stood(drafts in populations(), after in 0..60i32) {
        let log = in_order_of_arrival(&drafts);
        let counted = count(&log);
        let as_of = span(&log).0 + after;
        let mut then = counted.counters.clone();
        for (arrived, key, by) in counted.journal {
            if arrived.0 > as_of {
                then.add(key, -by);
            }
        }
        let known: Log = log.into_iter().filter(|(_, fact)| day_of(fact.arrived.0) <= as_of).collect();
        let oracle = Oracle::of(&known);
        // Of cells about days that had begun by then; the latest active day is by its nature only known as of now.
        let concerned = |key: &CounterKey| match key.metric {
            Metric::Latest | Metric::Votes => false,
            Metric::Retained | Metric::SpellEnded => key.a + key.b <= as_of,
            Metric::RetainedWeekly => (key.a + key.b) * 7 + 3 <= as_of,
            _ => key.a <= as_of,
        };
        let then: BTreeMap<_, _> = then.cells().filter(|(key, _)| concerned(key)).collect();
        let want: BTreeMap<_, _> = oracle.cells.into_iter().filter(|(key, _)| concerned(key)).collect();
        assert_eq!(then, want);
    }
}

/// People as they are: some come daily, some in bursts weeks apart, some once; most things arrive at once.
fn lifelike(seed: u64, customers: u32, days: i64) -> Vec<Draft> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut drafts = Vec::new();
    for customer in 0..customers {
        let mut day = rng.random_range(0..days);
        let mut turn = day;
        let mut follows = true;
        let rate = [0.02, 0.3, 0.8, 0.95][rng.random_range(0..4)];
        while turn < days && rng.random_bool(0.8) {
            drafts.push(draft(&mut rng, customer, (if follows { 8 } else { 11 }, turn)));
            follows = !follows;
            turn += [0, 0, 1, 2, 5, 9, 20, 60][rng.random_range(0..8)];
        }
        while day < days {
            for _ in 0..rng.random_range(0..4) {
                let kind = rng.random_range(0..8);
                drafts.push(draft(&mut rng, customer, (kind, day)));
            }
            day += if rng.random_bool(rate) { 1 } else { rng.random_range(1..120) };
        }
    }
    drafts
}

fn draft(rng: &mut StdRng, customer: u32, (kind, day): (u8, i64)) -> Draft {
    let delay_secs = match rng.random_range(0..100) {
        0..80 => rng.random_range(0..5),
        80..97 => rng.random_range(0..2 * DAY),
        _ => rng.random_range(0..6 * DAY),
    };
    Draft { customer, kind, day, sec: rng.random_range(0..DAY), delay_secs, jitter_secs: rng.random_range(0..3_600) }
}

#[test]
fn a_larger_population_over_a_year_equals_the_oracle() {
    let log = log(&lifelike(7, 400, 365));
    let (counted, oracle) = (count(&log), Oracle::of(&log));
    assert_same(&counted, &oracle);
    assert_reports(&counted.counters, &oracle, span(&log));
    // The trial must hold what it is about.
    assert!(log.len() > 5_000 && counted.late > 500 && counted.quarantined > 20, "{} facts", log.len());
    assert!(counted.most_updates <= 32, "{} counter changes for one fact", counted.most_updates);
    // Adding up days is the commonest wrong number in the field (growth.md 1.0): here it would be far off.
    let day = day_of(START) + 300;
    let added: i64 = (day - 29..=day).map(|day| oracle.unique(day, day)).sum();
    assert!(added > 2 * oracle.unique(day - 29, day));
}
