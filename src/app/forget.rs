//! What the shell does so that customers are forgotten: keys that lead back to nobody, and what is kept for a while only.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::App;
use super::duty::Duty;
use crate::domain::forget::Forget;
use crate::domain::ids::DedupeKey;
use crate::domain::time::BusinessDay;
use crate::store::{PseudonymKey, StoreError};

/// So many customers are forgotten in one write; who writes to us meanwhile waits for one of these.
const AT_ONCE: usize = 200;
/// How often it is looked whether a new day has begun.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What is kept of customers who left, and the key to it.
#[derive(Clone, Debug)]
pub struct Discretion {
    /// `privacy.forget`.
    pub forget: Forget,
    /// `privacy.keep_days`.
    pub keep_days: i32,
    /// Makes delivery keys and tombstones' names.
    pub key: PseudonymKey,
}

impl Discretion {
    /// The key of a delivery as it is kept. The channel's own is a hash anybody can make who knows an openid and a time,
    /// so it would tell whose a tombstone's facts are.
    pub(super) fn seal(&self, raw: DedupeKey) -> DedupeKey {
        // An account's name is never empty, so this is no tombstone's name.
        let mark = self.key.mark(&[b"", b"delivery", &raw.0.to_be_bytes()]);
        DedupeKey(mark.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte)))
    }
}

impl App {
    /// Forgets whoever left more than `keep_days` ago, at once and whenever a day begins, until told to stop.
    pub async fn run_forgetting(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut done: Option<BusinessDay> = None;
        while !*stop.borrow() {
            let ours = match self.owns_forgetting().await {
                Ok(ours) => ours,
                Err(error) => {
                    tracing::warn!(%error, "customers who left long ago are forgotten later");
                    false
                }
            };
            if ours && let Err(error) = self.forget_spent().await {
                tracing::warn!(%error, "deliveries of customers who are forgotten are forgotten later");
            }
            let today = self.clock.now().business_day();
            if ours
                && done != Some(today)
                && let Err(error) = self.forget_codes().await
            {
                tracing::warn!(%error, "how often numbers were sent codes is forgotten later");
            }
            if ours
                && done != Some(today)
                && let Err(error) = self.forget_posters().await
            {
                tracing::warn!(%error, "codes that have ended are forgotten later");
            }
            if ours && done != Some(today) {
                match self.forget_overdue().await {
                    Ok(forgotten) => {
                        done = Some(today);
                        if forgotten > 0 {
                            tracing::info!(forgotten, "customers who left long ago were forgotten");
                        }
                    }
                    Err(error) => tracing::warn!(%error, "customers who left long ago are forgotten later"),
                }
            }
            tokio::select! {
                () = sleep(LOOK_AGAIN) => {}
                heard = stop.changed() => if heard.is_err() { break },
            }
        }
    }

    /// All accounts are looked after by one process, that of the first.
    async fn owns_forgetting(&self) -> Result<bool, StoreError> {
        match self.accounts.keys().next() {
            Some(first) => self.owns(first, Duty::Forgetting).await,
            None => Ok(false),
        }
    }

    /// Forgets whoever left more than `keep_days` ago, and says how many.
    pub async fn forget_overdue(&self) -> Result<usize, StoreError> {
        let left_before = self.clock.now().business_day().plus_days(self.rules.discretion.keep_days.saturating_neg());
        let mut forgotten = 0;
        for account in self.accounts.keys() {
            loop {
                let count = self.store.expire(account, left_before, AT_ONCE).await?;
                forgotten += count;
                if count < AT_ONCE {
                    break;
                }
            }
        }
        Ok(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_key_is_the_same_for_a_retry_and_depends_on_the_secret() {
        let seal = |secret, raw| {
            let key = PseudonymKey::new(secret);
            Discretion { forget: Forget::Tombstone, keep_days: 1, key }.seal(DedupeKey(raw))
        };
        assert_eq!(seal("a", 7), seal("a", 7));
        assert!(seal("a", 7) != seal("a", 8) && seal("a", 7) != seal("b", 7) && seal("a", 7) != DedupeKey(7));
    }
}
