//! Customers' records and the facts about them.

use std::sync::LazyLock;

use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::request::CommitRow;
use super::schema;
use crate::domain::forget::Keep;
use crate::domain::ids::{AccountId, Openid};
use crate::store::pseudonym::Names;
use crate::store::shape;
use crate::store::{CustomerRef, Logged, StoreError, Stored, Version};

/// The version a new record begins with. Once nothing was kept of somebody who left no version is given twice: who comes
/// back has a new record, and a decision that was made from the one before must not fit it by chance. Their rows stay under
/// a name that leads to nobody, so no number of a row comes again. Rows of those who were erased go; whoever comes back in
/// the same moment may get the versions of the erased record.
macro_rules! first_version {
    () => {
        "1 + CASE WHEN EXISTS (SELECT 1 FROM customer WHERE account = ?1 AND openid >= '!' AND openid < '\"')
         THEN (SELECT max(id) FROM customer) << 32 ELSE 0 END"
    };
}

/// Where a customer's record is, and what the writer must know of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) customer: i64,
    pub(super) version: i64,
    /// Whether it says when the customer left.
    pub(super) left: bool,
    /// Whether it is kept under the openid.
    pub(super) by_openid: bool,
    /// The last fact with words of the customer (see [`super::forget`]).
    pub(super) words: Option<i64>,
}

const FIND_PLACE: &str = "SELECT id, version, left_on IS NOT NULL, words FROM customer
    WHERE account = ?1 AND openid = ?2 AND version > 0";

/// Finds and writes records, with statements that are prepared once for many. None of them answers with what it wrote:
/// SQLite would make a table for each answer.
pub(super) struct Put<'c> {
    connection: &'c Connection,
    find: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    update_all: CachedStatement<'c>,
}

impl<'c> Put<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            find: connection.prepare_cached(FIND_PLACE)?,
            insert: connection.prepare_cached(concat!(
                "INSERT INTO customer (account, openid, partition, version, record, left_on, words)
                 VALUES (?1, ?2, ?3, ",
                first_version!(),
                ", ?4, ?5, ?6)"
            ))?,
            // Naming a column in vain would have its indexes looked at.
            update: connection.prepare_cached(
                "UPDATE customer SET version = version + 1, record = ?3, words = ?4 WHERE id = ?1 AND version = ?2",
            )?,
            update_all: connection.prepare_cached(
                "UPDATE customer SET version = version + 1, record = ?3, words = ?4, left_on = ?5, openid = ?6
                 WHERE id = ?1 AND version = ?2",
            )?,
        })
    }

    /// The record of whom a commit is about: under the openid, else under the tombstone's name.
    pub(super) fn place(&mut self, account: i64, row: &CommitRow) -> rusqlite::Result<Option<Place>> {
        let mut named = |name: &Openid, by_openid: bool| {
            let place = |row: &rusqlite::Row<'_>| {
                let (customer, version) = (row.get(0)?, row.get(1)?);
                Ok(Place { customer, version, left: row.get(2)?, by_openid, words: row.get(3)? })
            };
            self.find.query_row((account, name.as_str()), place).optional()
        };
        match named(&row.of.openid, true)? {
            Some(place) => Ok(Some(place)),
            None => row.tombstone().map_or(Ok(None), |name| named(name, false)),
        }
    }

    /// Writes the record of a customer who has none. The answer is the new customer's number.
    pub(super) fn insert(&mut self, account: i64, row: &CommitRow, words: Option<i64>) -> rusqlite::Result<i64> {
        let name = row.name().as_str();
        self.insert.execute((account, name, row.partition.0, &*row.record, row.left_on, words))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Writes the record where it is; `false` when it is not there any more at that version.
    pub(super) fn update(&mut self, place: &Place, row: &CommitRow, words: Option<i64>) -> rusqlite::Result<bool> {
        let &Place { customer, version, left, by_openid, .. } = place;
        let changed = if row.keep == Keep::Known && by_openid && !left && row.left_on.is_none() {
            self.update.execute((customer, version, &*row.record, words))?
        } else {
            self.update_all.execute((customer, version, &*row.record, words, row.left_on, row.name().as_str()))?
        };
        Ok(changed == 1)
    }
}

/// A record as it is stored.
pub(super) struct Row {
    pub(super) account: i64,
    pub(super) id: i64,
    pub(super) version: i64,
    pub(super) record: Vec<u8>,
}

impl Row {
    pub(super) fn version(&self) -> Version {
        Version(self.version.unsigned_abs())
    }
}

/// The customer's row, under the openid or the tombstone's name.
pub(super) fn find(connection: &Connection, of: &CustomerRef, names: &Names) -> rusqlite::Result<Option<Row>> {
    let mut query = connection.prepare_cached(
        "SELECT account, id, version, record FROM customer
         WHERE account = (SELECT id FROM account WHERE name = ?1) AND openid = ?2 AND version > 0",
    )?;
    found(of, names, |name| query.query_row((of.account.as_str(), name.as_str()), row).optional())
}

/// What there is under the openid, else under the tombstone's name.
fn found<T>(
    of: &CustomerRef,
    names: &Names,
    mut named: impl FnMut(&Openid) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<Option<T>> {
    match named(&of.openid)? {
        Some(row) => Ok(Some(row)),
        None => names.tombstone(of).map_or(Ok(None), |name| named(&name)),
    }
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row { account: row.get(0)?, id: row.get(1)?, version: row.get(2)?, record: row.get(3)? })
}

