//! The daily report (growth.md 6.2). Referral, pushes and satisfaction join it when they are counted.

use serde::{Deserialize, Serialize};

use super::details::Details;
use super::named::Difference;
use super::numbers::DayNumbers;
use super::value::{Beside, Head};
use super::{stored, todo};
use crate::domain::time::BusinessDay;
use crate::growth::counter::CounterRange;
use crate::growth::lateness::DayState;

/// Held against the same weekday.
const WEEK: i32 = 7;
/// So many corrections are kept, the latest days first to go.
const MOST_CHANGES: usize = 60;

/// A day in words and numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daily {
    /// What stands above it.
    #[serde(flatten)]
    pub head: Head,
    /// The day.
    #[serde(with = "stored::day")]
    pub day: BusinessDay,
    /// How final its numbers are.
    #[serde(with = "stored::state")]
    pub state: DayState,
    /// Its numbers.
    pub numbers: DayNumbers,
    /// Those of the same weekday a week before; `None` before the account began, or while the day is not over: a part
    /// of a day is never held against a whole one.
    pub week_before: Option<DayNumbers>,
    /// What stands beside them.
    #[serde(flatten)]
    pub details: Details,
    /// Where the platform's own statistics differ; `None` where the account has none.
    pub platform: Option<Vec<Difference>>,
    /// Orders and payments that waited for a person when it was made: how many, and how much in fen.
    #[serde(default)]
    pub waiting: (usize, i64),
    /// First and last day whose reports were never made.
    pub skipped: Option<(String, String)>,
    /// What somebody should look at, at most five.
    pub todo: Vec<String>,
}

impl Daily {
    /// The counters it needs; `corrected_days` is how many days before it may still change.
    pub fn needed(day: BusinessDay, corrected_days: i32) -> Vec<CounterRange> {
        let mut needed = DayNumbers::needed(day.plus_days(-corrected_days.max(WEEK)), day);
        needed.extend(Details::needed(day, day));
        needed
    }

    /// Makes it.
    pub fn new(day: BusinessDay, beside: &Beside<'_>) -> Self {
        let counters = beside.counters;
        let state = beside.state(day);
        let week_before = day.plus_days(-WEEK);
        let comparable = state != DayState::Open && beside.began().is_some_and(|began| began <= week_before);
        let mut numbers = DayNumbers::of(counters, day);
        if state == DayState::Open {
            numbers.dormant = None;
        }
        let mut details = Details::of((day, day), beside);
        details.changes.truncate(MOST_CHANGES);
        let mut daily = Self {
            head: beside.head("daily@1"),
            day,
            state,
            numbers,
            week_before: comparable.then(|| DayNumbers::of(counters, week_before)),
            details,
            platform: beside.platform.clone(),
            waiting: beside.waiting,
            skipped: beside.skipped.map(|(from, to)| (from.to_string(), to.to_string())),
            todo: Vec::new(),
        };
        daily.todo = todo::of_day(&daily);
        daily
    }
}
