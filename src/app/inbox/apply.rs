//! Applying what waits: as when it arrived, but nobody waits for the answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::queue::Waiting;
use super::{BYTES, Inbox, LATE, LOST, RESTORED, WAITING};
use crate::app::admission::Place;
use crate::app::handle::{ANSWER_WITHIN, Delivery, Hearing};
use crate::app::{App, ServedAccount};
use crate::channel::official::read_clear;
use crate::domain::ids::DedupeKey;
use crate::domain::inbound::Inbound;
use crate::domain::recent::Recent;
use crate::domain::time::UnixSecs;
use crate::store::journal::{Accepted, JournalFault, KEPT_SECS};
use crate::store::{CustomerRef, StoreError};

/// So many are applied at once.
const AT_ONCE: usize = 64;
/// The longest the worker looks away.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// What is too old goes, looked at so often.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// How applying one ended.
enum Ended {
    /// The store has it: now, or already.
    Settled,
    /// The store did not answer.
    Again,
}

impl App {
    /// Waits for the store as long as a customer can, where deliveries can be applied later.
    pub(in crate::app) async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match &self.inbox {
            Some(inbox) => inbox.in_time(asked).await,
            None => asked.await,
        }
    }

    /// Whether a delivery that the record knows no longer stands in the log.
    pub(in crate::app) async fn is_logged(&self, delivery: &Delivery, recent: &Recent) -> Result<bool, StoreError> {
        if !recent.may_have_forgotten(delivery.arrived) {
            return Ok(false);
        }
        let held = self.store.held(&delivery.of).await?;
        let key = delivery.inbound.key;
        Ok(held.is_some_and(|held| held.facts.iter().any(|logged| logged.fact.key == key)))
    }

    /// Applies what waits until told to stop. What is in hand then is finished; the rest is applied after the next start.
    pub async fn run_inbox(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let Some(inbox) = &self.inbox else { return };
        let (mut in_hand, mut tidied) = (JoinSet::new(), Instant::now());
        while !*stop.borrow() {
            while in_hand.len() < AT_ONCE {
                let Some((of, waiting)) = inbox.queue().take(Instant::now()) else { break };
                in_hand.spawn(Arc::clone(&self).apply_one(of, waiting));
            }
            if tidied.elapsed() >= TIDY_EVERY {
                tidied = Instant::now();
                self.tidy(inbox);
            }
            metrics::gauge!(WAITING).set(inbox.queue().len() as f64);
            tokio::select! {
                heard = stop.changed() => if heard.is_err() { break },
                Some(_) = in_hand.join_next() => {}
                () = inbox.bell.notified() => {}
                () = sleep(LOOK_AGAIN) => {}
            }
        }
        while in_hand.join_next().await.is_some() {}
    }

    async fn apply_one(self: Arc<Self>, of: CustomerRef, waiting: Waiting) {
        let Some(inbox) = &self.inbox else { return };
        match self.apply_waiting(inbox, (&of, waiting)).await {
            Ended::Settled => {
                inbox.journal.settle(waiting.partition, waiting.place);
                inbox.queue().finished(&of, waiting);
            }
            Ended::Again => inbox.queue().failed(&of, waiting, Instant::now()),
        }
        inbox.bell.notify_one();
    }

    async fn apply_waiting(self: &Arc<Self>, inbox: &Inbox, (of, waiting): (&CustomerRef, Waiting)) -> Ended {
        let accepted = match inbox.journal.read(waiting.location) {
            Ok(accepted) => accepted,
            Err(fault) => return given_up(of, &fault),
        };
        let (arrived, fresh) = (accepted.arrived, accepted.fresh);
        let (Some(account), Some(inbound)) = (self.accounts.get(&accepted.account), self.read(&accepted)) else {
            return given_up(of, &JournalFault::Unreadable("its account is not configured any more".into()));
        };
        let hearing = if waiting.is_answered { Hearing::Answered } else { Hearing::Acknowledged };
        let deadline = Instant::now() + ANSWER_WITHIN;
        let delivery = Delivery { of: of.clone(), inbound, deadline, arrived, fresh, hearing };
        self.apply(account, delivery).await
    }

    async fn apply(self: &Arc<Self>, account: &Arc<ServedAccount>, delivery: Delivery) -> Ended {
        match self.decide_and_commit(account, &delivery, &mut Place::own()).await {
            Ok(settled) => {
                if settled.is_new {
                    let counter = if delivery.hearing == Hearing::Answered { RESTORED } else { LATE };
                    metrics::counter!(counter).increment(1);
                }
                Ended::Settled
            }
            Err(StoreError::Unavailable(_)) => Ended::Again,
            // It will not be another way the next time.
            Err(error) => given_up(&delivery.of, &JournalFault::Unreadable(error.to_string())),
        }
    }

    /// What an entry says; `None` when it cannot be read any more.
    pub(super) fn read(&self, accepted: &Accepted) -> Option<Inbound> {
        let inbound = read_clear(&accepted.message).ok()?;
        let key: DedupeKey = self.rules.discretion.seal(inbound.key);
        Some(Inbound { key, ..inbound })
    }

    fn tidy(&self, inbox: &Inbox) {
        metrics::gauge!(BYTES).set(inbox.journal.bytes() as f64);
        let before = UnixSecs(self.clock.now().0 - KEPT_SECS);
        match inbox.journal.forget_before(before) {
            Ok(0) => {}
            Ok(lost) => {
                metrics::counter!(LOST).increment(lost as u64);
                tracing::error!(lost, "deliveries that the store did not take for a day are given up");
                inbox.queue().retain(|waiting| inbox.journal.is_waiting(waiting.partition, waiting.place));
            }
            Err(fault) => tracing::error!(%fault, "the journal could not be tidied"),
        }
    }
}

fn given_up(of: &CustomerRef, fault: &JournalFault) -> Ended {
    metrics::counter!(LOST).increment(1);
    tracing::error!(account = %of.account, %fault, "an acknowledged delivery could not be applied");
    Ended::Settled
}
