//! Deliveries that could not be used.

use rusqlite::Connection;

use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;
use crate::store::aside::names;
use crate::store::{CustomerRef, MOST_QUARANTINED, Quarantined, StoreError};

pub(super) fn keep(connection: &Connection, account: i64, entry: &Quarantined) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO quarantine (account, arrived, reason, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute((account, entry.arrived.0, &entry.reason, &entry.body))?;
    // The index on the account ends in the id, so this walks the index only and never the bodies.
    connection
        .prepare_cached(
            "DELETE FROM quarantine WHERE account = ?1 AND id <=
             (SELECT id FROM quarantine WHERE account = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute((account, i64::try_from(MOST_QUARANTINED).unwrap_or(i64::MAX)))
        .map(drop)
}

/// Deletes these.
pub(super) fn release(connection: &Connection, ids: &[i64]) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM quarantine WHERE id = ?1")?;
    ids.iter().try_for_each(|id| delete.execute([id]).map(drop))
}

/// Quarantined deliveries that name a customer.
pub(super) struct Naming {
    /// With their numbers, oldest first.
    pub(super) found: Vec<(i64, Quarantined)>,
    /// Where to go on, if there are more to look at.
    pub(super) next: Option<i64>,
}

/// Looks through so many of the deliveries after `after`.
pub(super) fn naming(connection: &Connection, of: &CustomerRef, after: i64) -> Result<Naming, StoreError> {
    const AT_ONCE: usize = 256;
    let mut query = connection.prepare_cached(
        "SELECT id, arrived, reason, body FROM quarantine
         WHERE account = (SELECT id FROM account WHERE name = ?1) AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let mut rows = query.query((of.account.as_str(), after, i64::try_from(AT_ONCE).unwrap_or(i64::MAX)))?;
    let (mut found, mut seen, mut last) = (Vec::new(), 0, after);
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        seen += 1;
        let body = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        if names(body, of.openid.as_str().as_bytes()) {
            let (arrived, reason) = (UnixSecs(row.get(1)?), row.get(2)?);
            found.push((last, Quarantined { account: of.account.clone(), arrived, reason, body: body.to_vec() }));
        }
    }
    Ok(Naming { found, next: (seen == AT_ONCE).then_some(last) })
}

/// Those after a number, oldest first, with their numbers.
pub(super) fn after(
    connection: &Connection,
    account: &AccountId,
    (after, limit): (i64, usize),
) -> Result<Vec<(String, Quarantined)>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT id, arrived, reason, body FROM quarantine
         WHERE account = (SELECT id FROM account WHERE name = ?1) AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let rows = query.query_map((account.as_str(), after, i64::try_from(limit).unwrap_or(i64::MAX)), |row| {
        let (arrived, reason) = (UnixSecs(row.get(1)?), row.get(2)?);
        let entry = Quarantined { account: account.clone(), arrived, reason, body: row.get(3)? };
        Ok((row.get::<_, i64>(0)?.to_string(), entry))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn add(connection: &Connection, account: i64, arrived: i64) {
        let arrived = UnixSecs(arrived);
        let entry = Quarantined { account: "any".into(), arrived, reason: "broken".into(), body: Vec::new() };
        keep(connection, account, &entry).unwrap();
    }

    #[test]
    fn the_oldest_make_room_and_other_accounts_keep_theirs() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(super::super::schema::TABLES).unwrap();
        connection.execute_batch("INSERT INTO account VALUES (1, 'demo'), (2, 'other')").unwrap();
        add(&connection, 2, 0);
        let full = "WITH RECURSIVE n(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
                    INSERT INTO quarantine (account, arrived, reason, body) SELECT 1, n, 'broken', x'' FROM n";
        let most = i64::try_from(MOST_QUARANTINED).unwrap();
        connection.execute(full, [most]).unwrap();
        add(&connection, 2, 0);
        add(&connection, 1, most + 1);
        add(&connection, 1, most + 2);
        let kept = read(&connection, &"demo".into(), usize::MAX).unwrap();
        let arrived: Vec<i64> = kept.iter().rev().map(|entry| entry.arrived.0).collect();
        assert_eq!(arrived, (3..=most + 2).collect::<Vec<_>>());
        assert_eq!(read(&connection, &"other".into(), usize::MAX).unwrap().len(), 2);
    }
}
