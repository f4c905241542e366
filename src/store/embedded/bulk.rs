//! Many commits in one step.

use rusqlite::Connection;

use super::batch::{Known, commit};
use super::counters::Fold;
use super::request::BulkRow;
use super::{quarantine, shared};
use crate::store::Committed;

/// Applies all of it or nothing. It shares the transaction of its batch, so what it changed before it met an outdated
/// base is taken back by a savepoint of its own.
pub(super) fn apply(connection: &Connection, known: &mut Known, bulk: &BulkRow) -> rusqlite::Result<Committed> {
    connection.execute_batch("SAVEPOINT bulk")?;
    let committed = write(connection, known, bulk)?;
    if committed == Committed::Applied {
        connection.execute_batch("RELEASE bulk")?;
    } else {
        connection.execute_batch("ROLLBACK TO bulk; RELEASE bulk")?;
        // Accounts and places in the log that were given out are taken back as well.
        *known = Known::default();
    }
    Ok(committed)
}

fn write(connection: &Connection, known: &mut Known, bulk: &BulkRow) -> rusqlite::Result<Committed> {
    if let Some(note) = &bulk.note {
        let account = known.account(connection, &note.account)?;
        match shared::put(connection, account, note)? {
            Committed::Applied => {}
            other => return Ok(other),
        }
    }
    let mut fold = Fold::default();
    for row in &bulk.commits {
        match commit(connection, known, (row, &mut fold))? {
            Committed::Applied => {}
            other => return Ok(other),
        }
    }
    for entry in &bulk.quarantined {
        let account = known.account(connection, &entry.account)?;
        quarantine::keep(connection, account, entry)?;
    }
    fold.write(connection)?;
    Ok(Committed::Applied)
}
