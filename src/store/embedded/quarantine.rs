//! Deliveries that could not be used.

use rusqlite::Connection;

use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;
use crate::store::{Quarantined, StoreError};

pub(super) fn keep(connection: &Connection, account: i64, entry: &Quarantined) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO quarantine (account, arrived, reason, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute((account, entry.arrived.0, &entry.reason, &entry.body))
        .map(drop)
}

/// Newest first.
pub(super) fn read(connection: &Connection, account: &AccountId, limit: usize) -> Result<Vec<Quarantined>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT arrived, reason, body FROM quarantine
         WHERE account = (SELECT id FROM account WHERE name = ?1) ORDER BY id DESC LIMIT ?2",
    )?;
    let rows = query.query_map((account.as_str(), i64::try_from(limit).unwrap_or(i64::MAX)), |row| {
        Ok(Quarantined {
            account: account.clone(),
            arrived: UnixSecs(row.get(0)?),
            reason: row.get(1)?,
            body: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
