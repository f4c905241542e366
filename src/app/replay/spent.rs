//! Deliveries of customers of whom a replay keeps nothing (`privacy.forget = strict`), so that a repeated one counts
//! once. The marks are those of live traffic; here they change together with the rest of the chunk.

use std::collections::HashSet;

use super::Replay;
use crate::app::spent::{is_spent, mark};
use crate::domain::forget::Forget;
use crate::domain::ids::{AccountId, DedupeKey};
use crate::store::{SharedChange, StoreError};

/// The deliveries whose record the chunk takes away.
pub(super) struct Spent<'c> {
    replay: &'c Replay,
    keys: HashSet<(&'c AccountId, DedupeKey)>,
}

impl<'c> Spent<'c> {
    pub(super) fn new(replay: &'c Replay) -> Self {
        Self { replay, keys: HashSet::new() }
    }

    /// Whether a delivery was applied to a record that is no more.
    pub(super) async fn holds(&self, account: &'c AccountId, key: DedupeKey) -> Result<bool, StoreError> {
        let Replay { store, rules, .. } = self.replay;
        Ok(rules.discretion.forget == Forget::Strict
            && (self.keys.contains(&(account, key)) || is_spent(store.as_ref(), account, key).await?))
    }

    /// Remembers what a record remembered, less what has a mark already: a decision that came to nothing may have left it.
    pub(super) async fn bury(
        &mut self,
        account: &'c AccountId,
        keys: impl Iterator<Item = DedupeKey>,
    ) -> Result<(), StoreError> {
        for key in keys {
            if !is_spent(self.replay.store.as_ref(), account, key).await? {
                self.keys.insert((account, key));
            }
        }
        Ok(())
    }

    pub(super) fn into_changes(self) -> impl Iterator<Item = SharedChange> {
        let since = self.replay.begun;
        self.keys.into_iter().map(move |(account, key)| mark(account, key, since))
    }
}
