//! Counters as a report reads them: values by cell, and the sums every report is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::{Cells, RunKey, held_at, of_first, run_at};
use super::counter::{CAP_DAYS, CounterKey, GAP_FIRST, Metric};
use crate::domain::ids::Channel;
use crate::domain::time::BusinessDay;

/// Counters that were read. A cell that was not read, or never counted, is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// By metric and the first coordinate at which they stand; in order of dimension and block.
    rows: BTreeMap<(Metric, i32), Vec<Run>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    /// Shared with the terms of the numbers it is part of.
    dimension: Arc<str>,
    block: i32,
    cells: Cells,
}

impl Counters {
    /// Adds `by` to a cell; counters of partitions are merged by adding them.
    pub fn add(&mut self, key: CounterKey, by: i64) {
        let (RunKey { metric, a, dimension, block }, place) = RunKey::of(key);
        self.add_run((metric, a), (&dimension, block), Cells::one(place, by));
    }

    /// Adds a run of cells, named as by [`RunKey`]. No sum of real events comes near the edge of its type; one that would pass it stays.
    pub fn add_run(&mut self, at: (Metric, i32), (dimension, block): (&str, i32), cells: Cells) {
        let row = self.rows.entry(at).or_default();
        let found = row.binary_search_by(|run| (&*run.dimension, run.block).cmp(&(dimension, block)));
        match found {
            Err(place) => row.insert(place, Run { dimension: dimension.into(), block, cells }),
            Ok(place) => {
                let _stays = row.get_mut(place).map(|sum| sum.cells.merge(&cells));
            }
        }
    }

    /// The first coordinates of a metric with a cell that is not 0, in order.
    pub fn firsts(&self, metric: Metric) -> impl Iterator<Item = i32> {
        let held =
            self.rows.range((metric, i32::MIN)..=(metric, i32::MAX)).flat_map(move |((_, at), _)| held_at(metric, *at));
        held.filter(move |a| self.row(metric, *a).next().is_some())
    }

    /// Every cell that is not 0, in order of key.
    pub fn cells(&self) -> impl Iterator<Item = (CounterKey, i64)> {
        let held = self.rows.keys().flat_map(|(metric, at)| held_at(*metric, *at).map(|a| (*metric, a)));
        held.flat_map(|(metric, a)| {
            let mut row: Vec<_> = self.row(metric, a).collect();
            row.sort_unstable_by_key(|(b, dimension, _)| (*b, *dimension));
            row.into_iter()
                .map(move |(b, dimension, value)| (CounterKey { metric, a, b, dimension: dimension.to_owned() }, value))
        })
    }

    /// The channels that customers came by, in order; without those of which nothing is left.
    pub fn channels(&self) -> BTreeSet<&str> {
        let rows = self.rows.iter().filter(|((metric, _), _)| metric.has_channel());
        rows.flat_map(|(_, row)| row).filter(|run| !run.cells.is_empty()).map(|run| &*run.dimension).collect()
    }

    /// What is left of the customers who came by one channel: nothing of metrics that know no channel.
    pub fn of_channel(&self, channel: &Channel) -> Self {
        let rows = self.rows.iter().filter(|((metric, _), _)| metric.has_channel());
        let of_it = rows.filter_map(|(place, row)| {
            let runs: Vec<Run> = row.iter().filter(|run| &*run.dimension == channel.as_str()).cloned().collect();
            (!runs.is_empty()).then_some((*place, runs))
        });
        Self { rows: of_it.collect() }
    }

    /// The runs `(dimension, second coordinate of the first value, values)` of one first coordinate, in order of
    /// dimension, then of second coordinate.
    pub fn runs(&self, metric: Metric, a: i32) -> impl Iterator<Item = (&str, i32, &[i64])> {
        self.shared_runs(metric, a).map(|(dimension, first, values)| (&**dimension, first, values))
    }

    fn shared_runs(&self, metric: Metric, a: i32) -> impl Iterator<Item = (&Arc<str>, i32, &[i64])> {
        let row = self.rows.get(&(metric, run_at(metric, a))).into_iter().flatten();
        row.map(move |run| {
            let (first, values) = of_first(metric, run.block, (a, &run.cells));
            (&run.dimension, first, values)
        })
    }

