//! Customers' records and the facts about them.

use rusqlite::{Connection, OptionalExtension, Statement};

use super::request::CommitRow;
use crate::store::shape;
use crate::store::{CustomerRef, Logged, StoreError, Stored, Version};

/// Writes the record if the stored version is still the one the decision was made from. The answer is the customer's
/// number, or `None` when somebody else was first.
pub(super) fn put(connection: &Connection, account: i64, row: &CommitRow) -> rusqlite::Result<Option<i64>> {
    if row.base == 0 {
        return connection
            .prepare_cached(
                "INSERT INTO customer (account, openid, partition, version, record) VALUES (?1, ?2, ?3, 1, ?4)
                 ON CONFLICT DO NOTHING RETURNING id",
            )?
            .query_row((account, row.of.openid.as_str(), row.partition.0, &row.record), |row| row.get(0))
            .optional();
    }
    // A version SQLite cannot hold was never handed out.
    let Ok(base) = i64::try_from(row.base) else { return Ok(None) };
    connection
        .prepare_cached(
            "UPDATE customer SET version = version + 1, record = ?4
             WHERE account = ?1 AND openid = ?2 AND version = ?3 RETURNING id",
        )?
        .query_row((account, row.of.openid.as_str(), base, &row.record), |row| row.get(0))
        .optional()
}

pub(super) fn load(connection: &Connection, of: &CustomerRef) -> Result<Stored, StoreError> {
    let mut query = connection.prepare_cached(FIND)?;
    find(&mut query, of)
}

/// Reads many at one instant; in order of account and openid it walks the index forward.
pub(super) fn load_all(connection: &Connection, of: &[CustomerRef]) -> Result<Vec<Stored>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let mut query = transaction.prepare_cached(FIND)?;
    of.iter().map(|of| find(&mut query, of)).collect()
}

const FIND: &str = "SELECT version, record FROM customer
    WHERE account = (SELECT id FROM account WHERE name = ?1) AND openid = ?2";

fn find(query: &mut Statement<'_>, of: &CustomerRef) -> Result<Stored, StoreError> {
    let mut rows = query.query((of.account.as_str(), of.openid.as_str()))?;
    let Some(row) = rows.next()? else { return Ok(Stored::default()) };
    let customer = shape::read(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
    Ok(Stored { version: Version(row.get::<_, i64>(0)?.unsigned_abs()), customer })
}

/// Facts of a batch are numbered from here on.
pub(super) fn last_seq(connection: &Connection) -> rusqlite::Result<i64> {
    let max = "SELECT max((SELECT max(seq) FROM fact WHERE account = account.id)) FROM account";
    Ok(connection.query_row(max, [], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0))
}

/// The latest fact of one account.
pub(super) fn last_seq_of(connection: &Connection, account: &str) -> rusqlite::Result<u64> {
    let max = "SELECT max(seq) FROM fact WHERE account = (SELECT id FROM account WHERE name = ?1)";
    let last = connection.prepare_cached(max)?.query_row([account], |row| row.get::<_, Option<i64>>(0))?;
    Ok(last.unwrap_or(0).unsigned_abs())
}

pub(super) struct FactRow<'a> {
    pub(super) account: i64,
    pub(super) seq: i64,
    pub(super) customer: i64,
    pub(super) partition: u16,
    pub(super) body: &'a [u8],
}

pub(super) fn log(connection: &Connection, fact: &FactRow<'_>) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO fact (account, seq, customer, partition, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((fact.account, fact.seq, fact.customer, fact.partition, fact.body))
        .map(drop)
}

/// Appends many: several to a statement, because starting one takes longer than what it does.
pub(super) fn log_all(connection: &Connection, facts: &[FactRow<'_>]) -> rusqlite::Result<()> {
    const TOGETHER: usize = 16;
    const FIELDS: usize = 5;
    let several = format!(
        "INSERT INTO fact (account, seq, customer, partition, body) VALUES {}",
        vec!["(?, ?, ?, ?, ?)"; TOGETHER].join(", ")
    );
    let mut insert = connection.prepare_cached(&several)?;
    let (together, rest) = facts.as_chunks::<TOGETHER>();
    for facts in together {
        for (at, fact) in (1..).step_by(FIELDS).zip(facts) {
            insert.raw_bind_parameter(at, fact.account)?;
            insert.raw_bind_parameter(at + 1, fact.seq)?;
            insert.raw_bind_parameter(at + 2, fact.customer)?;
            insert.raw_bind_parameter(at + 3, fact.partition)?;
            insert.raw_bind_parameter(at + 4, fact.body)?;
        }
        insert.raw_execute()?;
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
         WHERE fact.account = (SELECT id FROM account WHERE name = ?1) AND fact.seq > ?2 ORDER BY fact.seq LIMIT ?3",
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
