//! The integers of one ISO week. Customers are counted once in it: nothing here is a sum of days that could count
//! somebody twice (growth.md 1.0).

use serde::{Deserialize, Serialize};

use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, GAP_FIRST, Metric};
use crate::growth::counters::Counters;

/// The integers of a week. They are kept as printed, so a name never changes its meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekNumbers {
    /// Follows.
    pub follows: i64,
    /// Those for the first time in a customer's life.
    pub first_follows: i64,
    /// Those of customers who had left.
    pub refollows: i64,
    /// Unfollows.
    pub unfollows: i64,
    /// Followers at the end of the week.
    pub total: i64,
    /// Customers active on at least one day of the week: WAU.
    pub wau: i64,
    /// Active in the week for the first time ever.
    pub new: i64,
    /// Active in the week before, too.
    pub returning: i64,
    /// Active before, but not in the week before.
    pub resurrected: i64,
    /// Active in the week before and not in this one; `None` while the week goes on, for they can still come back.
    pub dormant: Option<i64>,
    /// What customers sent: messages, taps, scans.
    pub messages: i64,
}

impl WeekNumbers {
    /// The counters that the numbers of the weeks from `first` to `last`, both Mondays, are read from.
    pub(super) fn needed(first: BusinessDay, last: BusinessDay) -> Vec<CounterRange> {
        let to = last.plus_days(6).0;
        vec![
            CounterRange::new(Metric::Follows, i32::MIN, to),
            CounterRange::new(Metric::Unfollows, i32::MIN, to),
            CounterRange::new(Metric::FirstFollows, first.0, to),
            CounterRange::new(Metric::Refollows, first.0, to),
            CounterRange::new(Metric::Messages, first.0, to),
            CounterRange::new(Metric::Gap, first.plus_days(-7).0, to),
        ]
    }

    /// The numbers of the week that begins on `monday`.
    pub(super) fn of(counters: &Counters, monday: BusinessDay) -> Self {
        let (before, sunday) = (monday.plus_days(-7), monday.plus_days(6));
        let sum = |metric| (monday.0..=sunday.0).map(|day| counters.sum(metric, day)).sum::<i64>();
        // Two weeks are far shorter than the longest exact range.
        let unique = |from, to| counters.unique(from, to).unwrap_or_default();
        let (wau, wau_before) = (unique(monday, sunday), unique(before, monday.plus_days(-1)));
        // Whoever was there in both weeks is counted once in the two together.
        let returning = wau + wau_before - unique(before, sunday);
        let new = (monday.0..=sunday.0).map(|day| counters.get(Metric::Gap, (day, GAP_FIRST))).sum();
        Self {
            follows: sum(Metric::Follows),
            first_follows: sum(Metric::FirstFollows),
            refollows: sum(Metric::Refollows),
            unfollows: sum(Metric::Unfollows),
            total: counters.sum_to(Metric::Follows, sunday.0) - counters.sum_to(Metric::Unfollows, sunday.0),
            wau,
            new,
            returning,
            resurrected: wau - new - returning,
            dormant: Some(wau_before - returning),
            messages: sum(Metric::Messages),
        }
    }

    /// (New + resurrected) to dormant, as its two parts; `None` where nobody went or it is not known yet
    /// (growth.md 1.6).
    pub fn quick_ratio(&self) -> Option<(i64, i64)> {
        let dormant = self.dormant.filter(|dormant| *dormant > 0)?;
        Some((self.new.saturating_add(self.resurrected), dormant))
    }

    /// Follows less unfollows.
    pub fn net(&self) -> i64 {
        self.follows.saturating_sub(self.unfollows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::{CounterKey, GAP_FAR};

    /// A Monday.
    const MONDAY: BusinessDay = BusinessDay(20_458);

    #[test]
    fn a_customer_of_many_days_is_one_customer_of_the_week_and_came_about_once() {
        let key = |b, day| CounterKey { metric: Metric::Gap, a: MONDAY.0 + day, b, dimension: String::new() };
        let cells = [
            // Every day of both weeks.
            (key(GAP_FIRST, -7), 1),
            (key(1, -6), 1),
            (key(6, 0), 1),
            (key(1, 1), 1),
            (key(5, 6), 1),
            // Last week only.
            (key(GAP_FIRST, -1), 1),
            // New on two days of this one.
            (key(GAP_FIRST, 2), 1),
            (key(1, 3), 1),
            // Back after a long time.
            (key(GAP_FAR, 4), 1),
            (key(30, 5), 1),
        ];
        let numbers = WeekNumbers::of(&cells.into_iter().collect(), MONDAY);
        let expected =
            WeekNumbers { wau: 4, new: 1, returning: 1, resurrected: 2, dormant: Some(1), ..WeekNumbers::default() };
        assert_eq!(numbers, expected);
    }

    #[test]
    fn follows_are_summed_over_the_week_and_the_total_over_everything() {
        let key = |metric, a| CounterKey { metric, a, b: 0, dimension: String::new() };
        let cells = [
            (key(Metric::Follows, 7), 20),
            (key(Metric::Unfollows, MONDAY.0 - 1), 3),
            (key(Metric::Follows, MONDAY.0), 4),
            (key(Metric::FirstFollows, MONDAY.0), 3),
            (key(Metric::Refollows, MONDAY.0), 1),
            (key(Metric::Follows, MONDAY.0 + 6), 2),
            (key(Metric::Unfollows, MONDAY.0 + 6), 9),
            (key(Metric::Follows, MONDAY.0 + 7), 100),
        ];
        let numbers = WeekNumbers::of(&cells.into_iter().collect(), MONDAY);
        assert_eq!((numbers.follows, numbers.unfollows, numbers.net(), numbers.total), (6, 9, -3, 14));
        assert_eq!((numbers.first_follows, numbers.refollows), (3, 1));
    }
}
