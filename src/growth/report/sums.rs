//! The sums that several reports are made of, term by term.

use std::collections::BTreeMap;

use super::Period;
use super::term::{Term, What};
use crate::domain::time::BusinessDay;
use crate::growth::counter::Metric;
use crate::growth::counters::Counters;

/// The cell `[a, b]` by the channel that customers came by.
pub(super) fn by_channel(counters: &Counters, metric: Metric, cell: (i32, i32)) -> Vec<Term> {
    let channels = counters.by_shared_dimension(metric, cell);
    channels.map(|(channel, value)| Term::new(What::CameBy(channel.clone()), value)).collect()
}

/// The distinct customers of every key in the dimension of a gap matrix, by the day they were first seen in the period:
/// the one whose gap leads out of it (growth.md 5.2).
pub(super) fn first_seen_by_key(counters: &Counters, metric: Metric, period: Period) -> BTreeMap<&str, Vec<Term>> {
    let mut keys = BTreeMap::<&str, Vec<Term>>::new();
    for day in period.days() {
        let inside = day.days_since(period.from());
        for (key, first_gap, values) in counters.runs(metric, day.0) {
            let leads_out = |gap: &i32| *gap < 0 || *gap > inside;
            let count: i64 = (first_gap..).zip(values).filter(|(gap, _)| leads_out(gap)).map(|(_, n)| n).sum();
            if count == 0 {
                continue;
            }
            let terms = keys.entry(key).or_default();
            match terms.last_mut().filter(|last| last.what == What::FirstSeen(day)) {
                Some(same_day) => same_day.count += count,
                None => terms.push(Term::new(What::FirstSeen(day), count)),
            }
        }
    }
    keys
}

/// All values of every key in the dimension of `metric`, day by day.
pub(super) fn by_key(counters: &Counters, metric: Metric, period: Period) -> BTreeMap<&str, Vec<(BusinessDay, i64)>> {
    let mut keys = BTreeMap::<&str, Vec<(BusinessDay, i64)>>::new();
    for day in period.days() {
        for (key, _, values) in counters.runs(metric, day.0) {
            let count: i64 = values.iter().sum();
            if count == 0 {
                continue;
            }
            let days = keys.entry(key).or_default();
            match days.last_mut().filter(|(last, _)| *last == day) {
                Some((_, sum)) => *sum += count,
                None => days.push((day, count)),
            }
        }
    }
    keys
}

/// One term for each day.
pub(super) fn day_by_day(days: &[(BusinessDay, i64)]) -> Vec<Term> {
    days.iter().map(|(day, count)| Term::new(*day, *count)).collect()
}
