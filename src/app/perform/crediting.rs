//! Telling an inviter's record how an invite stands. It touches two records, each by a commit of its own: the inviter's
//! first, where hearing the same twice changes nothing, then the friend's, where the work ends.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tokio::sync::{Mutex, MutexGuard};

use super::super::{App, ServedAccount};
use super::{MAX_TRIES, Tried};
use crate::app::settle::Setting;
use crate::domain::decide::credited;
use crate::domain::decision::{Decision, Moment};
use crate::domain::ids::Scene;
use crate::domain::referral::news::Word;
use crate::store::{Claimed, Committed, CustomerRef, StoreError};

/// Friends of one inviter come at once, and each changes the same record: here one after the other, so that they do not
/// get into each other's way. Other processes are told from us by the record's version.
#[derive(Debug, Default)]
pub(in crate::app) struct CreditTurns([Mutex<()>; 32]);

impl CreditTurns {
    async fn wait(&self, of: &CustomerRef) -> Option<MutexGuard<'_, ()>> {
        let mut hash = DefaultHasher::new();
        of.hash(&mut hash);
        let nth = usize::try_from(hash.finish() % 32).unwrap_or(0);
        Some(self.0.get(nth)?.lock().await)
    }
}

impl App {
    /// Brings the word to the owner of the code.
    pub(super) async fn credit(
        &self,
        account: &ServedAccount,
        claimed: &Claimed,
        (code, word): (&Scene, &Word),
    ) -> Result<Tried, StoreError> {
        match self.rules.discretion.owner(&claimed.of, code) {
            Some(openid) => {
                let of = CustomerRef { account: claimed.of.account.clone(), openid };
                let _one = self.credit_turns.wait(&of).await;
                if !self.tell_inviter(account, (&of, claimed), word).await? {
                    return Ok(Tried::Again);
                }
            }
            None => tracing::error!(
                account = %account.id(),
                "an invite was not credited: its code cannot be opened any more; was privacy.key changed?"
            ),
        }
        self.credit_ended(account, claimed, word).await
    }

    /// `false` when others were faster again and again.
    async fn tell_inviter(
        &self,
        account: &ServedAccount,
        (of, claimed): (&CustomerRef, &Claimed),
        word: &Word,
    ) -> Result<bool, StoreError> {
        let (playbook, now) = (account.playbook(), self.clock.now());
        let moment = Moment { now, at: now, key: claimed.work.origin, fresh: rand::random() };
        let inviter = self.rules.discretion.inviter(of);
        for _ in 0..MAX_TRIES {
            let stored = self.store.load(of).await?;
            // Who left is told nothing, and has no part in it when they come back.
            let is_there = stored.version.0 > 0 && stored.customer.away_since().is_none();
            if !is_there {
                return Ok(true);
            }
            let decision = credited(&playbook, &stored.customer, (word, inviter), moment);
            if decision.customer == stored.customer {
                return Ok(true);
            }
            let setting = Setting { of, playbook: &playbook, moment, rules: &self.rules };
            let applied = self.known_to(&stored.customer.recent);
            let commit = self.commit_of(setting, stored.version, decision);
            if self.commit(commit, applied).await? == Committed::Applied {
                self.outbox_bell.notify_one();
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn credit_ended(&self, account: &ServedAccount, claimed: &Claimed, word: &Word) -> Result<Tried, StoreError> {
        let (playbook, now) = (account.playbook(), self.clock.now());
        let moment = Moment { now, at: now, key: claimed.work.origin, fresh: rand::random() };
        for _ in 0..MAX_TRIES {
            let stored = self.store.load(&claimed.of).await?;
            let applied = self.known_to(&stored.customer.recent);
            let mut customer = stored.customer;
            if let Word::Stands(news) = word {
                customer.invite.arrived = customer.invite.arrived.max(news.revision);
            }
            let decision = Decision { customer, ..Decision::default() };
            let setting = Setting { of: &claimed.of, playbook: &playbook, moment, rules: &self.rules };
            let mut commit = self.commit_of(setting, stored.version, decision);
            commit.settled.push(claimed.work.id.clone());
            match self.commit(commit, applied).await? {
                Committed::Applied | Committed::Settled => return Ok(Tried::Finished),
                Committed::Stale => {}
            }
        }
        Ok(Tried::Again)
    }
}
