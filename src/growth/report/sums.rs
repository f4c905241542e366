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

/// What is counted of a key, day by day; only days of which there is something.
pub(super) type Days = Vec<(BusinessDay, i64)>;

/// The distinct customers of every key in the dimension of a gap matrix, by the day they were first seen in the period:
/// the one whose gap leads out of it (growth.md 5.2).
pub(super) fn first_seen_by_key(counters: &Counters, metric: Metric, period: Period) -> BTreeMap<&str, Days> {
    of_keys(counters, (metric, period), |day, first_gap, values| {
        let place = |gap: i32| usize::try_from(gap.saturating_sub(first_gap)).unwrap_or_default().min(values.len());
        let out = (values.get(..place(0)), values.get(place(day.days_since(period.from()) + 1)..));
        out.0.into_iter().chain(out.1).flatten().sum()
    })
}

/// All values of every key in the dimension of `metric`, day by day.
pub(super) fn by_key(counters: &Counters, metric: Metric, period: Period) -> BTreeMap<&str, Days> {
    of_keys(counters, (metric, period), |_, _, values| values.iter().sum())
}

/// `counted` is told a day, the second coordinate of the first value, and the values.
fn of_keys(
    counters: &Counters,
    (metric, period): (Metric, Period),
    counted: impl Fn(BusinessDay, i32, &[i64]) -> i64,
) -> BTreeMap<&str, Days> {
    let mut keys = BTreeMap::<&str, Days>::new();
    for day in period.days() {
        for (key, first, values) in counters.runs(metric, day.0) {
            let count = counted(day, first, values);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::{CounterKey, GAP_FAR, GAP_FIRST};

    #[test]
    fn a_customer_whose_gap_leads_out_of_the_period_was_first_seen_in_it_on_that_day() {
        let cells = [(GAP_FAR, 1), (GAP_FIRST, 10), (1, 100), (2, 1_000), (3, 10_000), (92, 100_000)];
        let key = |a, b| CounterKey { metric: Metric::MenuTappers, a, b, dimension: "plan".into() };
        let days = 100..103;
        let counters: Counters = days.flat_map(|day| cells.map(|(gap, n)| (key(day, gap), n))).collect();
        let period = Period::new(BusinessDay(100), BusinessDay(102)).unwrap();
        let seen = first_seen_by_key(&counters, Metric::MenuTappers, period);
        let expected = [(BusinessDay(100), 111_111), (BusinessDay(101), 111_011), (BusinessDay(102), 110_011)];
        assert_eq!(seen, BTreeMap::from([("plan", expected.to_vec())]));
    }
}
