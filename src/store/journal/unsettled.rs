//! Which entries the store may not have yet.

use std::collections::{BTreeMap, BTreeSet};

use super::Place;
use crate::store::Partition;

/// The entries of each partition that were accepted and not settled.
#[derive(Debug, Default)]
pub(super) struct Unsettled(BTreeMap<Partition, InPartition>);

#[derive(Debug, Default)]
struct InPartition {
    open: BTreeSet<Place>,
    latest: Place,
}

impl Unsettled {
    /// It was accepted.
    pub(super) fn accept(&mut self, partition: Partition, place: Place) {
        let of = self.0.entry(partition).or_default();
        of.open.insert(place);
        of.latest = of.latest.max(place);
    }

    /// The store has it. `false` when that was known.
    pub(super) fn settle(&mut self, partition: Partition, place: Place) -> bool {
        self.0.get_mut(&partition).is_some_and(|of| of.open.remove(&place))
    }

    /// Whether it still waits.
    pub(super) fn is_open(&self, partition: Partition, place: Place) -> bool {
        self.0.get(&partition).is_some_and(|of| of.open.contains(&place))
    }

    /// Up to where the store has everything of a partition; nothing when nothing was ever accepted there.
    pub(super) fn settled_up_to(&self, partition: Partition) -> Option<Place> {
        let of = self.0.get(&partition)?;
        Some(of.open.first().map_or(of.latest, |first| Place(first.0.saturating_sub(1))))
    }

    /// The oldest entry that still waits.
    pub(super) fn oldest(&self) -> Option<Place> {
        self.0.values().filter_map(|of| of.open.first().copied()).min()
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.0.values().map(|of| of.open.len()).sum()
    }

    /// Nobody waits for these any more: they are gone.
    pub(super) fn drop_up_to(&mut self, last: Place) -> usize {
        let before = self.count();
        for of in self.0.values_mut() {
            of.open = of.open.split_off(&Place(last.0 + 1));
        }
        before - self.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Partition = Partition(1);
    const B: Partition = Partition(2);

    #[test]
    fn everything_before_the_first_that_waits_is_settled() {
        let mut unsettled = Unsettled::default();
        assert_eq!((unsettled.settled_up_to(A), unsettled.oldest()), (None, None));
        for (partition, place) in [(A, 1), (B, 2), (A, 3), (A, 5)] {
            unsettled.accept(partition, Place(place));
        }
        assert_eq!((unsettled.settled_up_to(A), unsettled.oldest()), (Some(Place(0)), Some(Place(1))));
        assert!(unsettled.settle(A, Place(3)) && !unsettled.settle(A, Place(3)));
        assert_eq!(unsettled.settled_up_to(A), Some(Place(0)));
        assert!(unsettled.settle(A, Place(1)) && unsettled.is_open(A, Place(5)));
        assert_eq!((unsettled.settled_up_to(A), unsettled.settled_up_to(B)), (Some(Place(4)), Some(Place(1))));
        unsettled.settle(A, Place(5));
        assert_eq!(
            (unsettled.settled_up_to(A), unsettled.oldest(), unsettled.count()),
            (Some(Place(5)), Some(Place(2)), 1)
        );
    }

    #[test]
    fn what_is_gone_waits_no_longer() {
        let mut unsettled = Unsettled::default();
        for place in 1..=4 {
            unsettled.accept(A, Place(place));
        }
        assert_eq!((unsettled.drop_up_to(Place(3)), unsettled.count()), (3, 1));
        assert_eq!(unsettled.settled_up_to(A), Some(Place(3)));
    }
}
