//! Whether it is worth to wait for others, so that they share a transaction.

use std::time::{Duration, Instant};

/// A batch smaller than the one before waits for others: twice as long as that one kept the writer busy, and no longer than
/// this. Whoever comes alone waits for nobody.
const MAX_LINGER: Duration = Duration::from_millis(2);
/// What came so long ago says nothing about who comes now.
const COMPANY_WITHIN: Duration = Duration::from_millis(10);
/// The batch before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub(super) requests: usize,
    pub(super) took: Duration,
    pub(super) ended: Instant,
}

impl Before {
    /// So long a batch of so many `requests` should wait for others.
    pub(super) fn linger(self, requests: usize) -> Option<Duration> {
        let expected = self.requests > 1 && requests < self.requests && self.ended.elapsed() < COMPANY_WITHIN;
        expected.then(|| MAX_LINGER.min(self.took * 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_alone_waits_for_nobody() {
        let now = Before { requests: 9, took: Duration::from_micros(300), ended: Instant::now() };
        assert_eq!(now.linger(3), Some(Duration::from_micros(600)));
        assert_eq!(now.linger(9), None, "they are all there");
        assert_eq!(Before { requests: 1, ..now }.linger(1), None);
        let slow = Before { took: Duration::from_secs(1), ..now };
        assert_eq!(slow.linger(1), Some(MAX_LINGER));
        if let Some(ended) = now.ended.checked_sub(COMPANY_WITHIN) {
            assert_eq!(Before { ended, ..now }.linger(1), None);
        }
    }
}
