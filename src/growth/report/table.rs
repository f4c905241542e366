//! A report as a table: what every way of writing it is made from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::domain::time::BusinessDay;
use crate::growth::lateness::DayState;

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The version of its definition: it rises when a column means something else.
    pub version: u32,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows; each has one cell per column.
    pub rows: Vec<Vec<Cell>>,
    /// The integers that numbers are made of, by row and column: a number is the sum of its terms.
    pub terms: BTreeMap<(usize, usize), Vec<Term>>,
    /// What whoever reads it should know, in sentences: which days are not final, what a re-follow is, what is kept.
    pub small_print: Vec<String>,
}

/// One integer of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What it counts, in words.
    pub what: String,
    /// How many; negative when it is taken away.
    pub count: i64,
}

impl Table {
    /// The definition its numbers follow: `activity@1`.
    pub fn definition(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in JSON and CSV (contract.md, "Reports").
    pub name: Cow<'static, str>,
    /// What people read above it.
    pub title: Cow<'static, str>,
    /// What it means, in one sentence an operator understands.
    pub meaning: Cow<'static, str>,
}

impl Column {
    /// Columns with fixed names and titles.
    pub fn list<const N: usize>(columns: [(&'static str, &'static str); N]) -> Vec<Self> {
        columns
            .into_iter()
            .map(|(name, title)| Self { name: name.into(), title: title.into(), meaning: "".into() })
            .collect()
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A business day.
    Day(BusinessDay),
    /// How final the row is.
    State(DayState),
    /// A whole number.
    Count(i64),
    /// Words, possibly a customer's.
    Text(String),
    /// Not known yet. Never written as 0.
    Unknown,
}

/// As people read it.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::State(state) => write!(f, "{state}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Text(text) => f.write_str(text),
            Self::Unknown => f.write_str("—"),
        }
    }
}
