//! A circuit breaker: an address that does not answer is left alone for a while, then tried by one call.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row open it.
const FAILURES: u32 = 5;
/// So long it stays open at first; then twice as long each time.
const FIRST: Duration = Duration::from_secs(1);
/// And never longer.
const LONGEST: Duration = Duration::from_secs(60);

/// One address.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Failures in a row.
    failed: u32,
    /// How often it has opened in a row.
    opened: u32,
    /// Open until then; afterwards one call tries.
    until: Option<Instant>,
    /// One does; then that is how long it may take.
    tries: bool,
}

impl Breaker {
    /// Whether a call may go there now. After an opening the one that may is the trial: until it ended, or has had
    /// `trial` of time to, no other may.
    pub(super) fn admits(&self, now: Instant, trial: Duration) -> bool {
        let mut state = self.state();
        match state.until {
            None => true,
            Some(until) if until > now => false,
            Some(_) => {
                (state.until, state.tries) = (Some(now + trial), true);
                true
            }
        }
    }

    /// It answered.
    pub(super) fn worked(&self) {
        *self.state() = State::default();
    }

    /// It did not answer. `dice` is between 0 and 1 and spreads those who wait.
    pub(super) fn failed(&self, now: Instant, dice: f64) {
        let mut state = self.state();
        if !state.tries && state.until.is_some_and(|until| until > now) {
            // One of many that were under way when it opened: nothing new.
            return;
        }
        state.failed = state.failed.saturating_add(1);
        if state.failed >= FAILURES {
            state.until = Some(now + backoff(FIRST, state.opened, dice).min(LONGEST));
            (state.opened, state.tries) = (state.opened.saturating_add(1), false);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `first`, doubled `times`, and up to half of it more by the dice.
pub(super) fn backoff(first: Duration, times: u32, dice: f64) -> Duration {
    first.saturating_mul(1 << times.min(10)).mul_f64(1.0 + dice.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIAL: Duration = Duration::from_secs(10);

    #[test]
    fn it_opens_after_five_failures_and_one_call_tries_at_a_time() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        for _ in 0..4 {
            breaker.failed(start, 0.0);
        }
        assert!(breaker.admits(start, TRIAL));
        breaker.failed(start, 0.0);
        assert!(!breaker.admits(at(999), TRIAL));
        assert!(breaker.admits(at(1_000), TRIAL) && !breaker.admits(at(1_001), TRIAL));
        // A trial that never came back does not close the way for good.
        assert!(breaker.admits(at(11_000), TRIAL));
        breaker.failed(at(11_000), 0.0);
        assert!(!breaker.admits(at(12_999), TRIAL) && breaker.admits(at(13_000), TRIAL));
        breaker.worked();
        assert!(breaker.admits(at(13_000), TRIAL) && breaker.admits(at(13_000), TRIAL));
    }

    #[test]
    fn waits_grow_are_spread_and_have_an_end() {
        let secs = |times, dice| backoff(FIRST, times, dice).as_secs_f64();
        assert_eq!([secs(0, 0.0), secs(3, 0.0), secs(0, 1.0), secs(40, 0.0)], [1.0, 8.0, 1.5, 1024.0]);
        let (breaker, start) = (Breaker::default(), Instant::now());
        // A crowd that fails together opens it once.
        for _ in 0..40 {
            breaker.failed(start, 1.0);
        }
        let mut now = start + Duration::from_millis(1_500);
        for _ in 0..20 {
            assert!(breaker.admits(now, TRIAL));
            breaker.failed(now, 1.0);
            now += LONGEST;
        }
        assert!(!breaker.admits(now - Duration::from_millis(1), TRIAL) && breaker.admits(now, TRIAL));
    }
}
