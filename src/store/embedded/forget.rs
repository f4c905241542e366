//! Forgetting, as the writer does it: burials, expiries, and the steps of an erasure.
//!
//! The facts that hold words of a customer are found without reading the log: the record names the last one
//! (`customer.words`), and each of them the one before it (`fact.words_before`). So noting them touches no page that is
//! not written anyway.

use rusqlite::Connection;

use super::counters::Fold;
use super::request::EraseRow;
use super::{customers, schema};
use crate::domain::customer::Customer;
use crate::domain::fact::Fact;
use crate::domain::time::BusinessDay;
use crate::growth::counter::Increment;
use crate::growth::lateness::Lateness;
use crate::growth::residue::of_lost_words;
use crate::store::pseudonym::nobody;
use crate::store::{Committed, Partition, StoreError, shape};

/// Stands in the table for an increment that was on time; no business day is so early.
pub(super) const ON_TIME: i64 = i64::MIN;

/// Drops the customer's outgoing work and words.
pub(super) fn bury(connection: &Connection, (account, customer): (i64, i64), fold: &mut Fold) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM outbox WHERE customer = ?1")?.execute([customer])?;
    let words = connection.prepare_cached("SELECT words FROM customer WHERE id = ?1")?;
    let mut next: Option<i64> = { words }.query_row([customer], |row| row.get(0))?;
    if next.is_none() {
        return Ok(());
    }
    let lateness = schema::lateness(connection)?;
    let mut read = connection.prepare_cached("SELECT body, words_before FROM fact WHERE account = ?1 AND seq = ?2")?;
    let mut write = connection.prepare_cached("UPDATE fact SET body = ?3 WHERE account = ?1 AND seq = ?2")?;
    while let Some(seq) = next {
        let (body, before): (Vec<u8>, Option<i64>) =
            read.query_row((account, seq), |row| Ok((row.get(0)?, row.get(1)?)))?;
        match without_words(&body, lateness) {
            Ok(Some(bare)) => {
                write.execute((account, seq, bare.body))?;
                fold.add(account, &bare.moved)?;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(seq, "a fact keeps its words: {error}"),
        }
        // Each is older than the one that names it, or a damaged file would be walked round for ever.
        next = before.filter(|before| *before < seq);
    }
    connection.prepare_cached("UPDATE customer SET words = NULL WHERE id = ?1")?.execute([customer]).map(drop)
}

/// A fact without its words, and what that moves among the counters.
struct Bare {
    body: Vec<u8>,
    moved: Vec<Increment>,
}

fn without_words(body: &[u8], lateness: Lateness) -> Result<Option<Bare>, StoreError> {
    let fact: Fact = shape::read(body)?;
    let Some(bare) = fact.without_words() else { return Ok(None) };
    Ok(Some(Bare { body: shape::write(&bare)?, moved: of_lost_words(&fact, &bare, lateness) }))
}

/// Takes name and record from those who left long ago; their facts stay, without words.
pub(super) fn expire(
    connection: &Connection,
    (account, left_before, limit): (i64, BusinessDay, i64),
    fold: &mut Fold,
) -> rusqlite::Result<usize> {
    let mut overdue = connection.prepare_cached(
        "SELECT id, partition FROM customer WHERE account = ?1 AND left_on < ?2 ORDER BY left_on LIMIT ?3",
    )?;
    let rows = overdue.query_map((account, left_before.0, limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(i64, u16)> = rows.collect::<rusqlite::Result<_>>()?;
    let empty =
        shape::write(&Customer::default()).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let mut forget = connection.prepare_cached(
        "UPDATE customer SET openid = ?2, version = version + 1, record = ?3, left_on = NULL WHERE id = ?1",
    )?;
    for (customer, partition) in &rows {
        forget.execute((customer, nobody(Partition(*partition)).as_str(), &empty))?;
        bury(connection, (account, *customer), fold)?;
    }
    Ok(rows.len())
}

/// The step of an erasure that decides it: the customer is gone for everybody, and what they counted is residue. Their
/// facts, which nobody reads any more, are deleted afterwards.
pub(super) fn erase(connection: &Connection, row: &EraseRow, fold: &mut Fold) -> rusqlite::Result<Committed> {
    let gone = connection
        .prepare_cached(
            "UPDATE customer SET openid = ?3, version = 0, record = x'', left_on = NULL WHERE id = ?1 AND version = ?2",
        )?
        .execute((row.customer, row.version, row.nobody.as_str()))?;
    if gone == 0 {
        return Ok(Committed::Stale);
    }
    bury(connection, (row.account, row.customer), fold)?;
    customers::keep_last_seq(connection)?;
    add_residue(connection, row.account, &row.residue)?;
    Ok(Committed::Applied)
}

/// Adds to what erased customers counted.
pub(super) fn add_residue(connection: &Connection, account: i64, residue: &[Increment]) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO residue (account, metric, a, b, dimension, arrived, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET value = value + excluded.value",
    )?;
    for Increment { key, by, late_on } in residue {
        let arrived = late_on.map_or(ON_TIME, |day| i64::from(day.0));
        add.execute((account, key.metric as u8, key.a, key.b, &key.dimension, arrived, by))?;
    }
    Ok(())
}

pub(super) fn purge(connection: &Connection, account: i64, seqs: &[i64]) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM fact WHERE account = ?1 AND seq = ?2")?;
    seqs.iter().try_for_each(|seq| delete.execute((account, seq)).map(drop))
}

/// Only now may the customer's number be given again.
pub(super) fn end(connection: &Connection, customer: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM customer WHERE id = ?1 AND version = 0")?.execute([customer]).map(drop)
}
