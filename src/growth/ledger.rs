//! The counter changes of one commit, collected.

use super::counter::{CounterKey, Increment, Metric};
use crate::domain::time::BusinessDay;

/// Changes of a follower's first message of a day: the usual most.
const FIRST_MESSAGE_OF_A_DAY: usize = 10;

/// Collects the changes of one customer. Changes of the same cell become one, and those that cancel out vanish.
#[derive(Debug, Default)]
pub struct Ledger {
    increments: Vec<Increment>,
    arrival: BusinessDay,
}

impl Ledger {
    /// From here on changes come from a fact that arrived on `arrival`.
    pub fn arrive(&mut self, arrival: BusinessDay) {
        self.arrival = arrival;
    }

    /// Changes the cell `[a, b]` of a metric.
    pub fn add(&mut self, cell: (Metric, i32, i32), by: i64) {
        self.add_in(cell, "", by);
    }

    /// Changes the cell `[a, b]` of a metric in one `dimension`.
    pub fn add_in(&mut self, (metric, a, b): (Metric, i32, i32), dimension: &str, by: i64) {
        let arrival = self.arrival;
        let late_on = metric.last_day((a, b)).filter(|day| *day < arrival).map(|_| arrival);
        let same = |i: &&mut Increment| {
            (i.key.metric, i.key.a, i.key.b) == (metric, a, b) && i.late_on == late_on && i.key.dimension == dimension
        };
        match self.increments.iter_mut().find(same) {
            Some(increment) => increment.by += by,
            None => {
                if self.increments.is_empty() {
                    self.increments.reserve(FIRST_MESSAGE_OF_A_DAY);
                }
                let key = CounterKey { metric, a, b, dimension: dimension.to_owned() };
                self.increments.push(Increment { key, by, late_on });
            }
        }
    }

    /// The changes that are left.
    pub fn finish(mut self) -> Vec<Increment> {
        self.increments.retain(|increment| increment.by != 0);
        self.increments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_cancel_out_vanish() {
        let mut ledger = Ledger::default();
        ledger.add((Metric::Gap, 1, 1), 1);
        ledger.add((Metric::Gap, 1, 2), 1);
        ledger.add((Metric::Gap, 1, 1), -1);
        ledger.add_in((Metric::Gap, 1, 2), "x", 1);
        let left: Vec<_> = ledger.finish().into_iter().map(|i| (i.key.b, i.key.dimension, i.by)).collect();
        assert_eq!(left, [(2, String::new(), 1), (2, "x".to_owned(), 1)]);
    }

    #[test]
    fn a_change_of_a_day_that_is_over_is_kept_apart_from_one_in_time() {
        let mut ledger = Ledger::default();
        ledger.add((Metric::Messages, 1, 0), 1);
        ledger.arrive(BusinessDay(2));
        ledger.add((Metric::Messages, 1, 0), 1);
        assert_eq!(ledger.finish().len(), 2);
    }

    #[test]
    fn only_what_is_about_days_that_are_over_is_journalled() {
        let mut ledger = Ledger::default();
        ledger.arrive(BusinessDay(10));
        let week = BusinessDay(10).iso_week();
        for (cell, journalled) in [
            ((Metric::Gap, 9, 1), true),
            ((Metric::Gap, 10, 1), false),
            ((Metric::Retained, 8, 1), true),
            ((Metric::Retained, 8, 2), false),
            ((Metric::RetainedWeekly, week - 2, 1), true),
            ((Metric::RetainedWeekly, week - 2, 2), false),
            ((Metric::Latest, 1, 1), false),
            ((Metric::Votes, 0, 0), false),
        ] {
            ledger.add(cell, 1);
            let late_on = ledger.increments.last().unwrap().late_on;
            assert_eq!(late_on, journalled.then_some(BusinessDay(10)), "{cell:?}");
        }
    }
}
