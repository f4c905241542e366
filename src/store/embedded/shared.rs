//! Small records that all customers of an account share.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::store::{Committed, Shared, SharedChange, SharedKind, SharedName, Spent, StoreError, Version};

/// The stored name of a kind; it never changes.
pub(super) fn stored(kind: SharedKind) -> &'static str {
    match kind {
        SharedKind::Replay => "replay",
        SharedKind::DayCheck => "day-check",
        SharedKind::Printed => "printed",
        SharedKind::Post => "post",
        SharedKind::Datacube => "datacube",
        SharedKind::Spent => "spent",
        SharedKind::Duty => "duty",
        SharedKind::DeadLetters => "dead-letters",
        SharedKind::Token => "token",
        SharedKind::Case => "case",
        SharedKind::Pool => "pool",
        SharedKind::Codes => "codes",
        SharedKind::Books => "books",
        SharedKind::Poster => "poster",
    }
}

pub(super) fn put(connection: &Connection, account: i64, change: &SharedChange) -> rusqlite::Result<Committed> {
    let SharedChange { name, base, body, .. } = change;
    let kind = stored(name.kind);
    // A version SQLite cannot hold was never handed out.
    let Ok(base) = i64::try_from(base.0) else { return Ok(Committed::Stale) };
    let changed = match body {
        Some(body) if base == 0 => connection
            .prepare_cached(
                "INSERT INTO shared (account, kind, part, version, body) VALUES (?1, ?2, ?3, 1, ?4)
                 ON CONFLICT DO NOTHING",
            )?
            .execute((account, kind, &name.part, body))?,
        Some(body) => connection
            .prepare_cached(
                "UPDATE shared SET version = version + 1, body = ?5
                 WHERE account = ?1 AND kind = ?2 AND part = ?3 AND version = ?4",
            )?
            .execute((account, kind, &name.part, base, body))?,
        None => connection
            .prepare_cached("DELETE FROM shared WHERE account = ?1 AND kind = ?2 AND part = ?3 AND version = ?4")?
            .execute((account, kind, &name.part, base))?,
    };
    Ok(if changed == 1 { Committed::Applied } else { Committed::Stale })
}

/// Keeps deliveries of which no record tells. One that is there already stays as it is.
pub(super) fn spend(connection: &Connection, account: i64, spent: &[Spent]) -> rusqlite::Result<()> {
    if spent.is_empty() {
        return Ok(());
    }
    let mut keep = connection.prepare_cached(
        "INSERT INTO shared (account, kind, part, version, body) VALUES (?1, ?2, ?3, 1, ?4) ON CONFLICT DO NOTHING",
    )?;
    for Spent { key, at } in spent {
        let SharedName { kind, part } = SharedName::spent(*key);
        keep.execute((account, stored(kind), part, at.0.to_string().into_bytes()))?;
    }
    Ok(())
}

/// Whether a change is made from what is there.
pub(super) fn is_current(connection: &Connection, account: i64, change: &SharedChange) -> rusqlite::Result<bool> {
    let SharedChange { name, base, .. } = change;
    let version = connection
        .prepare_cached("SELECT version FROM shared WHERE account = ?1 AND kind = ?2 AND part = ?3")?
        .query_row((account, stored(name.kind), &name.part), |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(version.map_or(0, i64::unsigned_abs) == base.0)
}

pub(super) fn read(connection: &Connection, account: &str, name: &SharedName) -> Result<Shared, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT part, version, body FROM shared
             WHERE account = (SELECT id FROM account WHERE name = ?1) AND kind = ?2 AND part = ?3",
        )?
        .query_row((account, stored(name.kind), &name.part), row)
        .optional()?;
    Ok(found.map(|(_, shared)| shared).unwrap_or_default())
}

pub(super) fn list(
    connection: &Connection,
    account: &str,
    kind: SharedKind,
) -> Result<Vec<(String, Shared)>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT part, version, body FROM shared
         WHERE account = (SELECT id FROM account WHERE name = ?1) AND kind = ?2 ORDER BY part",
    )?;
    Ok(query.query_map((account, stored(kind)), row)?.collect::<rusqlite::Result<_>>()?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<(String, Shared)> {
    let version = Version(row.get::<_, i64>(1)?.unsigned_abs());
    Ok((row.get(0)?, Shared { version, body: row.get(2)? }))
}
