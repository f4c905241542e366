//! The tables, and what is checked before a file is used.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::{connection, renew};
use crate::growth::lateness::Lateness;
use crate::store::moving::half_copied;
use crate::store::{Spec, StoreError};

/// "fuwu" in the file's header, so that no other program's file is taken for ours.
const APPLICATION_ID: i32 = 0x6675_7775;
/// Rises with every change of the tables.
pub(super) const SCHEMA_VERSION: i32 = 5;
/// What files of version 1, which do not say so, were counted with.
pub(super) const LATENESS_IN_1: Lateness = Lateness::DEFAULT;

/// `customer` has a rowid because its records are long: in a table without one, a record of more than a quarter of a
/// page moves to overflow pages, and every commit would write two pages instead of one. The number also stands for the
/// openid in facts and outgoing work. A row at version 0 is one that is being erased. `words` and `words_before`
/// lead to the facts with words of the customer (see [`super::forget`]). Everything keyed by short values is clustered on
/// its key.
pub(super) const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE customer (
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL, openid TEXT NOT NULL, partition INTEGER NOT NULL,
    version INTEGER NOT NULL, record BLOB NOT NULL, left_on INTEGER, words INTEGER, UNIQUE (account, openid)
) STRICT;
CREATE INDEX customer_left ON customer (account, left_on) WHERE left_on IS NOT NULL;
CREATE INDEX customer_erased ON customer (id) WHERE version = 0;
CREATE TABLE fact (
    account INTEGER NOT NULL, seq INTEGER NOT NULL, customer INTEGER NOT NULL, partition INTEGER NOT NULL,
    body BLOB NOT NULL, words_before INTEGER, PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE counter (
    account INTEGER NOT NULL, metric INTEGER NOT NULL, a INTEGER NOT NULL, dimension TEXT NOT NULL,
    block INTEGER NOT NULL, cells BLOB NOT NULL, PRIMARY KEY (account, metric, a, dimension, block)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    account INTEGER NOT NULL, arrived INTEGER NOT NULL, metric INTEGER NOT NULL, a INTEGER NOT NULL,
    b INTEGER NOT NULL, dimension TEXT NOT NULL, value INTEGER NOT NULL,
    PRIMARY KEY (account, arrived, metric, a, b, dimension)
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY, customer INTEGER NOT NULL, id TEXT NOT NULL, partition INTEGER NOT NULL,
    due INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL, UNIQUE (customer, id)
) STRICT;
CREATE INDEX outbox_due ON outbox (due);
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL, arrived INTEGER NOT NULL, reason TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX quarantine_account ON quarantine (account);
CREATE TABLE shared (
    account INTEGER NOT NULL, kind TEXT NOT NULL, part TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (account, kind, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE residue (
    account INTEGER NOT NULL, metric INTEGER NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL,
    dimension TEXT NOT NULL, arrived INTEGER NOT NULL, value INTEGER NOT NULL,
    PRIMARY KEY (account, metric, a, b, dimension, arrived)
) STRICT, WITHOUT ROWID;
";

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be used.
    Use,
    /// To be filled from another store: also one that is filled in part.
    Fill,
}

/// As [`prepare_for`], to be used.
#[cfg(test)]
pub(super) fn prepare(connection: &mut Connection, spec: Spec) -> Result<(), StoreError> {
    prepare_for(connection, (spec, Purpose::Use))
}

/// Makes the tables in a new file; in one that is there, checks that it is ours, not newer than we are and made with
/// the same `spec`. After a crash the whole file is checked. One that is half copied is opened only to be filled.
pub(super) fn prepare_for(connection: &mut Connection, (spec, purpose): (Spec, Purpose)) -> Result<(), StoreError> {
    let empty: bool = connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if empty {
        create(connection, spec)?;
    }
    check(connection)?.check(spec)?;
    if purpose == Purpose::Use {
        refuse_half_copied(connection)?;
    }
    connection::use_wal(connection)?;
    // Before it is brought up to date, which would copy what can be read and drop the evidence.
    if meta(connection, "open")?.unwrap_or(1) != 0 {
        examine(connection)?;
    }
    renew::bring_up_to_date(connection)?;
    set_meta(connection, "open", 1)?;
    if meta(connection, ID)?.is_none() {
        set_meta(connection, ID, i64::try_from(rand::random::<u64>() >> 1).unwrap_or(1))?;
    }
    if purpose == Purpose::Use {
        set_meta(connection, OPENED, meta(connection, OPENED)?.unwrap_or(0) + 1)?;
        connection.execute_batch(&format!("DROP TABLE IF EXISTS {WHOLE}"))?;
    }
    Ok(())
}

/// Tells this store from every other one.
pub(super) const ID: &str = "id";
/// How often it was opened to be used.
pub(super) const OPENED: &str = "opened";

/// The table of the mark that a store is half copied; it is there only then.
pub(super) const HALF: &str = "CREATE TABLE IF NOT EXISTS half (mark TEXT NOT NULL) STRICT";

/// The same table once the copy has come to its end, until the store is used.
const WHOLE: &str = "whole";

/// Whether a copy into the store has begun and not ended.
pub(super) fn is_half_copied(connection: &Connection) -> rusqlite::Result<bool> {
    has(connection, "half")
}

/// Notes that the copy has come to its end.
pub(super) fn finish_copy(connection: &Connection) -> rusqlite::Result<()> {
    if is_half_copied(connection)? {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS {WHOLE}; ALTER TABLE half RENAME TO {WHOLE}"))?;
    }
    Ok(())
}

/// The mark of a copy that is at work, or of one that has come to its end.
pub(super) fn mark(connection: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    if !has(connection, table)? {
        return Ok(None);
    }
    connection.query_row(&format!("SELECT mark FROM {table}"), [], |row| row.get(0)).optional()
}

fn has(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) > 0 FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))
}

