//! Outgoing work: kept until it is settled, handed out under leases.

use rusqlite::Connection;

use super::request::{ClaimedRow, CommitRow};
use crate::domain::ids::WorkId;
use crate::domain::time::UnixSecs;
use crate::store::CustomerRef;

/// Settles and adds what a commit of the customer with this number wants: settled first, so that work which is done
/// and asked for anew in one commit is there, fresh.
pub(super) fn change(connection: &Connection, customer: i64, row: &CommitRow) -> rusqlite::Result<()> {
    if !row.settled.is_empty() {
        let mut settle = connection.prepare_cached("DELETE FROM outbox WHERE customer = ?1 AND id = ?2")?;
        for id in &row.settled {
            settle.execute((customer, id.as_str()))?;
        }
    }
    if !row.outbox.is_empty() {
        let mut add = connection.prepare_cached(
            "INSERT INTO outbox (customer, id, partition, due, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?;
        for work in &row.outbox {
            add.execute((customer, work.id.as_str(), row.partition.0, work.due, &work.body))?;
        }
    }
    Ok(())
}

/// Whether all the work a commit settles is still there.
pub(super) fn all_there(connection: &Connection, account: i64, row: &CommitRow) -> rusqlite::Result<bool> {
    if row.settled.is_empty() {
        return Ok(true);
    }
    let mut find = connection.prepare_cached(
        "SELECT 1 FROM outbox JOIN customer ON customer.id = outbox.customer
         WHERE customer.account = ?1 AND customer.openid = ?2 AND outbox.id = ?3",
    )?;
    for id in &row.settled {
        if !find.exists((account, row.of.openid.as_str(), id.as_str()))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Leases what is due at `now` until `until`: first what was due first, then what was committed first.
pub(super) fn claim(connection: &Connection, now: i64, until: i64, limit: i64) -> rusqlite::Result<Vec<ClaimedRow>> {
    let mut due = connection.prepare_cached(
        "SELECT outbox.seq, account.name, customer.openid, outbox.attempt + 1, outbox.body
         FROM outbox JOIN customer ON customer.id = outbox.customer JOIN account ON account.id = customer.account
         WHERE outbox.due <= ?1 ORDER BY outbox.due, outbox.seq LIMIT ?2",
    )?;
    let rows = due.query_map((now, limit), |row| {
        let (account, openid): (String, String) = (row.get(1)?, row.get(2)?);
        let of = CustomerRef { account: account.as_str().into(), openid: openid.as_str().into() };
        Ok(ClaimedRow { seq: row.get(0)?, of, attempt: row.get(3)?, body: row.get(4)? })
    })?;
    let claimed: Vec<ClaimedRow> = rows.collect::<rusqlite::Result<_>>()?;
    let mut lease = connection.prepare_cached("UPDATE outbox SET due = ?2, attempt = ?3 WHERE seq = ?1")?;
    for row in &claimed {
        lease.execute((row.seq, until, row.attempt))?;
    }
    Ok(claimed)
}

/// Puts work off, unless it was claimed again since.
pub(super) fn defer(
    connection: &Connection,
    of: &CustomerRef,
    (id, attempt): (&WorkId, u32),
    due: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE outbox SET due = ?5 WHERE id = ?3 AND attempt = ?4 AND customer =
             (SELECT customer.id FROM customer JOIN account ON account.id = customer.account
              WHERE account.name = ?1 AND customer.openid = ?2)",
        )?
        .execute((of.account.as_str(), of.openid.as_str(), id.as_str(), attempt, due))
        .map(drop)
}

pub(super) fn next_due(connection: &Connection) -> rusqlite::Result<Option<UnixSecs>> {
    let due: Option<i64> = connection.prepare_cached("SELECT min(due) FROM outbox")?.query_row([], |row| row.get(0))?;
    Ok(due.map(UnixSecs))
}
