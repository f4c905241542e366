//! Connections to the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::counters;

/// The database's file name within its folder.
pub(super) const DB_FILE: &str = "fuwu.db";

/// Nobody holds a lock for long: this only covers a process that opens the file while another recovers it.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn db_path(dir: &Path) -> PathBuf {
    dir.join(DB_FILE)
}

/// The one connection that writes. Every commit is fsynced (`synchronous=FULL`). The log is not carried over by a commit,
/// which somebody waits for, but by [`super::carrier`].
pub(super) fn for_writing(dir: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        db_path(dir),
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // Not more: SQLite walks through all of it at the end of every transaction that split a page.
    connection.pragma_update(None, "cache_size", -16_384)?;
    // What is deleted is overwritten. Not FAST, which leaves it in pages that fall free.
    connection.pragma_update(None, "secure_delete", "ON")?;
    counters::teach(&connection)?;
    Ok(connection)
}

/// The connection that carries the log over into the file.
pub(super) fn for_carrying(dir: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(db_path(dir), OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    prepare(&connection)?;
    // The log is made durable before the file is changed.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

/// Turns on the write-ahead log. It is noted in the file, so only once the file is known to be ours.
pub(super) fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)
}

/// A connection that reads.
pub(super) fn for_reading(dir: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(db_path(dir), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    prepare(&connection)?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "temp_store", "MEMORY")
}

#[cfg(test)]
mod tests {
    #[test]
    fn sqlite_is_new_enough_to_keep_the_log_whole() {
        // Up to 3.51.2 a log that was begun anew at the wrong moment could be lost (WAL-reset).
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }
}
