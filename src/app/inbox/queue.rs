//! Accepted deliveries that the store does not have yet, in the order of each customer.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::journal::{Location, Place};
use crate::store::{CustomerRef, Partition};

/// Who failed is tried again after this; twice as long each time.
const RESTS: Duration = Duration::from_millis(100);
/// As long as the store is away: it is to be noticed soon that it is back.
const RESTS_AT_MOST: Duration = Duration::from_secs(1);
/// Who cannot be applied for a reason of its own.
const RESTS_ALONE_AT_MOST: Duration = Duration::from_secs(30);

/// A delivery that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) partition: Partition,
    pub(super) place: Place,
    pub(super) location: Location,
    pub(super) past: Past,
}

/// What became of a delivery that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// The store was never asked to take it.
    Untried,
    /// The store may have it, and with it an answer that nobody heard.
    Owed,
    /// Its customer was answered; the store may have it, or have forgotten it.
    Answered,
    /// The store may have it. What there is to say to it goes out, or went out, by itself.
    Unknown,
    /// The same of one that was applied: the store may have forgotten it, and what it asked for was asked.
    Forgotten,
}

/// All that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    of: HashMap<CustomerRef, Line>,
    partitions: BTreeMap<Partition, Standing>,
    /// How many of them are away.
    away: usize,
    /// How many deliveries wait.
    count: usize,
}

/// One customer's.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    is_in_hand: bool,
    failures: u32,
    /// How often in a row it failed while others did not.
    alone: u32,
    rests_until: Option<Instant>,
    /// [`Standing::finished`] when it was taken in hand.
    finished_before: u64,
}

/// How a part of the store is doing.
#[derive(Debug, Default)]
struct Standing {
    /// The first of each customer who has nothing in hand.
    first: BTreeMap<Place, CustomerRef>,
    /// It did not take what it was given last.
    is_away: bool,
    in_hand: usize,
    /// How many were ever done with.
    finished: u64,
}

impl Line {
    /// What is known of one of them now.
    fn learn(&mut self, waiting: Waiting) {
        self.waiting.iter_mut().filter(|other| other.place == waiting.place).for_each(|other| *other = waiting);
    }
}

impl Queue {
    /// Whether a new delivery has to wait its turn: others of its customer do, or the store cannot be reached there.
    pub(super) fn keeps_waiting(&self, of: &CustomerRef, partition: Partition) -> bool {
        self.of.contains_key(of) || self.partitions.get(&partition).is_some_and(|standing| standing.is_away)
    }

    /// One more, at its place among its customer's.
    pub(super) fn push(&mut self, of: CustomerRef, waiting: Waiting) {
        let line = self.of.entry(of.clone()).or_default();
        let at = line.waiting.partition_point(|other| other.place < waiting.place);
        if line.waiting.get(at).is_some_and(|other| other.place == waiting.place) {
            return;
        }
        let first = line.waiting.front().map(|first| first.place);
        line.waiting.insert(at, waiting);
        self.count += 1;
        if !line.is_in_hand {
            let standing = self.partitions.entry(waiting.partition).or_default();
            if at == 0 {
                first.map(|first| standing.first.remove(&first));
                standing.first.insert(waiting.place, of);
            }
        }
    }

    /// Whether it waits, and nobody has it in hand.
    pub(super) fn is_idle(&self, of: &CustomerRef, place: Place) -> bool {
        self.of.get(of).is_some_and(|line| {
            let first = line.waiting.front().is_some_and(|first| first.place == place);
            !(line.is_in_hand && first) && line.waiting.iter().any(|waiting| waiting.place == place)
        })
    }

