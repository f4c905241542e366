//! What changed since it was printed (growth.md 5.4.8).

use serde::{Deserialize, Serialize};

use super::numbers::DayNumbers;
use super::stored;
use super::value::Beside;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterKey, Metric};
use crate::growth::report::{self, Cell, Column, ColumnKind, Table};

/// A number that an earlier report printed otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The day it is about.
    #[serde(with = "stored::day")]
    pub day: BusinessDay,
    /// Which number, as people call it.
    pub what: String,
    /// As it was printed.
    pub was: i64,
    /// As it is now.
    pub now: i64,
    /// Whether deliveries that came late explain it; else it was counted anew.
    pub late: bool,
}

/// Late changes by the day they arrived, as the store keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal(pub Vec<(BusinessDay, CounterKey, i64)>);

impl Journal {
    /// Deliveries that arrived on `from..=to`, after their own day, and were counted on it.
    pub fn late_deliveries(&self, from: BusinessDay, to: BusinessDay) -> i64 {
        let counted = |metric| matches!(metric, Metric::Messages | Metric::Follows | Metric::Unfollows);
        let within = self
            .0
            .iter()
            .filter(|(arrived, key, by)| from <= *arrived && *arrived <= to && counted(key.metric) && *by > 0);
        within.map(|(_, _, by)| by).sum()
    }

    /// Whether something late was counted on `day`, or on a day before it that reaches into its numbers.
    fn touches(&self, day: BusinessDay) -> bool {
        let by_day = |metric| matches!(metric, Metric::Gap | Metric::Messages | Metric::Follows | Metric::Unfollows);
        self.0.iter().any(|(_, key, _)| by_day(key.metric) && key.a <= day.0)
    }
}

/// Every number of the printed days that is another one now, in order of day.
pub(super) fn changes(beside: &Beside<'_>) -> Vec<Change> {
    let days = || beside.printed.iter();
    let then = table(days().map(|(day, was)| (*day, *was)));
    let now = table(days().map(|(day, _)| (*day, DayNumbers::of(beside.counters, *day))));
    let changed = report::changes(&then, &now).into_iter().filter_map(|change| {
        let day = BusinessDay::parse(&change.row)?;
        let late = beside.journal.touches(day);
        Some(Change { day, what: change.title, was: change.was, now: change.now, late })
    });
    changed.collect()
}

/// The numbers of some days as a report, a row each.
fn table(days: impl Iterator<Item = (BusinessDay, DayNumbers)>) -> Table {
    let titles = DayNumbers::default().titled().map(|(title, _)| Column::plain(ColumnKind::Number, title, title));
    let columns = std::iter::once(Column::plain(ColumnKind::Day, "day", "日期")).chain(titles).collect();
    let rows = days.map(|(day, numbers)| {
        let counts = numbers.titled().map(|(_, count)| count.map_or(Cell::Unknown, Cell::Count));
        std::iter::once(Cell::Day(day)).chain(counts).collect()
    });
    Table { columns, rows: rows.collect(), ..Table::default() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::samples::beside;
    use super::*;

    const DAY: BusinessDay = BusinessDay(20_000);

    fn key(metric: Metric, a: i32) -> CounterKey {
        CounterKey { metric, a, b: 0, dimension: String::new() }
    }

    #[test]
    fn a_number_that_was_printed_otherwise_is_said_with_the_reason() {
        let counters = [(key(Metric::Messages, DAY.0), 12)].into_iter().collect();
        let printed = BTreeMap::from([(DAY, DayNumbers { messages: 10, ..DayNumbers::default() })]);
        let change = |late| Change { day: DAY, what: "消息".into(), was: 10, now: 12, late };
        let changed =
            |journal| changes(&Beside { printed: printed.clone(), journal, ..beside(&counters, DAY.start()) });
        let journal = Journal(vec![(DAY.plus_days(1), key(Metric::Messages, DAY.0), 2)]);
        assert_eq!(changed(journal), [change(true)]);
        assert_eq!(changed(Journal::default()), [change(false)]);
        let elsewhere = Journal(vec![(DAY.plus_days(2), key(Metric::Messages, DAY.0 + 1), 2)]);
        assert_eq!(changed(elsewhere), [change(false)]);
    }

    #[test]
    fn late_deliveries_are_counted_on_the_day_they_arrive() {
        let late = |days, metric, by| (DAY.plus_days(days), key(metric, DAY.0), by);
        let journal = Journal(vec![
            late(1, Metric::Messages, 2),
            late(1, Metric::Gap, 2),
            late(2, Metric::Follows, 1),
            late(3, Metric::Unfollows, 4),
        ]);
        assert_eq!(journal.late_deliveries(DAY, DAY.plus_days(2)), 3);
        assert_eq!(journal.late_deliveries(DAY.plus_days(3), DAY.plus_days(9)), 4);
    }
}
