//! What stands beside the numbers of a report, be it of a day or of a week.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::changes::{Change, changes};
use super::named::{Named, Stars, largest};
use super::value::Beside;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;

/// So many names of each kind are shown.
const TOP: usize = 3;

/// What was counted on the days of a report by name, and how far its numbers can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
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
    /// Deliveries of earlier days that came on these.
    pub late: i64,
    /// What earlier dailies printed otherwise.
    pub changes: Vec<Change>,
    /// Identities that do not hold, in words.
    pub failed: Vec<String>,
}

impl Details {
    /// The counters they need beside those of the numbers.
    pub(super) fn needed(from: BusinessDay, to: BusinessDay) -> [CounterRange; 4] {
        let counted = [Metric::MenuTaps, Metric::Unanswered, Metric::Ratings, Metric::Quarantined];
        counted.map(|metric| CounterRange::new(metric, from.0, to.0))
    }

    /// Those of the days `from..=to`.
    pub(super) fn of((from, to): (BusinessDay, BusinessDay), beside: &Beside<'_>) -> Self {
        let Beside { counters, labels, .. } = beside;
        let sum = |metric| (from.0..=to.0).map(|day| counters.sum(metric, day)).sum();
        Self {
            channels: top(counters, (Metric::FirstFollows, from, to), |channel| labels.channel(channel)),
            menu: top(counters, (Metric::MenuTaps, from, to), |key| labels.menu(key)),
            unanswered: sum(Metric::Unanswered),
            unanswered_words: words(counters, from, to),
            stars: stars(counters, from, to),
            quarantined: sum(Metric::Quarantined),
            late: beside.journal.late_deliveries(from, to),
            changes: changes(beside),
            failed: beside.failed.clone(),
        }
    }
}

/// The largest dimensions of a metric, under the names that people know.
fn top(
    counters: &Counters,
    (metric, from, to): (Metric, BusinessDay, BusinessDay),
    name: impl Fn(&str) -> String,
) -> Vec<Named> {
    let sums = by_dimension(counters, (metric, from, to));
    largest(sums.into_iter().map(|(dimension, count)| Named { name: name(dimension), count }), TOP)
}

/// The most frequent words that no rule answered. Those of customers who had everything forgotten have no words left.
fn words(counters: &Counters, from: BusinessDay, to: BusinessDay) -> Vec<Named> {
    let mut sums = by_dimension(counters, (Metric::Unanswered, from, to));
    sums.remove("");
    largest(sums.into_iter().map(|(text, count)| Named { name: text.to_owned(), count }), TOP)
}

fn by_dimension(counters: &Counters, (metric, from, to): (Metric, BusinessDay, BusinessDay)) -> BTreeMap<&str, i64> {
    let mut sums = BTreeMap::new();
    for (_, dimension, count) in (from.0..=to.0).flat_map(|day| counters.row(metric, day)) {
        *sums.entry(dimension).or_default() += count;
    }
    sums
}

/// The ratings of some days.
fn stars(counters: &Counters, from: BusinessDay, to: BusinessDay) -> Option<Stars> {
    let mut sum = Stars::default();
    for (stars, _, count) in (from.0..=to.0).flat_map(|day| counters.row(Metric::Ratings, day)) {
        sum.stars += i64::from(stars) * count;
        sum.ratings += count;
        sum.low += if stars <= 2 { count } else { 0 };
    }
    (sum.ratings > 0).then_some(sum)
}
