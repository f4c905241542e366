//! What the platform does a little later, and its time, which can be moved forward.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::SandboxError;
use super::model::Outcome;
use super::service::Sandbox;

/// When nothing is waited for.
pub(super) const NO_ALARM: i64 = i64::MAX;
/// Furthest the time is moved at once: a year and a day.
const FURTHEST_SECS: i64 = 366 * 86_400;

impl Sandbox {
    /// Moves the sandbox's own time forward: windows close, media and tokens expire, counters turn, jobs fall due.
    ///
    /// # Errors
    /// When the step is not between nothing and a year and a day: time moves forward only.
    pub fn forward(&self, secs: i64) -> Result<i64, SandboxError> {
        if !(0..=FURTHEST_SECS).contains(&secs) {
            return Err(SandboxError::BadStep);
        }
        {
            let mut state = self.keeper().change();
            state.clock_offset_secs = state.clock_offset_secs.saturating_add(secs);
            self.skew().store(state.clock_offset_secs, Ordering::SeqCst);
        }
        self.tell_faces();
        Ok(self.now())
    }

    /// Does everything that is due and tells the account of it; how much that was.
    pub async fn catch_up(&self) -> usize {
        let outcomes = self.due();
        let done = outcomes.len() + self.pay().catch_up().await;
        for outcome in outcomes {
            for (openid, before) in &outcome.touched {
                self.tell_since(openid, *before);
            }
            self.deliver(&outcome.from, &outcome.xml).await;
        }
        done
    }

    fn due(&self) -> Vec<Outcome> {
        // Nobody could be told: it waits.
        if self.webhook_url().is_none() || self.next_due().is_none_or(|at| at > self.now()) {
            return Vec::new();
        }
        let mut state = self.keeper().change();
        let due = state.take_due(self.now());
        due.into_iter().filter_map(|job| state.finish(job, &self.spec().original_id)).collect()
    }

    fn next_due(&self) -> Option<i64> {
        self.keeper().read().jobs.iter().map(|job| job.due_at).min()
    }

    /// Sees to what is due now, and to what falls due next as long as time passes by itself.
    pub(super) fn catch_up_soon(&self) {
        let Some(at) = self.next_due() else { return };
        let now = self.now();
        let set = self.alarm().fetch_min(at, Ordering::SeqCst);
        if set <= at && set > now {
            return;
        }
        self.alarm().store(at, Ordering::SeqCst);
        let wait = u64::try_from(at - now).unwrap_or(0);
        let sandbox = self.clone();
        actix_web::rt::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(wait)) => {}
                () = sandbox.closing() => return,
            }
            sandbox.alarm().store(NO_ALARM, Ordering::SeqCst);
            sandbox.catch_up().await;
            if sandbox.next_due().is_some_and(|at| at > sandbox.now()) {
                sandbox.catch_up_soon();
            }
        });
    }
}
