//! Identities that must hold between counters that are kept apart (growth.md 1.3, 1.6). A report prints those that do
//! not: then something was counted twice, or not at all, and no number of that day is to be trusted.

use std::fmt;

use super::counter::{CounterRange, GAP_FIRST, Metric};
use super::counters::Counters;
use crate::domain::time::BusinessDay;

/// An identity that does not hold on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The day.
    pub day: BusinessDay,
    /// What should hold.
    pub identity: &'static str,
    /// Its left side.
    pub left: i64,
    /// Its right side.
    pub right: i64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} does not hold ({} against {})", self.day, self.identity, self.left, self.right)
    }
}

/// The counters that [`check_identities`] must be given for days up to `to`: cohorts and
/// difference arrays are needed from the beginning.
pub fn needed(from: BusinessDay, to: BusinessDay) -> Vec<CounterRange> {
    let whole = [Metric::Retained, Metric::SpellEnded, Metric::Follows, Metric::Unfollows, Metric::ActiveFollowers];
    let days = [
        Metric::Messages,
        Metric::Hours,
        Metric::FirstFollows,
        Metric::Refollows,
        Metric::Latest,
        Metric::Playbooks,
        Metric::Unanswered,
    ];
    let whole = whole.into_iter().map(|metric| CounterRange::new(metric, i32::MIN, to.0));
    let days = days.into_iter().map(|metric| CounterRange::new(metric, from.0, to.0));
    whole.chain(days).chain([CounterRange::new(Metric::Gap, from.plus_days(-1).0, to.0)]).collect()
}

/// Checks the days `from..=to` and returns what does not hold.
pub fn check_identities(counters: &Counters, from: BusinessDay, to: BusinessDay) -> Vec<Broken> {
    (from.0..=to.0).flat_map(|day| check_day(counters, BusinessDay(day))).collect()
}

fn check_day(counters: &Counters, day: BusinessDay) -> Vec<Broken> {
    let mut broken = Vec::new();
    let sum = |metric| counters.sum(metric, day.0);
    let mut equal = |identity, left: i64, right: i64| {
        if left != right {
            broken.push(Broken { day, identity, left, right });
        }
    };
    let life = counters.lifecycle(day);
    let cohort = counters.get(Metric::Retained, (day.0, 0));
    equal("active = active of all cohorts", life.active, counters.diagonal(Metric::Retained, day.0));
    equal("new = cohort of the day", counters.get(Metric::Gap, (day.0, GAP_FIRST)), cohort);
    equal("cohort = its customers by latest day", cohort, sum(Metric::Latest));
    equal("messages = messages of all hours", sum(Metric::Messages), sum(Metric::Hours));
    equal("messages = messages of all playbooks", sum(Metric::Messages), sum(Metric::Playbooks));
    equal(
        "follows = first follows + re-follows",
        sum(Metric::Follows),
        sum(Metric::FirstFollows) + sum(Metric::Refollows),
    );
    equal("unfollows = spells ended", sum(Metric::Unfollows), counters.diagonal(Metric::SpellEnded, day.0));

    let total = counters.sum_to(Metric::Follows, day.0) - counters.sum_to(Metric::Unfollows, day.0);
    let active_followers = counters.sum_to(Metric::ActiveFollowers, day.0);
    let mut at_most = |identity, left: i64, right: i64| {
        if left > right {
            broken.push(Broken { day, identity, left, right });
        }
    };
    at_most("active <= messages", life.active, sum(Metric::Messages));
    at_most("unanswered <= messages", sum(Metric::Unanswered), sum(Metric::Messages));
    at_most("returning <= active of the day before", 0, life.dormant);
    at_most("resurrected >= 0", 0, life.resurrected);
    at_most("followers >= 0", 0, total);
    at_most("active followers >= 0", 0, active_followers);
    at_most("active followers <= followers", active_followers, total);
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::CounterKey;

    fn with(cells: &[(Metric, i32, i32, i64)]) -> Counters {
        let key = |metric, a, b| CounterKey { metric, a, b, dimension: String::new() };
        cells.iter().map(|(metric, a, b, by)| (key(*metric, *a, *b), *by)).collect()
    }

    const ONE_CUSTOMER: [(Metric, i32, i32, i64); 10] = [
        (Metric::Gap, 10, GAP_FIRST, 1),
        (Metric::Retained, 10, 0, 1),
        (Metric::Latest, 10, 0, 1),
        (Metric::Messages, 10, 0, 1),
        (Metric::Hours, 10, 9, 1),
        (Metric::Follows, 10, 0, 1),
        (Metric::FirstFollows, 10, 0, 1),
        (Metric::Playbooks, 10, 0, 1),
        (Metric::ActiveFollowers, 10, 0, 1),
        (Metric::ActiveFollowers, 40, 0, -1),
    ];

    #[test]
    fn the_counters_of_one_customer_agree() {
        assert_eq!(check_identities(&with(&ONE_CUSTOMER), BusinessDay(9), BusinessDay(41)), []);
    }

    #[test]
    fn any_counter_that_is_missing_or_doubled_is_found() {
        for i in 0..ONE_CUSTOMER.len() {
            let mut missing = ONE_CUSTOMER;
            missing[i].3 = 0;
            let mut doubled = ONE_CUSTOMER;
            doubled[i].3 *= 2;
            let found = |cells| !check_identities(&with(cells), BusinessDay(9), BusinessDay(41)).is_empty();
            assert!(found(&doubled), "{:?} doubled", ONE_CUSTOMER[i]);
            // An active follower who stays one is plausible by itself.
            assert!(found(&missing) || i == 9, "{:?} missing", ONE_CUSTOMER[i]);
        }
    }

    #[test]
    fn what_is_broken_is_said_with_both_sides() {
        let broken = check_identities(&with(&ONE_CUSTOMER[..6]), BusinessDay(10), BusinessDay(10));
        let text: Vec<_> = broken.iter().map(Broken::to_string).collect();
        assert_eq!(
            text,
            [
                "1970-01-11: messages = messages of all playbooks does not hold (1 against 0)",
                "1970-01-11: follows = first follows + re-follows does not hold (1 against 0)"
            ]
        );
    }
}
