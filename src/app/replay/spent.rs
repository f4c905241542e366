//! Deliveries of customers of whom a replay keeps nothing (`privacy.forget = strict`), so that a repeated one counts
//! once. They stay known as those of live traffic do; here they change together with the rest of the chunk.

use std::collections::HashSet;

use super::Replay;
use crate::domain::forget::Forget;
use crate::domain::ids::{AccountId, DedupeKey};
use crate::store::{CustomerRef, Spent, StoreError};

/// The deliveries whose record the chunk takes away.
pub(super) struct Buried<'c> {
    replay: &'c Replay,
    keys: HashSet<(&'c AccountId, DedupeKey)>,
}

impl<'c> Buried<'c> {
    pub(super) fn new(replay: &'c Replay) -> Self {
        Self { replay, keys: HashSet::new() }
    }

    /// Whether a delivery was applied to a record that is no more.
    pub(super) async fn holds(
        &self,
        account: &'c AccountId,
        (of, key): (&CustomerRef, DedupeKey),
    ) -> Result<bool, StoreError> {
        let Replay { store, rules, .. } = self.replay;
        Ok(rules.discretion.forget == Forget::Strict
            && (self.keys.contains(&(account, key)) || store.is_spent(of, key).await?))
    }

    /// Remembers what a record remembered, for its commit and for the rest of the chunk.
    pub(super) fn bury(&mut self, account: &'c AccountId, keys: impl Iterator<Item = DedupeKey>) -> Vec<Spent> {
        let at = self.replay.begun;
        keys.filter(|key| self.keys.insert((account, *key))).map(|key| Spent { key, at }).collect()
    }
}
