//! Doing one piece of outgoing work, once in effect: the call may be repeated, its commit counts once.

use std::sync::Arc;

use super::handle::Delivery;
use super::settle::Setting;
use super::{App, ServedAccount};
use crate::backend::Full;
use crate::channel::official::api::ApiError;
use crate::domain::decide::{abandon, resume};
use crate::domain::decision::{Decision, Moment};
use crate::domain::forget::forget_left;
use crate::domain::ids::WorkId;
use crate::domain::notes::{Note, keep};
use crate::domain::question::Answer;
use crate::domain::reach::{self, deliver_later, useful_until};
use crate::domain::recent::Earned;
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::domain::work::{Task, Work};
use crate::store::{Claimed, Commit, Committed, CustomerRef, StoreError, Stored};

/// While a customer waits for the outcome of work, nobody else is given it for so long.
pub const WAITED_FOR_SECS: i64 = 10;
const MAX_TRIES: usize = 16;

/// How a piece of work stands after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// Done, or of no use any more.
    Finished,
    /// To be tried again.
    Again,
    /// To be tried again soon: it was not its turn.
    NotPut,
}

impl App {
    /// Does the work a customer's message waits for. The outcome, if it is there in time, replaces the interim answer
    /// that the delivery has earned; otherwise the outbox goes on with it.
    ///
    /// # Errors
    /// As the store answers: whether the outcome was kept is not known then, and so neither is what to say.
    pub(super) async fn perform_while_waiting(
        self: &Arc<Self>,
        account: &Arc<ServedAccount>,
        delivery: &Delivery,
        work: Work,
    ) -> Result<Option<Earned>, StoreError> {
        let Task::Ask { question, .. } = &work.task else { return Ok(None) };
        let answer = self.ask_in_time(account, question, (&delivery.of.openid, delivery.deadline)).await;
        let lease_ends = self.clock.now().plus_secs(WAITED_FOR_SECS);
        let claimed = Claimed { of: delivery.of.clone(), work, attempt: 0, lease_ends };
        if matches!(answer, Answer::TimedOut | Answer::Down) {
            let soon = self.clock.now().plus_secs(1);
            if let Err(error) = self.store.defer(&claimed.of, &claimed, soon).await {
                tracing::warn!(%error, "work could not be brought forward; it is tried again in {WAITED_FOR_SECS} s");
            }
            self.outbox_bell.notify_one();
            return Ok(None);
        }
        let told = if tokio::time::Instant::now() < delivery.deadline { Told::Passively } else { Told::Later };
        let earned = self.settle_answer(account, &claimed, (&answer, told)).await?;
        // Too late for the customer's message: the outbox says it, so this does not say it as well.
        Ok(earned.filter(|_| told == Told::Passively))
    }

    /// Tries a claimed piece of work.
    pub(super) async fn perform(&self, account: &Arc<ServedAccount>, claimed: &Claimed) -> Result<Tried, StoreError> {
        let now = self.clock.now();
        match &claimed.work.task {
            Task::Send(reply) => self.send(account, claimed, reply).await,
            Task::Ask { .. } if claimed.work.expires <= now => {
                self.settle_answer(account, claimed, (&Answer::TimedOut, Told::Finally)).await?;
                Ok(Tried::Finished)
            }
            Task::Ask { question, .. } => {
                let answer = match self.ask_later(account, question, &claimed.of.openid).await {
                    Ok(answer) => answer,
                    // Nobody is kept waiting for what a dead system would have said.
                    Err(Full::LeftAlone) if question.idempotency_key.is_none() => Answer::Down,
                    Err(_) => return Ok(Tried::NotPut),
                };
                // What moves money is asked until an answer is there; what only reads is told as it is.
                let open = matches!(answer, Answer::TimedOut | Answer::Down);
                if open && question.idempotency_key.is_some() {
                    return Ok(Tried::Again);
                }
                self.settle_answer(account, claimed, (&answer, Told::Later)).await?;
                Ok(Tried::Finished)
            }
        }
    }

