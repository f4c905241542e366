//! `survival`: of the follows of a day, how many still stand (growth.md 1.3). Spells, not people: a re-follow opens a
//! new spell and never repairs the old one.

use super::draft::{Draft, Entry, Row};
use super::retention::{NTH_DAYS, nth_columns};
use super::table::{Cell, Column, ColumnKind};
use super::term::What;
use super::{AsOf, Explain, Period};
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;

pub(super) fn needed(period: Period) -> Vec<CounterRange> {
    let (from, to) = (period.from().0, period.to().0);
    vec![CounterRange::new(Metric::Follows, from, to), CounterRange::new(Metric::SpellEnded, from, to).up_to(NTH_DAYS)]
}

fn columns() -> Vec<Column> {
    let mut columns = vec![
        Column::plain(ColumnKind::Day, "cohort", "关注日").meaning("关注发生的业务日。"),
        Column::plain(ColumnKind::Number, "follows", "关注")
            .meaning("这一天的关注次数，包括首次和再次。")
            .formula("F(k)"),
    ];
    columns.extend(nth_columns(("d", "天"), NTH_DAYS, |n| {
        (
            format!("这一天的关注里，到第 {n} 天结束时还没有取消的；取消后再次关注算新的一次，不补回这里。"),
            format!("F(k) − Σ_{{m≤{n}}} SURV[k,m]"),
        )
    }));
    columns
}

pub(super) fn build(explain: Explain, period: Period, (clock, counters): (AsOf, &Counters)) -> Draft {
    let mut rows = Vec::new();
    for day in period.days() {
        if clock.state(day).is_none() {
            break;
        }
        let follows = Entry::explained(explain, counters.by_shared_dimension(Metric::Follows, (day.0, 0)));
        let mut entries = vec![Cell::Day(day).into(), follows];
        let (follows, ended) = (counters.sum(Metric::Follows, day.0), ended(counters, day));
        entries.extend((1..=NTH_DAYS).map(|n| match clock.is_past(day.plus_days(n)) {
            true => Entry::explained(explain, standing(follows, &ended, n)),
            false => Entry::unknown(),
        }));
        rows.push(Row { ends: day, entries });
    }
    let remarks = vec![
        "第 n 天过完才有数，没过完显示为 —。".to_owned(),
        "这里数的是一次次关注：同一位客户取消后再次关注，是另一天的另一次关注。".to_owned(),
    ];
    Draft { columns: columns(), rows, remarks }
}

/// How many follows of a day ended so many days later.
fn ended(counters: &Counters, day: BusinessDay) -> [i64; NTH_DAYS.unsigned_abs() as usize + 1] {
    let mut ended = [0; NTH_DAYS.unsigned_abs() as usize + 1];
    for (_, first, values) in counters.runs(Metric::SpellEnded, day.0) {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        ended.iter_mut().skip(first).zip(values).for_each(|(sum, value)| *sum += value);
    }
    ended
}

/// The follows of a day without those that ended by the n-th day after.
fn standing(follows: i64, ended: &[i64], n: i32) -> impl Iterator<Item = (What, i64)> {
    let ended = (0..=n).zip(ended).filter(|(_, count)| **count != 0);
    std::iter::once(("当天关注".into(), follows)).chain(ended.map(|(after, count)| (What::Ended(after), -count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::CounterKey;
    use crate::growth::lateness::Lateness;

    #[test]
    fn follows_that_ended_are_taken_away_from_the_day_they_ended_on() {
        let key = |metric, b| CounterKey { metric, a: 100, b, dimension: String::new() };
        let cells = [
            (key(Metric::Follows, 0), 10),
            (key(Metric::SpellEnded, 0), 1),
            (key(Metric::SpellEnded, 2), 3),
            (key(Metric::SpellEnded, 40), 2),
        ];
        let period = Period::new(BusinessDay(100), BusinessDay(101)).unwrap();
        let clock = AsOf { now: BusinessDay(104).start().plus_secs(3_600), lateness: Lateness::default() };
        let draft = build(Explain::Yes, period, (clock, &cells.into_iter().collect()));
        let cells = |row: &Row| row.entries[1..6].iter().map(|e| e.cell.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(draft.rows.iter().map(cells).collect::<Vec<_>>(), ["10 9 6 6 —", "0 0 0 — —"]);
        let terms: Vec<_> = draft.rows[0].entries[3].terms.iter().map(|t| (t.what.to_string(), t.count)).collect();
        assert_eq!(
            terms,
            [("当天关注", 10), ("当天取消", -1), ("第 2 天取消", -3)].map(|(what, n)| (what.to_owned(), n))
        );
    }
}
