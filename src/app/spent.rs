//! Deliveries of customers of whom nothing is kept (`privacy.forget = strict`). The platform may still repeat one; with
//! the record gone it would count again. So their keys stay for as long as a record would have kept them: sealed with the
//! secret, tied to no openid, written in the same step that takes the record away.

use futures_util::future::try_join_all;

use super::App;
use super::handle::Delivery;
use crate::domain::forget::Forget;
use crate::domain::ids::DedupeKey;
use crate::domain::recent::{KEYS_KEPT_SECS, Recent};
use crate::domain::time::UnixSecs;
use crate::store::{
    Commit, Committed, CustomerRef, Keep, Shared, SharedChange, SharedKind, SharedName, Spent, StoreError,
};

/// So many marks are taken away in one write.
const AT_ONCE: usize = 200;

impl App {
    /// Commits. When nothing of the customer will be kept, `applied`, deliveries whose effect is durable with it, stay
    /// known.
    pub(super) async fn commit(&self, mut commit: Commit, applied: Vec<DedupeKey>) -> Result<Committed, StoreError> {
        if commit.keep == Keep::Nothing {
            let at = self.clock.now();
            commit.spent = applied.into_iter().map(|key| Spent { key, at }).collect();
        }
        let left = (commit.keep != Keep::Known).then(|| commit.of.clone());
        let (account, facts) = (commit.of.account.clone(), commit.facts.clone());
        let committed = self.store.commit(commit).await?;
        if committed == Committed::Applied {
            self.count_money(&account, &facts);
            if let Some(of) = left {
                self.forget_answers(&of);
            }
        }
        Ok(committed)
    }

    /// Drops what business systems answered about a customer and this process has kept.
    pub fn forget_answers(&self, of: &CustomerRef) {
        if let Some(account) = self.accounts.get(&of.account) {
            account.backend.forget(&of.openid);
        }
    }

    /// The deliveries that [`App::commit`] has to be told of: none where records are kept anyway.
    pub(super) fn known_to(&self, recent: &Recent) -> Vec<DedupeKey> {
        if self.rules.discretion.forget == Forget::Strict { recent.keys().collect() } else { Vec::new() }
    }

    /// Whether a delivery was applied to a record that is no more. To be asked after the record was read.
    pub(super) async fn is_spent(&self, delivery: &Delivery) -> Result<bool, StoreError> {
        let may_be = delivery.may_be_there || self.rules.discretion.forget == Forget::Strict;
        Ok(may_be && self.store.is_spent(&delivery.of, delivery.inbound.key).await?)
    }

    /// Forgets the deliveries that nobody repeats any more, where the store does not do so by itself.
    pub async fn forget_spent(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for account in self.accounts.keys() {
            let marks = self.store.shared_of(account, SharedKind::Spent).await?;
            // A mark from a clock that was ahead is not kept until the time it says.
            let is_old =
                |mark: &Shared| since(mark).is_none_or(|since| now.secs_since(since).saturating_abs() > KEYS_KEPT_SECS);
            let old = marks.into_iter().filter(|(_, mark)| is_old(mark)).map(|(part, mark)| {
                let name = SharedName { kind: SharedKind::Spent, part };
                SharedChange { account: account.clone(), name, base: mark.version, body: None }
            });
            let old: Vec<SharedChange> = old.collect();
            for some in old.chunks(AT_ONCE) {
                try_join_all(some.iter().map(|change| self.store.put_shared(change.clone()))).await?;
            }
        }
        Ok(())
    }
}

fn since(shared: &Shared) -> Option<UnixSecs> {
    std::str::from_utf8(&shared.body).ok()?.parse().ok().map(UnixSecs)
}
