//! Many commits in one step.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _};

use super::batch::{Known, commit};
use super::counters::Fold;
use super::request::{BulkRow, CommitRow};
use super::{outbox, quarantine, shared};
use crate::domain::ids::Openid;
use crate::store::Committed;

/// Applies all of it or nothing. First everything that could be outdated is looked at, then everything is written:
/// taking half of it back by a savepoint would cost more than all the rest.
pub(super) fn apply(connection: &Connection, known: &mut Known, bulk: &BulkRow) -> rusqlite::Result<Committed> {
    let mut seen = HashSet::with_capacity(bulk.commits.len());
    for row in &bulk.commits {
        // The second commit of a customer is made from what the first one leaves.
        if seen.insert((&row.of.account, &row.of.openid)) {
            match outdated(connection, known, row)? {
                None => {}
                Some(other) => return Ok(other),
            }
        }
    }
    if let Some(note) = &bulk.note {
        let account = known.account(connection, &note.account)?;
        match shared::put(connection, account, note)? {
            Committed::Applied => {}
            other => return Ok(other),
        }
    }
    let mut fold = Fold::default();
    for row in &bulk.commits {
        if commit(connection, known, (row, &mut fold))? != Committed::Applied {
            // It was looked at before, so a commit of this bulk is at odds with another one: nothing of it is applied.
            return Err(rusqlite::Error::StatementChangedRows(0));
        }
    }
    for entry in &bulk.quarantined {
        let account = known.account(connection, &entry.account)?;
        quarantine::keep(connection, account, entry)?;
        fold.add(account, &[quarantine::counted(entry)])?;
    }
    fold.write(connection)?;
    Ok(Committed::Applied)
}

/// Why a commit cannot be applied, if so.
fn outdated(connection: &Connection, known: &mut Known, row: &CommitRow) -> rusqlite::Result<Option<Committed>> {
    let account = known.account(connection, &row.of.account)?;
    if !row.settled.is_empty() && !outbox::all_there(connection, account, row)? {
        return Ok(Some(Committed::Settled));
    }
    let version: Option<i64> = connection
        .prepare_cached("SELECT version FROM customer WHERE account = ?1 AND openid IN (?2, ?3) AND version > 0")?
        .query_row((account, row.of.openid.as_str(), row.tombstone.as_ref().map(Openid::as_str)), |row| row.get(0))
        .optional()?;
    Ok((version.unwrap_or(0).unsigned_abs() != row.base).then_some(Committed::Stale))
}
