//! Doing one piece of outgoing work, once in effect: a question may be repeated, since its commit counts once; a message
//! may not ([`sending`]).

mod crediting;
mod ending;
mod posting;
mod rights;
mod sending;

use std::sync::Arc;

use super::errand::{Sent, Went};
use super::handle::Delivery;
use super::settle::Setting;
use super::{App, ServedAccount};
use crate::backend::Full;
use crate::domain::actions::{is_of_order, is_wanted};
use crate::domain::connector::Connector;
use crate::domain::decide::{abandon, resume};
use crate::domain::decision::{Decision, Moment};
use crate::domain::ids::AccountId;
use crate::domain::playbook::Playbook;
use crate::domain::question::{ASKED_BEFORE, Answer, Errand, Question};
use crate::domain::reach::{Carrier, useful_until};
use crate::domain::recent::Earned;
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::domain::work::{Task, Work};
use crate::store::{Claimed, Committed, CustomerRef, StoreError};

pub(super) use crediting::CreditTurns;
pub(super) use rights::Lacking;

/// While a customer waits for the outcome of work, nobody else is given it for so long.
pub const WAITED_FOR_SECS: i64 = 10;
const MAX_TRIES: usize = 16;
/// What a business system does not know of what was put to it is believed from this try on: half a minute later.
const SURE_AT_TRY: u32 = 5;

