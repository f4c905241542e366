//! `activity`: messages, active customers of 1, 7 and 30 days, and growth accounting (growth.md 1.4, 1.6).

use super::table::{Cell, Column, Table};
use super::{AsOf, Period};
use crate::domain::time::BusinessDay;
use crate::growth::counter::Metric;
use crate::growth::counters::Counters;
use crate::growth::lateness::DayState;

/// The longest window looks 29 days back.
pub(super) fn needed(from: BusinessDay, to: BusinessDay) -> Vec<(Metric, i32, i32)> {
    vec![(Metric::Gap, from.plus_days(-29).0, to.0), (Metric::Messages, from.0, to.0)]
}

pub(super) fn build(period: Period, clock: AsOf, counters: &Counters) -> Table {
    let columns = Column::list([
        ("day", "日期"),
        ("state", "状态"),
        ("messages", "消息数"),
        ("dau", "日活跃"),
        ("r7", "7日活跃"),
        ("r30", "30日活跃"),
        ("new", "新增活跃"),
        ("returning", "连续活跃"),
        ("resurrected", "回流"),
        ("dormant", "转沉默"),
    ]);
    let mut rows = Vec::new();
    for day in period.days() {
        let Some(state) = DayState::of(day, clock.now) else { break };
        let life = counters.lifecycle(day);
        let rolling = |days: i32| counters.unique(day.plus_days(1 - days), day).map_or(Cell::Unknown, Cell::Count);
        // Whoever was active yesterday can still come back today: the one cell that would fall as the day goes on.
        let dormant = if state == DayState::Open { Cell::Unknown } else { Cell::Count(life.dormant) };
        rows.push(vec![
            Cell::Day(day),
            Cell::State(state),
            Cell::Count(counters.sum(Metric::Messages, day.0)),
            Cell::Count(life.active),
            rolling(7),
            rolling(30),
            Cell::Count(life.new),
            Cell::Count(life.returning),
            Cell::Count(life.resurrected),
            dormant,
        ]);
    }
    Table { name: "activity", version: 1, columns, rows, ..Table::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::{CounterKey, GAP_FIRST};

    const DAY: BusinessDay = BusinessDay(20_000);

    fn table(now_days: i32, now_secs: i64) -> Table {
        let key = |metric, a, b| CounterKey { metric, a, b, dimension: String::new() };
        let cells = [
            (key(Metric::Gap, DAY.0, GAP_FIRST), 3),
            (key(Metric::Gap, DAY.0 + 1, 1), 1),
            (key(Metric::Messages, DAY.0 + 1, 0), 8),
        ];
        let clock = AsOf { now: DAY.plus_days(now_days).start().plus_secs(now_secs) };
        let period = Period::new(DAY.plus_days(1), DAY.plus_days(2)).unwrap();
        build(period, clock, &cells.into_iter().collect())
    }

    fn cells(table: &Table) -> Vec<String> {
        table.rows.iter().map(|row| row[1..].iter().map(Cell::to_string).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn today_is_shown_as_it_stands_and_who_will_stay_away_is_not_known_yet() {
        assert_eq!(cells(&table(1, 60)), ["open 8 1 3 3 0 1 0 —"]);
    }

    #[test]
    fn a_day_that_has_not_begun_has_no_row() {
        assert_eq!(cells(&table(0, 60)), [""; 0]);
        assert_eq!(cells(&table(2, 60)), ["provisional 8 1 3 3 0 1 0 2", "open 0 0 3 3 0 0 0 —"]);
    }

    #[test]
    fn a_day_is_closed_and_then_sealed() {
        assert_eq!(cells(&table(3, 0)), ["closed 8 1 3 3 0 1 0 2", "provisional 0 0 3 3 0 0 0 1"]);
        assert_eq!(cells(&table(4, 0))[0], "sealed 8 1 3 3 0 1 0 2");
    }
}
