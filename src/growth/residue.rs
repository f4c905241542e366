//! What of a customer's counting stays when the customer goes: nothing that is published may change because somebody
//! leaves or is erased, and a rebuild from the facts must still give the same counters.

use std::collections::BTreeMap;

use super::counter::{CounterKey, Increment};
use super::lateness::Lateness;
use super::record::record;
use crate::domain::customer::Customer;
use crate::domain::fact::Fact;
use crate::domain::time::BusinessDay;

/// Increments added up by cell.
#[derive(Debug, Default)]
struct Sum(BTreeMap<(CounterKey, Option<BusinessDay>), i64>);

impl Sum {
    fn add(&mut self, increments: Vec<Increment>, times: i64) {
        for Increment { key, by, late_on } in increments {
            *self.0.entry((key, late_on)).or_default() += by * times;
        }
    }

    fn finish(self) -> Vec<Increment> {
        let changed = self.0.into_iter().filter(|(_, by)| *by != 0);
        changed.map(|((key, late_on), by)| Increment { key, by, late_on }).collect()
    }
}

/// What one customer's facts count, in order of commit and all together: a rebuild of that customer.
pub fn contribution(facts: &[Fact], lateness: Lateness) -> Vec<Increment> {
    let (mut customer, mut sum) = (Customer::default(), Sum::default());
    // The facts of a delivery stand together and were recorded together; one that came again arrived again.
    for delivery in facts.chunk_by(|one, next| (one.key, one.arrived) == (next.key, next.arrived)) {
        sum.add(record(&mut customer, delivery, lateness).increments, 1);
    }
    sum.finish()
}

/// What changes when a fact loses its words: what was counted by them is counted without. Being counted by words depends
/// on the fact alone.
pub fn of_lost_words(fact: &Fact, bare: &Fact, lateness: Lateness) -> Vec<Increment> {
    let counted = |fact: &Fact| record(&mut Customer::default(), std::slice::from_ref(fact), lateness).increments;
    let mut sum = Sum::default();
    sum.add(counted(fact), -1);
    sum.add(counted(bare), 1);
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::FactKind;
    use crate::domain::ids::DedupeKey;
    use crate::domain::sample::NOON;
    use crate::growth::counter::Metric;

    fn fact(day: i64, key: u64, what: FactKind) -> Fact {
        let at = NOON.plus_secs(day * 86_400);
        Fact { at, arrived: at, key: DedupeKey(key), playbook: "p".into(), what }
    }

    #[test]
    fn a_contribution_is_what_the_commits_counted_one_by_one() {
        let days = [0, 0, 3, 1, 9, 9, 10];
        let facts: Vec<Fact> = days.iter().zip(1..).map(|(day, key)| fact(*day, key, FactKind::Messaged)).collect();
        let (mut customer, mut one_by_one) = (Customer::default(), Sum::default());
        for fact in &facts {
            one_by_one.add(record(&mut customer, std::slice::from_ref(fact), Lateness::default()).increments, 1);
        }
        let expected = one_by_one.finish();
        assert!(expected.iter().any(|increment| increment.key.metric == Metric::Gap));
        assert_eq!(contribution(&facts, Lateness::default()), expected);
    }

    #[test]
    fn losing_words_changes_no_sum_of_a_metric() {
        let unanswered = fact(0, 1, FactKind::Unanswered { text: "月球套餐".into() });
        let moved = of_lost_words(&unanswered, &unanswered.without_words().unwrap(), Lateness::default());
        let mut sums = BTreeMap::<Metric, i64>::new();
        moved.iter().for_each(|increment| *sums.entry(increment.key.metric).or_default() += increment.by);
        assert!(sums.values().all(|sum| *sum == 0), "{moved:?}");
        assert!(moved.iter().all(|increment| increment.key.metric == Metric::Unanswered), "{moved:?}");
    }
}
