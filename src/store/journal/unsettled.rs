//! Which entries the store may not have yet.

use std::collections::BTreeMap;

use super::Place;
use crate::store::Partition;

/// The entries of each partition that were accepted and not settled.
#[derive(Debug, Default)]
pub(super) struct Unsettled(BTreeMap<Partition, InPartition>);

#[derive(Debug, Default)]
struct InPartition {
    open: BTreeMap<Place, Open>,
    latest: Place,
}

/// How one stands.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    /// It is to be applied once more when it is settled.
    again: bool,
    /// It was tried in vain, for a reason of its own.
    stuck: bool,
}

impl Unsettled {
    /// It is being written: nothing from here on is all there is.
    pub(super) fn accept(&mut self, partition: Partition, place: Place) {
        self.0.entry(partition).or_default().open.insert(place, Open::default());
    }

    /// It stands on the disk.
    pub(super) fn stands(&mut self, partition: Partition, place: Place) {
        let of = self.0.entry(partition).or_default();
        of.latest = of.latest.max(place);
    }

    /// It could not be written: nobody will ever find it.
    pub(super) fn withdraw(&mut self, partition: Partition, place: Place) {
        self.0.entry(partition).or_default().open.remove(&place);
    }

    /// The store has it. `false` when that has to be made sure once more.
    pub(super) fn settle(&mut self, partition: Partition, place: Place) -> bool {
        let Some(of) = self.0.get_mut(&partition) else { return true };
        match of.open.get_mut(&place) {
            Some(open) if open.again => {
                open.again = false;
                false
            }
            _ => {
                of.open.remove(&place);
                true
            }
        }
    }

    /// It has to be applied again. `false` when that happens now, and will be made sure of.
    pub(super) fn reopen(&mut self, partition: Partition, place: Place) -> bool {
        let of = self.0.entry(partition).or_default();
        of.latest = of.latest.max(place);
        let again = of.open.contains_key(&place);
        of.open.insert(place, Open { again, stuck: false }).is_none()
    }

    /// Whether it still waits.
    pub(super) fn is_open(&self, partition: Partition, place: Place) -> bool {
        self.0.get(&partition).is_some_and(|of| of.open.contains_key(&place))
    }

    /// Up to where the store has everything of a partition; nothing when nothing was ever accepted there.
    pub(super) fn settled_up_to(&self, partition: Partition) -> Option<Place> {
        let of = self.0.get(&partition)?;
        Some(of.open.first_key_value().map_or(of.latest, |(first, _)| Place(first.0.saturating_sub(1))))
    }

    /// It was tried in vain, for a reason of its own.
    pub(super) fn is_stuck(&mut self, partition: Partition, place: Place) {
        if let Some(open) = self.0.get_mut(&partition).and_then(|of| of.open.get_mut(&place)) {
            open.stuck = true;
        }
    }

    /// The oldest entry that still waits and only wants the store.
    pub(super) fn oldest(&self) -> Option<Place> {
        let first = |of: &InPartition| of.open.iter().find(|(_, open)| !open.stuck).map(|(place, _)| *place);
        self.0.values().filter_map(first).min()
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.0.values().map(|of| of.open.len()).sum()
    }

    /// Nobody waits for these any more: they are gone.
    pub(super) fn drop_between(&mut self, first: Place, last: Place) -> usize {
        let before = self.count();
        for of in self.0.values_mut() {
            of.open.retain(|place, _| !(first..=last).contains(place));
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
            unsettled.stands(partition, Place(place));
        }
        assert_eq!((unsettled.settled_up_to(A), unsettled.oldest()), (Some(Place(0)), Some(Place(1))));
        assert!(unsettled.settle(A, Place(3)) && unsettled.settle(A, Place(3)));
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
    fn what_is_gone_waits_no_longer_and_what_stands_before_it_does() {
        let mut unsettled = Unsettled::default();
        for place in 1..=5 {
            unsettled.accept(A, Place(place));
            unsettled.stands(A, Place(place));
        }
        assert_eq!(
            (unsettled.drop_between(Place(6), Place(5)), unsettled.count()),
            (0, 5),
            "a segment without entries"
        );
        assert_eq!((unsettled.drop_between(Place(2), Place(3)), unsettled.count()), (2, 3));
        assert_eq!(unsettled.settled_up_to(A), Some(Place(0)));
        assert_eq!((unsettled.drop_between(Place(1), Place(1)), unsettled.settled_up_to(A)), (1, Some(Place(3))));
    }

    #[test]
    fn what_cannot_be_applied_waits_and_holds_nobody_up() {
        let mut unsettled = Unsettled::default();
        unsettled.accept(A, Place(1));
        unsettled.accept(B, Place(2));
        unsettled.is_stuck(A, Place(1));
        assert_eq!((unsettled.oldest(), unsettled.count()), (Some(Place(2)), 2));
        assert_eq!(unsettled.settled_up_to(A), Some(Place(0)));
    }

    #[test]
    fn what_could_not_be_written_is_nowhere() {
        let mut unsettled = Unsettled::default();
        unsettled.accept(A, Place(7));
        assert_eq!(unsettled.settled_up_to(A), Some(Place(6)), "not yet");
        unsettled.withdraw(A, Place(7));
        assert_eq!((unsettled.settled_up_to(A), unsettled.count()), (Some(Place(0)), 0));
    }

    #[test]
    fn what_is_applied_while_the_store_forgets_is_applied_once_more() {
        let mut unsettled = Unsettled::default();
        unsettled.accept(A, Place(1));
        unsettled.stands(A, Place(1));
        assert!(!unsettled.reopen(A, Place(1)), "somebody has it in hand");
        assert!(!unsettled.settle(A, Place(1)) && unsettled.is_open(A, Place(1)));
        assert!(unsettled.settle(A, Place(1)) && !unsettled.is_open(A, Place(1)));
        assert!(unsettled.reopen(A, Place(1)) && unsettled.is_open(A, Place(1)), "nobody has it in hand");
        assert!(unsettled.settle(A, Place(1)));
    }
}
