//! Applying what waits: as when it arrived, but nobody waits for the answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::queue::{Past, Waiting};
use super::steady::Steady;
use super::{BYTES, Inbox, LATE, LOST, Patience, RESTORED, WAITING};
use crate::app::admission::Place;
use crate::app::handle::{ANSWER_WITHIN, Delivery, Hearing, MAX_TRIES, Undone};
use crate::app::settle::Setting;
use crate::app::{App, ServedAccount};
use crate::channel::official::read_clear;
use crate::domain::afterwards::say_unheard;
use crate::domain::decision::Moment;
use crate::domain::ids::DedupeKey;
use crate::domain::inbound::Inbound;
use crate::domain::recent::Recent;
use crate::domain::time::UnixSecs;
use crate::store::journal::{Accepted, JournalFault, KEPT_SECS};
use crate::store::{Committed, CustomerRef, StoreError, Version};

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
    Away(Past),
    /// It cannot be applied as things are; others can.
    Stuck(String),
}

impl App {
    /// Waits for the store: as long as a customer can, where one waits and the delivery can be applied later.
    pub(in crate::app) async fn in_time<T>(
        &self,
        (hearing, patience): (Hearing, &mut Patience),
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match &self.inbox {
            Some(inbox) if hearing == Hearing::Waits => inbox.in_time(patience, asked).await,
            _ => asked.await,
        }
    }