/// How a piece of work stands after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// Done, or of no use any more.
    Finished,
    /// To be tried again.
    Again,
    /// To be tried again, and not before.
    Until(UnixSecs),
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
        // What may be put only once is put by the outbox, which remembers that it was.
        let answer = match account.playbook().connectors.get(&question.connector) {
            Some(connector) if !connector.may_be_repeated() => Answer::TimedOut,
            _ => self.ask_in_time(account, question, (&delivery.of, delivery.deadline)).await,
        };
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
            Task::Send(reply) | Task::Tell { reply, .. } => self.send(account, claimed, reply).await,
            Task::Poster { action, scene, alone } => self.post(account, claimed, (action, scene, alone)).await,
            Task::Credit { code, word } => self.credit(account, claimed, (code, word)).await,
            Task::Ask { .. } if is_given_up(claimed, now) => {
                self.settle_answer(account, claimed, (&Answer::TimedOut, Told::Finally)).await?;
                Ok(Tried::Finished)
            }
            Task::Ask { question, memo, .. } => {
                if let Some(errand) = Errand::of(&question.connector) {
                    let sent = Sent { errand, question, of: &claimed.of, attempt: claimed.attempt };
                    return match self.run_errand(account, &sent).await? {
                        Went::NotYet(secs) => Ok(Tried::Until(now.plus_secs(secs))),
                        Went::Answered(answer) => self.settled(account, claimed, (&answer, Told::Later)).await,
                    };
                }
                let playbook = account.playbook();
                let once =
                    playbook.connectors.get(&question.connector).filter(|connector| !connector.may_be_repeated());
                let was_asked = claimed.attempt > 1 || memo.contains_key(ASKED_BEFORE);
                // What may have been put is still asked after: a person reads what came of it.
                if question.idempotency_key.is_some() && !(was_asked && once.is_some()) {
                    let stored = self.store.load(&claimed.of).await?;
                    if !is_wanted(&stored.customer, &claimed.work) {
                        return self.settled(account, claimed, (&Answer::TimedOut, Told::Later)).await;
                    }
                }
                if let Some(connector) = once.filter(|_| question.idempotency_key.is_some()) {
                    return self.perform_once(account, claimed, (question, connector, was_asked)).await;
                }
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
                self.settled(account, claimed, (&answer, Told::Later)).await
            }
        }
    }

    /// Puts what may be put only once (reliability.md B15). On a store that may forget that it was, it is asked first whether
    /// it was. Where nobody knows what came of it, it is asked how it stands, if there is somebody to ask; else a person is.
    /// It is never put again: a try before this one, of which only the attempt is known, may have put it.
    async fn perform_once(
        &self,
        account: &Arc<ServedAccount>,
        claimed: &Claimed,
        (question, connector, was_asked): (&Question, &Connector, bool),
    ) -> Result<Tried, StoreError> {
        let openid = &claimed.of.openid;
        let status = connector.status.as_ref();
        let status = status.map(|key| Question { connector: key.clone(), idempotency_key: None, ..question.clone() });
        if !was_asked {
            if let (Some(status), Some(_)) = (&status, self.store.forgetful()) {
                match self.ask_later(account, status, openid).await {
                    Ok(answer @ Answer::Loaded(_)) => {
                        return self.settled(account, claimed, (&answer, Told::Later)).await;
                    }
                    Ok(Answer::Refused { .. }) => {}
                    // Put under another name later: by this one it would seem to have been put.
                    _ => return self.settled(account, claimed, (&Answer::Down, Told::Later)).await,
                }
            }
            return match self.ask_later(account, question, openid).await {
                Ok(Answer::TimedOut) if connector.status.is_some() => Ok(Tried::Again),
                Ok(Answer::TimedOut) => self.settled(account, claimed, (&Answer::TimedOut, Told::Finally)).await,
                Ok(answer) => self.settled(account, claimed, (&answer, Told::Later)).await,
                Err(_) => self.settled(account, claimed, (&Answer::Down, Told::Later)).await,
            };
        }
        let Some(status) = status else {
            return self.settled(account, claimed, (&Answer::TimedOut, Told::Finally)).await;
        };
        match self.ask_later(account, &status, openid).await {
            Ok(answer @ Answer::Loaded(_)) => self.settled(account, claimed, (&answer, Told::Later)).await,
            // What is on its way may not be known there yet.
            Ok(answer @ Answer::Refused { .. }) if claimed.attempt >= SURE_AT_TRY => {
                self.settled(account, claimed, (&answer, Told::Later)).await
            }
            _ => Ok(Tried::Again),
        }
    }

    async fn settled(
        &self,
        account: &Arc<ServedAccount>,
        claimed: &Claimed,
        said: (&Answer, Told),
    ) -> Result<Tried, StoreError> {
        self.settle_answer(account, claimed, said).await?;
        Ok(Tried::Finished)
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
            let carriers = carriers((account.id(), &playbook), &mut decision, now);
            match told {
                // What could not be put into words must not take the interim answer away.
                Told::Passively if reply.is_silent() => {}
                Told::Passively => decision.customer.recent.remember(work.origin, reply.clone(), now),
                Told::Later | Told::Finally => say_later(&mut decision, work, (reply.clone(), carriers), now),
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
}

/// Whether work that asks has waited long enough. What moves money is tried a few times in any case: time may have passed
/// while nobody was there to try.
fn is_given_up(claimed: &Claimed, now: UnixSecs) -> bool {
    let Task::Ask { question, .. } = &claimed.work.task else { return false };
    let only_asks = matches!(Errand::of(&question.connector), Some(Errand::Prepay | Errand::Query));
    // A code that is sent hours later helps nobody.
    let is_owed = is_of_order(&claimed.work) && !only_asks && question.idempotency_key.is_some();
    claimed.work.expires <= now && (!is_owed || claimed.attempt >= SURE_AT_TRY)
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

/// What can carry the outcome when no window is open; what could not be filled is told to the operator.
pub(super) fn carriers(
    (account, playbook): (&AccountId, &Playbook),
    decision: &mut Decision,
    now: UnixSecs,
) -> Vec<Carrier> {
    let Some(noticed) = decision.notice.take() else { return Vec::new() };
    let Some(notice) = playbook.notices.get(&noticed.key) else { return Vec::new() };
    let (carriers, faults) = notice.carriers(account, (&noticed, now));
    decision.faults.extend(faults);
    carriers
}

fn say_later(decision: &mut Decision, work: &Work, (reply, carriers): (Reply, Vec<Carrier>), now: UnixSecs) {
    if reply.is_silent() {
        return;
    }
    let id = work.word_of_it();
    let expires = useful_until(work, now).max(now.plus_secs(SAY_WITHIN_SECS));
    let task = if carriers.is_empty() { Task::Send(reply) } else { Task::Tell { reply, carriers } };
    decision.outbox.push(Work { id, origin: work.origin, due: now, expires, task });
}

/// An outcome is worth telling for a day at least: as a message while a window is open, else with the customer's next.
const SAY_WITHIN_SECS: i64 = 86_400;

/// Whose work it was, for the log.
pub(super) fn account_of(of: &CustomerRef) -> &str {
    of.account.as_str()
}

#[cfg(test)]
mod notice_tests;
#[cfg(test)]
mod tests;
