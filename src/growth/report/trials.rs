//! Random lives of a few customers through the engine, and every report against what counting by hand says.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counter::{CAP_DAYS, CounterKey, Metric};
use crate::growth::lateness::Lateness;
use lives::{Act, Life, acts, channel, count, lives};

mod invites;
mod lives;

/// A Monday.
const START: BusinessDay = BusinessDay(20_458);
const DAY_SECS: i64 = 86_400;

fn how_many<T>(all: &[T], fits: impl Fn(&T) -> bool) -> i64 {
    all.iter().filter(|one| fits(one)).count() as i64
}

fn asked(report: ReportName, from: i32, len: i32) -> Asked {
    Asked::new(report, Period::new(START.plus_days(from), START.plus_days(from + len)).unwrap())
}

/// A report made of nothing but what it asked for.
fn table(asked: &Asked, now: UnixSecs, counters: &Counters) -> Table {
    let ranges = needed(asked);
    let wanted = |key: &CounterKey| ranges.iter().any(|range| range.holds(key));
    let read = counters.cells().filter(|(key, _)| wanted(key)).collect();
    build(asked, AsOf { now, lateness: Lateness::default() }, &read, &Context::default())
}

/// The `n`-th number of a cohort, or nothing while `last` is not over.
fn ripe(last: i32, now: UnixSecs, count: i64) -> Cell {
    let over = now >= BusinessDay(last + 1).start().plus_secs(900);
    if over { Cell::Count(count) } else { Cell::Unknown }
}

fn cells(table: &Table, row: usize) -> &[Cell] {
    &table.rows[row][1..]
}