    /// Whether a delivery that the record knows no longer stands in the log.
    pub(in crate::app) async fn is_logged(&self, delivery: &Delivery, recent: &Recent) -> Result<bool, StoreError> {
        if !delivery.may_be_there || !recent.may_have_forgotten(delivery.arrived) {
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
        let steady = Steady::new(self.clock.now());
        while !*stop.borrow() {
            while in_hand.len() < AT_ONCE {
                let Some((of, waiting)) = inbox.queue().take(Instant::now()) else { break };
                in_hand.spawn(Arc::clone(&self).apply_one(of, waiting));
            }
            if tidied.elapsed() >= TIDY_EVERY {
                tidied = Instant::now();
                self.tidy(inbox, steady.at_most(self.clock.now()));
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
        let applied = AssertUnwindSafe(self.apply_waiting(inbox, (&of, waiting))).catch_unwind().await;
        let ended = applied.unwrap_or_else(|_| Ended::Stuck("it makes fuwu fail".into()));
        // One lock over both: whoever restores asks the queue, and then the journal, who has it in hand.
        let mut queue = inbox.queue();
        match ended {
            Ended::Settled if inbox.journal.settle(waiting.partition, waiting.place) => queue.finished(&of, waiting),
            Ended::Settled => queue.once_more(&of, waiting),
            Ended::Away(past) => queue.failed(&of, Waiting { past, ..waiting }, Instant::now()),
            Ended::Stuck(cause) => {
                tracing::error!(account = %of.account, cause, "an acknowledged delivery cannot be applied; it is tried again");
                inbox.journal.is_stuck(waiting.partition, waiting.place);
                queue.stuck(&of, waiting, Instant::now());
            }
        }
        drop(queue);
        inbox.bell.notify_one();
    }

    async fn apply_waiting(self: &Arc<Self>, inbox: &Inbox, (of, waiting): (&CustomerRef, Waiting)) -> Ended {
        let app = Arc::clone(self);
        let read =
            tokio::task::spawn_blocking(move || app.inbox.as_ref().map(|inbox| inbox.journal.read(waiting.location)));
        let accepted = match read.await {
            Ok(Some(Ok(accepted))) => accepted,
            Ok(Some(Err(fault @ (JournalFault::Gone(_) | JournalFault::Unreadable(_))))) => {
                return given_up(of, &fault);
            }
            Ok(Some(Err(fault))) => return Ended::Stuck(fault.to_string()),
            Ok(None) | Err(_) => return Ended::Stuck("the journal was not read".into()),
        };
        let (arrived, fresh) = (accepted.arrived, accepted.fresh);
        let (Some(account), Some(inbound)) = (self.accounts.get(&accepted.account), self.read(&accepted)) else {
            return Ended::Stuck("its account is not configured any more".into());
        };
        let hearing = match waiting.past {
            Past::Answered => Hearing::Answered,
            Past::Forgotten => Hearing::Forgotten,
            Past::Untried | Past::Owed | Past::Unknown => Hearing::Acknowledged,
        };
        let deadline = Instant::now() + ANSWER_WITHIN;
        let may_be_there = waiting.past != Past::Untried;
        let delivery = Delivery { of: of.clone(), inbound, deadline, arrived, fresh, hearing, may_be_there };
        self.apply((inbox, account), &delivery, waiting).await
    }

    async fn apply(
        self: &Arc<Self>,
        (inbox, account): (&Inbox, &Arc<ServedAccount>),
        delivery: &Delivery,
        waiting: Waiting,
    ) -> Ended {
        let ended = match self.decide_and_commit(account, delivery, &mut Place::own()).await {
            Ok(settled) if settled.is_new => {
                let counter = if delivery.hearing == Hearing::Answered { RESTORED } else { LATE };
                metrics::counter!(counter).increment(1);
                Ok(())
            }
            Ok(_) if waiting.past == Past::Owed => {
                self.say_unheard((inbox, account), delivery, waiting).await.map_err(|error| (error, waiting.past))
            }
            Ok(_) => Ok(()),
            // What it says goes out by itself from now on, if it is there.
            Err(Undone { error, said: Some(_) }) => Err((error, Past::Unknown)),
            Err(Undone { error, said: None }) => Err((error, waiting.past)),
        };
        match ended {
            Ok(()) => Ended::Settled,
            Err((StoreError::Unavailable(_), past)) => Ended::Away(past),
            Err((error, _)) => Ended::Stuck(error.to_string()),
        }
    }

    /// Sends the answer that the store had kept without saying so, while the platform was told that nothing is to be said.
    async fn say_unheard(
        self: &Arc<Self>,
        (inbox, account): (&Inbox, &Arc<ServedAccount>),
        delivery: &Delivery,
        waiting: Waiting,
    ) -> Result<(), StoreError> {
        let (key, playbook) = (delivery.inbound.key, account.playbook());
        let moment = Moment { now: self.clock.now(), at: delivery.inbound.at, key, fresh: delivery.fresh };
        // Once it is asked to be sent, only what the record still holds says that it is not on its way.
        let owed = inbox.owed().remove(&waiting.place);
        for _ in 0..MAX_TRIES {
            let stored = self.store.load(&delivery.of).await?;
            let kept = stored.customer.recent.earned(key).map(|earned| earned.reply).filter(|reply| !reply.is_silent());
            let reply = kept.or_else(|| owed.clone()).filter(|_| stored.version != Version(0));
            let Some(reply) = reply else { return Ok(()) };
            let decision = say_unheard(stored.customer, reply, (key, moment.now));
            let setting = Setting { of: &delivery.of, playbook: &playbook, moment, rules: &self.rules };
            let commit = self.commit_of(setting, stored.version, decision);
            if self.commit(commit, Vec::new()).await? == Committed::Applied {
                self.outbox_bell.notify_one();
                return Ok(());
            }
        }
        Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer")))
    }

    /// What an entry says; `None` when it cannot be read any more.
    pub(super) fn read(&self, accepted: &Accepted) -> Option<Inbound> {
        let inbound = read_clear(&accepted.message).ok()?;
        let key: DedupeKey = self.rules.discretion.seal(inbound.key);
        Some(Inbound { key, ..inbound })
    }

    pub(super) fn tidy(&self, inbox: &Inbox, now: UnixSecs) {
        metrics::gauge!(BYTES).set(inbox.journal.bytes() as f64);
        let before = UnixSecs(now.0 - KEPT_SECS);
        match inbox.journal.forget_before(before) {
            Ok(0) => {}
            Ok(lost) => {
                metrics::counter!(LOST).increment(lost as u64);
                tracing::error!(lost, "deliveries that the store did not take for a day are given up");
                inbox.queue().retain(|waiting| inbox.journal.is_waiting(waiting.partition, waiting.place));
                inbox.owed().clear();
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