    /// The cells `(b, dimension, value)` of one first coordinate that are not 0, in order of dimension, then of `b`.
    pub fn row(&self, metric: Metric, a: i32) -> impl Iterator<Item = (i32, &str, i64)> {
        self.runs(metric, a).flat_map(|(dimension, first, values)| {
            let cells = (first..).zip(values).filter(|(_, value)| **value != 0);
            cells.map(move |(b, value)| (b, dimension, *value))
        })
    }

    /// The cell `[a, b]`, over all dimensions.
    pub fn get(&self, metric: Metric, (a, b): (i32, i32)) -> i64 {
        self.by_dimension(metric, (a, b)).map(|(_, value)| value).sum()
    }

    /// The cell `[a, b]` of every dimension where it is not 0.
    pub fn by_dimension(&self, metric: Metric, cell: (i32, i32)) -> impl Iterator<Item = (&str, i64)> {
        self.by_shared_dimension(metric, cell).map(|(dimension, value)| (&**dimension, value))
    }

    /// As [`Self::by_dimension`], with dimensions that can be kept without a copy.
    pub fn by_shared_dimension(&self, metric: Metric, (a, b): (i32, i32)) -> impl Iterator<Item = (&Arc<str>, i64)> {
        self.shared_runs(metric, a).filter_map(move |(dimension, first, values)| {
            let place = usize::try_from(b.checked_sub(first)?).ok()?;
            Some((dimension, *values.get(place)?)).filter(|(_, value)| *value != 0)
        })
    }

    /// All cells of one first coordinate.
    pub fn sum(&self, metric: Metric, a: i32) -> i64 {
        self.runs(metric, a).flat_map(|(_, _, values)| values).sum()
    }

    /// All cells up to and with this first coordinate: reads a difference array.
    pub fn sum_to(&self, metric: Metric, a: i32) -> i64 {
        let rows = self.rows.range((metric, i32::MIN)..=(metric, a));
        let sums = rows.map(|((_, at), row)| {
            let is_whole = *held_at(metric, *at).end() <= a;
            let kept = if is_whole { usize::MAX } else { usize::try_from(a - at + 1).unwrap_or_default() };
            row.iter().flat_map(|run| run.cells.values().iter().take(kept)).sum::<i64>()
        });
        sums.sum()
    }

    /// All cells `[a, day - a]`: what cohorts of any age did on `day`.
    pub fn diagonal(&self, metric: Metric, day: i32) -> i64 {
        let firsts = self.firsts(metric).take_while(|a| *a <= day);
        firsts.map(|a| self.get(metric, (a, day.saturating_sub(a)))).sum()
    }

    /// Customers active on at least one day of `from..=to` (growth.md 5.2). Exact while the range is at most
    /// [`CAP_DAYS`] + 1 days; of a longer one nothing is known.
    pub fn unique(&self, from: BusinessDay, to: BusinessDay) -> Option<i64> {
        if to.days_since(from) > CAP_DAYS {
            return None;
        }
        // Every customer of the range is counted on their first day in it: the one whose gap leads out of it.
        let first_in_range = |day: i32| {
            let row = self.row(Metric::Gap, day);
            row.filter(move |(gap, _, _)| *gap < 0 || day - gap < from.0).map(|cell| cell.2).sum::<i64>()
        };
        Some((from.0..=to.0).map(first_in_range).sum())
    }

    /// How the active customers of a day came about (growth.md 1.6).
    pub fn lifecycle(&self, day: BusinessDay) -> Lifecycle {
        let active = self.sum(Metric::Gap, day.0);
        let new = self.get(Metric::Gap, (day.0, GAP_FIRST));
        let returning = self.get(Metric::Gap, (day.0, 1));
        let before = self.sum(Metric::Gap, day.plus_days(-1).0);
        Lifecycle { active, new, returning, resurrected: active - new - returning, dormant: before - returning }
    }
}

impl FromIterator<(CounterKey, i64)> for Counters {
    fn from_iter<T: IntoIterator<Item = (CounterKey, i64)>>(cells: T) -> Self {
        let mut counters = Self::default();
        for (key, by) in cells {
            counters.add(key, by);
        }
        counters
    }
}

