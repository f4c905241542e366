//! One message, one decision, one commit.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::admission::Place;
use super::in_flight::{Joined, Lead, wait};
use super::inbox::{InHand, Inbox, Kept, Patience};
use super::settle::Setting;
use super::{App, ServedAccount};
use crate::channel::official::{Clear, Unusable};
use crate::domain::actions::{Given, Needs};
use crate::domain::afterwards::{never_twice, say_by_message, say_nothing};
use crate::domain::decide::{Subject, decide};
use crate::domain::decision::{Decision, Moment};
use crate::domain::inbound::{Class, Inbound};
use crate::domain::recent::{Earned, KEYS_KEPT_SECS};
use crate::domain::referral::verdict::seen;
use crate::domain::reply::Reply;
use crate::domain::route::route_invited;
use crate::domain::time::UnixSecs;
use crate::domain::work::Work;
use crate::store::journal::{Accepted, JournalFault};
use crate::store::{Committed, CustomerRef, Quarantined, StoreError, Version};

/// An answer leaves within this time whatever happens behind it (platform.md 1.5: the platform waits 5 s).
pub const ANSWER_WITHIN: Duration = Duration::from_millis(4000);
/// A conflict means that the same customer did something else at the same moment; so many in a row mean a fault.
pub(super) const MAX_TRIES: usize = 16;

/// A repetition is known for ten minutes: a record that was read later than this after a delivery came may know it no
/// longer.
pub(super) const DECIDED_WITHIN_SECS: i64 = KEYS_KEPT_SECS / 2;

/// A delivery as the channel hands it over.
#[derive(Debug)]
pub struct Received {
    /// What it says.
    pub inbound: Inbound,
    /// How it says it: what the journal keeps.
    pub clear: Clear,
}

impl From<Inbound> for Received {
    /// One that no journal can keep: of a test, or a simulated population.
    fn from(inbound: Inbound) -> Self {
        Self { inbound, clear: Clear::default() }
    }
}

/// Whether anybody hears the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// The platform waits for it.
    Waits,
    /// It was acknowledged: what there is to say goes out as a message.
    Acknowledged,
    /// It was acknowledged and applied, and the store has forgotten it.
    Forgotten,
    /// It was answered, and the store has forgotten it.
    Answered,
}

/// Nothing durable can be said now: the platform should deliver again.
#[derive(Debug, thiserror::Error)]
pub enum NotNow {
    /// It was begun and is not done in time, or failed.
    #[error("not answered in time")]
    Late,
    /// It was not begun: too many others of its class are being served.
    #[error("too many at once")]
    Crowded(Class),
}

