//! The counter changes of one commit, collected.

use super::counter::{CounterKey, Increment, Metric};
use crate::domain::time::BusinessDay;

/// Collects the changes of one customer. Changes of the same cell become one, and those that cancel out vanish.
#[derive(Debug, Default)]
pub struct Ledger {
    increments: Vec<Increment>,
    late_on: Option<BusinessDay>,
}

impl Ledger {
    /// From here on changes come from a fact that arrived on `late_on`, after its own day; `None` for one on time.
    pub fn arriving(&mut self, late_on: Option<BusinessDay>) {
        self.late_on = late_on;
    }

    /// Changes the cell `[a, b]` of a metric.
    pub fn add(&mut self, cell: (Metric, i32, i32), by: i64) {
        self.add_in(cell, "", by);
    }

    /// Changes the cell `[a, b]` of a metric in one `dimension`.
    pub fn add_in(&mut self, (metric, a, b): (Metric, i32, i32), dimension: &str, by: i64) {
        let late_on = self.late_on;
        let same = |i: &&mut Increment| {
            (i.key.metric, i.key.a, i.key.b) == (metric, a, b) && i.late_on == late_on && i.key.dimension == dimension
        };
        match self.increments.iter_mut().find(same) {
            Some(increment) => increment.by += by,
            None => {
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
    fn a_late_change_is_kept_apart_from_one_on_time() {
        let mut ledger = Ledger::default();
        ledger.add((Metric::Messages, 1, 0), 1);
        ledger.arriving(Some(BusinessDay(2)));
        ledger.add((Metric::Messages, 1, 0), 1);
        assert_eq!(ledger.finish().len(), 2);
    }
}
