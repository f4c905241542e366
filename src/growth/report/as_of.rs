//! Numbers as they stood at the close of a day, and what has changed since (growth.md 1.1, 5.4.8).

use std::collections::BTreeMap;

use super::table::{Cell, Table};
use super::{AsOf, Asked};
use crate::domain::time::BusinessDay;
use crate::growth::counter::CounterKey;
use crate::growth::counters::Counters;
use crate::growth::lateness::GRACE_SECS;

/// The counters as they stood at the close of `day`: without the late changes that arrived after it. Right for cells
/// about days up to `day`; nobody asks for later ones then. [`crate::growth::counter::Metric::Latest`] is about now by
/// its nature and cannot be taken back so.
pub fn as_it_stood(counters: &Counters, journal: &[(BusinessDay, CounterKey, i64)], day: BusinessDay) -> Counters {
    let mut then = counters.clone();
    for (_, key, by) in journal.iter().filter(|(arrived, _, _)| *arrived > day) {
        then.add(key.clone(), -by);
    }
    then
}

impl Asked {
    /// The moment its numbers are about: now, or when the day that is looked at had just been closed.
    pub fn moment(&self, clock: AsOf) -> AsOf {
        match self.as_of {
            Some(day) => AsOf { now: day.plus_days(1).start().plus_secs(GRACE_SECS), ..clock },
            None => clock,
        }
    }
}

/// A number that is another one now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The row, as the cells it begins with name it: a day, a cohort, a menu entry.
    pub row: String,
    /// The name of the column.
    pub column: String,
    /// What people read above the column.
    pub title: String,
    /// What it was.
    pub was: i64,
    /// What it is.
    pub now: i64,
}

/// What differs between two states of the same report, number by number; what was not known then has not changed.
pub fn changes(then: &Table, now: &Table) -> Vec<Change> {
    let key = |row: &Vec<Cell>| {
        let named = row.iter().take_while(|cell| matches!(cell, Cell::Day(_) | Cell::Text(_)));
        let named: Vec<String> = named.map(Cell::to_string).filter(|words| !words.is_empty()).collect();
        (!named.is_empty()).then(|| named.join(" "))
    };
    let known: BTreeMap<_, _> = then.rows.iter().filter_map(|row| Some((key(row)?, row))).collect();
    let mut changes = Vec::new();
    for row in &now.rows {
        let Some((name, before)) = key(row).and_then(|name| Some((name.clone(), *known.get(&name)?))) else { continue };
        for ((column, was), is) in now.columns.iter().zip(before).zip(row) {
            if let (Cell::Count(was), Cell::Count(is)) = (was, is)
                && was != is
            {
                changes.push(Change {
                    row: name.clone(),
                    column: column.name.to_string(),
                    title: column.title.to_string(),
                    was: *was,
                    now: *is,
                });
            }
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::super::table::Column;
    use super::*;

    #[test]
    fn only_a_number_that_was_known_and_is_another_one_has_changed() {
        let columns = Column::list([("cohort", "首次活跃"), ("size", "客户数"), ("d1", "第1天")]);
        let row = |day, size, d1| vec![Cell::Day(BusinessDay(day)), Cell::Count(size), d1];
        let table = |rows| Table { columns: columns.clone(), rows, ..Table::default() };
        let then = table(vec![row(1, 5, Cell::Count(2)), row(2, 7, Cell::Unknown)]);
        let now = table(vec![row(1, 5, Cell::Count(3)), row(2, 7, Cell::Count(4)), row(3, 9, Cell::Unknown)]);
        let expected =
            Change { row: "1970-01-02".into(), column: "d1".into(), title: "第1天".into(), was: 2, now: 3 };
        assert_eq!(changes(&then, &now), [expected]);
    }
}
