//! Carrying the log over into the file, beside the writer: nobody who writes waits for it, except for the little that was
//! written meanwhile.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::connection;
use crate::store::StoreError;

/// The log's pages (4 KiB each) that are not in the file yet, or why it is not known.
pub(super) type Left = rusqlite::Result<i64>;

/// A thread that carries the log over when it is told to. Dropped, it finishes what it does.
#[derive(Debug)]
pub(super) struct Carrier {
    told: Option<Sender<()>>,
    done: Receiver<Left>,
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl Carrier {
    pub(super) fn start(dir: &Path) -> Result<Self, StoreError> {
        let connection = connection::for_carrying(dir)?;
        let (told, orders) = channel();
        let (answer, done) = channel();
        let work = move || {
            while orders.recv().is_ok() {
                // Nobody to tell: the writer is gone, and carries over what is left itself.
                if answer.send(carry(&connection)).is_err() {
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

    /// What came of it, once after it is done.
    pub(super) fn done(&mut self) -> Option<Left> {
        let done = match self.done.try_recv() {
            Ok(done) => Some(done),
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => None,
        };
        self.busy = false;
        done
    }

    /// Waits until it is done, if it is at it.
    pub(super) fn finish(&mut self) {
        if self.busy {
            // However long the disk takes: two must not carry at once, and the thread answers or is gone.
            while let Err(RecvTimeoutError::Timeout) = self.done.recv_timeout(Duration::from_secs(1)) {}
            self.busy = false;
        }
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
pub(super) fn carry(connection: &Connection) -> Left {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], left)
}

/// What a carrying over would find.
pub(super) fn look(connection: &Connection) -> Left {
    connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?.query_row([], left)
}

fn left(row: &rusqlite::Row<'_>) -> rusqlite::Result<i64> {
    Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
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
        let mut carrier = Carrier::start(dir.path()).unwrap();
        assert!(look(&writer).unwrap() > 90);
        assert!(carrier.done().is_none(), "nobody told it to");
        carrier.begin();
        carrier.begin();
        writer.execute_batch("INSERT INTO t VALUES (zeroblob(9))").unwrap();
        carrier.finish();
        assert!(carrier.done().is_none(), "it was told once");
        assert!(look(&writer).unwrap() < 10);
        carrier.begin();
        let left = loop {
            if let Some(left) = carrier.done() {
                break left.unwrap();
            }
            std::thread::yield_now();
        };
        assert_eq!(left, 0);
        drop(carrier);
        let rows: i64 = writer.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 2);
    }
}
