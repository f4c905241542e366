//! Reports: pure functions from counters to rows, one file each. This file is the registry.
//!
//! To add a report: write its file with `needed` and `build`, and add one line to [`ReportName`] and to each `match`. What
//! all reports have in common (comparison, small print, explanations) they get from `assemble`.

use std::str::FromStr;

use super::counter::CounterRange;
use super::counters::Counters;
use draft::Draft;

mod activity;
mod as_of;
mod asked;
mod assemble;
mod average;
mod away;
mod by_channel;
mod channel;
mod compare;
mod context;
mod cycle;
mod datacube;
mod draft;
pub mod english;
mod file;
mod followers;
mod kept_cost;
mod kfactor;
mod menu;
mod period;
mod reasons;
mod referral;
mod retention;
mod small_print;
mod sums;
mod survival;
mod table;
mod term;
#[cfg(test)]
mod trials;
mod unanswered;
mod unique;
mod words;
mod write;
mod write_xlsx;

pub use as_of::{Change, as_it_stood, changes};
pub use asked::{Asked, AskedError, By, Compare, Explain, Measure};
pub use assemble::{build, needed};
pub use average::{Average, average};
pub use channel::{UnknownChannel, known_channel};
pub use context::{AsOf, Context, Granted, Rewards};
pub use datacube::{Platform, PlatformDay, SideBySide};
pub use file::{Form, Unwritable, written};
pub use kept_cost::KeptCost;
pub use period::{MAX_DAYS, Period, PeriodError};
pub use reasons::{ReasonWords, reason_words};
pub use table::{Cell, Column, ColumnKind, Table};
pub use term::{Term, What};
pub use unanswered::MOST_TEXTS;
pub use words::{clock_time, shown, state_word};
pub use write::{Bom, Meta, to_csv, to_json};
pub use write_xlsx::{to_xlsx, to_xlsx_book};

/// A report by its name (contract.md, "Reports").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportName {
    /// Follows, unfollows and how many stay.
    Followers,
    /// Messages, active customers, and how they came about.
    Activity,
    /// Distinct active customers of the whole period.
    Unique,
    /// Who comes back, by first active day.
    Retention,
    /// Who still follows, by the day of the follow.
    Survival,
    /// Friends who came by personal codes, and what became of them.
    Referral,
    /// Friends for each new follower, within a window.
    KFactor,
    /// How long it took inviters to bring a friend.
    Cycle,
    /// Taps and customers of each menu entry.
    Menu,
    /// What customers wrote and no rule answered.
    Unanswered,
    /// Our followers beside the platform's own statistics.
    Datacube,
}

/// There is no report of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no report `{0}`; there are: {all}", all = ReportName::ALL.map(ReportName::as_str).join(", "))]
pub struct UnknownReport(pub String);

impl ReportName {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Followers,
        Self::Activity,
        Self::Unique,
        Self::Retention,
        Self::Survival,
        Self::Referral,
        Self::KFactor,
        Self::Cycle,
        Self::Menu,
        Self::Unanswered,
        Self::Datacube,
    ];

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Followers => "followers",
            Self::Activity => "activity",
            Self::Unique => "unique",
            Self::Retention => "retention",
            Self::Survival => "survival",
            Self::Referral => "referral",
            Self::KFactor => "kfactor",
            Self::Cycle => "cycle",
            Self::Menu => "menu",
            Self::Unanswered => "unanswered",
            Self::Datacube => "datacube",
        }
    }

    /// What people read above it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Followers => "粉丝",
            Self::Activity => "活跃",
            Self::Unique => "去重活跃客户",
            Self::Retention => "留存",
            Self::Survival => "关注存续",
            Self::Referral => "拉新",
            Self::KFactor => "拉新系数 K",
            Self::Cycle => "拉新周期",
            Self::Menu => "菜单点击",
            Self::Unanswered => "未能回答的话",
            Self::Datacube => "与微信统计对账",
        }
    }

    /// Whether its rows are days: then changes of the playbook stand beside them.
    pub fn is_by_day(self) -> bool {
        match self {
            Self::Followers | Self::Activity | Self::Referral | Self::Datacube => true,
            Self::Unique
            | Self::Retention
            | Self::Survival
            | Self::KFactor
            | Self::Cycle
            | Self::Menu
            | Self::Unanswered => false,
        }
    }

    /// Whether its numbers can be had for the customers of one channel.
    pub fn is_kept_by_channel(self) -> bool {
        match self {
            Self::Followers | Self::Activity | Self::Unique | Self::Retention | Self::Survival => true,
            Self::Referral | Self::KFactor | Self::Cycle | Self::Menu | Self::Unanswered | Self::Datacube => false,
        }
    }

    /// Whether its rows can be told apart so.
    pub fn is_kept_by(self, by: By) -> bool {
        match by {
            By::Nothing => true,
            By::Channel => self.is_kept_by_channel(),
            By::Referrer | By::Reason => self == Self::Referral,
        }
    }

    /// Whether late changes of its numbers are journalled, so that it can be read as it stood. How an invite stands
    /// changes for weeks by itself, and is known as of now only (`Metric::last_day`).
    pub fn can_look_back(self) -> bool {
        !matches!(self, Self::Referral | Self::KFactor | Self::Cycle)
    }
}

