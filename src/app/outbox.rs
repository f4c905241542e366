//! The outbox: due work is claimed, done, and put off with growing patience when it cannot be done yet.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::App;
use super::perform::{Tried, account_of};
use crate::domain::time::UnixSecs;
use crate::store::{Claimed, StoreError};

/// A claim is ours for so long; after a crash somebody else finds the work then.
const LEASE_SECS: i64 = 60;
const BATCH: usize = 32;
/// The longest the worker looks away: other machines may have left work too.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Seconds until the next try, by number of tries.
const PATIENCE_SECS: [i64; 8] = [1, 3, 10, 30, 120, 600, 1800, 7200];

impl App {
    /// Works until told to stop.
    pub async fn run_outbox(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let done = match self.run_due().await {
                Ok(done) => done,
                Err(error) => {
                    tracing::warn!(%error, "the outbox waits for the store");
                    0
                }
            };
            if done == 0 {
                tokio::select! {
                    _ = timeout(LOOK_AGAIN, self.outbox_bell.notified()) => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }

    /// Does what is due now, side by side, and says how much that was.
    pub async fn run_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        let claimed = self.store.claim_due(self.clock.now(), LEASE_SECS, BATCH).await?;
        let count = claimed.len();
        let tries = claimed.into_iter().map(|claimed| {
            let app = Arc::clone(self);
            self.tasks.spawn(async move { app.try_one(claimed).await })
        });
        for tried in tries.collect::<Vec<_>>() {
            if tried.await.is_err() {
                tracing::error!("a piece of outgoing work failed unexpectedly; it is tried again after its lease");
            }
        }
        Ok(count)
    }

    async fn try_one(&self, claimed: Claimed) {
        let Some(account) = self.accounts.get(&claimed.of.account).cloned() else {
            tracing::error!(account = account_of(&claimed.of), "outgoing work of an account that is not configured");
            return;
        };
        let tried = self.perform(&account, &claimed).await;
        let again = match tried {
            Ok(Tried::Finished) => return,
            Ok(Tried::Again) => self.store.defer(&claimed.of, &claimed, self.next_try(&claimed)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = again {
            tracing::warn!(account = account_of(&claimed.of), %error, "outgoing work is tried again after its lease");
        }
    }

    /// Not later than its end, so that the last word is said in time.
    fn next_try(&self, claimed: &Claimed) -> UnixSecs {
        let now = self.clock.now();
        let step = usize::try_from(claimed.attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let secs = PATIENCE_SECS.get(step).or(PATIENCE_SECS.last()).copied().unwrap_or(1);
        let next = now.plus_secs(secs);
        if claimed.work.expires > now { next.min(claimed.work.expires) } else { next }
    }
}
