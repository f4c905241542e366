//! The integers of one day that a report prints, is held against, and is corrected by.

use serde::{Deserialize, Serialize};

use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;

/// The longest window looks so many days back.
const WINDOW_DAYS: i32 = 30;

/// The integers of a day. They are kept as printed, so a name never changes its meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayNumbers {
    /// Follows.
    pub follows: i64,
    /// Those for the first time in a customer's life.
    pub first_follows: i64,
    /// Those of customers who had left.
    pub refollows: i64,
    /// Unfollows.
    pub unfollows: i64,
    /// Followers at the end of the day.
    pub total: i64,
    /// Active customers: DAU.
    pub dau: i64,
    /// Active on one of the 7 days up to this one.
    pub r7: i64,
    /// Active on one of the 30 days up to this one.
    pub r30: i64,
    /// Sum of the DAU of these 30 days: active days of all customers.
    pub active_days: i64,
    /// Active for the first time.
    pub new: i64,
    /// Active on the day before, too.
    pub returning: i64,
    /// Active before, but not on the day before.
    pub resurrected: i64,
    /// Active on the day before and not on this one; `None` while the day goes on, for they can still come back.
    pub dormant: Option<i64>,
    /// What customers sent: messages, taps, scans.
    pub messages: i64,
}

impl DayNumbers {
    /// The counters that the numbers of the days `from..=to` are read from.
    pub(super) fn needed(from: BusinessDay, to: BusinessDay) -> Vec<CounterRange> {
        vec![
            CounterRange::new(Metric::Follows, i32::MIN, to.0),
            CounterRange::new(Metric::Unfollows, i32::MIN, to.0),
            CounterRange::new(Metric::FirstFollows, from.0, to.0),
            CounterRange::new(Metric::Refollows, from.0, to.0),
            CounterRange::new(Metric::Messages, from.0, to.0),
            CounterRange::new(Metric::Gap, from.plus_days(1 - WINDOW_DAYS).0, to.0),
        ]
    }

    /// Whether a metric is counted by business day and shows from when on an account was used.
    pub(super) fn is_by_day(metric: Metric) -> bool {
        matches!(metric, Metric::Follows | Metric::Unfollows | Metric::Messages | Metric::Gap)
    }

    /// The numbers of a day.
    pub(super) fn of(counters: &Counters, day: BusinessDay) -> Self {
        let sum = |metric| counters.sum(metric, day.0);
        // Both windows are far shorter than the longest exact range.
        let rolling = |days: i32| counters.unique(day.plus_days(1 - days), day).unwrap_or_default();
        let life = counters.lifecycle(day);
        let month = (day.plus_days(1 - WINDOW_DAYS).0..=day.0).map(|day| counters.sum(Metric::Gap, day));
        Self {
            follows: sum(Metric::Follows),
            first_follows: sum(Metric::FirstFollows),
            refollows: sum(Metric::Refollows),
            unfollows: sum(Metric::Unfollows),
            total: counters.sum_to(Metric::Follows, day.0) - counters.sum_to(Metric::Unfollows, day.0),
            dau: life.active,
            r7: rolling(7),
            r30: rolling(WINDOW_DAYS),
            active_days: month.sum(),
            new: life.new,
            returning: life.returning,
            resurrected: life.resurrected,
            dormant: Some(life.dormant),
            messages: sum(Metric::Messages),
        }
    }

    /// Follows less unfollows.
    pub fn net(&self) -> i64 {
        self.follows.saturating_sub(self.unfollows)
    }

    /// The integers by the names that people read when one of them was corrected, the most asked for first.
    pub(super) fn titled(&self) -> [(&'static str, Option<i64>); 14] {
        [
            ("DAU", Some(self.dau)),
            ("新关注", Some(self.follows)),
            ("取关", Some(self.unfollows)),
            ("粉丝总数", Some(self.total)),
            ("消息", Some(self.messages)),
            ("近7天活跃", Some(self.r7)),
            ("近30天活跃", Some(self.r30)),
            ("首次关注", Some(self.first_follows)),
            ("回头关注", Some(self.refollows)),
            ("新增活跃", Some(self.new)),
            ("连续活跃", Some(self.returning)),
            ("回流", Some(self.resurrected)),
            ("转沉默", self.dormant),
            ("30天活跃天数", Some(self.active_days)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::{CounterKey, GAP_FIRST};

    #[test]
    fn the_numbers_of_a_day_are_those_of_the_counters() {
        let key = |metric, a, b| CounterKey { metric, a, b, dimension: String::new() };
        let cells = [
            (key(Metric::Follows, 1, 0), 50),
            (key(Metric::Unfollows, 90, 0), 8),
            (key(Metric::Follows, 100, 0), 5),
            (key(Metric::FirstFollows, 100, 0), 3),
            (key(Metric::Refollows, 100, 0), 2),
            (key(Metric::Unfollows, 100, 0), 6),
            (key(Metric::Messages, 100, 0), 9),
            (key(Metric::Gap, 71, GAP_FIRST), 4),
            (key(Metric::Gap, 99, 28), 3),
            (key(Metric::Gap, 100, 1), 2),
            (key(Metric::Gap, 100, GAP_FIRST), 1),
        ];
        let numbers = DayNumbers::of(&cells.into_iter().collect(), BusinessDay(100));
        let expected = DayNumbers {
            follows: 5,
            first_follows: 3,
            refollows: 2,
            unfollows: 6,
            total: 41,
            dau: 3,
            r7: 4,
            r30: 5,
            active_days: 10,
            new: 1,
            returning: 2,
            resurrected: 0,
            dormant: Some(1),
            messages: 9,
        };
        assert_eq!((numbers, numbers.net()), (expected, -1));
    }

    #[test]
    fn every_number_has_a_title_of_its_own() {
        let stored = serde_json::to_value(DayNumbers::default()).unwrap();
        let mut titles = DayNumbers::default().titled().map(|(title, _)| title);
        titles.sort_unstable();
        assert!(titles.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(titles.len(), stored.as_object().unwrap().len());
    }
}
