//! Carrying the log over into the file, beside the writer: nobody who writes waits for it, except for the little that was
//! written meanwhile.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, ffi};

use super::connection;
use crate::store::StoreError;

/// How long the log is, in pages (4 KiB each).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Log {
    /// All of it. It begins anew only after all of it was carried over.
    pub(super) pages: i64,
    /// What is not in the file yet.
    pub(super) left: i64,
}

/// The log, or why it could not be carried over.
pub(super) type Carried = rusqlite::Result<Log>;

/// A thread that carries the log over when it is told to. Dropped, it finishes what it does.
#[derive(Debug)]
pub(super) struct Carrier {
    told: Option<Sender<()>>,
    done: Receiver<Carried>,
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl Carrier {
    /// `file` is the store's own, which is closed last: closing one drops all locks of this process on it.
    pub(super) fn start(dir: &Path, file: Arc<File>) -> Result<Self, StoreError> {
        let connection = connection::for_carrying(dir)?;
        let (told, orders) = channel();
        let (answer, done) = channel();
        let work = move || {
            while orders.recv().is_ok() {
                // Nobody to tell: the writer is gone, and carries over what is left itself.
                if answer.send(carry(&connection).and_then(|log| flushed(&file).map(|()| log))).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("store-carrier".into())
            .spawn(work)
            .map_err(|error| StoreError::Unavailable(format!("its carrier cannot be started: {error}")))?;
        Ok(Self { told: Some(told), done, busy: false, thread: Some(thread) })
    }

    /// Begins, if it is not at it already.
    pub(super) fn begin(&mut self) {
        if !self.busy {
            self.busy = self.told.as_ref().is_some_and(|told| told.send(()).is_ok());
        }
    }

    /// Whether it is at it.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// What came of it, once after it is done.
    pub(super) fn done(&mut self) -> Option<Carried> {
        match self.done.try_recv() {
            Ok(done) => {
                self.busy = false;
                Some(done)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.busy = false;
                None
            }
        }
    }

    /// Waits until it is done, if it is at it: however long the disk takes, two must not carry at once.
    pub(super) fn finish(&mut self) -> Option<Carried> {
        if !std::mem::take(&mut self.busy) {
            return None;
        }
        self.done.recv().ok()
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.told = None;
        if let Some(thread) = self.thread.take() {
            // It panicked or not: either way nobody carries any more.
            let _ = thread.join();
        }
    }
}

/// Carries over what can be without making anybody wait.
pub(super) fn carry(connection: &Connection) -> Carried {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], log)
}

/// What a carrying over would find.
pub(super) fn look(connection: &Connection) -> Carried {
    connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?.query_row([], log)
}

fn log(row: &rusqlite::Row<'_>) -> rusqlite::Result<Log> {
    let (pages, carried): (i64, i64) = (row.get(1)?, row.get(2)?);
    Ok(Log { pages, left: pages - carried })
}

/// SQLite flushes the file only when it carried over everything, which is the writer's part: it then finds little to flush.
fn flushed(file: &File) -> rusqlite::Result<()> {
    let failed = |error: std::io::Error| {
        rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), Some(error.to_string()))
    };
    file.sync_data().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_carries_while_the_writer_goes_on_and_says_what_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let writer = connection::for_writing(dir.path()).unwrap();
        connection::use_wal(&writer).unwrap();
        writer.execute_batch("CREATE TABLE t (x BLOB); INSERT INTO t VALUES (zeroblob(400000))").unwrap();
        let file = Arc::new(File::open(connection::db_path(dir.path())).unwrap());
        let mut carrier = Carrier::start(dir.path(), file).unwrap();
        assert!(look(&writer).unwrap().left > 90);
        assert!(carrier.done().is_none(), "nobody told it to");
        carrier.begin();
        carrier.begin();
        writer.execute_batch("INSERT INTO t VALUES (zeroblob(9))").unwrap();
        assert!(carrier.finish().unwrap().unwrap().pages > 90);
        assert!(carrier.done().is_none() && carrier.finish().is_none(), "it was told once");
        assert!(look(&writer).unwrap().left < 10);
        carrier.begin();
        let left = loop {
            if let Some(left) = carrier.done() {
                break left.unwrap();
            }
            std::thread::yield_now();
        };
        assert_eq!(left.left, 0);
        assert!(!carrier.is_busy());
        drop(carrier);
        let rows: i64 = writer.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 2);
    }
}