impl FromStr for ReportName {
    type Err = UnknownReport;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| UnknownReport(text.to_owned()))
    }
}

/// What one period of a report is made from.
fn needed_for(asked: &Asked, period: Period) -> Vec<CounterRange> {
    match asked.report {
        ReportName::Followers => followers::needed(period),
        ReportName::Activity => activity::needed(period),
        ReportName::Unique => unique::needed(period),
        ReportName::Retention => retention::needed(asked.measure, period),
        ReportName::Survival => survival::needed(period),
        ReportName::Referral => referral::needed(asked.by, period),
        ReportName::KFactor => kfactor::needed(period),
        ReportName::Cycle => cycle::needed(period),
        ReportName::Menu => menu::needed(period),
        ReportName::Unanswered => unanswered::needed(period),
        ReportName::Datacube => datacube::needed(period),
    }
}

/// One period of a report, nothing beside it.
fn draft_of(asked: &Asked, period: Period, (clock, counters): (AsOf, &Counters), context: &Context) -> Draft {
    match asked.report {
        ReportName::Followers => followers::build(period, clock, counters),
        ReportName::Activity => activity::build(asked, period, (clock, counters)),
        ReportName::Unique => unique::build(period, clock, counters),
        ReportName::Retention => retention::build(asked, period, (clock, counters)),
        ReportName::Survival => survival::build(asked.explain, period, (clock, counters)),
        ReportName::Referral => referral::build(asked, period, (clock, counters), context.rewards.as_ref()),
        ReportName::KFactor => kfactor::build(asked.explain, period, (clock, counters)),
        ReportName::Cycle => cycle::build(asked.explain, period, (clock, counters)),
        ReportName::Menu => {
            let tapped = asked.periods().flat_map(|period| menu::tapped(counters, period)).collect();
            menu::build((asked.explain, period), (clock, counters), &context.labels, tapped)
        }
        ReportName::Unanswered => unanswered::build(period, clock, counters),
        ReportName::Datacube => datacube::build(period, (clock, counters), &context.platform),
    }
}

/// The definition that the numbers follow: its id and version. The version rises when a column means something else.
fn definition(asked: &Asked) -> (&'static str, u32) {
    match asked.report {
        ReportName::Retention => (retention::name(asked.measure), 1),
        report => (report.as_str(), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::BusinessDay;

    #[test]
    fn every_report_is_found_by_its_name_and_builds_a_table_of_that_name() {
        for name in ReportName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
            let day = BusinessDay(20_000);
            let asked = Asked::new(name, Period::new(day, day).unwrap());
            let table = build(
                &asked,
                AsOf { now: day.start(), lateness: Default::default() },
                &Counters::default(),
                &Context::default(),
            );
            assert_eq!(table.name, name.as_str());
            assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        }
    }

    #[test]
    fn an_unknown_report_is_answered_with_the_known_ones() {
        let error = ReportName::from_str("dau").unwrap_err().to_string();
        assert!(ReportName::ALL.iter().all(|name| error.contains(name.as_str())), "{error}");
    }
}
