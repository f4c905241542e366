//! The outbox: due work is claimed, done, and put off with growing patience when it cannot be done yet.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::App;
use super::perform::{Tried, account_of};
use crate::domain::time::UnixSecs;
use crate::store::{Claimed, StoreError};

/// A claim is ours for so long; after a crash somebody else finds the work then.
const LEASE_SECS: i64 = 60;
/// So much is worked on at once. One that waits for a slow business system takes one place and keeps nobody waiting.
const AT_ONCE: usize = 64;
/// The longest the worker looks away: other machines may have left work too.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Whoever stops us waits; a slow business system may take half a minute.
const FINISH_WITHIN: Duration = Duration::from_secs(3);
/// Seconds until the next try, by number of tries.
const PATIENCE_SECS: [i64; 8] = [1, 3, 10, 30, 120, 600, 1800, 7200];

impl App {
    /// Works until told to stop, then finishes what is in hand if that does not take long.
    pub async fn run_outbox(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut in_hand = JoinSet::new();
        while !*stop.borrow() {
            let begun = match self.begin_due(&mut in_hand).await {
                Ok(begun) => begun,
                Err(error) => {
                    tracing::warn!(%error, "the outbox waits for the store");
                    0
                }
            };
            if begun > 0 {
                continue;
            }
            let full = in_hand.len() >= AT_ONCE;
            tokio::select! {
                () = self.outbox_bell.notified(), if !full => {}
                () = sleep(LOOK_AGAIN), if !full => {}
                Some(ended) = in_hand.join_next() => told(ended),
                heard = stop.changed() => if heard.is_err() { break },
            }
        }
        let finished = timeout(FINISH_WITHIN, async {
            while let Some(ended) = in_hand.join_next().await {
                told(ended);
            }
        });
        if finished.await.is_err() {
            // As after a crash: it is asked again when its lease has ended.
            tracing::info!(left = in_hand.len(), "outgoing work that takes long is left to the next start");
            in_hand.shutdown().await;
        }
    }

    /// Begins what is due as far as there is room, and says how much that was.
    async fn begin_due(self: &Arc<Self>, in_hand: &mut JoinSet<()>) -> Result<usize, StoreError> {
        while let Some(ended) = in_hand.try_join_next() {
            told(ended);
        }
        let room = AT_ONCE.saturating_sub(in_hand.len());
        if room == 0 {
            return Ok(0);
        }
        let claimed = self.store.claim_due(self.clock.now(), LEASE_SECS, room).await?;
        let count = claimed.len();
        for claimed in claimed {
            let app = Arc::clone(self);
            in_hand.spawn(async move { app.try_one(claimed).await });
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

fn told(ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err() {
        tracing::error!("a piece of outgoing work failed unexpectedly; it is tried again after its lease");
    }
}
