//! A report as a table: what every way of writing it is made from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use super::term::Term;
use crate::domain::ids::PlaybookVersion;
use crate::domain::time::BusinessDay;
use crate::growth::lateness::DayState;

/// A report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The version of its definition: it rises when a column means something else.
    pub version: u32,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows; each has one cell per column.
    pub rows: Vec<Vec<Cell>>,
    /// The integers that numbers are made of, by row and column: a number is the sum of its terms. Only of a
    /// report that is to be explained (`Asked::explain`).
    pub terms: BTreeMap<(usize, usize), Vec<Term>>,
    /// What whoever reads it should know, in sentences: which days are not final, what a re-follow is, what is kept.
    pub small_print: Vec<String>,
    /// The playbooks that answered in the period, each with the first day it did: from when on a change of the playbook
    /// can have had an effect. Only for reports by day.
    pub playbooks: Vec<(BusinessDay, PlaybookVersion)>,
}

impl Table {
    /// The definition its numbers follow: `activity@1`.
    pub fn definition(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// Where a column stands.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// A cell by the place of its row and the name of its column.
    pub fn cell(&self, row: usize, column: &str) -> Option<&Cell> {
        self.rows.get(row)?.get(self.column(column)?)
    }
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Business days.
    Day,
    /// How final the rows are.
    State,
    /// Whole numbers.
    Number,
    /// Words.
    Text,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in JSON and CSV (contract.md, "Reports").
    pub name: Cow<'static, str>,
    /// What people read above it.
    pub title: Cow<'static, str>,
    /// What its cells hold.
    pub kind: ColumnKind,
    /// What it means, in one sentence an operator understands: what it counts and what not.
    pub meaning: Cow<'static, str>,
    /// How it is computed, in the notation of growth.md parts 1 and 5.
    pub formula: Cow<'static, str>,
}

impl Column {
    /// Columns with fixed names and titles; what they hold is known by their names.
    pub fn list<const N: usize>(columns: [(&'static str, &'static str); N]) -> Vec<Self> {
        let kind = |name| match name {
            "day" | "from" | "to" | "cohort" | "last" => ColumnKind::Day,
            "state" => ColumnKind::State,
            "key" | "label" | "text" => ColumnKind::Text,
            _ => ColumnKind::Number,
        };
        columns.into_iter().map(|(name, title)| Self::plain(kind(name), name, title)).collect()
    }

    /// A column without explanations.
    pub fn plain(kind: ColumnKind, name: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), title: title.into(), kind, meaning: "".into(), formula: "".into() }
    }

    /// The column with what it means.
    #[must_use]
    pub fn meaning(mut self, meaning: impl Into<Cow<'static, str>>) -> Self {
        self.meaning = meaning.into();
        self
    }

    /// The column with how it is computed.
    #[must_use]
    pub fn formula(mut self, formula: impl Into<Cow<'static, str>>) -> Self {
        self.formula = formula.into();
        self
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
