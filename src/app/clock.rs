//! The clock, handed in: the system's in production, one that a test or a replay moves by hand.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::time::UnixSecs;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixSecs;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixSecs {
        UnixSecs(chrono::Utc::now().timestamp())
    }
}

/// A clock that stands until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Stands at `now`.
    pub fn at(now: UnixSecs) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves to `now`.
    pub fn set(&self, now: UnixSecs) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Moves on.
    pub fn advance_secs(&self, secs: i64) {
        self.0.fetch_add(secs, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixSecs {
        UnixSecs(self.0.load(Ordering::SeqCst))
    }
}
