//! `retention`: who comes back, by first active day (growth.md 1.5). First means first in the customer's whole history.

use std::collections::BTreeMap;

use super::draft::{Draft, Entry, Row};
use super::table::{Cell, Column, ColumnKind};
use super::term::What;
use super::{AsOf, Asked, Explain, Measure, Period};
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;

/// The last day after the first that has a column.
pub(super) const NTH_DAYS: i32 = 30;
const NTH_WEEKS: i32 = 12;
/// "On or after" is cut off on the right: who has not come back may still. It is printed once the day and one usual
/// return gap after it are over (growth.md 1.5).
const RETURN_GAP_DAYS: i32 = 7;

pub(super) fn needed(measure: Measure, period: Period) -> Vec<CounterRange> {
    let (from, to) = (period.from(), period.to());
    vec![match measure {
        Measure::OnDay => CounterRange::new(Metric::Retained, from.0, to.0).up_to(NTH_DAYS),
        Measure::OnOrAfter => CounterRange::new(Metric::Latest, from.0, to.0),
        Measure::Weekly => CounterRange::new(Metric::RetainedWeekly, from.iso_week(), to.iso_week()).up_to(NTH_WEEKS),
    }]
}

/// The id of the definition.
pub(super) fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::OnDay => "retention",
        Measure::OnOrAfter => "retention.unbounded",
        Measure::Weekly => "retention.weekly",
    }
}

/// The columns `d1…` or `w1…`, described by their number as `(meaning, formula)`.
pub(super) fn nth_columns(
    (letter, unit): (&str, &str),
    last: i32,
    described: impl Fn(i32) -> (String, String),
) -> Vec<Column> {
    let column = |n| {
        let (meaning, formula) = described(n);
        let column = Column::plain(ColumnKind::Number, format!("{letter}{n}"), format!("第{n}{unit}"));
        column.meaning(meaning).formula(formula)
    };
    (1..=last).map(column).collect()
}

fn columns(measure: Measure) -> Vec<Column> {
    let leading = |cohort: &'static str, size: (&'static str, &'static str)| {
        vec![
            Column::plain(ColumnKind::Day, "cohort", "首次活跃").meaning(cohort),
            Column::plain(ColumnKind::Number, "size", "客户数").meaning(size.0).formula(size.1),
        ]
    };
    let (mut columns, nth) = match measure {
        Measure::OnDay => (
            leading(
                "客户有生以来第一次活跃的业务日，不是关注日。",
                ("这一天第一次活跃的客户，也就是当天的新增活跃。", "RET[k,0]"),
            ),
            nth_columns(("d", "天"), NTH_DAYS, |n| {
                let meaning = format!("这批客户里恰好在第 {n} 天又活跃的；前后几天来过不算。");
                (meaning, format!("RET[k,{n}]"))
            }),
        ),
        Measure::OnOrAfter => (
            leading(
                "客户有生以来第一次活跃的业务日，不是关注日。",
                ("这一天第一次活跃的客户，也就是当天的新增活跃。", "Σ_{m≥0} LST[k,m]"),
            ),
            nth_columns(("d", "天"), NTH_DAYS, |n| {
                let meaning = format!("这批客户里第 {n} 天或以后还活跃过的，至今为止；有人再回来时会上升。");
                (meaning, format!("UNB[k,{n}] = Σ_{{m≥{n}}} LST[k,m]"))
            }),
        ),
        Measure::Weekly => (
            leading(
                "客户有生以来第一次活跃的那一周的星期一。",
                ("这一周第一次活跃的客户；总按整周算，不按所选日期截断。", "WRT[w,0]"),
            ),
            nth_columns(("w", "周"), NTH_WEEKS, |n| {
                let meaning = format!("这批客户里在之后第 {n} 周至少活跃过一天的，每位只算一次。");
                (meaning, format!("WRT[w,{n}]"))
            }),
        ),
    };
    columns.extend(nth);
    columns
}

pub(super) fn build(asked: &Asked, period: Period, (clock, counters): (AsOf, &Counters)) -> Draft {
    let rows = match asked.measure {
        Measure::Weekly => (period.from().iso_week()..=period.to().iso_week())
            .take_while(|week| clock.state(monday(*week)).is_some())
            .map(|week| weekly(asked.explain, week, (clock, counters)))
            .collect(),
        Measure::OnDay | Measure::OnOrAfter => period
            .days()
            .take_while(|day| clock.state(*day).is_some())
            .map(|day| daily(asked, day, (clock, counters)))
            .collect(),
    };
    Draft { columns: columns(asked.measure), rows, remarks: remarks(asked.measure) }
}

fn remarks(measure: Measure) -> Vec<String> {
    let immature = match measure {
        Measure::OnDay => "第 n 天过完才有数，没过完显示为 —。".to_owned(),
        Measure::OnOrAfter => {
            format!("第 n 天再过 {RETURN_GAP_DAYS} 天才有数，没到显示为 —；客户以后回来时，过去的数还会上升。")
        }
        Measure::Weekly => "第 n 周过完才有数，没过完显示为 —；一周从星期一开始，总按整周算。".to_owned(),
    };
    vec![immature, "表里是人数；几天合起来看时，请先把人数加起来再除，只算已经过完的，留存率不能直接平均。".to_owned()]
}

