//! Counters and the journal of late changes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rusqlite::Connection;

use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterKey, Increment, Metric};
use crate::store::{CounterRange, StoreError};

/// Changes of a batch, added up before they are written: 256 taps on one button are one row. Sorted by key, so that
/// neighbours are written together.
#[derive(Debug, Default)]
pub(super) struct Fold {
    counters: BTreeMap<(i64, CounterKey), i64>,
    journal: BTreeMap<(i64, BusinessDay, CounterKey), i64>,
}

impl Fold {
    /// Adds the changes of one commit of `account`. No sum of real events comes near the edge; one that passes it is
    /// the fault of that commit.
    pub(super) fn add(&mut self, account: i64, increments: &[Increment]) -> rusqlite::Result<()> {
        for Increment { key, by, late_on } in increments {
            add(self.counters.entry((account, key.clone())).or_default(), *by)?;
            if let Some(arrived) = late_on {
                add(self.journal.entry((account, *arrived, key.clone())).or_default(), *by)?;
            }
        }
        Ok(())
    }

    /// Writes the sums. A cell that comes to nothing is taken away: its dimension may hold words that are to be forgotten.
    pub(super) fn write(self, connection: &Connection) -> rusqlite::Result<()> {
        let mut spent = connection.prepare_cached(
            "DELETE FROM counter WHERE account = ?1 AND metric = ?2 AND a = ?3 AND b = ?4 AND dimension = ?5
             AND value = 0",
        )?;
        let mut upsert = connection.prepare_cached(
            "INSERT INTO counter (account, metric, a, b, dimension, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET value = value + excluded.value",
        )?;
        for ((account, key), by) in self.counters.into_iter().filter(|(_, by)| *by != 0) {
            upsert.execute((account, key.metric as u8, key.a, key.b, &key.dimension, by))?;
            if by < 0 {
                spent.execute((account, key.metric as u8, key.a, key.b, &key.dimension))?;
            }
        }
        let mut spent = connection.prepare_cached(
            "DELETE FROM journal WHERE account = ?1 AND arrived = ?2 AND metric = ?3 AND a = ?4 AND b = ?5
             AND dimension = ?6 AND value = 0",
        )?;
        let mut upsert = connection.prepare_cached(
            "INSERT INTO journal (account, arrived, metric, a, b, dimension, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO UPDATE SET value = value + excluded.value",
        )?;
        for ((account, arrived, key), by) in self.journal.into_iter().filter(|(_, by)| *by != 0) {
            upsert.execute((account, arrived.0, key.metric as u8, key.a, key.b, &key.dimension, by))?;
            if by < 0 {
                spent.execute((account, arrived.0, key.metric as u8, key.a, key.b, &key.dimension))?;
            }
        }
        Ok(())
    }
}

fn add(sum: &mut i64, by: i64) -> rusqlite::Result<()> {
    *sum = sum.checked_add(by).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, by))?;
    Ok(())
}

pub(super) fn read(
    connection: &Connection,
    account: &str,
    range: &CounterRange,
) -> Result<Vec<(CounterKey, i64)>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT a, b, dimension, value FROM counter
         WHERE account = (SELECT id FROM account WHERE name = ?1) AND metric = ?2 AND a BETWEEN ?3 AND ?4 AND value <> 0
         ORDER BY a, b, dimension",
    )?;
    let rows = query.query_map((account, range.metric as u8, range.from, range.to), |row| {
        let key = CounterKey { metric: range.metric, a: row.get(0)?, b: row.get(1)?, dimension: row.get(2)? };
        Ok((key, row.get(3)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn read_journal(
    connection: &Connection,
    account: &str,
    (from, to): (BusinessDay, BusinessDay),
) -> Result<Vec<(BusinessDay, CounterKey, i64)>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT arrived, metric, a, b, dimension, value FROM journal
         WHERE account = (SELECT id FROM account WHERE name = ?1) AND arrived BETWEEN ?2 AND ?3 AND value <> 0
         ORDER BY arrived, metric, a, b, dimension",
    )?;
    let mut rows = query.query((account, from.0, to.0))?;
    let mut journal = Vec::new();
    while let Some(row) = rows.next()? {
        let metric = metric(row.get(1)?)?;
        let key = CounterKey { metric, a: row.get(2)?, b: row.get(3)?, dimension: row.get(4)? };
        journal.push((BusinessDay(row.get(0)?), key, row.get(5)?));
    }
    Ok(journal)
}

/// Every counter of an account that is not 0.
pub(super) fn read_all(connection: &Connection, account: &str) -> Result<Vec<(CounterKey, i64)>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT metric, a, b, dimension, value FROM counter
         WHERE account = (SELECT id FROM account WHERE name = ?1) AND value <> 0 ORDER BY metric, a, b, dimension",
    )?;
    let mut rows = query.query([account])?;
    let mut counters = Vec::new();
    while let Some(row) = rows.next()? {
        let metric = metric(row.get(0)?)?;
        counters.push((CounterKey { metric, a: row.get(1)?, b: row.get(2)?, dimension: row.get(3)? }, row.get(4)?));
    }
    Ok(counters)
}

/// The metric of a stored number.
pub(super) fn metric(number: u8) -> Result<Metric, StoreError> {
    METRICS.iter().copied().find(|metric| *metric as u8 == number).ok_or_else(|| StoreError::Shape {
        what: "counter",
        cause: format!("no metric has the number {number}; run the version of fuwu that wrote it, or a newer one"),
    })
}

static METRICS: LazyLock<Vec<Metric>> = LazyLock::new(|| Metric::all().collect());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_found_by_its_stored_number() {
        for known in [Metric::Gap, Metric::SpellEnded, Metric::Votes, Metric::Quarantined] {
            assert_eq!(metric(known as u8).unwrap(), known);
        }
        assert!(matches!(metric(0), Err(StoreError::Shape { .. })));
        assert!(matches!(metric(255), Err(StoreError::Shape { .. })));
    }

    #[test]
    fn a_batch_writes_one_row_for_one_key() {
        let key = CounterKey { metric: Metric::Messages, a: 1, b: 0, dimension: String::new() };
        let late = Increment { key: key.clone(), by: 2, late_on: Some(BusinessDay(9)) };
        let mut fold = Fold::default();
        fold.add(7, &[late, Increment { key: key.clone(), by: 3, late_on: None }]).unwrap();
        assert_eq!(fold.counters, BTreeMap::from([((7, key.clone()), 5)]));
        assert_eq!(fold.journal, BTreeMap::from([((7, BusinessDay(9), key), 2)]));
    }
}
