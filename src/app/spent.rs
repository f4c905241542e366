//! Deliveries of customers of whom nothing is kept (`privacy.forget = strict`). The platform may still repeat one; with
//! the record gone it would count again. So their keys stay for as long as a record would have kept them: sealed with the
//! secret, tied to no openid.

use futures_util::future::try_join_all;

use super::App;
use crate::domain::forget::Forget;
use crate::domain::ids::{AccountId, DedupeKey};
use crate::domain::recent::KEYS_KEPT_SECS;
use crate::domain::time::UnixSecs;
use crate::store::{Bulk, Commit, Committed, Keep, Shared, SharedChange, SharedKind, SharedName, StoreError, Version};

impl App {
    /// Commits. When nothing of the customer will be kept, `applied`, deliveries whose effect is durable already, are
    /// remembered before: a crash in between leaves them known twice, never not at all.
    pub(super) async fn commit(&self, commit: Commit, applied: Vec<DedupeKey>) -> Result<Committed, StoreError> {
        if commit.keep == Keep::Nothing {
            self.spend(&commit.of.account, applied).await?;
        }
        self.store.commit(commit).await
    }

    /// Commits what `key`, a delivery that is new, comes to. When nothing of the customer will be kept the delivery is
    /// remembered in the same step: otherwise a repetition would count again, or not at all.
    pub(super) async fn commit_new(
        &self,
        commit: Commit,
        (key, applied): (DedupeKey, Vec<DedupeKey>),
    ) -> Result<Committed, StoreError> {
        if commit.keep != Keep::Nothing {
            return self.store.commit(commit).await;
        }
        self.spend(&commit.of.account, applied).await?;
        let note = Some(self.mark(&commit.of.account, key));
        self.store.commit_all(Bulk { commits: vec![commit], note, ..Bulk::default() }).await
    }

    fn mark(&self, account: &AccountId, key: DedupeKey) -> SharedChange {
        let body = Some(self.clock.now().0.to_string().into_bytes());
        SharedChange { account: account.clone(), name: name(key), base: Version(0), body }
    }

    /// Remembers deliveries that a record does not remember.
    async fn spend(&self, account: &AccountId, keys: Vec<DedupeKey>) -> Result<(), StoreError> {
        // One that is there already stays as it is.
        try_join_all(keys.into_iter().map(|key| self.store.put_shared(self.mark(account, key)))).await.map(drop)
    }

    /// Whether a delivery was applied to a record that is no more. To be asked after the record was read.
    pub(super) async fn is_spent(&self, account: &AccountId, key: DedupeKey) -> Result<bool, StoreError> {
        if self.rules.discretion.forget != Forget::Strict {
            return Ok(false);
        }
        Ok(self.store.shared(account, &name(key)).await?.version != Version(0))
    }

    /// Forgets the deliveries that nobody repeats any more.
    pub async fn forget_spent(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for account in self.accounts.keys() {
            for (part, shared) in self.store.shared_of(account, SharedKind::Spent).await? {
                // A mark from a clock that was ahead is not kept until the time it says.
                if since(&shared).is_none_or(|since| now.secs_since(since).saturating_abs() > KEYS_KEPT_SECS) {
                    let name = SharedName { kind: SharedKind::Spent, part };
                    let change = SharedChange { account: account.clone(), name, base: shared.version, body: None };
                    self.store.put_shared(change).await?;
                }
            }
        }
        Ok(())
    }
}

fn name(key: DedupeKey) -> SharedName {
    SharedName { kind: SharedKind::Spent, part: format!("{:016x}", key.0) }
}

fn since(shared: &Shared) -> Option<UnixSecs> {
    std::str::from_utf8(&shared.body).ok()?.parse().ok().map(UnixSecs)
}