    /// Commits what follows from an answer, together with the end of the work that asked.
    async fn settle_answer(
        &self,
        account: &Arc<ServedAccount>,
        claimed: &Claimed,
        (answer, told): (&Answer, Told),
    ) -> Result<Option<Earned>, StoreError> {
        let playbook = account.playbook();
        let work = &claimed.work;
        let now = self.clock.now();
        let moment = Moment { now, at: now, key: work.origin, fresh: rand::random() };
        let setting = Setting { of: &claimed.of, playbook: &playbook, moment, rules: &self.rules };
        for _ in 0..MAX_TRIES {
            let stored = self.store.load(&claimed.of).await?;
            let mut decision = match told {
                Told::Finally => abandon(&playbook, &stored.customer, work, moment),
                Told::Passively | Told::Later => resume(&playbook, &stored.customer, work, (answer, moment)),
            };
            let reply = std::mem::take(&mut decision.reply);
            match told {
                // What could not be put into words must not take the interim answer away.
                Told::Passively if reply.is_silent() => {}
                Told::Passively => decision.customer.recent.remember(work.origin, reply.clone(), now),
                Told::Later | Told::Finally => say_later(&mut decision, work, (reply.clone(), now)),
            }
            let applied = self.known_to(&stored.customer.recent);
            let mut commit = self.commit_of(setting, stored.version, decision);
            commit.settled.push(work.id.clone());
            match self.commit(commit, applied).await? {
                Committed::Applied => {
                    self.outbox_bell.notify_one();
                    return Ok((!reply.is_silent()).then_some(Earned { reply, at: now }));
                }
                Committed::Settled => return Ok(None),
                Committed::Stale => {}
            }
        }
        Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer")))
    }

    /// Says something by a customer-service message. The message is sent before its end is committed: after a crash in
    /// between the customer may read a line twice, but never misses a receipt.
    async fn send(&self, account: &Arc<ServedAccount>, claimed: &Claimed, reply: &Reply) -> Result<Tried, StoreError> {
        let now = self.clock.now();
        let stored = self.store.load(&claimed.of).await?;
        let ending = match deliver_later(&stored.customer, reply, &claimed.work, now) {
            reach::Delivery::Drop => Ending::Dropped,
            reach::Delivery::Note => Ending::Noted,
            reach::Delivery::Send => {
                match account.platform.send(&claimed.of.openid, &reply.clone().reachable_at(&account.site)).await {
                    Ok(()) => Ending::Sent,
                    Err(ApiError::NoWindow | ApiError::CountUsedUp) => Ending::Noted,
                    Err(ApiError::NotFollowing(_)) => Ending::Dropped,
                    Err(error) if error.is_passing() && claimed.work.expires > now => return Ok(Tried::Again),
                    Err(error) => {
                        // Whatever the operator has to mend, the customer shall not miss it for that.
                        tracing::error!(account = %account.id(), %error, "a message could not be sent; it waits as a note");
                        Ending::Noted
                    }
                }
            }
        };
        self.end_send(claimed, reply, (ending, stored)).await
    }

    async fn end_send(
        &self,
        claimed: &Claimed,
        reply: &Reply,
        (ending, mut stored): (Ending, Stored),
    ) -> Result<Tried, StoreError> {
        let now = self.clock.now();
        for _ in 0..MAX_TRIES {
            let mut customer = stored.customer;
            match ending {
                Ending::Sent => customer.windows.spend(now),
                Ending::Noted => {
                    let note = Note { reply: reply.clone(), expires: claimed.work.expires };
                    keep(&mut customer.notes, note, now);
                }
                Ending::Dropped => {}
            }
            let applied = self.known_to(&customer.recent);
            let keep = forget_left(&mut customer, self.rules.discretion.forget);
            let commit = Commit {
                of: claimed.of.clone(),
                base: stored.version,
                keep,
                customer,
                increments: Vec::new(),
                facts: Vec::new(),
                outbox: Vec::new(),
                settled: vec![claimed.work.id.clone()],
                spent: Vec::new(),
            };
            match self.commit(commit, applied).await? {
                Committed::Applied | Committed::Settled => return Ok(Tried::Finished),
                Committed::Stale => stored = self.store.load(&claimed.of).await?,
            }
            // Whoever came back meanwhile is told after all.
            let path = deliver_later(&stored.customer, reply, &claimed.work, now);
            if ending == Ending::Dropped && path != reach::Delivery::Drop {
                return Ok(Tried::Again);
            }
        }
        Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer")))
    }
}

/// By what path the outcome is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// The customer's message is still waiting.
    Passively,
    /// By a message of its own.
    Later,
    /// The work has expired: a last word.
    Finally,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Sent,
    Noted,
    Dropped,
}

fn say_later(decision: &mut Decision, work: &Work, (reply, now): (Reply, UnixSecs)) {
    if reply.is_silent() {
        return;
    }
    let id = WorkId::new(format!("{}/say", work.id));
    let expires = useful_until(work, now).max(now.plus_secs(SAY_WITHIN_SECS));
    decision.outbox.push(Work { id, origin: work.origin, due: now, expires, task: Task::Send(reply) });
}

/// An outcome is worth telling for a day at least: as a message while a window is open, else with the customer's next.
const SAY_WITHIN_SECS: i64 = 86_400;

/// Whose work it was, for the log.
pub(super) fn account_of(of: &CustomerRef) -> &str {
    of.account.as_str()
}

#[cfg(test)]
mod tests;
