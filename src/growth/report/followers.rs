//! `followers`: follows, unfollows and how many stay (growth.md 1.3). Gross, lost and net always stand together.

use super::table::{Cell, Column, Table};
use super::{AsOf, Period};
use crate::domain::time::BusinessDay;
use crate::growth::counter::Metric;
use crate::growth::counters::Counters;
use crate::growth::lateness::DayState;

/// The total needs every follow and unfollow since the beginning.
pub(super) fn needed(from: BusinessDay, to: BusinessDay) -> Vec<(Metric, i32, i32)> {
    vec![
        (Metric::Follows, i32::MIN, to.0),
        (Metric::Unfollows, i32::MIN, to.0),
        (Metric::FirstFollows, from.0, to.0),
        (Metric::Refollows, from.0, to.0),
    ]
}

pub(super) fn build(period: Period, clock: AsOf, counters: &Counters) -> Table {
    let columns = Column::list([
        ("day", "日期"),
        ("state", "状态"),
        ("first_follows", "首次关注"),
        ("refollows", "再次关注"),
        ("follows", "关注"),
        ("unfollows", "取消关注"),
        ("net", "净增"),
        ("total", "累计粉丝"),
    ]);
    let eve = period.from().plus_days(-1).0;
    let mut total = counters.sum_to(Metric::Follows, eve) - counters.sum_to(Metric::Unfollows, eve);
    let mut rows = Vec::new();
    for day in period.days() {
        let Some(state) = DayState::of(day, clock.now) else { break };
        let sum = |metric| counters.sum(metric, day.0);
        let (follows, unfollows) = (sum(Metric::Follows), sum(Metric::Unfollows));
        total += follows - unfollows;
        rows.push(vec![
            Cell::Day(day),
            Cell::State(state),
            Cell::Count(sum(Metric::FirstFollows)),
            Cell::Count(sum(Metric::Refollows)),
            Cell::Count(follows),
            Cell::Count(unfollows),
            Cell::Count(follows - unfollows),
            Cell::Count(total),
        ]);
    }
    Table { name: "followers", version: 1, columns, rows, ..Table::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::CounterKey;

    #[test]
    fn the_total_counts_everything_before_the_period_too() {
        let key = |metric, a| CounterKey { metric, a, b: 0, dimension: String::new() };
        let cells = [
            (key(Metric::Follows, 100), 50),
            (key(Metric::Unfollows, 199), 8),
            (key(Metric::Follows, 201), 5),
            (key(Metric::FirstFollows, 201), 3),
            (key(Metric::Refollows, 201), 2),
            (key(Metric::Unfollows, 201), 6),
        ];
        let period = Period::new(BusinessDay(200), BusinessDay(210)).unwrap();
        let clock = AsOf { now: BusinessDay(202).start().plus_secs(-1) };
        let table = build(period, clock, &cells.into_iter().collect());
        let counts = |row: &Vec<Cell>| row[2..].iter().map(Cell::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(table.rows.iter().map(counts).collect::<Vec<_>>(), ["0 0 0 0 0 42", "3 2 5 6 -1 41"]);
    }
}
