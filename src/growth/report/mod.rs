//! Reports: pure functions from counters to rows, one file each. This file is the registry.
//!
//! To add a report: write its file with `needed` and `build`, and add one line to [`ReportName`] and to each `match`.

use std::str::FromStr;

use super::counter::Metric;
use super::counters::Counters;
use super::lateness::Lateness;
use crate::domain::ids::Channel;
use crate::domain::time::{BusinessDay, UnixSecs};

mod activity;
mod followers;
mod period;
mod table;
mod write;

pub use period::{MAX_DAYS, Period, PeriodError};
pub use table::{Cell, Column, Table, Term};
pub use write::{Bom, Meta, to_csv, to_json};

/// A report by its name (contract.md, "Reports").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportName {
    /// Follows, unfollows and how many stay.
    Followers,
    /// Messages, active customers, and how they came about.
    Activity,
}

/// There is no report of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no report `{0}`; there are: followers, activity")]
pub struct UnknownReport(pub String);

impl ReportName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Followers, Self::Activity];

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Followers => "followers",
            Self::Activity => "activity",
        }
    }
}

impl FromStr for ReportName {
    type Err = UnknownReport;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| UnknownReport(text.to_owned()))
    }
}

/// The moment a report is about: no number of a day that has not begun by then is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// Now.
    pub now: UnixSecs,
    /// When a day is sealed.
    pub lateness: Lateness,
}

/// What somebody wants to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which report.
    pub report: ReportName,
    /// About which days.
    pub period: Period,
    /// Only customers who came by this channel; everybody when `None`.
    pub channel: Option<Channel>,
    /// For `retention`: what is measured.
    pub measure: Measure,
    /// Whether the period before stands beside it.
    pub compare: Compare,
}

impl Asked {
    /// The plain report.
    pub fn new(report: ReportName, period: Period) -> Self {
        Self { report, period, channel: None, measure: Measure::default(), compare: Compare::default() }
    }
}

/// What a retention report measures (growth.md 1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Active on exactly the n-th day after the first.
    #[default]
    OnDay,
    /// Active on the n-th day after the first, or later.
    OnOrAfter,
    /// Cohorts of a week, active in the n-th week after it.
    Weekly,
}

/// What a report is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// Nothing.
    #[default]
    Nothing,
    /// The period before, on the same weekdays.
    Previous,
}

/// The counters a report must be given, as `(metric, from, to)` of first coordinates, both included.
pub fn needed(report: ReportName, from: BusinessDay, to: BusinessDay) -> Vec<(Metric, i32, i32)> {
    match report {
        ReportName::Followers => followers::needed(from, to),
        ReportName::Activity => activity::needed(from, to),
    }
}

/// Builds a report from the counters that [`needed`] asked for. Days that have not begun have no row.
pub fn build(report: ReportName, period: Period, clock: AsOf, counters: &Counters) -> Table {
    match report {
        ReportName::Followers => followers::build(period, clock, counters),
        ReportName::Activity => activity::build(period, clock, counters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_is_found_by_its_name_and_builds_a_table_of_that_name() {
        for name in ReportName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
            let day = BusinessDay(20_000);
            let period = Period::new(day, day).unwrap();
            let table =
                build(name, period, AsOf { now: day.start(), lateness: Lateness::default() }, &Counters::default());
            assert_eq!(table.name, name.as_str());
            assert_eq!(table.rows.len(), 1);
            assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        }
    }

    #[test]
    fn an_unknown_report_is_answered_with_the_known_ones() {
        let error = ReportName::from_str("dau").unwrap_err().to_string();
        assert!(ReportName::ALL.iter().all(|name| error.contains(name.as_str())), "{error}");
    }
}
