//! `survival`: of the follows of a day, how many still stand (growth.md 1.3). Spells, not people: a re-follow opens a
//! new spell and never repairs the old one.

use super::draft::{Draft, Entry, Row};
use super::retention::{NTH_DAYS, nth_columns};
use super::sums::by_channel;
use super::table::{Cell, Column, ColumnKind};
use super::term::{Term, What};
use super::{AsOf, Period};
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

pub(super) fn build(period: Period, clock: AsOf, counters: &Counters) -> Draft {
    let mut rows = Vec::new();
    for day in period.days() {
        if clock.state(day).is_none() {
            break;
        }
        let mut entries = vec![Cell::Day(day).into(), Entry::sum(by_channel(counters, Metric::Follows, (day.0, 0)))];
        let ended = ended(counters, day);
        entries.extend((1..=NTH_DAYS).map(|n| match clock.is_past(day.plus_days(n)) {
            true => standing(&ended, n),
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

/// The follows of a day, and what ended of them by the n-th day after.
fn ended(counters: &Counters, day: BusinessDay) -> (Term, Vec<(i32, Term)>) {
    let mut ended = [0; NTH_DAYS.unsigned_abs() as usize + 1];
    for (_, first, values) in counters.runs(Metric::SpellEnded, day.0) {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        ended.iter_mut().skip(first).zip(values).for_each(|(sum, value)| *sum += value);
    }
    let terms = (0..).zip(ended).filter(|(_, count)| *count != 0);
    let follows = Term::new("当天关注", counters.sum(Metric::Follows, day.0));
    (follows, terms.map(|(after, count)| (after, Term::new(What::Ended(after), -count))).collect())
}

fn standing((follows, ended): &(Term, Vec<(i32, Term)>), n: i32) -> Entry {
    let ended = ended.iter().take_while(|(after, _)| *after <= n).map(|(_, term)| term);
    Entry::sum(std::iter::once(follows).chain(ended).cloned().collect())
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
        let draft = build(period, clock, &cells.into_iter().collect());
        let cells = |row: &Row| row.entries[1..6].iter().map(|e| e.cell.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(draft.rows.iter().map(cells).collect::<Vec<_>>(), ["10 9 6 6 —", "0 0 0 — —"]);
        let terms: Vec<_> = draft.rows[0].entries[3].terms.iter().map(|t| (t.what.to_string(), t.count)).collect();
        assert_eq!(
            terms,
            [("当天关注", 10), ("当天取消", -1), ("第 2 天取消", -3)].map(|(what, n)| (what.to_owned(), n))
        );
    }
}
