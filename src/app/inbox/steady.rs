//! A clock that nobody sets: what is a day old is judged by it, so that a clock that was set wrong deletes nothing.

use tokio::time::Instant;

use crate::domain::time::UnixSecs;

/// Clocks drift, and are put right a little at a time.
const DRIFT_SECS: i64 = 60;

/// What the time was, and what has passed since.
pub(super) struct Steady {
    began: UnixSecs,
    since: Instant,
}

impl Steady {
    /// It is `now`.
    pub(super) fn new(now: UnixSecs) -> Self {
        Self { began: now, since: Instant::now() }
    }

    /// `now`, or what it can be at most.
    pub(super) fn at_most(&self, now: UnixSecs) -> UnixSecs {
        let passed = i64::try_from(self.since.elapsed().as_secs()).unwrap_or(i64::MAX);
        now.min(self.began.plus_secs(passed.saturating_add(DRIFT_SECS)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_jumps_ahead_is_not_believed_and_one_that_goes_is() {
        let steady = Steady::new(UnixSecs(1_000));
        assert_eq!(steady.at_most(UnixSecs(200_000)), UnixSecs(1_060));
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(steady.at_most(UnixSecs(4_590)), UnixSecs(4_590));
        assert_eq!(steady.at_most(UnixSecs(900)), UnixSecs(900));
    }
}
