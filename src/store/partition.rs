//! Partitions: customers are spread over a fixed number of them by hash (design.md, "The stores").
//!
//! The hash is fixed for ever: the first eight bytes, big-endian, of SHA-256 over account, a zero byte and openid,
//! modulo the number of partitions. Changing it would scatter every stored customer.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{CustomerRef, StoreError, pseudonym};

/// Where a customer lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition(pub u16);

/// How many partitions a store has; fixed when it is first used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitions(NonZeroU16);

impl Partitions {
    /// Takes the number of the setting `store.partitions`.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] when it is 0.
    pub fn new(count: u16) -> Result<Self, StoreError> {
        NonZeroU16::new(count).map(Self).ok_or_else(|| {
            StoreError::Mismatch("store.partitions is 0; a store needs at least one (64 is usual)".into())
        })
    }

    /// How many.
    pub fn count(self) -> u16 {
        self.0.get()
    }

    /// The partition of a customer; a pseudonym carries its own.
    pub fn of(self, customer: &CustomerRef) -> Partition {
        if let Some(partition) = pseudonym::partition_in(&customer.openid) {
            return partition;
        }
        let mut hash = Sha256::new();
        hash.update(customer.account.as_str());
        hash.update([0]);
        hash.update(customer.openid.as_str());
        let digest = hash.finalize();
        let first = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let partition = first % u64::from(self.count());
        Partition(u16::try_from(partition).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(account: &str, openid: &str, partitions: u16) -> u16 {
        let customer = CustomerRef { account: account.into(), openid: openid.into() };
        Partitions::new(partitions).unwrap().of(&customer).0
    }

    /// From Python: `int.from_bytes(sha256(b"demo\0" + openid).digest()[:8], "big") % n`. Never bless new numbers.
    #[test]
    fn a_customer_lives_where_it_has_always_lived() {
        assert_eq!(of("demo", "oABC123", 64), 41);
        assert_eq!(of("demo", "oABC123", u16::MAX), 22813);
        assert_eq!(of("demo2", "oABC123", 64), 39);
        assert_eq!(of("demo", "", 64), 57);
        assert_eq!(of("demo", "客户😀", 64), 18);
        assert_eq!(of("demo", "oABC123", 1), 0);
    }

    #[test]
    fn account_and_openid_do_not_run_into_each_other() {
        assert_ne!(of("ab", "c", u16::MAX), of("a", "bc", u16::MAX));
    }

    #[test]
    fn customers_are_spread_evenly() {
        let mut sizes = [0_u32; 64];
        for n in 0..64_000 {
            sizes[usize::from(of("demo", &format!("o{n}"), 64))] += 1;
        }
        assert!(sizes.iter().all(|size| (850..1150).contains(size)), "{sizes:?}");
    }

    #[test]
    fn no_partitions_at_all_are_refused() {
        assert!(Partitions::new(0).is_err());
    }
}
