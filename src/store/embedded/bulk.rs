//! Many commits in one step.

use rusqlite::{CachedStatement, Connection};

use super::batch::Known;
use super::counters::Fold;
use super::customers::FactRow;
use super::request::{BulkRow, CommitRow};
use super::{customers, outbox, quarantine, shared};
use crate::store::Committed;

/// Applies all of it or nothing. First everything that could be outdated is looked at, then everything is written:
/// taking half of it back by a savepoint would cost more than all the rest.
pub(super) fn apply(connection: &Connection, known: &mut Known, bulk: &BulkRow) -> rusqlite::Result<Committed> {
    let places = match places(connection, known, bulk)? {
        Ok(places) => places,
        Err(other) => return Ok(other),
    };
    if let Some(note) = &bulk.note {
        let account = known.account(connection, &note.account)?;
        match shared::put(connection, account, note)? {
            Committed::Applied => {}
            other => return Ok(other),
        }
    }
    let mut fold = Fold::default();
    let mut write = Statements::new(connection)?;
    let mut facts = Vec::new();
    for (row, place) in bulk.commits.iter().zip(places) {
        let customer = write.record(row, place)?;
        fold.add(place.account, &row.increments)?;
        for body in &row.facts {
            let seq = known.next_seq(connection)?;
            facts.push(FactRow { account: place.account, seq, customer, partition: row.partition.0, body });
        }
        outbox::change(connection, customer, row)?;
    }
    customers::log_all(connection, &facts)?;
    for entry in &bulk.quarantined {
        let account = known.account(connection, &entry.account)?;
        quarantine::keep(connection, account, entry)?;
    }
    fold.write(connection)?;
    Ok(Committed::Applied)
}

/// Where a commit goes.
#[derive(Clone, Copy)]
struct Place {
    account: i64,
    /// The customer's number; `None` for a new one.
    customer: Option<i64>,
}

/// Where every commit goes, or why none of them can be applied.
fn places(
    connection: &Connection,
    known: &mut Known,
    bulk: &BulkRow,
) -> rusqlite::Result<Result<Vec<Place>, Committed>> {
    let mut find = connection.prepare_cached("SELECT id, version FROM customer WHERE account = ?1 AND openid = ?2")?;
    let mut places = Vec::with_capacity(bulk.commits.len());
    for row in &bulk.commits {
        let account = known.account(connection, &row.of.account)?;
        if !outbox::all_there(connection, account, row)? {
            return Ok(Err(Committed::Settled));
        }
        let mut rows = find.query((account, row.of.openid.as_str()))?;
        let found = rows.next()?.map(|row| Ok::<_, rusqlite::Error>((row.get(0)?, row.get::<_, i64>(1)?)));
        let customer = match found.transpose()? {
            None if row.base == 0 => None,
            Some((customer, version)) if u64::try_from(version) == Ok(row.base) => Some(customer),
            _ => return Ok(Err(Committed::Stale)),
        };
        places.push(Place { account, customer });
    }
    Ok(Ok(places))
}

struct Statements<'c> {
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    connection: &'c Connection,
}

impl<'c> Statements<'c> {
    fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            insert: connection.prepare_cached(
                "INSERT INTO customer (account, openid, partition, version, record) VALUES (?1, ?2, ?3, 1, ?4)",
            )?,
            update: connection
                .prepare_cached("UPDATE customer SET version = version + 1, record = ?2 WHERE id = ?1")?,
            connection,
        })
    }

    /// Writes a record; the answer is the customer's number.
    fn record(&mut self, row: &CommitRow, place: Place) -> rusqlite::Result<i64> {
        if let Some(customer) = place.customer {
            self.update.execute((customer, &row.record))?;
            return Ok(customer);
        }
        // The same new customer twice would be refused here, and the whole transaction with it.
        self.insert.execute((place.account, row.of.openid.as_str(), row.partition.0, &row.record))?;
        Ok(self.connection.last_insert_rowid())
    }
}