proptest! {
    #[test]
    fn retention_is_what_counting_cohorts_by_hand_says(
        acts in acts(6, 60, Just(0)), (from, len) in (-3..55i32, 0..20i32), now in 0..100 * DAY_SECS
    ) {
        let now = START.start().plus_secs(now);
        let known: Vec<Act> = acts.into_iter().filter(|act| act.at <= now).collect();
        let (counters, lives) = (count(&known).0, lives(&known));
        let first = |life: &Life| life.active.first().copied();
        let on_day = asked(ReportName::Retention, from, len);
        let unbounded = Asked { measure: Measure::OnOrAfter, ..on_day.clone() };
        let (exact, later) = (table(&on_day, now, &counters), table(&unbounded, now, &counters));
        for (row, day) in on_day.period.days().take_while(|day| day.start() <= now).enumerate() {
            let k = day.0;
            let size = Cell::Count(how_many(&lives, |life| first(life) == Some(k)));
            let of = |n: i32| how_many(&lives, |l| first(l) == Some(k) && l.active.contains(&(k + n)));
            let since = |n: i32| how_many(&lives, |l| first(l) == Some(k) && l.active.range(k + n..).next().is_some());
            let expected: Vec<Cell> =
                [size.clone()].into_iter().chain((1..=30).map(|n| ripe(k + n, now, of(n)))).collect();
            prop_assert_eq!(cells(&exact, row), expected);
            let expected: Vec<Cell> =
                [size].into_iter().chain((1..=30).map(|n| ripe(k + n + 7, now, since(n)))).collect();
            prop_assert_eq!(cells(&later, row), expected);
        }
        let weekly = Asked { measure: Measure::Weekly, ..on_day.clone() };
        let table = table(&weekly, now, &counters);
        let weeks: BTreeSet<i32> =
            on_day.period.days().map(|day| day.0 - (day.0 + 3).rem_euclid(7)).collect();
        let begun = weeks.into_iter().filter(|monday| BusinessDay(*monday).start() <= now);
        let mut rows = 0;
        for (row, monday) in begun.enumerate() {
            let new = |life: &Life| first(life).is_some_and(|day| (monday..monday + 7).contains(&day));
            let of = |n: i32| {
                how_many(&lives, |l| new(l) && l.active.range(monday + 7 * n..monday + 7 * n + 7).next().is_some())
            };
            let expected: Vec<Cell> = [Cell::Count(of(0))]
                .into_iter()
                .chain((1..=12).map(|n| ripe(monday + 7 * n + 6, now, of(n))))
                .collect();
            prop_assert_eq!(&table.rows[row][0], &Cell::Day(BusinessDay(monday)));
            prop_assert_eq!(cells(&table, row), expected);
            rows += 1;
        }
        prop_assert_eq!(table.rows.len(), rows);
    }

    #[test]
    fn an_average_weighs_every_customer_of_a_ripe_cohort_once(acts in acts(12, 40, Just(0)), now in 0..60 * DAY_SECS) {
        let now = START.start().plus_secs(now);
        let known: Vec<Act> = acts.into_iter().filter(|act| act.at <= now).collect();
        let (counters, lives) = (count(&known).0, lives(&known));
        let table = table(&asked(ReportName::Retention, 0, 59), now, &counters);
        for n in [1, 7, 30] {
            let ripe = |life: &&Life| {
                let first = life.active.first();
                first.is_some_and(|day| BusinessDay(day + n + 1).start().plus_secs(900) <= now)
            };
            let ripe: Vec<&Life> = lives.iter().filter(ripe).collect();
            let stayed = how_many(&ripe, |life| life.active.contains(&(life.active.first().unwrap() + n)));
            let average = average(&table, &format!("d{n}")).unwrap();
            prop_assert_eq!((average.stayed, average.of), (stayed, ripe.len() as i64));
        }
    }

    #[test]
    fn survival_is_what_following_every_spell_by_hand_says(
        acts in acts(4, 50, Just(0)), (from, len) in (-3..45i32, 0..20i32), now in 0..90 * DAY_SECS
    ) {
        let now = START.start().plus_secs(now);
        let known: Vec<Act> = acts.into_iter().filter(|act| act.at <= now).collect();
        let spells: Vec<_> = lives(&known).into_iter().flat_map(|life| life.spells).collect();
        let asked = asked(ReportName::Survival, from, len);
        let table = table(&asked, now, &count(&known).0);
        for (row, day) in asked.period.days().take_while(|day| day.start() <= now).enumerate() {
            let k = day.0;
            let standing = |n: i32| how_many(&spells, |(began, ended)| *began == k && ended.is_none_or(|end| end > k + n));
            let follows = how_many(&spells, |(began, _)| *began == k);
            let expected: Vec<Cell> = [Cell::Count(follows)]
                .into_iter()
                .chain((1..=30).map(|n| ripe(k + n, now, standing(n))))
                .collect();
            prop_assert_eq!(cells(&table, row), expected);
        }
    }

    #[test]
    fn customers_of_a_period_and_of_every_menu_entry_are_counted_once(
        acts in acts(5, 120, Just(0)), (from, len) in (0..110i32, 0..120i32)
    ) {
        let (counters, lives) = (count(&acts).0, lives(&acts));
        let now = START.plus_days(240).start();
        let (a, b) = (START.0 + from, START.0 + from + len);
        let exact = |count: i64| if len <= CAP_DAYS { Cell::Count(count) } else { Cell::Unknown };
        let unique = table(&asked(ReportName::Unique, from, len), now, &counters);
        let active = how_many(&lives, |life| life.active.range(a..=b).next().is_some());
        prop_assert_eq!(&unique.rows[0][2], &exact(active));
        let menu = table(&asked(ReportName::Menu, from, len), now, &counters);
        let mut expected = Vec::new();
        for key in ["2", "3", "4"] {
            let inside = |life: &Life| {
                let days = life.taps.get(key).into_iter().flatten();
                days.filter(|(day, _)| (a..=b).contains(*day)).map(|(_, n)| *n).sum::<i64>()
            };
            let taps: i64 = lives.iter().map(inside).sum();
            if taps > 0 {
                expected.push((-taps, key, exact(how_many(&lives, |life| inside(life) > 0))));
            }
        }
        expected.sort_by_key(|(taps, key, _)| (*taps, *key));
        let expected: Vec<Vec<Cell>> = expected
            .into_iter()
            .map(|(taps, key, customers)| {
                vec![Cell::Text(key.to_owned()), Cell::Text(String::new()), Cell::Count(-taps), customers]
            })
            .collect();
        prop_assert_eq!(menu.rows, expected);
    }

    #[test]
    fn words_without_an_answer_are_listed_by_how_often_and_how_lately_they_came(
        acts in acts(5, 30, Just(0)), (from, len) in (-2..30i32, 0..20i32)
    ) {
        let asked = asked(ReportName::Unanswered, from, len);
        let mut said = BTreeMap::<String, (i64, BusinessDay)>::new();
        for (day, words) in lives(&acts).into_iter().flat_map(|life| life.words) {
            if asked.period.holds(BusinessDay(day)) {
                let (times, last) = said.entry(words).or_insert((0, BusinessDay(day)));
                (*times, *last) = (*times + 1, (*last).max(BusinessDay(day)));
            }
        }
        let mut expected: Vec<_> = said.into_iter().map(|(text, (times, last))| (-times, -last.0, text)).collect();
        expected.sort();
        let row = |(times, last, text): (i64, i32, String)| {
            vec![Cell::Text(text), Cell::Count(-times), Cell::Day(BusinessDay(-last))]
        };
        let expected: Vec<Vec<Cell>> = expected.into_iter().map(row).collect();
        prop_assert_eq!(table(&asked, START.plus_days(90).start(), &count(&acts).0).rows, expected);
    }

    #[test]
    fn a_report_of_a_channel_is_the_report_of_those_who_first_followed_by_it(
        acts in acts(8, 40, Just(0)), (from, len) in (-2..40i32, 0..12i32),
        name in prop_oneof![Just(""), Just("store"), Just("metro")]
    ) {
        // Nobody can write before they follow.
        let mut acts = acts;
        for customer in 0..8 {
            if let Some(first) = acts.iter_mut().filter(|act| act.customer == customer).min_by_key(|act| act.at) {
                first.kind = 0;
            }
        }
        let (counters, now) = (count(&acts).0, START.plus_days(90).start());
        // Their lives and nobody else's.
        let first = |act: &Act| acts.iter().filter(|a| a.customer == act.customer && a.kind == 0).min_by_key(|a| a.at);
        let theirs = |act: &&Act| first(act).is_some_and(|first| channel(first).as_str() == name);
        let theirs: Vec<Act> = acts.iter().filter(theirs).cloned().collect();
        let alone = count(&theirs).0;
        let kept = |asked: &Asked| asked.report.is_kept_by_channel() && asked.compare == Compare::Nothing;
        for plain in every_way(from, len).filter(kept) {
            let asked = Asked { channel: Some(name.into()), ..plain.clone() };
            let mut expected = table(&plain, now, &alone);
            if let Some(messages) = expected.column("messages") {
                expected.rows.iter_mut().for_each(|row| row[messages] = Cell::Unknown);
            }
            prop_assert_eq!(table(&asked, now, &counters).rows, expected.rows, "{:?}", &asked);
        }
    }

    #[test]
    fn rows_told_apart_by_channel_are_those_of_each_channel_and_add_up_to_everybody(
        acts in acts(8, 40, Just(0)), (from, len) in (-2..40i32, 0..12i32)
    ) {
        let (counters, now) = (count(&acts).0, START.plus_days(45).start().plus_secs(3_600));
        // Comparing costs as much as all the rest.
        let is_tried = |asked: &Asked| {
            asked.report.is_kept_by(By::Channel) && (asked.compare == Compare::Nothing || from % 8 == 0)
        };
        for plain in every_way(from, len).filter(is_tried) {
            let plain = Asked { explain: Explain::No, ..plain };
            let whole = table(&plain, now, &counters);
            let apart = table(&Asked { by: By::Channel, ..plain.clone() }, now, &counters);
            prop_assert_eq!(apart.columns.len(), whole.columns.len() + 1);
            let mut sums: Vec<Vec<i64>> = whole.rows.iter().map(|row| vec![0; row.len()]).collect();
            for rows in apart.rows.chunks(whole.rows.len().max(1)) {
                let Cell::Text(name) = &rows[0][0] else { panic!("{rows:?}") };
                let channel = Some(name.as_str().into());
                let alone = table(&Asked { channel, ..plain.clone() }, now, &counters);
                let theirs: Vec<_> = rows.iter().map(|row| row[1..].to_vec()).collect();
                prop_assert_eq!(theirs, alone.rows);
                for (sums, row) in sums.iter_mut().zip(rows) {
                    for (sum, cell) in sums.iter_mut().zip(&row[1..]) {
                        *sum += if let Cell::Count(count) = cell { *count } else { 0 };
                    }
                }
            }
            for (sums, row) in sums.into_iter().zip(&whole.rows) {
                for ((sum, cell), column) in sums.into_iter().zip(row).zip(&whole.columns) {
                    // Messages are not kept by channel.
                    if let (Cell::Count(count), false) = (cell, column.name.starts_with("messages")) {
                        prop_assert_eq!(sum, *count, "{} of {:?}", &column.name, &plain);
                    }
                }
            }
        }
    }

    #[test]
    fn as_of_a_day_every_report_is_what_it_would_have_been_had_nothing_arrived_since(
        acts in acts(4, 30, prop_oneof![2 => Just(0), 3 => 0..3 * DAY_SECS]), (from, len, day) in (0..25i32, 0..12i32, 0..40i32)
    ) {
        let day = START.plus_days(day);
        let (counters, journal) = count(&acts);
        let then: Vec<Act> = acts.iter().filter(|act| act.arrived.business_day() <= day).cloned().collect();
        let (known_then, _) = count(&then);
        let stood = as_it_stood(&counters, &journal, day);
        let now = START.plus_days(60).start();
        for asked in every_way(from, len) {
            let asked = Asked { as_of: Some(day), ..asked };
            if asked.check(now).is_err() {
                continue;
            }
            let (table_then, table_now) = (table(&asked, now, &known_then), table(&asked, now, &stood));
            prop_assert_eq!(&table_now.rows, &table_then.rows, "{:?}", asked);
            prop_assert_eq!(changes(&table_then, &table_now), vec![]);
        }
    }

    #[test]
    fn every_number_is_the_sum_of_its_terms_whatever_was_counted(
        cells in proptest::collection::vec((0..24usize, -40..40i32, -2..40i32, 0..3u8, -5..50i64), 1..400),
        (from, len) in (-20..20i32, 0..12i32)
    ) {
        let counters: Counters = cells
            .into_iter()
            .map(|(metric, a, b, dimension, by)| {
                let metric = Metric::all().nth(metric).unwrap();
                let a = if metric == Metric::RetainedWeekly { START.iso_week() + a } else { START.0 + a };
                (CounterKey { metric, a, b, dimension: ["", "store", "other"][usize::from(dimension)].into() }, by)
            })
            .collect();
        let now = START.plus_days(45).start().plus_secs(3_600);
        for asked in every_way(from, len) {
            let table = table(&asked, now, &counters);
            for (row, cells) in table.rows.iter().enumerate() {
                prop_assert_eq!(cells.len(), table.columns.len());
                for (column, cell) in cells.iter().enumerate() {
                    let is_number = table.columns[column].kind == ColumnKind::Number;
                    prop_assert_eq!(is_number, matches!(cell, Cell::Count(_) | Cell::Unknown), "{:?}", asked);
                    let terms = table.terms.get(&(row, column)).map_or(&[][..], Vec::as_slice);
                    let sum = terms.iter().map(|term| term.count).sum();
                    prop_assert!(*cell == Cell::Count(sum) || terms.is_empty() && !matches!(cell, Cell::Count(_)));
                }
            }
            // Some are enough: it costs as much as all the rest.
            if from % 8 == 0 {
                let unexplained = self::table(&Asked { explain: Explain::No, ..asked }, now, &counters);
                prop_assert_eq!(unexplained, Table { terms: BTreeMap::new(), ..table }, "the same without terms");
            }
        }
    }

    #[test]
    fn the_period_before_says_what_its_own_report_says(
        acts in acts(5, 60, Just(0)), (from, len) in (0..50i32, 0..20i32)
    ) {
        let (counters, now) = (count(&acts).0, START.plus_days(200).start());
        for both in every_way(from, len).filter(|asked| asked.compare == Compare::Previous) {
            let alone = Asked { compare: Compare::Nothing, period: both.period.previous(), ..both.clone() };
            let (both, alone) = (table(&both, now, &counters), table(&alone, now, &counters));
            for (row, cells) in alone.rows.iter().enumerate() {
                // Entries of a menu are found by their names; words that did not come again are not listed.
                let row = match &cells[0] {
                    key @ Cell::Text(_) => both.rows.iter().position(|row| row[0] == *key),
                    _ => Some(row),
                };
                let Some(row) = row else {
                    prop_assert_eq!(alone.name, "unanswered");
                    continue;
                };
                for (column, cell) in alone.columns.iter().zip(cells).filter(|(column, _)| column.kind == ColumnKind::Number) {
                    let at = |suffix: &str| both.cell(row, &format!("{}{suffix}", column.name)).unwrap();
                    prop_assert_eq!(at("_previous"), cell);
                    if let (Cell::Count(now), Cell::Count(then)) = (at(""), at("_previous")) {
                        prop_assert_eq!(at("_change"), &Cell::Count(now - then));
                    }
                }
            }
        }
    }
}

/// Every report, every measure, with and without the period before.
fn every_way(from: i32, len: i32) -> impl Iterator<Item = Asked> {
    let measures = [Measure::OnDay, Measure::OnOrAfter, Measure::Weekly];
    ReportName::ALL.into_iter().flat_map(move |report| {
        let measures = if report == ReportName::Retention { &measures[..] } else { &measures[..1] }.to_vec();
        measures.into_iter().flat_map(move |measure| {
            [Compare::Nothing, Compare::Previous].map(|compare| Asked { measure, compare, ..asked(report, from, len) })
        })
    })
}
