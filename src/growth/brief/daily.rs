//! The daily report (growth.md 6.2). Referral, pushes and satisfaction join it when they are counted.

use serde::{Deserialize, Serialize};

use super::changes::{Change, changes};
use super::named::{Difference, Named, Stars, largest};
use super::numbers::DayNumbers;
use super::value::{Beside, Head};
use super::{stored, todo};
use crate::domain::time::BusinessDay;
use crate::growth::counter::Metric;
use crate::growth::counters::Counters;
use crate::growth::lateness::DayState;

/// So many names of each kind are shown.
pub(super) const TOP: usize = 3;
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
    /// First follows by channel, the largest.
    pub channels: Vec<Named>,
    /// Menu taps, the most tapped.
    pub menu: Vec<Named>,
    /// Messages that no rule answered.
    pub unanswered: i64,
    /// Their words, the most frequent.
    pub unanswered_words: Vec<Named>,
    /// Ratings, when there were any.
    pub stars: Option<Stars>,
    /// Deliveries that were set aside.
    pub quarantined: i64,
    /// Deliveries of earlier days that came on this one.
    pub late: i64,
    /// What earlier reports printed otherwise.
    pub changes: Vec<Change>,
    /// Where the platform's own statistics differ; `None` where the account has none.
    pub platform: Option<Vec<Difference>>,
    /// Identities that do not hold, in words.
    pub failed: Vec<String>,
    /// First and last day whose reports were never made.
    pub skipped: Option<(String, String)>,
    /// What somebody should look at, at most five.
    pub todo: Vec<String>,
}

impl Daily {
    /// The counters it needs, as `(metric, from, to)`; `corrected_days` is how many days before it may still change.
    pub fn needed(day: BusinessDay, corrected_days: i32) -> Vec<(Metric, i32, i32)> {
        let mut needed = DayNumbers::needed(day.plus_days(-corrected_days.max(WEEK)), day);
        let of_day = [Metric::MenuTaps, Metric::Unanswered, Metric::Ratings, Metric::Quarantined];
        needed.extend(of_day.map(|metric| (metric, day.0, day.0)));
        needed
    }

    /// Makes it.
    pub fn new(day: BusinessDay, beside: &Beside<'_>) -> Self {
        let Beside { counters, labels, .. } = beside;
        let state = beside.state(day);
        let week_before = day.plus_days(-WEEK);
        let comparable = state != DayState::Open && beside.began().is_some_and(|began| began <= week_before);
        let mut numbers = DayNumbers::of(counters, day);
        if state == DayState::Open {
            numbers.dormant = None;
        }
        let mut changes = changes(beside);
        changes.truncate(MOST_CHANGES);
        let mut daily = Self {
            head: beside.head("daily@1"),
            day,
            state,
            numbers,
            week_before: comparable.then(|| DayNumbers::of(counters, week_before)),
            channels: top(counters, (Metric::FirstFollows, day), |channel| labels.channel(channel)),
            menu: top(counters, (Metric::MenuTaps, day), |key| labels.menu(key)),
            unanswered: counters.sum(Metric::Unanswered, day.0),
            unanswered_words: words(counters, day, day),
            stars: stars(counters, day, day),
            quarantined: counters.sum(Metric::Quarantined, day.0),
            late: beside.journal.late_deliveries(day, day),
            changes,
            platform: beside.platform.clone(),
            failed: beside.failed.clone(),
            skipped: beside.skipped.map(|(from, to)| (from.to_string(), to.to_string())),
            todo: Vec::new(),
        };
        daily.todo = todo::of_day(&daily);
        daily
    }
}

/// The largest dimensions of a metric on a day, under the names that people know.
fn top(counters: &Counters, (metric, day): (Metric, BusinessDay), name: impl Fn(&str) -> String) -> Vec<Named> {
    top_of(counters, (metric, day, day), name)
}

/// The same over several days.
pub(super) fn top_of(
    counters: &Counters,
    (metric, from, to): (Metric, BusinessDay, BusinessDay),
    name: impl Fn(&str) -> String,
) -> Vec<Named> {
    let mut counts = std::collections::BTreeMap::<&str, i64>::new();
    for (_, dimension, count) in (from.0..=to.0).flat_map(|day| counters.row(metric, day)) {
        *counts.entry(dimension).or_default() += count;
    }
    largest(counts.into_iter().map(|(dimension, count)| Named { name: name(dimension), count }), TOP)
}

/// The most frequent words that no rule answered. Those of customers who had everything forgotten have no words left.
pub(super) fn words(counters: &Counters, from: BusinessDay, to: BusinessDay) -> Vec<Named> {
    let mut counts = std::collections::BTreeMap::<&str, i64>::new();
    for (_, text, count) in (from.0..=to.0).flat_map(|day| counters.row(Metric::Unanswered, day)) {
        if !text.is_empty() {
            *counts.entry(text).or_default() += count;
        }
    }
    largest(counts.into_iter().map(|(text, count)| Named { name: text.to_owned(), count }), TOP)
}

/// The ratings of some days.
pub(super) fn stars(counters: &Counters, from: BusinessDay, to: BusinessDay) -> Option<Stars> {
    let mut sum = Stars::default();
    for (stars, _, count) in (from.0..=to.0).flat_map(|day| counters.row(Metric::Ratings, day)) {
        sum.stars += i64::from(stars) * count;
        sum.ratings += count;
        sum.low += if stars <= 2 { count } else { 0 };
    }
    (sum.ratings > 0).then_some(sum)
}
