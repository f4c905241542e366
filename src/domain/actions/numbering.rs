//! Numbers made from facts: the same fact always gets the same number, so that repeating it is harmless.

use sha2::{Digest, Sha256};

use crate::domain::ids::{ActionKey, DedupeKey};
use crate::domain::time::UnixSecs;

/// The delivery a number is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    /// The action.
    pub action: &'a ActionKey,
    /// The delivery that began it.
    pub key: DedupeKey,
    /// When that was by the platform's clock, the same for every retry of it.
    pub at: UnixSecs,
}

impl Origin<'_> {
    /// The business day as `YYYYMMDD` and a number below `10^digits` that depends on every part.
    pub fn number(&self, detail: &str, digits: u32) -> (String, u64) {
        let mut hash = Sha256::new();
        for part in
            [self.action.as_str().as_bytes(), detail.as_bytes(), &self.key.0.to_be_bytes(), &self.at.0.to_be_bytes()]
        {
            // Lengths keep "ab"+"c" apart from "a"+"bc".
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let high = hash.finalize().iter().take(8).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        (self.at.business_day().to_string().replace('-', ""), high % 10u64.saturating_pow(digits.min(18)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(action: &str, detail: &str, key: u64, at: i64) -> (String, u64) {
        Origin { action: &action.into(), key: DedupeKey(key), at: UnixSecs(at) }.number(detail, 18)
    }

    #[test]
    fn the_same_fact_has_the_same_number_and_another_fact_another() {
        let (day, first) = number("buy", "M5G", 7, 1_767_196_800);
        assert_eq!((day.as_str(), first), ("20260101", number("buy", "M5G", 7, 1_767_196_800).1));
        assert!(first < 10u64.pow(18));
        let others = [
            number("bu", "yM5G", 7, 1_767_196_800),
            number("buy", "M10G", 7, 1_767_196_800),
            number("buy", "M5G", 8, 1_767_196_800),
            number("buy", "M5G", 7, 1_767_196_801),
        ];
        assert!(others.iter().all(|(_, other)| *other != first));
    }
}
