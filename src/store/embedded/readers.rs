//! Connections that read, shared by many callers.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::connection;
use super::failure::closed;
use crate::store::StoreError;

/// A few connections; whoever reads takes a free one, and waits for one when none is.
#[derive(Debug)]
pub(super) struct Readers {
    /// Empty ones are closed.
    slots: Vec<Mutex<Option<Connection>>>,
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn open(dir: &Path, count: usize) -> Result<Self, StoreError> {
        let slot = |_| Ok(Mutex::new(Some(connection::for_reading(dir)?)));
        Ok(Self { slots: (0..count.max(1)).map(slot).collect::<Result<_, StoreError>>()?, next: AtomicUsize::new(0) })
    }

    /// Reads on a free connection.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let slot = self.free().ok_or_else(closed)?;
        query(slot.as_ref().ok_or_else(closed)?)
    }

    /// Closes every connection once its reader is done; later reads fail.
    pub(super) fn close(&self) {
        for slot in &self.slots {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    fn free(&self) -> Option<MutexGuard<'_, Option<Connection>>> {
        let start = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(self.slots.len())?;
        let (before, after) = self.slots.split_at_checked(start)?;
        let free = after.iter().chain(before).find_map(|slot| slot.try_lock().ok());
        free.or_else(|| after.first().map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
