//! The inbox: every delivery is in this machine's journal before it is acknowledged, wherever the store is on other
//! machines (reliability.md 2.2). While the store is away deliveries are acknowledged and applied later, each customer's
//! in order; what the store forgets is applied to it again. A delivery that it has already changes nothing.

mod apply;
mod marks;
mod queue;
mod steady;

pub use marks::{Marks, TakeUpFault};

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use self::queue::{Past, Queue, Waiting};
use crate::domain::reply::Reply;
use crate::store::journal::{Accepted, Journal, JournalFault, Place};
use crate::store::{CustomerRef, StoreError};

/// The store has so long for all that one delivery asks of it, while a customer waits: the platform hears from us within
/// a second.
const STORE_WITHIN: Duration = Duration::from_millis(800);
/// And so long for one answer while a part of it is away: the rest is probably on its way out too, and nothing is lost by
/// waiting.
const STORE_WITHIN_IN_TROUBLE: Duration = Duration::from_millis(200);
/// Deliveries that wait for the store.
const WAITING: &str = "fuwu_journal_waiting";
/// What the journal takes on the disk.
const BYTES: &str = "fuwu_journal_bytes";
/// Deliveries that were applied after their acknowledgement, and those that the store had forgotten.
const LATE: &str = "fuwu_journal_late_total";
const RESTORED: &str = "fuwu_journal_restored_total";
/// Deliveries that waited longer than the journal keeps them.
const LOST: &str = "fuwu_journal_lost_total";

/// What waits, and the journal it stands in.
pub(super) struct Inbox {
    journal: Journal,
    queue: Mutex<Queue>,
    /// Answers that nobody heard, to deliveries of which the store may have the answer no longer.
    owed: Mutex<HashMap<Place, Reply>>,
    /// Rung when something may be applied.
    bell: Notify,
}

/// How long a customer who waits can still wait for the store.
pub(super) struct Patience(Duration);

impl Default for Patience {
    fn default() -> Self {
        Self(STORE_WITHIN)
    }
}

/// A delivery that is in the journal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept(Waiting);

/// A delivery that somebody decides. Whoever gives up, or fails, leaves it to be applied again.
pub(super) struct InHand<'a> {
    inbox: &'a Inbox,
    of: &'a CustomerRef,
    kept: Option<Kept>,
    waiting: Kept,
}

impl<'a> InHand<'a> {
    /// It was decided.
    pub(super) fn over(mut self) -> (&'a Inbox, Kept) {
        self.kept = None;
        (self.inbox, self.waiting)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if let Some(Kept(waiting)) = self.kept.take() {
            self.inbox.queue().push(self.of.clone(), Waiting { past: Past::Unknown, ..waiting });
            self.inbox.bell.notify_one();
        }
    }
}

impl Inbox {
    /// Somebody decides it.
    pub(super) fn in_hand<'a>(&'a self, of: &'a CustomerRef, kept: Kept) -> InHand<'a> {
        InHand { inbox: self, of, kept: Some(kept), waiting: kept }
    }

    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, queue: Mutex::default(), owed: Mutex::default(), bell: Notify::new() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a delivery; then it may be acknowledged.
    pub(super) async fn keep(&self, accepted: Accepted) -> Result<Kept, JournalFault> {
        let partition = accepted.partition;
        let (place, location) = self.journal.accept(accepted).await?;
        Ok(Kept(Waiting { partition, place, location, past: Past::Untried }))
    }

    /// Puts it behind its customer's others, if it must not be tried at once.
    pub(super) fn makes_wait(&self, of: &CustomerRef, Kept(waiting): Kept) -> bool {
        let mut queue = self.queue();
        let waits = queue.keeps_waiting(of, waiting.partition);
        if waits {
            queue.push(of.clone(), waiting);
        }
        waits
    }

    /// The store did not take it, or did and did not say so: it is tried again. `said` is what was decided to be said to
    /// it, once the store was asked to take it.
    pub(super) fn put_off(&self, of: &CustomerRef, Kept(mut waiting): Kept, said: Option<Reply>) {
        waiting.past = match said {
            None => Past::Untried,
            Some(said) if said.is_silent() => Past::Unknown,
            Some(said) => {
                self.owed().insert(waiting.place, said);
                Past::Owed
            }
        };
        let mut queue = self.queue();
        queue.push(of.clone(), waiting);
        queue.set_away(waiting.partition);
        drop(queue);
        self.bell.notify_one();
    }

    /// The store has it, or never will, and the customer is answered.
    pub(super) fn settle(&self, of: &CustomerRef, Kept(waiting): Kept) {
        self.journal.answered(waiting.place);
        if !self.journal.settle(waiting.partition, waiting.place) {
            self.queue().push(of.clone(), Waiting { past: Past::Answered, ..waiting });
            self.bell.notify_one();
        }
    }

    fn owed(&self) -> MutexGuard<'_, HashMap<Place, Reply>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the store as long as a customer can.
    async fn in_time<T>(
        &self,
        Patience(left): &mut Patience,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let within = if self.queue().is_in_trouble() { STORE_WITHIN_IN_TROUBLE.min(*left) } else { *left };
        let late = || StoreError::Unavailable("it did not answer in time".into());
        let since = Instant::now();
        let answer = tokio::time::timeout(within, asked).await.unwrap_or_else(|_| Err(late()));
        *left = left.saturating_sub(since.elapsed());
        answer
    }

    /// Writes down what was noted.
    pub(super) fn close(&self) {
        self.journal.close();
    }
}