impl App {
    /// Answers one delivery. Retries, also those in flight at once, have one effect and earn the same reply. The work
    /// goes on when the caller leaves.
    pub async fn handle(
        self: &Arc<Self>,
        account: &Arc<ServedAccount>,
        received: impl Into<Received>,
    ) -> Result<Earned, NotNow> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        let Received { inbound, clear } = received.into();
        let inbound = Inbound { key: self.rules.discretion.seal(inbound.key), ..inbound };
        let of = CustomerRef { account: account.id().clone(), openid: inbound.openid.clone() };
        let waiting = match self.in_flight.join((of.clone(), inbound.key)) {
            Joined::Later(waiting) => waiting,
            Joined::First(lead, waiting) => {
                let class = inbound.what.class();
                let place = self.admission.admit(class).await.ok_or(NotNow::Crowded(class))?;
                let (app, account) = (Arc::clone(self), Arc::clone(account));
                let (arrived, fresh) = (self.clock.now(), rand::random());
                let (hearing, may_be_there) = (Hearing::Waits, false);
                let delivery = Delivery { of, inbound, deadline, arrived, fresh, hearing, may_be_there };
                let led = async move { app.lead(&account, (delivery, clear), (lead, place)).await };
                // Some thousand bytes, which would be moved several times on the way to where they run.
                self.tasks.spawn(Box::pin(led));
                waiting
            }
        };
        timeout_at(deadline, wait(waiting)).await.ok().flatten().ok_or(NotNow::Late)
    }

    /// Keeps a delivery that cannot be used; once that is done it may be acknowledged. Goes on when the caller leaves.
    ///
    /// # Errors
    /// The platform should deliver again.
    pub async fn set_aside(self: &Arc<Self>, account: &ServedAccount, unusable: Unusable) -> Result<(), NotNow> {
        let (arrived, reason) = (self.clock.now(), unusable.reason.as_str().to_owned());
        let entry = Quarantined { account: account.id().clone(), arrived, reason, body: unusable.body };
        let app = Arc::clone(self);
        let kept = self.tasks.spawn(async move {
            let kept = app.store.quarantine(entry).await;
            kept.inspect_err(|error| tracing::error!(%error, "the quarantine cannot be written"))
        });
        match timeout(ANSWER_WITHIN, kept).await {
            Ok(Ok(Ok(()))) => Ok(()),
            _ => Err(NotNow::Late),
        }
    }

    async fn lead(
        self: &Arc<Self>,
        account: &Arc<ServedAccount>,
        (delivery, clear): (Delivery, Clear),
        (lead, mut place): (Lead, Place),
    ) {
        let kept = match self.journalled(&delivery, &clear).await {
            Ok(kept) => kept,
            Err(fault) => {
                tracing::error!(account = %account.id(), %fault, "a delivery was not kept; the platform will repeat it");
                return;
            }
        };
        if let Some((inbox, kept)) = kept
            && inbox.makes_wait(&delivery.of, kept)
        {
            return lead.answer(acknowledged(&delivery));
        }
        let in_hand = kept.map(|(inbox, kept)| inbox.in_hand(&delivery.of, kept));
        let settled = self.decide_and_commit(account, &delivery, &mut place).await;
        let kept = in_hand.map(InHand::over);
        drop(place);
        match (&settled, kept) {
            (Err(Undone { error: StoreError::Unavailable(cause), said }), Some((inbox, kept))) => {
                tracing::warn!(account = %account.id(), cause, "a delivery waits for the store");
                inbox.put_off(&delivery.of, kept, said.clone());
                return lead.answer(acknowledged(&delivery));
            }
            (_, Some((inbox, kept))) => inbox.settle(&delivery.of, kept),
            (_, None) => {}
        }
        match settled {
            Ok(Settled { earned, wait_for: None, .. }) => lead.answer(earned),
            Ok(Settled { earned, wait_for: Some(work), .. }) => {
                match Box::pin(self.perform_while_waiting(account, &delivery, work)).await {
                    Ok(outcome) => lead.answer(outcome.unwrap_or(earned)),
                    Err(error) => {
                        tracing::error!(account = %account.id(), %error, "an outcome may not have been kept");
                        // If it was, nobody will say it but the record: the interim answer would be the last word.
                        if let Some(kept) = self.kept_answer(&delivery).await {
                            lead.answer(kept);
                        }
                    }
                }
            }
            Err(Undone { error, .. }) => {
                tracing::error!(account = %account.id(), %error, "a delivery was not applied; the platform will repeat it");
                // It may have been, and this may have been the platform's last try.
                if let Some(kept) = self.kept_answer(&delivery).await {
                    lead.answer(kept);
                }
            }
        }
    }

    /// Puts a delivery into the journal, where there is one.
    async fn journalled(&self, delivery: &Delivery, clear: &Clear) -> Result<Option<(&Inbox, Kept)>, JournalFault> {
        let (Some(inbox), Some(store)) = (&self.inbox, self.store.forgetful()) else { return Ok(None) };
        let accepted = Accepted {
            account: delivery.of.account.clone(),
            partition: store.partition_of(&delivery.of),
            arrived: delivery.arrived,
            fresh: delivery.fresh,
            message: clear.message().to_vec(),
        };
        Ok(Some((inbox, inbox.keep(accepted).await?)))
    }

    /// What a retry of the delivery would be told.
    async fn kept_answer(&self, delivery: &Delivery) -> Option<Earned> {
        let stored = self.store.load(&delivery.of).await.ok()?;
        stored.customer.recent.earned(delivery.inbound.key)
    }

    pub(super) async fn decide_and_commit(
        &self,
        account: &Arc<ServedAccount>,
        delivery: &Delivery,
        place: &mut Place,
    ) -> Result<Settled, Undone> {
        let inbound = &delivery.inbound;
        let playbook = account.playbook();
        let opened = self.rules.discretion.opened(&delivery.of, inbound);
        let moment = Moment { now: delivery.arrived, at: inbound.at, key: inbound.key, fresh: delivery.fresh };
        let mut known: Option<(Needs, Given)> = None;
        let mut patience = Patience::default();
        // What was to be said when the store was asked last: a conflict may be with ourselves, and that answer be the one.
        let mut said: Option<Reply> = None;
        for _ in 0..MAX_TRIES {
            let loaded = self.in_time((delivery.hearing, &mut patience), self.store.load(&delivery.of)).await;
            let stored = loaded.map_err(|error| Undone { error, said: said.clone() })?;
            if let Some(earned) = stored.customer.recent.earned(inbound.key) {
                return Ok(Settled::before(earned));
            }
            if self.in_time((delivery.hearing, &mut patience), self.is_spent(delivery)).await?
                || self.is_logged(delivery, &stored.customer.recent).await?
            {
                let earned = Earned { reply: Reply::Silent, at: moment.now };
                return Ok(Settled::before(earned));
            }
            if delivery.hearing == Hearing::Waits && self.clock.now().secs_since(moment.now) > DECIDED_WITHIN_SECS {
                return Err(StoreError::Unavailable("it was read long after the delivery came".into()).into());
            }
            let whose = (&stored.customer, &inbound.openid);
            let invited = opened.as_ref().map(|opened| seen(&playbook, whose, opened, moment.at));
            let route = route_invited(&playbook, &stored.customer, (inbound, invited.as_ref()), moment);
            let needs = route.needs(&stored.customer, moment);
            let given = match known.take().filter(|(asked, _)| *asked == needs) {
                Some((_, given)) => given,
                None => {
                    if needs.question.is_some() {
                        place.leave();
                    }
                    let given = self.find_out(account, &needs, (&delivery.of, delivery.deadline)).await?;
                    place.come_back().await;
                    given
                }
            };
            let awaited = delivery.hearing == Hearing::Waits && Instant::now() < delivery.deadline;
            let invited = invited.as_ref();
            let subject = Subject { customer: &stored.customer, inbound, moment, awaited, invited };
            let mut decision = decide(&playbook, subject, &route, &given);
            match delivery.hearing {
                Hearing::Waits => {}
                Hearing::Acknowledged => say_by_message(&mut decision, (inbound.key, self.clock.now())),
                Hearing::Forgotten => {
                    say_by_message(&mut decision, (inbound.key, self.clock.now()));
                    never_twice(&mut decision, &playbook, inbound.key);
                }
                Hearing::Answered => {
                    say_nothing(&mut decision);
                    never_twice(&mut decision, &playbook, inbound.key);
                }
            }
            known = Some((needs, given));
            let setting = Setting { of: &delivery.of, playbook: &playbook, moment, rules: &self.rules };
            said = Some(if decision.wait_for.is_some() { Reply::Silent } else { decision.reply.clone() });
            let hearing = (delivery.hearing, &mut patience);
            let settled = self.commit_decision(setting, (stored.version, hearing), decision).await;
            if let Some(settled) = settled.map_err(|error| Undone { error, said: said.clone() })? {
                return Ok(settled);
            }
        }
        let error = StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer"));
        Err(Undone { error, said })
    }

    /// Commits; `None` when somebody else was faster.
    async fn commit_decision(
        &self,
        setting: Setting<'_>,
        (base, hearing): (Version, (Hearing, &mut Patience)),
        decision: Decision,
    ) -> Result<Option<Settled>, StoreError> {
        let earned = Earned { reply: decision.reply.clone(), at: setting.moment.now };
        let wait_for = decision.wait_for.clone();
        let mut applied = self.known_to(&decision.customer.recent);
        applied.retain(|key| *key != setting.moment.key);
        applied.push(setting.moment.key);
        let mut commit = self.commit_of(setting, base, decision);
        let mut waited: Option<Work> = None;
        for work in &mut commit.outbox {
            if Some(&work.id) == wait_for.as_ref() {
                // Ours while the customer waits; if we die, the outbox finds it due a little later.
                work.due = setting.moment.now.plus_secs(super::perform::WAITED_FOR_SECS);
                waited = Some(work.clone());
            }
        }
        let more_work = !commit.outbox.is_empty();
        match self.in_time(hearing, self.commit(commit, applied)).await? {
            Committed::Applied => {
                if more_work {
                    self.outbox_bell.notify_one();
                }
                Ok(Some(Settled { earned, wait_for: waited, is_new: true }))
            }
            Committed::Stale | Committed::Settled => Ok(None),
        }
    }
}

/// One delivery on its way.
pub(super) struct Delivery {
    pub(super) of: CustomerRef,
    pub(super) inbound: Inbound,
    pub(super) deadline: Instant,
    pub(super) arrived: UnixSecs,
    /// 64 random bits, the same whenever it is decided.
    pub(super) fresh: u64,
    pub(super) hearing: Hearing,
    /// It was tried before, or may have been: the store may have it.
    pub(super) may_be_there: bool,
}

/// A delivery that was not applied, as far as is known.
#[derive(Debug)]
pub(super) struct Undone {
    pub(super) error: StoreError,
    /// What was to be said to it, when the store was asked to take it: it may have done so.
    pub(super) said: Option<Reply>,
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self { error, said: None }
    }
}

fn acknowledged(delivery: &Delivery) -> Earned {
    Earned { reply: Reply::Silent, at: delivery.arrived }
}

pub(super) struct Settled {
    pub(super) earned: Earned,
    wait_for: Option<Work>,
    /// It was not known before.
    pub(super) is_new: bool,
}

impl Settled {
    fn before(earned: Earned) -> Self {
        Self { earned, wait_for: None, is_new: false }
    }
}
