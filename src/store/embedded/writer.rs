//! The thread that writes.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::batch::Batches;
use super::carrier::{self, Carrier};
use super::company::Before;
use super::connection::{self, DB_FILE};
use super::failure::{Damage, closed, damage};
use super::lock::Lock;
use super::request::{Outcome, Request, Scour, Write};
use super::schema::{self, Purpose};
use crate::store::{Spec, StoreError};

/// At most so many requests share a transaction.
const MAX_BATCH: usize = 256;
/// So many requests may wait; after that callers wait to ask.
const QUEUE: usize = 1024;
/// The log is carried over into the file when so many of its pages (4 KiB each) have not been: rarely, since a page
/// changed often is then carried over once. The carrier does it beside the writer; what was written meanwhile the writer
/// carries over itself, for only then the log begins anew.
const CARRY_PAGES: i64 = 2_000;
/// So few pages the writer carries over itself, while everybody waits.
const REST_PAGES: i64 = 400;
/// A log so many times longer than that is carried over by the writer however long it takes: it must not grow for ever.
const TOO_LONG: i64 = 4;

/// The way to the writer. Dropping it lets the writer finish what was asked and close the file.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Request>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    file: Arc<File>,
}

impl Writer {
    /// Takes the lock, opens the file, checks it, and starts the thread.
    pub(super) fn start(dir: &Path, made: (Spec, Purpose)) -> Result<Self, StoreError> {
        let lock = Lock::take(dir)?;
        let mut connection = connection::for_writing(dir)?;
        schema::prepare_for(&mut connection, made)?;
        let file = File::open(connection::db_path(dir));
        let file = Arc::new(file.map_err(|error| StoreError::Unavailable(format!("{DB_FILE}: {error}")))?);
        let (queue, requests) = mpsc::channel(QUEUE);
        let desk = Desk {
            batches: Batches::new(connection),
            requests,
            failed: None,
            carrier: Carrier::start(dir, Arc::clone(&file))?,
            carry_pages: CARRY_PAGES,
            rest_pages: REST_PAGES,
            _lock: lock,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || desk.work())
            .map_err(|error| StoreError::Unavailable(format!("its writer cannot be started: {error}")))?;
        Ok(Self { queue: Some(queue), thread: Mutex::new(Some(thread)), file })
    }

    /// The store's file, which whoever holds it must close last: closing it drops this process's locks on it.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Asks and waits until it is durable, or refused.
    pub(super) async fn ask(&self, write: Write) -> Result<Outcome, StoreError> {
        let (answer, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        queue.send(Request { write, answer }).await.map_err(|_| closed())?;
        outcome.await.map_err(|_| closed())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let thread = self.thread.get_mut().map(Option::take);
        if let Ok(Some(thread)) = thread {
            // It panicked or not: either way the lock is free afterwards.
            let _ = thread.join();
        }
    }
}

struct Desk {
    batches: Batches,
    requests: mpsc::Receiver<Request>,
    /// Set once the file cannot be trusted: nothing is acknowledged any more.
    failed: Option<String>,
    carrier: Carrier,
    carry_pages: i64,
    rest_pages: i64,
    _lock: Lock,
}

impl Desk {
    fn work(mut self) {
        let (mut leaving, mut before) = (Vec::new(), None);
        while leaving.is_empty() {
            let Some(first) = self.requests.blocking_recv() else { break };
            let mut batch = vec![first];
            self.gather(&mut batch);
            if let Some(linger) = before.and_then(|before: Before| before.linger(batch.len())) {
                // Others come now too: what is stored together is cheaper, and so everybody is served sooner.
                std::thread::sleep(linger);
                self.gather(&mut batch);
            }
            metrics::histogram!("fuwu_store_batch_requests").record(u32::try_from(batch.len()).unwrap_or(u32::MAX));
            let (aside, batch): (Vec<_>, Vec<_>) =
                batch.into_iter().partition(|request| matches!(request.write, Write::Close | Write::Scour(_)));
            let (began, requests) = (Instant::now(), batch.len());
            self.serve(batch);
            before = Some(Before { requests, took: began.elapsed(), ended: Instant::now() });
            for request in aside {
                match request.write {
                    Write::Scour(how) => drop(request.answer.send(self.scour(how))),
                    _ => leaving.push(request),
                }
            }
            self.carry_over();
        }
        let closed = self.close();
        for request in leaving {
            let outcome = closed.clone().map(|()| Outcome::Done).map_err(StoreError::Unavailable);
            let _ = request.answer.send(outcome);
        }
    }

