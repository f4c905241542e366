//! What the store has of the journal, written down in the store itself, partition by partition. A store that forgets
//! takes its marks back with all that came after them: that is how it is found out, and from where to tell it again.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::sleep;

use super::queue::{Past, Waiting};
use crate::app::App;
use crate::store::journal::{Entry, JournalFault, Location, Place};
use crate::store::{CustomerRef, Forgetful, Mark, Partition, StoreError};

/// Marks are moved so often.
const MOVE_EVERY: Duration = Duration::from_secs(1);
/// Every so many times also those are looked at that need not move.
const LOOK_EVERY: u32 = 5;
/// So many partitions are asked at once.
const AT_ONCE: usize = 32;

/// How the marks were when they were seen last.
#[derive(Default)]
pub struct Marks(BTreeMap<Partition, Mark>);

impl App {
    /// Reads the marks, and takes up what the store may not have. To be done before anything new is accepted.
    ///
    /// # Errors
    /// As the store answers, or the journal.
    pub async fn take_up_journal(self: &Arc<Self>) -> Result<Marks, TakeUpFault> {
        let (Some(inbox), Some(store)) = (&self.inbox, self.store.forgetful()) else { return Ok(Marks::default()) };
        let mut marks = Marks::default();
        for partition in store.partitions() {
            marks.0.insert(partition, store.mark(partition, inbox.journal.name()).await?);
        }
        inbox.journal.go_on_after(marks.0.values().filter_map(|mark| mark.until).max().unwrap_or_default());
        let from = marks.0.iter().map(|(partition, mark)| (*partition, mark.until.unwrap_or_default())).collect();
        let taken = self.restore(from).await?;
        // Only now, so that what is too old is counted as lost.
        self.tidy(inbox, self.clock.now());
        if taken > 0 {
            tracing::info!(deliveries = taken, "the journal is compared with the store");
        }
        Ok(marks)
    }

    /// Moves the marks on, and restores what the store has forgotten, until told to stop.
    pub async fn run_marks(self: Arc<Self>, mut marks: Marks, mut stop: watch::Receiver<bool>) {
        let mut turn = 0_u32;
        while !*stop.borrow() {
            tokio::select! {
                heard = stop.changed() => if heard.is_err() { break },
                () = sleep(MOVE_EVERY) => {}
            }
            turn = turn.wrapping_add(1);
            self.move_marks(&mut marks, turn.is_multiple_of(LOOK_EVERY)).await;
        }
        // What was finished while stopping need not be looked through after the next start.
        self.move_marks(&mut marks, false).await;
    }

    async fn move_marks(self: &Arc<Self>, marks: &mut Marks, all: bool) {
        let (Some(inbox), Some(store)) = (&self.inbox, self.store.forgetful()) else { return };
        let due = marks.0.iter().filter_map(|(partition, known)| {
            let until = inbox.journal.settled_up_to(*partition).filter(|until| Some(*until) > known.until);
            (all || until.is_some()).then_some((*partition, known.clone(), until))
        });
        let due: Vec<_> = due.collect();
        let asked = due.into_iter().map(async |(partition, known, until)| {
            let found = move_mark(store, (partition, inbox.journal.name()), (&known, until)).await;
            (partition, known, until, found)
        });
        let answers: Vec<_> = futures_util::stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        let mut forgotten = BTreeMap::new();
        for (partition, known, until, found) in answers {
            let Ok(found) = found else { continue };
            let as_asked = Mark { until: until.or(known.until), server: known.server };
            if found != as_asked {
                forgotten.insert(partition, found.until.unwrap_or_default());
            }
            marks.0.insert(partition, found);
        }
        if forgotten.is_empty() {
            return;
        }
        match self.restore(forgotten.clone()).await {
            Ok(0) => tracing::info!(partitions = forgotten.len(), "the store is another one than before"),
            Ok(taken) => tracing::warn!(
                partitions = forgotten.len(),
                deliveries = taken,
                "the store is another one than before, or has forgotten something: what the journal has is compared with it"
            ),
            Err(error) => {
                tracing::error!(%error, "the journal cannot be compared with the store; it is tried again");
                // Unknown from now on, so that the next look finds another answer again.
                for partition in forgotten.keys() {
                    if let Some(mark) = marks.0.get_mut(partition) {
                        mark.server = String::from("?");
                    }
                }
            }
        }
    }

    /// Puts everything in the queue that came after these places.
    async fn restore(self: &Arc<Self>, from: BTreeMap<Partition, Place>) -> Result<usize, TakeUpFault> {
        let app = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || app.entries_after(&from)).await;
        let (found, answered) = read.map_err(|error| JournalFault::Disk(error.to_string()))??;
        let Some(inbox) = &self.inbox else { return Ok(0) };
        let mut taken = 0;
        for (place, partition, location, of) in found {
            let mut queue = inbox.queue();
            // One that waits is applied in any case, and one in hand by whoever has it.
            if !queue.is_idle(&of, place) && inbox.journal.reopen(partition, place) {
                let is_answered = answered.contains(&place) || inbox.journal.was_answered(place);
                let past = if is_answered { Past::Answered } else { Past::Forgotten };
                queue.push(of, Waiting { partition, place, location, past });
                taken += 1;
            }
        }
        inbox.bell.notify_one();
        Ok(taken)
    }

    fn entries_after(&self, from: &BTreeMap<Partition, Place>) -> Result<Found, JournalFault> {
        let (mut found, mut answered) = (Vec::new(), HashSet::new());
        let Some((inbox, first)) = self.inbox.as_ref().zip(from.values().min()) else { return Ok((found, answered)) };
        for entry in inbox.journal.entries(*first) {
            match entry? {
                (_, Entry::Answered(place)) => drop(answered.insert(place)),
                (place, Entry::Accepted(accepted, location)) => {
                    if from.get(&accepted.partition).is_none_or(|after| place <= *after) {
                        continue;
                    }
                    let Some(inbound) = self.read(&accepted) else { continue };
                    let of = CustomerRef { account: accepted.account, openid: inbound.openid };
                    found.push((place, accepted.partition, location, of));
                }
            }
        }
        Ok((found, answered))
    }
}

type Found = (Vec<(Place, Partition, Location, CustomerRef)>, HashSet<Place>);

async fn move_mark(
    store: &dyn Forgetful,
    at: (Partition, &str),
    (known, until): (&Mark, Option<Place>),
) -> Result<Mark, StoreError> {
    match until {
        Some(until) => store.move_mark(at, known, until).await,
        None => store.mark(at.0, at.1).await,
    }
}

/// Why the journal could not be taken up.
#[derive(Debug, thiserror::Error)]
pub enum TakeUpFault {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalFault),
}
