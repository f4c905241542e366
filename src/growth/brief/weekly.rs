//! The weekly report (growth.md 6.3). Referral, campaigns and satisfaction join it when they are counted.

use serde::{Deserialize, Serialize};

use super::cohorts::{self, Cohort, Kept, Standing};
use super::details::Details;
use super::phrase::{monday, week_name};
use super::value::{Beside, Head};
use super::week_numbers::WeekNumbers;
use super::{paragraph, stored};
use crate::domain::time::BusinessDay;
use crate::growth::counter::CounterRange;
use crate::growth::lateness::DayState;

/// Weeks of the trend, the report's own included.
const TREND_WEEKS: i32 = 8;

/// A week of the trend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendWeek {
    /// Which.
    pub week: String,
    /// Its numbers.
    pub numbers: WeekNumbers,
}

/// An ISO week in words and numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weekly {
    /// What stands above it.
    #[serde(flatten)]
    pub head: Head,
    /// The week: `2026-W10`.
    pub week: String,
    /// Its Monday.
    #[serde(with = "stored::day")]
    pub from: BusinessDay,
    /// Its Sunday.
    #[serde(with = "stored::day")]
    pub to: BusinessDay,
    /// How final its last day is.
    #[serde(with = "stored::state")]
    pub state: DayState,
    /// Its numbers.
    pub numbers: WeekNumbers,
    /// Those of the week before; `None` when the account began in it or later, or while the week is not over.
    pub week_before: Option<WeekNumbers>,
    /// The latest weeks since the account began, the oldest first.
    pub trend: Vec<TrendWeek>,
    /// What happened, in sentences.
    pub words: Vec<String>,
    /// Weekly cohorts.
    pub cohorts: Vec<Cohort>,
    /// All ripe cohorts together.
    pub kept: Vec<Kept>,
    /// Follows that still stand.
    pub standing: Vec<Standing>,
    /// What stands beside them.
    #[serde(flatten)]
    pub details: Details,
}

impl Weekly {
    /// The counters it needs for the week of `day`.
    pub fn needed(day: BusinessDay) -> Vec<CounterRange> {
        let begins = monday(day);
        let mut needed = WeekNumbers::needed(begins.plus_days(7 * (1 - TREND_WEEKS)), begins);
        needed.extend(cohorts::needed(begins));
        needed.extend(Details::needed(begins, begins.plus_days(6)));
        needed
    }

    /// Makes it, for the week of `day`.
    pub fn new(day: BusinessDay, beside: &Beside<'_>) -> Self {
        let counters = beside.counters;
        let (from, to) = (monday(day), monday(day).plus_days(6));
        let state = beside.state(to);
        let began = beside.began();
        let lived = |week: BusinessDay| began.is_some_and(|began| began <= week);
        let comparable = state != DayState::Open && lived(from.plus_days(-7));
        let trend = (1 - TREND_WEEKS..=0).map(|n| from.plus_days(7 * n)).filter(|week| lived(week.plus_days(6)));
        let numbers_of = |week: BusinessDay| {
            let numbers = WeekNumbers::of(counters, week);
            WeekNumbers { dormant: numbers.dormant.filter(|_| week < from || state != DayState::Open), ..numbers }
        };
        let (cohorts, kept) = cohorts::cohorts(beside, from);
        let mut weekly = Self {
            head: beside.head("weekly@1"),
            week: week_name(from),
            from,
            to,
            state,
            numbers: numbers_of(from),
            week_before: comparable.then(|| WeekNumbers::of(counters, from.plus_days(-7))),
            trend: trend.map(|week| TrendWeek { week: week_name(week), numbers: numbers_of(week) }).collect(),
            words: Vec::new(),
            cohorts,
            kept,
            standing: cohorts::standing(beside, from),
            details: Details::of((from, to), beside),
        };
        weekly.words = paragraph::of_week(&weekly);
        weekly
    }
}