    /// Adds what waits already.
    fn gather(&mut self, batch: &mut Vec<Request>) {
        while batch.len() < MAX_BATCH
            && let Ok(next) = self.requests.try_recv()
        {
            batch.push(next);
        }
    }

    fn serve(&mut self, batch: Vec<Request>) {
        if let Some(cause) = &self.failed {
            return refuse(batch, cause);
        }
        let (writes, answers): (Vec<Write>, Vec<_>) =
            batch.into_iter().map(|request| (request.write, request.answer)).unzip();
        let outcomes = self.batches.apply(&writes);
        match outcomes {
            Ok(outcomes) => {
                let mut outcomes = outcomes.into_iter();
                for answer in answers {
                    let outcome = outcomes.next().unwrap_or(Err(rusqlite::Error::QueryReturnedNoRows));
                    if let Err(error) = &outcome {
                        self.note(error);
                    }
                    // A caller that gave up has no use for the answer; the work is done all the same.
                    let _ = answer.send(outcome.map_err(StoreError::from));
                }
            }
            Err(error) => {
                self.note(&error);
                let cause = StoreError::from(error).to_string();
                tracing::error!(requests = answers.len(), "a batch was not stored: {cause}");
                for answer in answers {
                    let _ = answer.send(Err(StoreError::Unavailable(cause.clone())));
                }
            }
        }
    }

    /// Stops for good when the file cannot be trusted any more.
    fn note(&mut self, error: &rusqlite::Error) {
        if damage(error) == Damage::File {
            tracing::error!("nothing is stored any more until the next start: {error}");
            self.failed = Some(format!("{error}; nothing is stored until the disk is checked and fuwu restarted"));
        }
    }

    /// Sees to it that the log is carried over in time.
    fn carry_over(&mut self) {
        if self.failed.is_some() {
            return;
        }
        let carried = self.carrier.done();
        let done = match (carried, carrier::look(self.batches.connection())) {
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            // So long that it must begin anew, or so little left that nobody notices.
            (Some(Ok(_)), Ok(log)) if log.left <= self.rest_pages || log.pages >= self.carry_pages * TOO_LONG => {
                carrier::carry(self.batches.connection()).map(drop)
            }
            (None, Ok(log)) if self.carrier.is_busy() && log.left >= self.carry_pages * TOO_LONG => {
                let carried = self.carrier.finish().unwrap_or(Ok(log));
                carried.and_then(|_| carrier::carry(self.batches.connection())).map(drop)
            }
            // Also when much was written while it was carried: once more, and there will be less.
            (carried, Ok(log)) if carried.is_some() || log.left >= self.carry_pages => {
                self.carrier.begin();
                Ok(())
            }
            (_, Ok(_)) => Ok(()),
        };
        if let Err(error) = done {
            // What was acknowledged is safe in the log; it is tried again.
            tracing::warn!("the store's log was not carried over: {error}");
            self.note(&error);
        }
    }

    /// Waits for the carrier, and notes what it met.
    fn await_carrier(&mut self) {
        if let Some(Err(error)) = self.carrier.finish() {
            tracing::warn!("the store's log was not carried over: {error}");
            self.note(&error);
        }
    }

    /// Empties the log, after it rewrote the file if that is wanted. [`Outcome::Claimed`] of nothing: not yet, somebody
    /// reads the log.
    fn scour(&mut self, how: Scour) -> Result<Outcome, StoreError> {
        self.await_carrier();
        if let Some(cause) = &self.failed {
            return Err(StoreError::Unavailable(cause.clone()));
        }
        let scoured = scour(self.batches.connection(), how);
        if let Err(error) = &scoured {
            self.note(error);
        }
        Ok(if scoured? { Outcome::Done } else { Outcome::Claimed(Vec::new()) })
    }

