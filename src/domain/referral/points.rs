//! Points of the account's own: a ledger of what was earned and spent, the soonest to expire spent first (scrm.md 2.10).

use serde::{Deserialize, Serialize};

use crate::domain::time::BusinessDay;

/// Entries that can be neither spent nor repeated any more are dropped so many days after they ended: until then a repeated
/// cause finds its entry.
const KEPT_DAYS: i32 = 400;

/// A customer's points.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points(Vec<Entry>);

/// What was earned at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What for: the idempotency key.
    pub cause: String,
    /// How many.
    pub points: u32,
    /// How many of them are spent.
    pub spent: u32,
    /// The day they were earned.
    pub on: BusinessDay,
    /// The last day they are good for.
    pub until: BusinessDay,
}

impl Entry {
    fn left(&self, today: BusinessDay) -> u32 {
        if today <= self.until { self.points - self.spent } else { 0 }
    }
}

impl Points {
    /// Earns points for a cause, once; whether that is new.
    pub fn earn(&mut self, cause: &str, points: u32, (on, until): (BusinessDay, BusinessDay)) -> bool {
        if self.0.iter().any(|entry| entry.cause == cause) {
            return false;
        }
        self.0.retain(|entry| entry.until.plus_days(KEPT_DAYS) >= on);
        let at = self.0.partition_point(|entry| entry.until <= until);
        self.0.insert(at, Entry { cause: cause.to_owned(), points, spent: 0, on, until });
        true
    }

    /// How many are good on a day.
    pub fn balance(&self, today: BusinessDay) -> u64 {
        self.0.iter().map(|entry| u64::from(entry.left(today))).sum()
    }

    /// Spends points, those that expire soonest first; `false`, and nothing is spent, when there are not enough.
    pub fn spend(&mut self, points: u32, today: BusinessDay) -> bool {
        if self.balance(today) < u64::from(points) {
            return false;
        }
        let mut open = points;
        for entry in &mut self.0 {
            let part = entry.left(today).min(open);
            entry.spent += part;
            open -= part;
        }
        true
    }

    /// The next day on which points are lost, and how many.
    pub fn expiring(&self, today: BusinessDay) -> Option<(BusinessDay, u32)> {
        let next = self.0.iter().find(|entry| entry.left(today) > 0)?.until;
        let lost = self.0.iter().filter(|entry| entry.until == next).map(|entry| entry.left(today));
        Some((next, lost.sum()))
    }

    /// Whether there are none and never were.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(n: i32) -> BusinessDay {
        BusinessDay(20_000 + n)
    }

    #[test]
    fn what_expires_first_is_spent_first_and_a_cause_counts_once() {
        let mut points = Points::default();
        assert!(points.earn("late", 100, (day(0), day(30))) && points.earn("soon", 50, (day(1), day(10))));
        assert!(!points.earn("late", 999, (day(2), day(90))), "the same cause");
        assert_eq!((points.balance(day(2)), points.expiring(day(2))), (150, Some((day(10), 50))));
        assert!(points.spend(60, day(2)) && !points.spend(91, day(2)));
        assert_eq!((points.balance(day(2)), points.expiring(day(2))), (90, Some((day(30), 90))));
        assert_eq!([points.balance(day(30)), points.balance(day(31))], [90, 0]);
    }

    #[test]
    fn what_is_long_over_is_dropped() {
        let mut points = Points::default();
        points.earn("old", 1, (day(0), day(1)));
        points.earn("new", 1, (day(1 + KEPT_DAYS), day(9_999)));
        assert_eq!(points.0.len(), 2);
        points.earn("newer", 1, (day(2 + KEPT_DAYS), day(9_999)));
        assert_eq!(points.0.len(), 2);
    }

    proptest! {
        #[test]
        fn never_more_is_spent_than_was_earned_and_good_on_the_day(
            steps in prop::collection::vec((any::<bool>(), 1..200_u32, 1..60_i32), 1..40),
        ) {
            let (mut points, mut plain) = (Points::default(), Vec::<(i32, u32)>::new());
            for (today, (earns, count, days)) in steps.into_iter().enumerate() {
                let today = i32::try_from(today).unwrap();
                if earns {
                    points.earn(&today.to_string(), count, (day(today), day(today + days)));
                    plain.push((today + days, count));
                    plain.sort();
                } else {
                    let good: u32 = plain.iter().filter(|(until, _)| *until >= today).map(|(_, left)| left).sum();
                    prop_assert_eq!(points.spend(count, day(today)), good >= count);
                    let mut open = if good >= count { count } else { 0 };
                    for (_, left) in plain.iter_mut().filter(|(until, _)| *until >= today) {
                        let part = open.min(*left);
                        (*left, open) = (*left - part, open - part);
                    }
                }
                let good: u32 = plain.iter().filter(|(until, _)| *until >= today).map(|(_, left)| left).sum();
                prop_assert_eq!(points.balance(day(today)), u64::from(good));
            }
        }
    }
}
