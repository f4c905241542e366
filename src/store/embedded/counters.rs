//! Counters and the journal of late changes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error};

use crate::domain::time::BusinessDay;
use crate::growth::cells::{Cells, PastTheEdge, RunKey, is_by_day, last_block, run_at};
use crate::growth::counter::{CounterKey, Increment, Metric};
use crate::growth::counters::Counters;
use crate::store::{CounterRange, StoreError, shape};

/// Changes of a batch, added up before they are written: 256 taps on one button are one row. Sorted by key, so that
/// neighbours are written together.
#[derive(Debug, Default)]
pub(super) struct Fold {
    runs: BTreeMap<(i64, RunKey), Cells>,
    journal: BTreeMap<(i64, BusinessDay, CounterKey), i64>,
}

impl Fold {
    /// Adds the changes of one commit of `account`. No sum of real events comes near the edge; one that passes it is
    /// the fault of that commit.
    pub(super) fn add(&mut self, account: i64, increments: &[Increment]) -> rusqlite::Result<()> {
        for Increment { key, by, late_on } in increments {
            let (run, place) = RunKey::of(key.clone());
            self.runs.entry((account, run)).or_default().add(place, *by).map_err(past_the_edge)?;
            if let Some(arrived) = late_on {
                let sum = self.journal.entry((account, *arrived, key.clone())).or_default();
                *sum = sum.checked_add(*by).ok_or(past_the_edge(PastTheEdge(*by)))?;
            }
        }
        Ok(())
    }

    /// Adds to the journal alone.
    pub(super) fn journal(&mut self, account: i64, (arrived, key, by): &(BusinessDay, CounterKey, i64)) {
        *self.journal.entry((account, *arrived, key.clone())).or_default() += by;
    }

