//! A report as a value, and what it is made from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::changes::Journal;
use super::daily::Daily;
use super::labels::Labels;
use super::named::Difference;
use super::numbers::DayNumbers;
use super::page::Page;
use super::week_numbers::WeekNumbers;
use super::weekly::Weekly;
use super::{daily_words, markdown, tables, text, weekly_words};
use crate::domain::ids::{AccountId, PlaybookVersion};
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counters::Counters;
use crate::growth::lateness::DayState;
use crate::growth::report::{AsOf, Meta, Table};

/// What a report is made from, beside the counters that its `needed` asks for.
#[derive(Clone, Debug)]
pub struct Beside<'a> {
    /// The counters.
    pub counters: &'a Counters,
    /// When they were read.
    pub clock: AsOf,
    /// Whose they are.
    pub account: AccountId,
    /// The playbook in force.
    pub playbook: PlaybookVersion,
    /// What people call keys and channels.
    pub labels: Labels,
    /// The numbers that earlier reports printed, of days that the counters cover.
    pub printed: BTreeMap<BusinessDay, DayNumbers>,
    /// Late changes since the oldest of these days, or since the first day of the report.
    pub journal: Journal,
    /// Identities that do not hold, in words.
    pub failed: Vec<String>,
    /// Where the platform's own statistics differ; `None` where the account has none.
    pub platform: Option<Vec<Difference>>,
    /// Orders and payments that wait for a person now: how many, and how much in fen.
    pub waiting: (usize, i64),
    /// Days whose reports were never made, because the server stood still for too long.
    pub skipped: Option<(BusinessDay, BusinessDay)>,
}

impl Beside<'_> {
    pub(super) fn head(&self, report: &str) -> Head {
        Head {
            report: report.to_owned(),
            account: self.account.clone(),
            zone: "+08:00".to_owned(),
            as_of: self.clock.now,
            playbook: self.playbook.clone(),
        }
    }

    /// The state of a day; one that has not begun is as open as today.
    pub(super) fn state(&self, day: BusinessDay) -> DayState {
        DayState::of(day, self.clock.now, self.clock.lateness).unwrap_or(DayState::Open)
    }

    /// The first day on which anything was counted.
    pub(super) fn began(&self) -> Option<BusinessDay> {
        self.counters
            .cells()
            .filter(|(key, _)| DayNumbers::is_by_day(key.metric))
            .map(|(key, _)| BusinessDay(key.a))
            .min()
    }
}

/// What stands above every report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its name and the version of its definitions: `daily@1`.
    pub report: String,
    /// Whose numbers.
    pub account: AccountId,
    /// The zone of its days.
    pub zone: String,
    /// When the counters were read.
    pub as_of: UnixSecs,
    /// The playbook in force.
    pub playbook: PlaybookVersion,
}

/// A daily or a weekly report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Brief {
    /// Of a day.
    Daily(Box<Daily>),
    /// Of an ISO week.
    Weekly(Box<Weekly>),
}

/// The integers a report printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Printed {
    /// Of a day.
    Day(DayNumbers),
    /// Of a week.
    Week(WeekNumbers),
}

impl Brief {
    fn page(&self) -> Page {
        match self {
            Self::Daily(daily) => daily_words::page(daily),
            Self::Weekly(weekly) => weekly_words::page(weekly),
        }
    }

    /// For a group chat or the body of a mail: at most [`super::MOST_CHARS`] characters.
    pub fn text(&self) -> String {
        text::written(&self.page())
    }

    /// In what a group robot understands of Markdown: at most [`super::MOST_BYTES`] bytes.
    pub fn markdown(&self) -> String {
        markdown::written(&self.page())
    }

    /// As tables with their titles: the first holds every number, the others what is a list by itself.
    pub fn tables(&self) -> Vec<(&'static str, Table)> {
        match self {
            Self::Daily(daily) => tables::daily(daily),
            Self::Weekly(weekly) => tables::weekly(weekly),
        }
    }

    /// What stands above it.
    pub fn head(&self) -> &Head {
        match self {
            Self::Daily(daily) => &daily.head,
            Self::Weekly(weekly) => &weekly.head,
        }
    }

    /// What stands beside its tables.
    pub fn meta(&self) -> Meta {
        let Head { account, playbook, as_of, .. } = self.head().clone();
        Meta { account, playbook, as_of }
    }

    /// Its integers.
    pub fn printed(&self) -> Printed {
        match self {
            Self::Daily(daily) => Printed::Day(daily.numbers),
            Self::Weekly(weekly) => Printed::Week(weekly.numbers),
        }
    }
}