    /// Carries the log over into the file, notes that all is well, and frees the lock.
    fn close(mut self) -> Result<(), String> {
        self.await_carrier();
        if let Some(cause) = self.failed {
            return Err(cause);
        }
        let connection = self.batches.connection();
        let carry = "PRAGMA wal_checkpoint(TRUNCATE)";
        schema::mark_closed(connection)
            .and_then(|()| connection.query_row(carry, [], |_| Ok(())))
            .map_err(|error| error.to_string())
    }
}

/// Whether the log is empty now. Nobody waits for readers here: the writer has others to serve.
fn scour(connection: &Connection, how: Scour) -> rusqlite::Result<bool> {
    if how == Scour::File {
        // A copy of the file does not belong into memory.
        connection.pragma_update(None, "temp_store", "FILE")?;
        let rewritten = connection.execute_batch("VACUUM");
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        rewritten?;
    }
    connection.busy_timeout(Duration::ZERO)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    connection.busy_timeout(connection::PATIENCE)?;
    Ok(busy? == 0)
}

fn refuse(batch: Vec<Request>, cause: &str) {
    for request in batch {
        let _ = request.answer.send(Err(StoreError::Unavailable(cause.to_owned())));
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;
    use crate::domain::time::UnixSecs;
    use crate::store::Quarantined;

    fn desk(dir: &Path) -> (mpsc::Sender<Request>, Desk) {
        let lock = Lock::take(dir).unwrap();
        let mut connection = connection::for_writing(dir).unwrap();
        schema::prepare(&mut connection, Spec::default()).unwrap();
        let (queue, requests) = mpsc::channel(9);
        let file = Arc::new(File::open(connection::db_path(dir)).unwrap());
        let carrier = Carrier::start(dir, file).unwrap();
        (
            queue,
            Desk {
                batches: Batches::new(connection),
                requests,
                failed: None,
                carrier,
                carry_pages: 50,
                rest_pages: 10,
                _lock: lock,
            },
        )
    }

    fn ask(desk: &mut Desk) -> Result<Outcome, StoreError> {
        let entry =
            Quarantined { account: "a".into(), arrived: UnixSecs(1), reason: "r".into(), body: b"<xml>".to_vec() };
        let (answer, mut outcome) = oneshot::channel();
        desk.serve(vec![Request { write: Write::Quarantine(entry), answer }]);
        outcome.try_recv().unwrap()
    }

    #[test]
    fn after_a_failed_fsync_nothing_is_acknowledged_and_the_next_start_checks_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (_queue, mut desk) = desk(dir.path());
        assert!(matches!(ask(&mut desk), Ok(Outcome::Done)));
        desk.note(&rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None));
        assert!(matches!(ask(&mut desk), Ok(Outcome::Done)), "a full disk passes");
        desk.note(&rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None));
        let refused = ask(&mut desk).unwrap_err().to_string();
        assert!(refused.contains("nothing is stored until"), "{refused}");
        assert!(desk.close().is_err());
        let open: i64 = connection::for_reading(dir.path())
            .unwrap()
            .query_row("SELECT value FROM meta WHERE key = 'open'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(open, 1);
    }

    #[test]
    fn the_log_is_carried_over_once_it_is_long() {
        let dir = tempfile::tempdir().unwrap();
        let (_queue, mut desk) = desk(dir.path());
        let size = |desk: &mut Desk| {
            desk.carry_over();
            desk.carrier.finish();
            std::fs::metadata(connection::db_path(dir.path())).unwrap().len()
        };
        let short = size(&mut desk);
        ask(&mut desk).unwrap();
        assert_eq!(size(&mut desk), short, "not for every batch");
        let body = vec![7; 4096 * 50];
        let (answer, _outcome) = oneshot::channel();
        let entry = Quarantined { account: "a".into(), arrived: UnixSecs(1), reason: "r".into(), body };
        desk.serve(vec![Request { write: Write::Quarantine(entry), answer }]);
        assert!(size(&mut desk) > 4096 * 50);
    }

    #[test]
    fn the_log_begins_anew_though_somebody_always_writes() {
        let dir = tempfile::tempdir().unwrap();
        let (_queue, mut desk) = desk(dir.path());
        let (per_batch, mut longest) = (30, 0);
        for _ in 0..60 {
            let body = vec![7; 4096 * per_batch];
            let (answer, _outcome) = oneshot::channel();
            let entry = Quarantined { account: "a".into(), arrived: UnixSecs(1), reason: "r".into(), body };
            desk.serve(vec![Request { write: Write::Quarantine(entry), answer }]);
            desk.carry_over();
            longest = longest.max(std::fs::metadata(dir.path().join("fuwu.db-wal")).unwrap().len());
        }
        // So much was carried over when as much was written beside it, and then everybody waited.
        let bound = (2 * 50 * u64::try_from(TOO_LONG).unwrap() + 2 * u64::try_from(per_batch).unwrap()) * 4200;
        assert!(longest < bound, "{longest} of {bound}");
        assert!(desk.close().is_ok());
    }

    #[test]
    fn what_the_carrier_meets_is_known_before_the_file_is_closed_as_if_all_were_well() {
        let dir = tempfile::tempdir().unwrap();
        let (_queue, mut desk) = desk(dir.path());
        ask(&mut desk).unwrap();
        // What cannot be flushed.
        let file = Arc::new(File::open("/dev/null").unwrap());
        desk.carrier = Carrier::start(dir.path(), file).unwrap();
        desk.carrier.begin();
        let refused = desk.close().unwrap_err();
        assert!(refused.contains("nothing is stored until"), "{refused}");
    }
}
