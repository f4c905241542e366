//! When a business system is left alone (reliability.md part 5, rule 4). Pure: the moment is handed in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Calls are judged together over this time.
const WINDOW: Duration = Duration::from_secs(10);
/// Fewer calls than this say nothing.
const FEWEST_CALLS: usize = 20;
/// The latest of the window that are looked at; a busy connector needs no longer memory.
const MOST_CALLS: usize = 200;
/// Between two calls that look whether it is back.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// Counts how calls end, and stops them when half of them fail.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// When calls ended, and whether they failed, oldest first.
    ended: VecDeque<(Instant, bool)>,
    /// Since when nobody is let through, or when the last probe was.
    shut: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now. Of a shut breaker one every few seconds may: it finds out.
    pub(super) fn lets_through(&mut self, now: Instant) -> bool {
        match self.shut {
            None => true,
            Some(since) if now.saturating_duration_since(since) < PROBE_EVERY => false,
            Some(_) => {
                self.shut = Some(now);
                true
            }
        }
    }

    /// A call ended. One that succeeds opens the way at once.
    pub(super) fn ended(&mut self, now: Instant, failed: bool) {
        if !failed && self.shut.take().is_some() {
            self.ended.clear();
        }
        self.ended.push_back((now, failed));
        while self.ended.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW)
            || self.ended.len() > MOST_CALLS
        {
            self.ended.pop_front();
        }
        let failures = self.ended.iter().filter(|(_, failed)| *failed).count();
        if self.shut.is_none() && self.ended.len() >= FEWEST_CALLS && 2 * failures >= self.ended.len() {
            self.shut = Some(now);
        }
    }

    /// Whether calls are being stopped.
    pub(super) fn is_shut(&self) -> bool {
        self.shut.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A breaker after these calls, one every 100 ms, and the moment after the last.
    fn after(calls: impl IntoIterator<Item = bool>) -> (Breaker, Instant) {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        for failed in calls {
            assert!(breaker.lets_through(now));
            breaker.ended(now, failed);
            now += Duration::from_millis(100);
        }
        (breaker, now)
    }

    #[test]
    fn few_failures_or_fewer_than_half_change_nothing() {
        let (mut few, now) = after([true; FEWEST_CALLS - 1]);
        assert!(few.lets_through(now));
        let (mut some, now) = after((0..60).map(|n| n % 5 < 2));
        assert!(some.lets_through(now) && !some.is_shut());
    }

    #[test]
    fn half_of_enough_calls_shut_it_and_one_looks_every_five_seconds() {
        let (mut breaker, now) = after((0..FEWEST_CALLS).map(|n| n % 2 == 1));
        assert!(breaker.is_shut());
        let tries = (0..600_u64).map(|n| now + Duration::from_secs(n));
        let probes = tries.filter(|now| breaker.lets_through(*now)).count();
        assert_eq!(probes, 119, "ten minutes of a dead system cost one call every five seconds");
    }

    #[test]
    fn a_probe_that_fails_keeps_it_shut_and_one_that_succeeds_opens_it() {
        let (mut breaker, now) = after([true; FEWEST_CALLS]);
        let later = now + PROBE_EVERY;
        assert!(breaker.lets_through(later));
        breaker.ended(later, true);
        assert!(!breaker.lets_through(later + Duration::from_secs(1)));
        let back = later + PROBE_EVERY;
        assert!(breaker.lets_through(back));
        breaker.ended(back, false);
        assert!(!breaker.is_shut() && breaker.lets_through(back));
        breaker.ended(back, true);
        assert!(!breaker.is_shut(), "what was before is forgotten");
    }

    #[test]
    fn failures_of_long_ago_do_not_count() {
        let (mut breaker, now) = after([true; FEWEST_CALLS - 1]);
        let later = now + WINDOW + WINDOW;
        breaker.ended(later, true);
        assert!(!breaker.is_shut());
        assert_eq!(breaker.ended.len(), 1);
    }
}