/// Growth accounting of one day (growth.md 1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// Active customers: DAU.
    pub active: i64,
    /// Active for the first time ever.
    pub new: i64,
    /// Active on the day before, too.
    pub returning: i64,
    /// Active before, but not on the day before.
    pub resurrected: i64,
    /// Active on the day before and not on this one; known once the day is over.
    pub dormant: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::GAP_FAR;

    fn gaps(cells: &[(i32, i32, i64)]) -> Counters {
        let key = |a, b| CounterKey { metric: Metric::Gap, a, b, dimension: String::new() };
        cells.iter().map(|(day, gap, by)| (key(*day, *gap), *by)).collect()
    }

    #[test]
    fn a_customer_active_on_several_days_of_a_range_is_one_customer() {
        let counters = gaps(&[(10, GAP_FIRST, 1), (11, 1, 1), (14, 3, 1), (14, GAP_FAR, 1)]);
        let unique = |from, to| counters.unique(BusinessDay(from), BusinessDay(to));
        assert_eq!(unique(10, 14), Some(2));
        assert_eq!(unique(11, 13), Some(1));
        assert_eq!(unique(12, 14), Some(2));
        assert_eq!(unique(12, 13), Some(0));
    }

    #[test]
    fn the_longest_exact_range_is_cap_plus_one_days() {
        let counters = gaps(&[(0, GAP_FIRST, 1), (92, 92, 1)]);
        assert_eq!(counters.unique(BusinessDay(0), BusinessDay(92)), Some(1));
        assert_eq!(counters.unique(BusinessDay(0), BusinessDay(93)), None);
    }

    #[test]
    fn the_days_of_a_month_are_told_apart_though_they_are_kept_together() {
        let key = |a, channel: &str| CounterKey { metric: Metric::Follows, a, b: 0, dimension: channel.to_owned() };
        let cells = [(key(-1, ""), 1), (key(33, ""), 2), (key(33, "hall"), 4), (key(40, "hall"), 8), (key(64, ""), 16)];
        let counters: Counters = cells.clone().into_iter().collect();
        let of = |day| (counters.sum(Metric::Follows, day), counters.sum_to(Metric::Follows, day));
        assert_eq!([-1, 0, 33, 39, 40, 64].map(of), [(1, 1), (0, 1), (6, 7), (0, 7), (8, 15), (16, 31)]);
        assert_eq!(counters.firsts(Metric::Follows).collect::<Vec<_>>(), [-1, 33, 40, 64]);
        assert_eq!(counters.by_dimension(Metric::Follows, (33, 0)).collect::<Vec<_>>(), [("", 2), ("hall", 4)]);
        assert_eq!(counters.cells().collect::<Vec<_>>(), cells);
    }

    #[test]
    fn the_active_of_a_day_are_new_returning_or_resurrected() {
        let counters = gaps(&[(9, GAP_FIRST, 3), (10, GAP_FIRST, 2), (10, 1, 1), (10, 7, 4), (10, GAP_FAR, 5)]);
        let day = Lifecycle { active: 12, new: 2, returning: 1, resurrected: 9, dormant: 2 };
        assert_eq!(counters.lifecycle(BusinessDay(10)), day);
    }

    #[test]
    fn the_customers_of_one_channel_are_told_apart_and_messages_are_not() {
        let key = |metric, b, channel: &str| CounterKey { metric, a: 10, b, dimension: channel.to_owned() };
        let counters: Counters = [
            (key(Metric::Gap, GAP_FIRST, ""), 3),
            (key(Metric::Gap, GAP_FIRST, "hall"), 2),
            (key(Metric::Gap, 1, "hall"), 1),
            (key(Metric::Messages, 0, ""), 9),
            (key(Metric::MenuTaps, 0, "hall"), 4),
        ]
        .into_iter()
        .collect();
        let active = |counters: &Counters| counters.unique(BusinessDay(10), BusinessDay(10)).unwrap();
        assert_eq!(active(&counters), 6);
        assert_eq!(active(&counters.of_channel(&"hall".into())), 3);
        assert_eq!(active(&counters.of_channel(&Channel::default())), 3);
        assert_eq!(counters.of_channel(&"hall".into()).cells().count(), 2);
    }
}
