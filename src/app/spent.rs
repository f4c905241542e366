//! Deliveries of customers of whom nothing is kept (`privacy.forget = strict`). The platform may still repeat one; with
//! the record gone it would count again. So their keys stay for as long as a record would have kept them: sealed with the
//! secret, tied to no openid.

use futures_util::future::try_join_all;

use super::App;
use crate::domain::forget::Forget;
use crate::domain::ids::{AccountId, DedupeKey};
use crate::domain::recent::KEYS_KEPT_SECS;
use crate::domain::time::UnixSecs;
use crate::store::{
    Bulk, Commit, Committed, Keep, Shared, SharedChange, SharedKind, SharedName, Store, StoreError, Version,
};

/// So many marks are taken away in one write.
const AT_ONCE: usize = 200;

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
        let notes = vec![mark(&commit.of.account, key, self.clock.now())];
        self.store.commit_all(Bulk { commits: vec![commit], notes, ..Bulk::default() }).await
    }

    /// Remembers deliveries that a record does not remember.
    async fn spend(&self, account: &AccountId, keys: Vec<DedupeKey>) -> Result<(), StoreError> {
        let now = self.clock.now();
        // One that is there already stays as it is.
        try_join_all(keys.into_iter().map(|key| self.store.put_shared(mark(account, key, now)))).await.map(drop)
    }

    /// Whether a delivery was applied to a record that is no more. To be asked after the record was read.
    pub(super) async fn is_spent(&self, account: &AccountId, key: DedupeKey) -> Result<bool, StoreError> {
        Ok(self.rules.discretion.forget == Forget::Strict && is_spent(self.store.as_ref(), account, key).await?)
    }

    /// Forgets the deliveries that nobody repeats any more.
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

/// Whether there is a mark of a delivery.
pub(super) async fn is_spent(store: &dyn Store, account: &AccountId, key: DedupeKey) -> Result<bool, StoreError> {
    Ok(store.shared(account, &name(key)).await?.version != Version(0))
}

/// The mark of a delivery, made at `since`.
pub(super) fn mark(account: &AccountId, key: DedupeKey, since: UnixSecs) -> SharedChange {
    let body = Some(since.0.to_string().into_bytes());
    SharedChange { account: account.clone(), name: name(key), base: Version(0), body }
}

fn name(key: DedupeKey) -> SharedName {
    SharedName { kind: SharedKind::Spent, part: format!("{:016x}", key.0) }
}

fn since(shared: &Shared) -> Option<UnixSecs> {
    std::str::from_utf8(&shared.body).ok()?.parse().ok().map(UnixSecs)
}
