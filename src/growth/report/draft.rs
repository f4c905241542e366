//! A report in the making: numbers that know what they are the sum of, rows that know which day they end with.

use super::asked::Explain;
use super::table::{Cell, Column, Table};
use super::term::{Term, What};
use crate::domain::time::BusinessDay;

/// A cell and the integers it is the sum of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub cell: Cell,
    pub terms: Vec<Term>,
}

impl Entry {
    /// A number. It has no other value than the sum of its terms, so no explanation can contradict it.
    pub fn sum(terms: Vec<Term>) -> Self {
        Self { cell: Cell::Count(terms.iter().map(|term| term.count).sum()), terms }
    }

    /// The same number; its terms are made only when somebody reads them.
    pub fn explained<W: Into<What>>(explain: Explain, terms: impl IntoIterator<Item = (W, i64)>) -> Self {
        let terms = terms.into_iter();
        match explain {
            Explain::Yes => Self::sum(terms.map(|(what, count)| Term::new(what, count)).collect()),
            Explain::No => Cell::Count(terms.map(|(_, count)| count).sum()).into(),
        }
    }

    /// What is not known yet, or not at all.
    pub fn unknown() -> Self {
        Self::from(Cell::Unknown)
    }

    /// The number, if it is a known one.
    pub fn count(&self) -> Option<i64> {
        match self.cell {
            Cell::Count(count) => Some(count),
            _ => None,
        }
    }
}

impl From<Cell> for Entry {
    fn from(cell: Cell) -> Self {
        Self { cell, terms: Vec::new() }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The last day that all of its numbers are about.
    pub ends: BusinessDay,
    pub entries: Vec<Entry>,
}

/// A report in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// What must be said about these numbers and no others.
    pub remarks: Vec<String>,
}

impl Draft {
    /// The report, without its small print; with terms only when it is to be explained.
    pub fn into_table(self, (name, version): (&'static str, u32), explain: Explain) -> Table {
        let mut table = Table { name, version, columns: self.columns, ..Table::default() };
        // In order, so that the map is made in one go.
        let mut terms = Vec::new();
        for (n, row) in self.rows.into_iter().enumerate() {
            let mut cells = Vec::with_capacity(row.entries.len());
            for (column, entry) in row.entries.into_iter().enumerate() {
                if explain == Explain::Yes && !entry.terms.is_empty() {
                    terms.push(((n, column), entry.terms));
                }
                cells.push(entry.cell);
            }
            table.rows.push(cells);
        }
        table.terms = terms.into_iter().collect();
        table
    }
}