fn refuse_half_copied(connection: &Connection) -> Result<(), StoreError> {
    if is_half_copied(connection)? { Err(half_copied()) } else { Ok(()) }
}

/// Checks that a file can be read as it is: an older one must first be brought up to date, which changes it.
pub(super) fn check_for_reading(connection: &Connection) -> Result<Spec, StoreError> {
    let spec = check(connection)?;
    refuse_half_copied(connection)?;
    let version = pragma(connection, "user_version")?;
    if version < SCHEMA_VERSION {
        return Err(StoreError::Mismatch(format!(
            "the store was written by an older version of fuwu (format {version}, this one reads {SCHEMA_VERSION}); \
             run `fuwu serve` once, which brings it up to date"
        )));
    }
    Ok(spec)
}

/// Checks that a file is a store this version can use; the answer is what it was made with.
fn check(connection: &Connection) -> Result<Spec, StoreError> {
    if pragma(connection, "application_id")? != APPLICATION_ID {
        return Err(StoreError::Mismatch("fuwu.db is not a store of fuwu; set another `data_dir`".into()));
    }
    let version = pragma(connection, "user_version")?;
    if version > SCHEMA_VERSION {
        return Err(StoreError::Mismatch(format!(
            "the store was written by a newer version of fuwu (format {version}, this one knows {SCHEMA_VERSION}); \
             run that version"
        )));
    }
    let partitions = meta(connection, "partitions")?.and_then(|count| u16::try_from(count).ok()).unwrap_or(0);
    Ok(Spec { partitions, lateness: lateness(connection)? })
}

/// L of the store.
pub(super) fn lateness(connection: &Connection) -> rusqlite::Result<Lateness> {
    let days = meta(connection, "lateness_days")?.and_then(|days| i32::try_from(days).ok());
    Ok(days.and_then(Lateness::new).unwrap_or(LATENESS_IN_1))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Notes that everything was closed in good order, so that the next start need not examine the file.
pub(super) fn mark_closed(connection: &Connection) -> rusqlite::Result<()> {
    set_meta(connection, "open", 0)
}

fn create(connection: &mut Connection, spec: Spec) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    set_meta(&transaction, "partitions", i64::from(spec.partitions))?;
    set_meta(&transaction, "lateness_days", i64::from(spec.lateness.days()))?;
    set_meta(&transaction, "open", 0)?;
    transaction.commit()
}

fn examine(connection: &Connection) -> Result<(), StoreError> {
    tracing::info!("the store was not closed in good order; checking the file");
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "fuwu.db is damaged ({verdict}); keep a copy of the folder and restore a backup"
    )))
}

pub(super) fn meta(connection: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

pub(super) fn set_meta(connection: &Connection, key: &str, value: i64) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", (key, value)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::store::embedded::counters::teach(&connection).unwrap();
        prepare(&mut connection, Spec::default()).unwrap();
        connection
    }

    #[test]
    fn other_settings_than_the_first_are_refused_in_a_clear_sentence() {
        let refusal = |spec| {
            let refused = prepare(&mut made(), spec).unwrap_err();
            assert!(matches!(refused, StoreError::Mismatch(_)), "{refused:?}");
            refused.to_string()
        };
        let partitions = refusal(Spec { partitions: 32, ..Spec::default() });
        assert!(partitions.contains("made with 64 partitions and store.partitions is 32"), "{partitions}");
        let lateness = refusal(Spec { lateness: Lateness::new(7).unwrap(), ..Spec::default() });
        assert!(lateness.contains("up to 2 days late and numbers.lateness_days is 7"), "{lateness}");
    }

    #[test]
    fn a_store_of_a_newer_version_is_refused() {
        let mut connection = made();
        connection.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
        let refused = prepare(&mut connection, Spec::default()).unwrap_err();
        assert!(refused.to_string().contains("newer version"), "{refused}");
    }

    #[test]
    fn a_file_of_another_program_is_refused_and_left_as_it_is() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
        let refused = prepare(&mut connection, Spec::default()).unwrap_err();
        assert!(refused.to_string().contains("not a store of fuwu"), "{refused}");
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn the_file_counts_as_open_until_it_is_closed() {
        let connection = made();
        assert_eq!(meta(&connection, "open").unwrap(), Some(1));
        mark_closed(&connection).unwrap();
        assert_eq!(meta(&connection, "open").unwrap(), Some(0));
    }
}
