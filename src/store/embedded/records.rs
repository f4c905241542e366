//! The records that were read or written last: a customer amid a conversation is not read from the file again.
//!
//! What is kept here may be outdated for a moment: a decision made from it is then refused like any that comes too late,
//! and what was kept is dropped. Only who is forgotten must not be found here afterwards.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::store::{CustomerRef, StoreError, Stored, Version, shape};

/// At most so many bytes are kept: enough for tens of thousands of customers at once, whatever the store holds.
const CAPACITY_BYTES: u64 = 64 << 20;
/// What an entry takes beside its record, about.
const ENTRY_BYTES: u64 = 192;
const USUAL_RECORD_BYTES: u64 = 1024;

/// A record as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) version: Version,
    pub(super) record: Arc<[u8]>,
}

#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<CustomerRef, Kept> for Bytes {
    fn weight(&self, _: &CustomerRef, kept: &Kept) -> u64 {
        kept.record.len() as u64 + ENTRY_BYTES
    }
}

/// Records by customer, a bounded number of bytes.
#[derive(Debug)]
pub(super) struct Records {
    kept: Cache<CustomerRef, Kept, Bytes>,
    /// Rises whenever somebody is forgotten.
    forgotten: AtomicU64,
    keeping: Mutex<()>,
}

/// How many had been forgotten when a record was read from the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since(u64);

impl Records {
    pub(super) fn new() -> Self {
        let usual = CAPACITY_BYTES / (USUAL_RECORD_BYTES + ENTRY_BYTES);
        let kept = Cache::with_weighter(usize::try_from(usual).unwrap_or(usize::MAX), CAPACITY_BYTES, Bytes);
        Self { kept, forgotten: AtomicU64::new(0), keeping: Mutex::new(()) }
    }

    /// The record, if it is kept.
    pub(super) fn get(&self, of: &CustomerRef) -> Option<Result<Stored, StoreError>> {
        let Kept { version, record } = self.kept.get(of)?;
        Some(shape::read(&record).map(|customer| Stored { version, customer }))
    }

    /// To be called before the file is read or written for [`Records::keep`].
    pub(super) fn since(&self) -> Since {
        Since(self.forgotten.load(Ordering::SeqCst))
    }

    /// Keeps what was read or written, unless something newer is kept, or somebody was forgotten meanwhile: it may be them.
    pub(super) fn keep(&self, of: &CustomerRef, kept: Kept, since: Since) {
        let one_at_a_time = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        // Who wrote or read first may come last.
        if self.kept.peek(of).is_none_or(|there| there.version < kept.version) {
            self.kept.insert(of.clone(), kept);
        }
        drop(one_at_a_time);
        if self.forgotten.load(Ordering::SeqCst) != since.0 {
            self.kept.remove(of);
        }
    }

    /// Drops what may be outdated.
    pub(super) fn drop_outdated(&self, of: &CustomerRef) {
        self.kept.remove(of);
    }

    /// After a customer was forgotten.
    pub(super) fn forget(&self, of: &CustomerRef) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.kept.remove(of);
    }

    /// After many were changed or forgotten.
    pub(super) fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::Customer;

    fn of(n: u64) -> CustomerRef {
        CustomerRef { account: "demo".into(), openid: format!("o{n}").as_str().into() }
    }

    fn kept(version: u64) -> Kept {
        Kept { version: Version(version), record: shape::write(&Customer::default()).unwrap().into() }
    }

    fn version(records: &Records, n: u64) -> Option<u64> {
        records.get(&of(n)).map(|stored| stored.unwrap().version.0)
    }

    #[test]
    fn what_was_read_or_written_last_is_there() {
        let records = Records::new();
        assert_eq!(version(&records, 1), None);
        let since = records.since();
        for (comes, there) in [(4, 4), (6, 6), (5, 6)] {
            records.keep(&of(1), kept(comes), since);
            assert_eq!(version(&records, 1), Some(there), "who wrote or read first may come last");
        }
        records.drop_outdated(&of(1));
        assert_eq!(version(&records, 1), None);
    }

    #[test]
    fn who_was_forgotten_while_the_file_was_read_or_written_is_not_kept() {
        for forget in [|records: &Records| records.forget(&of(1)), |records: &Records| records.forget_all()] {
            let records = Records::new();
            let since = records.since();
            forget(&records);
            records.keep(&of(1), kept(4), since);
            assert_eq!(version(&records, 1), None);
            records.keep(&of(1), kept(4), records.since());
            forget(&records);
            assert_eq!(version(&records, 1), None);
        }
    }

    #[test]
    fn however_many_come_the_bytes_are_bounded() {
        let records = Records::new();
        let record: Arc<[u8]> = vec![0; 4096].into();
        for n in 0..40_000 {
            records.keep(&of(n), Kept { version: Version(1), record: Arc::clone(&record) }, records.since());
        }
        assert!(records.kept.weight() <= CAPACITY_BYTES);
        assert!(records.kept.len() > 10_000, "{}", records.kept.len());
    }
}