fn daily(asked: &Asked, day: BusinessDay, (clock, counters): (AsOf, &Counters)) -> Row {
    let of = |n: i32| match asked.measure {
        Measure::OnOrAfter => Entry::explained(asked.explain, by_latest_day(counters, (day, n))),
        Measure::OnDay | Measure::Weekly => {
            Entry::explained(asked.explain, counters.by_shared_dimension(Metric::Retained, (day.0, n)))
        }
    };
    let wait = if asked.measure == Measure::OnOrAfter { RETURN_GAP_DAYS } else { 0 };
    let nth = |n: i32| if clock.is_past(day.plus_days(n + wait)) { of(n) } else { Entry::unknown() };
    let entries = [Cell::Day(day).into(), of(0)].into_iter().chain((1..=NTH_DAYS).map(nth)).collect();
    Row { ends: day, entries }
}

fn weekly(explain: Explain, week: i32, (clock, counters): (AsOf, &Counters)) -> Row {
    let of = |n: i32| Entry::explained(explain, counters.by_shared_dimension(Metric::RetainedWeekly, (week, n)));
    let nth = |n: i32| if clock.is_past(sunday(week + n)) { of(n) } else { Entry::unknown() };
    let entries = [Cell::Day(monday(week)).into(), of(0)].into_iter().chain((1..=NTH_WEEKS).map(nth)).collect();
    Row { ends: sunday(week), entries }
}

fn monday(week: i32) -> BusinessDay {
    BusinessDay::of_iso_week(week)
}

/// The Sunday of a week.
pub(super) fn sunday(week: i32) -> BusinessDay {
    monday(week).plus_days(6)
}

/// Customers of a cohort whose latest active day is the n-th or a later one.
fn by_latest_day(counters: &Counters, (cohort, n): (BusinessDay, i32)) -> impl Iterator<Item = (What, i64)> {
    let mut later = 0;
    let mut days = BTreeMap::<i32, i64>::new();
    for (m, _, value) in counters.row(Metric::Latest, cohort.0).filter(|(m, _, _)| *m >= n) {
        if m > NTH_DAYS {
            later += value;
        } else {
            *days.entry(m).or_default() += value;
        }
    }
    let days = days.into_iter().map(|(m, value)| (What::LatestOn(m), value));
    days.chain([(What::LatestAfter(NTH_DAYS), later)]).filter(|(_, value)| *value != 0)
}

#[cfg(test)]
mod tests {
    use super::super::ReportName;
    use super::*;
    use crate::growth::counter::CounterKey;
    use crate::growth::lateness::Lateness;

    /// A Monday.
    const MONDAY: BusinessDay = BusinessDay(20_458);

    fn clock(days: i32) -> AsOf {
        AsOf { now: MONDAY.plus_days(days).start().plus_secs(3_600), lateness: Lateness::default() }
    }

    fn rows(measure: Measure, clock: AsOf, cells: &[(Metric, i32, i32, i64)]) -> Vec<String> {
        let key = |metric, a, b| CounterKey { metric, a, b, dimension: String::new() };
        let counters = cells.iter().map(|(metric, a, b, by)| (key(*metric, *a, *b), *by)).collect();
        let period = Period::new(MONDAY, MONDAY.plus_days(1)).unwrap();
        let asked = Asked { measure, ..Asked::new(ReportName::Retention, period) };
        let draft = build(&asked, period, (clock, &counters));
        assert!(draft.rows.iter().all(|row| row.entries.len() == draft.columns.len()));
        let shown = |row: Row| row.entries[1..6].iter().map(|e| e.cell.to_string()).collect::<Vec<_>>().join(" ");
        draft.rows.into_iter().map(shown).collect()
    }

    #[test]
    fn a_day_that_is_not_over_has_no_number_and_one_nobody_came_on_has_none_but_0() {
        let day = MONDAY.0;
        let cells = [(Metric::Retained, day, 0, 10), (Metric::Retained, day, 1, 4), (Metric::Retained, day, 3, 7)];
        assert_eq!(rows(Measure::OnDay, clock(4), &cells), ["10 4 0 7 —", "0 0 0 — —"]);
        let provisional = AsOf { now: MONDAY.plus_days(4).start(), lateness: Lateness::default() };
        assert_eq!(rows(Measure::OnDay, provisional, &cells), ["10 4 0 — —", "0 0 — — —"]);
        assert_eq!(rows(Measure::OnDay, clock(0), &cells), ["10 — — — —"]);
    }

    #[test]
    fn on_or_after_waits_for_a_return_gap_and_counts_everybody_who_came_later() {
        let day = MONDAY.0;
        let cells = [(Metric::Latest, day, 0, 5), (Metric::Latest, day, 2, 3), (Metric::Latest, day, 90, 2)];
        assert_eq!(rows(Measure::OnOrAfter, clock(10), &cells), ["10 5 5 — —", "0 0 — — —"]);
        assert_eq!(rows(Measure::OnOrAfter, clock(99), &cells)[0], "10 5 5 2 2");
    }

    #[test]
    fn a_week_is_a_cohort_as_a_whole_and_known_when_its_sunday_is_over() {
        let week = MONDAY.iso_week();
        let cells = [
            (Metric::RetainedWeekly, week, 0, 9),
            (Metric::RetainedWeekly, week, 1, 4),
            (Metric::RetainedWeekly, week, 2, 3),
        ];
        assert_eq!(rows(Measure::Weekly, clock(21), &cells), ["9 4 3 — —"]);
        assert_eq!(rows(Measure::Weekly, clock(20), &cells), ["9 4 — — —"]);
    }
}
