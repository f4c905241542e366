//! Moving accounts out of the file and into it. A page and the mark that says how far it reaches are one transaction, so a
//! copy that is broken off goes on exactly where it was.

use std::path::Path;

use async_trait::async_trait;
use rusqlite::Connection;

use super::batch::Known;
use super::connection;
use super::counters::Fold;
use super::customers::{self, FactRow};
use super::engine::{Embedded, unexpected};
use super::lock::Lock;
use super::request::{Outcome, Write};
use super::schema::{self, Purpose};
use super::{forget, quarantine, shared};
use crate::domain::ids::AccountId;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counter::{CounterKey, Increment};
use crate::store::moving::{read, written};
use crate::store::{
    Content, CustomerRef, Half, Kept, KeptWork, Moving, Origin, Page, PseudonymKey, Quarantined, Shared, SharedName,
    Spec, StoreError, Stored, Version, shape,
};

/// So many rows of each table are deleted in one write.
const CLEARED_AT_ONCE: i64 = 5_000;

/// A step of a copy into the file.
#[derive(Debug)]
pub(super) enum Move {
    /// Notes how far it is.
    Mark(String),
    /// Takes in a page and notes how far it is.
    Adopt { account: AccountId, rows: Rows, then: String },
    /// Takes some of an account away; the answer is how much.
    Clear { account: AccountId },
    /// Takes the mark away.
    Finish,
}

/// A page, ready to be written.
#[derive(Debug)]
pub(super) enum Rows {
    Records(Vec<RecordRow>),
    Facts(Vec<LogRow>),
    Counters(Vec<Increment>),
    Journal(Vec<(BusinessDay, CounterKey, i64)>),
    Residue(Vec<Increment>),
    Aside(Vec<Quarantined>),
    Shared(Vec<(SharedName, Shared)>),
}

#[derive(Debug)]
pub(super) struct RecordRow {
    name: String,
    partition: u16,
    version: u64,
    record: Vec<u8>,
    left_on: Option<i32>,
    /// Name, due, attempt, body.
    outbox: Vec<(String, i64, u32, Vec<u8>)>,
}

#[derive(Debug)]
pub(super) struct LogRow {
    name: String,
    partition: u16,
    body: Vec<u8>,
    has_words: bool,
}

impl Embedded {
    /// Opens the store in `dir` to be read while nobody writes it.
    ///
    /// # Errors
    /// As [`Self::open_read_only`]; [`StoreError::Locked`] when another process holds it.
    pub(crate) fn open_to_empty(dir: &Path, key: PseudonymKey) -> Result<Self, StoreError> {
        // First, because the lock would make a file where there is no store.
        if !connection::db_path(dir).exists() {
            return Self::open_read_only(dir);
        }
        let lock = Lock::take(dir)?;
        Ok(Self::open_read_only(dir)?.knowing(key).holding(lock))
    }

    /// Opens the store in `dir` to be filled, or makes one there.
    ///
    /// # Errors
    /// As [`Self::open`], but a store that is filled in part is opened.
    pub(crate) fn open_to_fill(dir: &Path, spec: Spec, key: PseudonymKey) -> Result<Self, StoreError> {
        Self::open_for(dir, (spec, Purpose::Fill), key)
    }

    fn rows(&self, content: Content) -> Result<Rows, StoreError> {
        let partition = |of: &CustomerRef| self.names().partitions.of(of).0;
        Ok(match content {
            Content::Records(records) => {
                let row = |kept: Kept| {
                    let work = |kept: KeptWork| {
                        let body = shape::write(&kept.work)?;
                        Ok((kept.work.id.as_str().to_owned(), kept.due.0, kept.attempt, body))
                    };
                    Ok(RecordRow {
                        partition: partition(&kept.of),
                        name: kept.of.openid.as_str().to_owned(),
                        version: kept.stored.version.0,
                        record: shape::write_with_room(&kept.stored.customer)?,
                        left_on: kept.stored.customer.left_on().map(|day| day.0),
                        outbox: kept.outbox.into_iter().map(work).collect::<Result<_, StoreError>>()?,
                    })
                };
                Rows::Records(records.into_iter().map(row).collect::<Result<_, StoreError>>()?)
            }
            Content::Facts(facts) => {
                let row = |logged: crate::store::Logged| {
                    Ok(LogRow {
                        partition: partition(&logged.of),
                        name: logged.of.openid.as_str().to_owned(),
                        has_words: logged.fact.without_words().is_some(),
                        body: shape::write(&logged.fact)?,
                    })
                };
                Rows::Facts(facts.into_iter().map(row).collect::<Result<_, StoreError>>()?)
            }
            Content::Counters(counters) => {
                Rows::Counters(counters.into_iter().map(|(key, by)| Increment { key, by, late_on: None }).collect())
            }
            Content::Journal(journal) => Rows::Journal(journal),
            Content::Residue(residue) => Rows::Residue(residue),
            Content::Aside(aside) => Rows::Aside(aside),
            Content::Shared(shared) => Rows::Shared(shared),
        })
    }

