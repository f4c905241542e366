//! What only one of several processes does at a time: whoever holds a lease does it, and when they stop another takes it up
//! after the lease has ended.

use serde::{Deserialize, Serialize};

use super::time::UnixSecs;

/// Who is at it, and for how long that is taken for granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The process: a random number of its own.
    pub owner: u64,
    /// Whoever holds it has stopped if it is not renewed by then.
    pub until: UnixSecs,
}

impl Lease {
    /// One for `secs` seconds from `now`.
    pub fn new(owner: u64, now: UnixSecs, secs: i64) -> Self {
        Self { owner, until: now.plus_secs(secs) }
    }

    /// Seconds that are left of a lease that was given for `secs`; none when it has ended.
    pub fn left_secs(&self, now: UnixSecs, secs: i64) -> Option<i64> {
        lasts(self.until, now, secs).then(|| self.until.secs_since(now))
    }

    /// Whether somebody else than `owner` holds it.
    pub fn is_others(&self, owner: u64, now: UnixSecs, secs: i64) -> bool {
        self.owner != owner && lasts(self.until, now, secs)
    }
}

/// Whether what was set to end `secs` seconds later lasts at `now`. An end from a clock that was far ahead must not stop
/// everybody: it has passed.
pub fn lasts(until: UnixSecs, now: UnixSecs, secs: i64) -> bool {
    (1..=2 * secs).contains(&until.secs_since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSecs = UnixSecs(1_000_000);

    #[test]
    fn it_is_anothers_until_it_ends_and_one_from_a_clock_far_ahead_has_ended() {
        let lease = Lease::new(7, NOW, 15);
        let others = |owner, after| lease.is_others(owner, NOW.plus_secs(after), 15);
        assert_eq!([others(8, 0), others(8, 14), others(8, 15), others(7, 0)], [true, true, false, false]);
        assert_eq!([others(8, -15), others(8, -16)], [true, false]);
        assert_eq!([0, 14, 15].map(|after| lease.left_secs(NOW.plus_secs(after), 15)), [Some(15), Some(1), None]);
        assert!(!Lease::default().is_others(8, NOW, 15), "nobody's");
    }
}