/// Reads many at one instant; in order of account and openid it walks the index forward.
pub(super) fn load_all(connection: &Connection, of: &[CustomerRef], names: &Names) -> Result<Vec<Stored>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let mut query = transaction
        .prepare_cached("SELECT version, record FROM customer WHERE account = ?1 AND openid = ?2 AND version > 0")?;
    let read = |row: &rusqlite::Row<'_>| {
        let version = Version(row.get::<_, i64>(0)?.unsigned_abs());
        Ok(shape::read(row.get_ref(1)?.as_blob()?).map(|customer| Stored { version, customer }))
    };
    let mut all = Vec::with_capacity(of.len());
    for of in of.chunk_by(|a, b| a.account == b.account) {
        let Some(first) = of.first() else { continue };
        let account = account(&transaction, &first.account)?;
        for of in of {
            let named = |name: &Openid| match account {
                Some(account) => query.query_row((account, name.as_str()), read).optional(),
                None => Ok(None),
            };
            all.push(found(of, names, named)?.transpose()?.unwrap_or_default());
        }
    }
    Ok(all)
}

fn account(connection: &Connection, name: &AccountId) -> rusqlite::Result<Option<i64>> {
    let mut query = connection.prepare_cached("SELECT id FROM account WHERE name = ?1")?;
    query.query_row([name.as_str()], |row| row.get(0)).optional()
}

pub(super) fn stored(row: &Row) -> Result<Stored, StoreError> {
    Ok(Stored { version: row.version(), customer: shape::read(&row.record)? })
}

/// Facts of a batch are numbered from here on. The numbers of erased ones are never given again.
pub(super) fn last_seq(connection: &Connection) -> rusqlite::Result<i64> {
    let max = "SELECT max((SELECT max(seq) FROM fact WHERE account = account.id)) FROM account";
    let last = connection.query_row(max, [], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0);
    Ok(last.max(schema::meta(connection, ERASED_UP_TO)?.unwrap_or(0)))
}

/// The latest fact of one account.
pub(super) fn last_seq_of(connection: &Connection, account: &str) -> rusqlite::Result<u64> {
    let max = "SELECT max(seq) FROM fact WHERE account = (SELECT id FROM account WHERE name = ?1)";
    let last = connection.prepare_cached(max)?.query_row([account], |row| row.get::<_, Option<i64>>(0))?;
    Ok(last.unwrap_or(0).unsigned_abs())
}

/// Remembers the number of the last fact, before some are deleted.
pub(super) fn keep_last_seq(connection: &Connection) -> rusqlite::Result<()> {
    schema::set_meta(connection, ERASED_UP_TO, last_seq(connection)?)
}

const ERASED_UP_TO: &str = "erased_up_to";

pub(super) struct FactRow<'a> {
    pub(super) account: i64,
    pub(super) seq: i64,
    pub(super) customer: i64,
    pub(super) partition: u16,
    pub(super) body: &'a [u8],
    /// The fact before it with words of the customer, if there are any in this one (see [`super::forget`]).
    pub(super) words_before: Option<i64>,
}

pub(super) fn log(connection: &Connection, fact: &FactRow<'_>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO fact (account, seq, customer, partition, body, words_before) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((fact.account, fact.seq, fact.customer, fact.partition, fact.body, fact.words_before))
        .map(drop)
}

/// So many facts are logged by one statement, where there are many.
pub(super) const FACTS_AT_ONCE: usize = 16;

static LOG_AT_ONCE: LazyLock<String> = LazyLock::new(|| {
    let rows = ["(?, ?, ?, ?, ?, ?)"; FACTS_AT_ONCE].join(", ");
    // What fails takes the whole transaction back. To be able to take back this statement alone, which is the default,
    // SQLite would copy every page that it changes.
    format!("INSERT OR FAIL INTO fact (account, seq, customer, partition, body, words_before) VALUES {rows}")
});

/// Logs many facts.
pub(super) fn log_all(connection: &Connection, facts: &[FactRow<'_>]) -> rusqlite::Result<()> {
    let (many, rest) = facts.as_chunks::<FACTS_AT_ONCE>();
    if !many.is_empty() {
        let mut insert = connection.prepare_cached(&LOG_AT_ONCE)?;
        for facts in many {
            for (fact, first) in facts.iter().zip((1..).step_by(6)) {
                insert.raw_bind_parameter(first, fact.account)?;
                insert.raw_bind_parameter(first + 1, fact.seq)?;
                insert.raw_bind_parameter(first + 2, fact.customer)?;
                insert.raw_bind_parameter(first + 3, fact.partition)?;
                insert.raw_bind_parameter(first + 4, fact.body)?;
                insert.raw_bind_parameter(first + 5, fact.words_before)?;
            }
            insert.raw_execute()?;
        }
    }
    rest.iter().try_for_each(|fact| log(connection, fact))
}

pub(super) fn facts(
    connection: &Connection,
    account: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<Logged>, StoreError> {
    let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
    let mut query = connection.prepare_cached(
        "SELECT fact.seq, fact.customer, customer.openid, fact.body FROM fact JOIN customer ON customer.id = fact.customer
         WHERE fact.account = (SELECT id FROM account WHERE name = ?1) AND fact.seq > ?2 AND customer.version > 0
         ORDER BY fact.seq LIMIT ?3",
    )?;
    let mut rows = query.query((account, after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut logged = Vec::new();
    while let Some(row) = rows.next()? {
        let openid: String = row.get(2)?;
        logged.push(Logged {
            seq: row.get::<_, i64>(0)?.unsigned_abs(),
            customer: row.get::<_, i64>(1)?.unsigned_abs(),
            of: CustomerRef { account: account.into(), openid: openid.as_str().into() },
            fact: shape::read(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?,
        });
    }
    Ok(logged)
}