    /// Whether any part of the store is away.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.away > 0
    }

    /// The store did not answer there.
    pub(super) fn set_away(&mut self, partition: Partition) {
        let standing = self.partitions.entry(partition).or_default();
        self.away += usize::from(!standing.is_away);
        standing.is_away = true;
    }

    /// Takes the next in hand: of a part of the store that was away, one at a time.
    pub(super) fn take(&mut self, now: Instant) -> Option<(CustomerRef, Waiting)> {
        let lines = &self.of;
        let rests = |of: &CustomerRef| lines.get(of).and_then(|line| line.rests_until).is_some_and(|until| until > now);
        let open = self.partitions.values_mut().filter(|standing| !standing.is_away || standing.in_hand == 0);
        let found = open.filter_map(|standing| {
            let (place, _) = standing.first.iter().find(|(_, of)| !rests(of))?;
            Some((*place, standing))
        });
        let (place, standing) = found.min_by_key(|(place, _)| *place)?;
        let of = standing.first.remove(&place)?;
        standing.in_hand += 1;
        let line = self.of.get_mut(&of)?;
        line.is_in_hand = true;
        line.finished_before = standing.finished;
        line.waiting.front().copied().map(|waiting| (of, waiting))
    }

    /// What was in hand is done with.
    pub(super) fn finished(&mut self, of: &CustomerRef, waiting: Waiting) {
        if let Some(standing) = self.partitions.get_mut(&waiting.partition) {
            self.away -= usize::from(standing.is_away);
            standing.is_away = false;
            standing.finished += 1;
        }
        let before = self.of.get(of).map_or(0, |line| line.waiting.len());
        self.put_down(of, waiting, |line| {
            line.waiting.retain(|other| other.place != waiting.place);
            (line.failures, line.alone, line.rests_until) = (0, 0, None);
        });
        self.count -= before - self.of.get(of).map_or(0, |line| line.waiting.len());
    }

    /// What was in hand is tried again later, and nothing else in its part of the store at once: it did not answer. Unless
    /// it answered others meanwhile: then it is this one that cannot be applied.
    pub(super) fn failed(&mut self, of: &CustomerRef, waiting: Waiting, now: Instant) {
        let finished = self.partitions.get(&waiting.partition).map_or(0, |standing| standing.finished);
        if self.of.get(of).is_some_and(|line| line.finished_before < finished) {
            return self.stuck(of, waiting, now);
        }
        self.set_away(waiting.partition);
        self.put_down(of, waiting, |line| {
            let rests = RESTS.saturating_mul(1 << line.failures.min(16)).min(RESTS_AT_MOST);
            (line.failures, line.alone, line.rests_until) = (line.failures + 1, 0, Some(now + rests));
            line.learn(waiting);
        });
    }

    /// What was in hand is tried again later; the store is not to blame.
    pub(super) fn stuck(&mut self, of: &CustomerRef, waiting: Waiting, now: Instant) {
        self.put_down(of, waiting, |line| {
            let rests = RESTS.saturating_mul(1 << line.alone.min(16)).min(RESTS_ALONE_AT_MOST);
            (line.alone, line.rests_until) = (line.alone + 1, Some(now + rests));
            line.learn(waiting);
        });
    }

    /// What was in hand is applied once more, at once.
    pub(super) fn once_more(&mut self, of: &CustomerRef, waiting: Waiting) {
        self.put_down(of, waiting, |line| line.learn(waiting));
    }

    fn put_down(&mut self, of: &CustomerRef, waiting: Waiting, change: impl FnOnce(&mut Line)) {
        let standing = self.partitions.entry(waiting.partition).or_default();
        standing.in_hand = standing.in_hand.saturating_sub(1);
        let Some(line) = self.of.get_mut(of) else { return };
        line.is_in_hand = false;
        change(line);
        match line.waiting.front() {
            Some(first) => drop(standing.first.insert(first.place, of.clone())),
            None => drop(self.of.remove(of)),
        }
    }

    /// Forgets what the journal has no longer.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&Waiting) -> bool) {
        let in_hand: HashSet<CustomerRef> =
            self.of.iter().filter(|(_, line)| line.is_in_hand).map(|(of, _)| of.clone()).collect();
        self.partitions.values_mut().for_each(|standing| standing.first.clear());
        self.of.retain(|of, line| {
            line.waiting.retain(&is_kept);
            in_hand.contains(of) || !line.waiting.is_empty()
        });
        self.count = self.of.values().map(|line| line.waiting.len()).sum();
        for (of, line) in self.of.iter().filter(|(_, line)| !line.is_in_hand) {
            if let Some(first) = line.waiting.front() {
                self.partitions.entry(first.partition).or_default().first.insert(first.place, of.clone());
            }
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
