//! Stores that may forget what they acknowledged: a server that crashed before its disk had everything, or was replaced
//! by one that lagged behind (reliability.md 2.7). What such a store is asked besides, so that it can be told again.

use async_trait::async_trait;

use super::journal::Place;
use super::{CustomerRef, Partition, StoreError};

/// What stands in a partition about one journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Everything of the journal up to here was there when this was written. A store forgets the latest first, so as
    /// long as this stands, so does that. `None` when nothing was ever written, or it was forgotten.
    pub until: Option<Place>,
    /// Which server answered, and since when it lives: another one may know less.
    pub server: String,
}

/// A store that may forget.
#[async_trait]
pub trait Forgetful: Send + Sync {
    /// All partitions.
    fn partitions(&self) -> Vec<Partition>;

    /// Where a customer lives.
    fn partition_of(&self, of: &CustomerRef) -> Partition;

    /// Reads the mark of a journal.
    ///
    /// # Errors
    /// As the store's.
    async fn mark(&self, partition: Partition, journal: &str) -> Result<Mark, StoreError>;

    /// Moves the mark of a journal to `until`, if it still is as in `known`: and says how it is now. Another answer than
    /// the one asked for means that the store has forgotten something, or may have.
    ///
    /// # Errors
    /// As the store's; then it may have moved.
    async fn move_mark(&self, at: (Partition, &str), known: &Mark, until: Place) -> Result<Mark, StoreError>;
}
