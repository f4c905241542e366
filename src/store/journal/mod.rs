//! The journal: deliveries that were accepted, on this machine's disk, before the store heard of them (reliability.md
//! 2.2). A store on other machines may be away, or forget what it acknowledged; what is here can be applied to it again.
//!
//! Entries are encrypted, since they are what customers said, and kept for a day at most. They stand in segments, one
//! file each, and are written and synced in groups by one thread.

mod log;
mod record;
mod segment;
mod unsettled;
mod writer;

pub use log::{Entry, Journal, KEPT_SECS};
pub use record::{Accepted, Place};
pub use segment::Location;

/// Why the journal did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    /// Another process writes it.
    #[error("{0}")]
    Locked(String),
    /// It holds as much as it may, and all of it still waits for the store.
    #[error("the journal is full: {0} bytes of deliveries wait for the store (store.journal_mib)")]
    Full(u64),
    /// The disk.
    #[error("the journal: {0}")]
    Disk(String),
    /// An entry is there no longer.
    #[error("an entry of the journal: {0}")]
    Gone(&'static str),
    /// What stands there is not what was written, or was written with another key.
    #[error("the journal cannot be read: {0}")]
    Unreadable(String),
}