    async fn step(&self, step: Move) -> Result<(), StoreError> {
        match self.write(Write::Move(Box::new(step))).await? {
            Outcome::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }
}

#[async_trait]
impl Moving for Embedded {
    async fn origin(&self) -> Result<Origin, StoreError> {
        self.read_long(|connection| {
            let number = |what| Ok::<_, StoreError>(schema::meta(connection, what)?.unwrap_or(0).unsigned_abs());
            Ok(Origin { id: number(schema::ID)?, opened: number(schema::OPENED)? })
        })
        .await
    }

    async fn hold(&self) -> Result<(), StoreError> {
        // The lock does, as long as this is open.
        Ok(())
    }

    async fn let_go(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn extent(&self, account: &AccountId) -> Result<(u64, u64), StoreError> {
        let account = account.clone();
        self.read_long(move |connection| {
            let count = "SELECT count(*) FROM customer WHERE account = (SELECT id FROM account WHERE name = ?1)";
            let records: i64 = connection.query_row(count, [account.as_str()], |row| row.get(0))?;
            Ok((records.unsigned_abs(), customers::last_seq_of(connection, account.as_str())?))
        })
        .await
    }

    async fn kept(&self, account: &AccountId, after: u64, limit: usize) -> Result<Vec<Kept>, StoreError> {
        let account = account.clone();
        self.read_long(move |connection| kept(connection, &account, (after, limit))).await
    }

    async fn aside_after(
        &self,
        account: &AccountId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Quarantined)>, StoreError> {
        let (account, after) = (account.clone(), after.parse::<i64>().unwrap_or(0));
        self.read_long(move |connection| quarantine::after(connection, &account, (after, limit))).await
    }

    async fn half(&self) -> Result<Option<Half>, StoreError> {
        self.read_long(|connection| schema::mark(connection, "half")?.map(|mark| read(&mark)).transpose()).await
    }

    async fn whole(&self) -> Result<Option<Half>, StoreError> {
        self.read_long(|connection| schema::mark(connection, "whole")?.map(|mark| read(&mark)).transpose()).await
    }

    async fn mark(&self, half: &Half) -> Result<(), StoreError> {
        self.step(Move::Mark(written(half)?)).await
    }

    async fn adopt(&self, page: Page, then: &Half) -> Result<(), StoreError> {
        let rows = self.rows(page.content)?;
        self.step(Move::Adopt { account: page.account, rows, then: written(then)? }).await
    }

    async fn clear(&self, account: &AccountId) -> Result<(), StoreError> {
        loop {
            match self.write(Write::Move(Box::new(Move::Clear { account: account.clone() }))).await? {
                Outcome::Expired(0) => return Ok(()),
                Outcome::Expired(_) => {}
                _ => return Err(unexpected()),
            }
        }
    }

    async fn finish(&self) -> Result<(), StoreError> {
        self.step(Move::Finish).await
    }
}

fn kept(connection: &Connection, account: &AccountId, (after, limit): (u64, usize)) -> Result<Vec<Kept>, StoreError> {
    let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
    // The `+` keeps SQLite from sorting all of the account's records by number.
    let mut query = connection.prepare_cached(
        "SELECT id, openid, version, record FROM customer
         WHERE +account = (SELECT id FROM account WHERE name = ?1) AND id > ?2 AND version > 0 ORDER BY id LIMIT ?3",
    )?;
    let mut outbox =
        connection.prepare_cached("SELECT due, attempt, body FROM outbox WHERE customer = ?1 ORDER BY seq")?;
    let mut rows = query.query((account.as_str(), after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (place, openid): (i64, String) = (row.get(0)?, row.get(1)?);
        let customer = shape::read(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?;
        let mut works = Vec::new();
        let mut waiting = outbox.query([place])?;
        while let Some(row) = waiting.next()? {
            let work = shape::read(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            works.push(KeptWork { work, due: UnixSecs(row.get(0)?), attempt: row.get(1)? });
        }
        all.push(Kept {
            place: place.unsigned_abs(),
            of: CustomerRef { account: account.clone(), openid: openid.as_str().into() },
            stored: Stored { version: Version(row.get::<_, i64>(2)?.unsigned_abs()), customer },
            outbox: works,
        });
    }
    Ok(all)
}

/// Applies a step.
pub(super) fn apply(
    (connection, known): (&Connection, &mut Known),
    step: &Move,
    fold: &mut Fold,
) -> rusqlite::Result<Outcome> {
    match step {
        Move::Mark(mark) => note(connection, mark)?,
        Move::Adopt { account, rows, then } => {
            let account = known.account(connection, account)?;
            adopt((connection, known), (account, rows), fold)?;
            note(connection, then)?;
        }
        Move::Clear { account } => {
            let account = known.account(connection, account)?;
            *known = Known::default();
            return Ok(Outcome::Expired(clear(connection, account)?));
        }
        Move::Finish => schema::finish_copy(connection)?,
    }
    Ok(Outcome::Done)
}

fn note(connection: &Connection, mark: &str) -> rusqlite::Result<()> {
    connection.execute_batch(schema::HALF)?;
    connection.execute("DELETE FROM half", [])?;
    connection.execute("INSERT INTO half (mark) VALUES (?1)", [mark]).map(drop)
}

fn adopt(
    (connection, known): (&Connection, &mut Known),
    (account, rows): (i64, &Rows),
    fold: &mut Fold,
) -> rusqlite::Result<()> {
    match rows {
        Rows::Records(rows) => rows.iter().try_for_each(|row| adopt_record(connection, account, row)),
        Rows::Facts(rows) => {
            let seqs = known.next_seqs(connection, rows.len())?;
            rows.iter().zip(seqs).try_for_each(|(row, seq)| adopt_fact(connection, (account, seq), row))
        }
        Rows::Counters(increments) => fold.add(account, increments),
        Rows::Journal(entries) => {
            entries.iter().for_each(|entry| fold.journal(account, entry));
            Ok(())
        }
        Rows::Residue(residue) => forget::add_residue(connection, account, residue),
        Rows::Aside(entries) => entries.iter().try_for_each(|entry| quarantine::keep(connection, account, entry)),
        Rows::Shared(records) => {
            let mut insert = connection.prepare_cached(
                "INSERT INTO shared (account, kind, part, version, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            records.iter().try_for_each(|(name, Shared { version, body })| {
                let version = version.0.cast_signed();
                insert.execute((account, shared::stored(name.kind), &name.part, version, body)).map(drop)
            })
        }
    }
}

fn adopt_record(connection: &Connection, account: i64, row: &RecordRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO customer (account, openid, partition, version, record, left_on) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((account, &row.name, row.partition, row.version.cast_signed(), &row.record, row.left_on))?;
    let customer = connection.last_insert_rowid();
    let mut add = connection.prepare_cached(
        "INSERT INTO outbox (customer, id, partition, due, attempt, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    row.outbox.iter().try_for_each(|(id, due, attempt, body)| {
        add.execute((customer, id, row.partition, due, attempt, body)).map(drop)
    })
}

fn adopt_fact(connection: &Connection, (account, seq): (i64, i64), row: &LogRow) -> rusqlite::Result<()> {
    let (customer, words): (i64, Option<i64>) = connection
        .prepare_cached("SELECT id, words FROM customer WHERE account = ?1 AND openid = ?2")?
        .query_row((account, &row.name), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let words_before = words.filter(|_| row.has_words);
    let fact = FactRow { account, seq, customer, partition: row.partition, body: &row.body, words_before };
    customers::log(connection, &fact)?;
    if row.has_words {
        connection.prepare_cached("UPDATE customer SET words = ?2 WHERE id = ?1")?.execute((customer, seq))?;
    }
    Ok(())
}

/// Deletes some of an account, outgoing work before the records that lead to it.
fn clear(connection: &Connection, account: i64) -> rusqlite::Result<usize> {
    let mut gone = connection.execute(
        "DELETE FROM outbox WHERE seq IN (SELECT outbox.seq FROM outbox JOIN customer ON customer.id = outbox.customer
         WHERE customer.account = ?1 LIMIT ?2)",
        (account, CLEARED_AT_ONCE),
    )?;
    if gone == 0 {
        for (table, key) in [("customer", "id"), ("quarantine", "id")] {
            let some =
                format!("DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE account = ?1 LIMIT ?2)");
            gone += connection.execute(&some, (account, CLEARED_AT_ONCE))?;
        }
        let facts = "DELETE FROM fact WHERE account = ?1 AND seq IN (SELECT seq FROM fact WHERE account = ?1 LIMIT ?2)";
        gone += connection.execute(facts, (account, CLEARED_AT_ONCE))?;
        for table in ["counter", "journal", "residue", "shared"] {
            gone += connection.execute(&format!("DELETE FROM {table} WHERE account = ?1"), [account])?;
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_store_nothing_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let refused = Embedded::open_to_empty(dir.path(), PseudonymKey::new("k")).unwrap_err();
        assert!(refused.to_string().contains("fuwu.db"), "{refused}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