    /// Writes the sums. What comes to nothing is taken away: its dimension may hold words that are to be forgotten.
    pub(super) fn write(self, connection: &Connection) -> rusqlite::Result<()> {
        let mut upsert = connection.prepare_cached(
            "INSERT INTO counter (account, metric, a, dimension, block, cells) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET cells = summed(cells, excluded.cells)",
        )?;
        let mut spent = connection.prepare_cached(
            "DELETE FROM counter WHERE account = ?1 AND metric = ?2 AND a = ?3 AND dimension = ?4 AND block = ?5
             AND cells = ?6",
        )?;
        let nothing = bytes(&Cells::default())?;
        for ((account, run), cells) in self.runs.into_iter().filter(|(_, cells)| !cells.is_empty()) {
            let RunKey { metric, a, dimension, block } = run;
            upsert.execute((account, metric as u8, a, &dimension, block, bytes(&cells)?))?;
            if cells.values().iter().any(|by| *by < 0) {
                spent.execute((account, metric as u8, a, &dimension, block, &nothing))?;
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

fn past_the_edge(PastTheEdge(by): PastTheEdge) -> Error {
    Error::IntegralValueOutOfRange(0, by)
}

fn bytes(cells: &Cells) -> rusqlite::Result<Vec<u8>> {
    shape::write(cells).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// Teaches a connection `summed(cells, cells)`, which [`Fold::write`] adds with: one statement finds the row and
/// changes it.
pub(super) fn teach(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("summed", 2, flags, |context: &Context<'_>| {
        let fault = |error: Box<dyn std::error::Error + Send + Sync>| Error::UserFunctionError(error);
        let argument = |n| shape::read::<Cells>(context.get_raw(n).as_blob()?).map_err(|error| fault(error.into()));
        let mut sum = argument(0)?;
        sum.merge(&argument(1)?).map_err(|error| fault(error.into()))?;
        bytes(&sum)
    })
}

/// Adds the counters of a table that has a row for each.
pub(super) fn gather(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    let mut query =
        connection.prepare(&format!("SELECT account, metric, a, b, dimension, value FROM {table} WHERE value <> 0"))?;
    let mut rows = query.query([])?;
    let mut fold = Fold::default();
    while let Some(row) = rows.next()? {
        let metric = metric(row.get(1)?).map_err(|error| Error::UserFunctionError(error.into()))?;
        let key = CounterKey { metric, a: row.get(2)?, b: row.get(3)?, dimension: row.get(4)? };
        fold.add(row.get(0)?, &[Increment { key, by: row.get(5)?, late_on: None }])?;
    }
    fold.write(connection)
}

/// Lays the counters anew that a day has one of: up to version 3 every day had a run of its own.
pub(super) fn lay_by_month(connection: &Connection) -> rusqlite::Result<()> {
    let mut days = connection.prepare("SELECT account, a, dimension, block, cells FROM counter WHERE metric = ?1")?;
    let mut fold = Fold::default();
    for metric in Metric::all().filter(|metric| is_by_day(*metric)) {
        let mut rows = days.query([metric as u8])?;
        while let Some(row) = rows.next()? {
            let of_day = cells(row.get_ref(4)?).map_err(|error| Error::UserFunctionError(error.into()))?;
            let block: i32 = row.get(3)?;
            for (b, by) in (block.saturating_mul(32)..).zip(of_day.values()).filter(|(_, by)| **by != 0) {
                let key = CounterKey { metric, a: row.get(1)?, b, dimension: row.get(2)? };
                fold.add(row.get(0)?, &[Increment { key, by: *by, late_on: None }])?;
            }
        }
        connection.execute("DELETE FROM counter WHERE metric = ?1", [metric as u8])?;
    }
    fold.write(connection)
}

/// Reads some ranges at one instant.
pub(super) fn read(connection: &Connection, account: &str, ranges: &[CounterRange]) -> Result<Counters, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let mut query = transaction.prepare_cached(
        "SELECT a, dimension, block, cells FROM counter
         WHERE account = (SELECT id FROM account WHERE name = ?1) AND metric = ?2 AND a BETWEEN ?3 AND ?4
         AND block <= ?5 ORDER BY a, dimension, block",
    )?;
    let mut counters = Counters::default();
    for range in ranges {
        let &CounterRange { metric, from, to, last_b } = range;
        let mut rows = query.query((account, metric as u8, run_at(metric, from), to, last_block(metric, last_b)))?;
        while let Some(row) = rows.next()? {
            let (a, block) = (row.get(0)?, row.get(2)?);
            let cells = cells(row.get_ref(3)?)?.within((a, block), range);
            counters.add_run((metric, a), (name(row.get_ref(1)?)?, block), cells);
        }
    }
    Ok(counters)
}

fn cells(value: ValueRef<'_>) -> Result<Cells, StoreError> {
    shape::read_cells(value.as_blob().map_err(Error::from)?)
}

/// The name in a dimension: a report reads thousands, so it is not copied on the way.
fn name(value: ValueRef<'_>) -> Result<&str, StoreError> {
    Ok(value.as_str().map_err(Error::from)?)
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
        "SELECT metric, a, dimension, block, cells FROM counter
         WHERE account = (SELECT id FROM account WHERE name = ?1) ORDER BY metric, a, dimension, block",
    )?;
    let mut rows = query.query([account])?;
    let mut counters = Counters::default();
    while let Some(row) = rows.next()? {
        let metric = metric(row.get(0)?)?;
        counters.add_run((metric, row.get(1)?), (name(row.get_ref(2)?)?, row.get(3)?), cells(row.get_ref(4)?)?);
    }
    Ok(counters.cells().collect())
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

    fn key(b: i32) -> CounterKey {
        CounterKey { metric: Metric::Retained, a: 1, b, dimension: "hall".into() }
    }

    fn made() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(super::super::schema::TABLES).unwrap();
        connection.execute("INSERT INTO account VALUES (7, 'demo')", []).unwrap();
        teach(&connection).unwrap();
        connection
    }

    fn write(connection: &Connection, changes: &[(i32, i64)]) -> rusqlite::Result<()> {
        let mut fold = Fold::default();
        let change = |(b, by): &(i32, i64)| Increment { key: key(*b), by: *by, late_on: None };
        fold.add(7, &changes.iter().map(change).collect::<Vec<_>>())?;
        fold.write(connection)
    }

    fn rows(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM counter", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_batch_writes_one_row_for_one_run_of_cells() {
        let late = Increment { key: key(1), by: 2, late_on: Some(BusinessDay(9)) };
        let mut fold = Fold::default();
        fold.add(7, &[late, Increment { key: key(1), by: 3, late_on: None }]).unwrap();
        assert_eq!(fold.journal, BTreeMap::from([((7, BusinessDay(9), key(1)), 2)]));
        let connection = made();
        fold.write(&connection).unwrap();
        write(&connection, &[(0, 1), (1, 1), (31, 4), (32, 5), (-1, 6)]).unwrap();
        assert_eq!(rows(&connection), 3);
        let expected = [(-1, 6), (0, 1), (1, 6), (31, 4), (32, 5)].map(|(b, value)| (key(b), value));
        assert_eq!(read_all(&connection, "demo").unwrap(), expected);
    }

    #[test]
    fn a_run_that_comes_to_nothing_is_taken_away() {
        let connection = made();
        write(&connection, &[(3, 2), (4, 1)]).unwrap();
        write(&connection, &[(3, -2)]).unwrap();
        assert_eq!(read_all(&connection, "demo").unwrap(), [(key(4), 1)]);
        write(&connection, &[(4, -1)]).unwrap();
        assert_eq!(rows(&connection), 0);
    }

    #[test]
    fn only_the_cells_that_are_asked_for_are_read() {
        let connection = made();
        write(&connection, &[(-1, 1), (5, 2), (30, 3), (31, 4), (40, 5)]).unwrap();
        let of = |last_b| {
            let range = CounterRange::new(Metric::Retained, 0, 1).up_to(last_b);
            let counters = read(&connection, "demo", &[range]).unwrap();
            counters.cells().map(|(key, value)| (key.b, value)).collect::<Vec<_>>()
        };
        assert_eq!(of(30), [(-1, 1), (5, 2), (30, 3)]);
        assert_eq!(of(35), [(-1, 1), (5, 2), (30, 3), (31, 4)]);
        assert_eq!(of(i32::MAX).len(), 5);
        assert_eq!(of(-2), []);
    }

    #[test]
    fn a_sum_past_the_edge_and_cells_that_cannot_be_read_are_refused_and_nothing_is_changed() {
        let connection = made();
        write(&connection, &[(0, i64::MAX)]).unwrap();
        assert!(write(&connection, &[(0, 1)]).is_err());
        assert_eq!(read_all(&connection, "demo").unwrap(), [(key(0), i64::MAX)]);
        connection.execute("UPDATE counter SET cells = x'09'", []).unwrap();
        let refused = write(&connection, &[(0, -1)]).unwrap_err().to_string();
        assert!(refused.contains("counter"), "{refused}");
        assert!(matches!(read_all(&connection, "demo"), Err(StoreError::Shape { what: "counter", .. })));
    }
}
