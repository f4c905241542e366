//! The tables, and what is checked before a file is used.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::{connection, counters};
use crate::growth::lateness::Lateness;
use crate::store::{Spec, StoreError};

/// "fuwu" in the file's header, so that no other program's file is taken for ours.
const APPLICATION_ID: i32 = 0x6675_7775;
/// Rises with every change of the tables.
const SCHEMA_VERSION: i32 = 5;
/// What files of version 1, which do not say so, were counted with.
const LATENESS_IN_1: Lateness = Lateness::DEFAULT;

/// `customer` has a rowid because its records are long: in a table without one, a record of more than a quarter of a
/// page moves to overflow pages, and every commit would write two pages instead of one. The number also stands for the
/// openid in facts and outgoing work. A row at version 0 is one that is being erased. `words` and `words_before`
/// lead to the facts with words of the customer (see [`super::forget`]). Everything keyed by short values is clustered on
/// its key.
pub(super) const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE customer (
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL, openid TEXT NOT NULL, partition INTEGER NOT NULL,
    version INTEGER NOT NULL, record BLOB NOT NULL, left_on INTEGER, words INTEGER, UNIQUE (account, openid)
) STRICT;
CREATE INDEX customer_left ON customer (account, left_on) WHERE left_on IS NOT NULL;
CREATE INDEX customer_erased ON customer (id) WHERE version = 0;
CREATE TABLE fact (
    account INTEGER NOT NULL, seq INTEGER NOT NULL, customer INTEGER NOT NULL, partition INTEGER NOT NULL,
    body BLOB NOT NULL, words_before INTEGER, PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE counter (
    account INTEGER NOT NULL, metric INTEGER NOT NULL, a INTEGER NOT NULL, dimension TEXT NOT NULL,
    block INTEGER NOT NULL, cells BLOB NOT NULL, PRIMARY KEY (account, metric, a, dimension, block)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    account INTEGER NOT NULL, arrived INTEGER NOT NULL, metric INTEGER NOT NULL, a INTEGER NOT NULL,
    b INTEGER NOT NULL, dimension TEXT NOT NULL, value INTEGER NOT NULL,
    PRIMARY KEY (account, arrived, metric, a, b, dimension)
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY, customer INTEGER NOT NULL, id TEXT NOT NULL, partition INTEGER NOT NULL,
    due INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL, UNIQUE (customer, id)
) STRICT;
CREATE INDEX outbox_due ON outbox (due);
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL, arrived INTEGER NOT NULL, reason TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX quarantine_account ON quarantine (account);
CREATE TABLE shared (
    account INTEGER NOT NULL, kind TEXT NOT NULL, part TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (account, kind, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE residue (
    account INTEGER NOT NULL, metric INTEGER NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL,
    dimension TEXT NOT NULL, arrived INTEGER NOT NULL, value INTEGER NOT NULL,
    PRIMARY KEY (account, metric, a, b, dimension, arrived)
) STRICT, WITHOUT ROWID;
";

/// What brings a file of version 1 up to version 2. Which of its facts hold words is not known, so all may.
const SINCE_1: &str = "
CREATE TABLE shared (
    account INTEGER NOT NULL, kind TEXT NOT NULL, part TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (account, kind, part)
) STRICT, WITHOUT ROWID;
ALTER TABLE customer ADD COLUMN left_on INTEGER;
CREATE INDEX customer_left ON customer (account, left_on) WHERE left_on IS NOT NULL;
CREATE INDEX customer_erased ON customer (id) WHERE version = 0;
CREATE TABLE worded (
    customer INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (customer, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO worded (customer, seq) SELECT customer, seq FROM fact;
CREATE TABLE residue (
    account INTEGER NOT NULL, metric INTEGER NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL,
    dimension TEXT NOT NULL, arrived INTEGER NOT NULL, value INTEGER NOT NULL,
    PRIMARY KEY (account, metric, a, b, dimension, arrived)
) STRICT, WITHOUT ROWID;
";

/// What brings a file of version 2 up to date, around the counters themselves: each had a row of its own.
const SINCE_2: (&str, &str) = (
    "ALTER TABLE counter RENAME TO counter_2;
     CREATE TABLE counter (
         account INTEGER NOT NULL, metric INTEGER NOT NULL, a INTEGER NOT NULL, dimension TEXT NOT NULL,
         block INTEGER NOT NULL, cells BLOB NOT NULL, PRIMARY KEY (account, metric, a, dimension, block)
     ) STRICT, WITHOUT ROWID;",
    "DROP TABLE counter_2;",
);

/// What brings a file of version 4 up to date: which facts hold words stood in a table of its own.
const SINCE_4: &str = "
ALTER TABLE customer ADD COLUMN words INTEGER;
ALTER TABLE fact ADD COLUMN words_before INTEGER;
UPDATE fact SET words_before = before.seq
    FROM (
        SELECT account, seq AS of, lag(seq) OVER (PARTITION BY customer ORDER BY seq) AS seq
        FROM worded JOIN customer ON customer.id = worded.customer
    ) AS before
    WHERE before.account = fact.account AND before.of = fact.seq AND before.seq IS NOT NULL;
UPDATE customer SET words = (SELECT max(seq) FROM worded WHERE customer = customer.id);
DROP TABLE worded;
";

/// Makes the tables in a new file; in one that is there, checks that it is ours, not newer than we are and made with
/// the same `spec`. After a crash the whole file is checked.
pub(super) fn prepare(connection: &mut Connection, spec: Spec) -> Result<(), StoreError> {
    let empty: bool = connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if empty {
        create(connection, spec)?;
    }
    check(connection)?.check(spec)?;
    connection::use_wal(connection)?;
    // Before it is brought up to date, which would copy what can be read and drop the evidence.
    if meta(connection, "open")?.unwrap_or(1) != 0 {
        examine(connection)?;
    }
    renew(connection)?;
    set_meta(connection, "open", 1)?;
    Ok(())
}

/// Checks that a file can be read as it is: an older one must first be brought up to date, which changes it.
pub(super) fn check_for_reading(connection: &Connection) -> Result<Spec, StoreError> {
    let spec = check(connection)?;
    let version = pragma(connection, "user_version")?;
    if version < SCHEMA_VERSION {
        return Err(StoreError::Mismatch(format!(
            "the store was written by an older version of fuwu (format {version}, this one reads {SCHEMA_VERSION}); \
             run `fuwu serve` once, which brings it up to date"
        )));
    }
    Ok(spec)
}

/// Checks that a file is a store this version can use; the answer is what it was made with.
fn check(connection: &Connection) -> Result<Spec, StoreError> {
    if pragma(connection, "application_id")? != APPLICATION_ID {
        return Err(StoreError::Mismatch("fuwu.db is not a store of fuwu; set another `data_dir`".into()));
    }
    let version = pragma(connection, "user_version")?;
    if version > SCHEMA_VERSION {
        return Err(StoreError::Mismatch(format!(
            "the store was written by a newer version of fuwu (format {version}, this one knows {SCHEMA_VERSION}); \
             run that version"
        )));
    }
    let partitions = meta(connection, "partitions")?.and_then(|count| u16::try_from(count).ok()).unwrap_or(0);
    Ok(Spec { partitions, lateness: lateness(connection)? })
}

/// L of the store.
pub(super) fn lateness(connection: &Connection) -> rusqlite::Result<Lateness> {
    let days = meta(connection, "lateness_days")?.and_then(|days| i32::try_from(days).ok());
    Ok(days.and_then(Lateness::new).unwrap_or(LATENESS_IN_1))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Notes that everything was closed in good order, so that the next start need not examine the file.
pub(super) fn mark_closed(connection: &Connection) -> rusqlite::Result<()> {
    set_meta(connection, "open", 0)
}

fn create(connection: &mut Connection, spec: Spec) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    set_meta(&transaction, "partitions", i64::from(spec.partitions))?;
    set_meta(&transaction, "lateness_days", i64::from(spec.lateness.days()))?;
    set_meta(&transaction, "open", 0)?;
    transaction.commit()
}

/// Brings an older file up to date, all of it or nothing.
fn renew(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < 2 {
        transaction.execute_batch(SINCE_1)?;
        set_meta(&transaction, "lateness_days", i64::from(LATENESS_IN_1.days()))?;
    }
    if version < 3 {
        transaction.execute_batch(SINCE_2.0)?;
        counters::gather(&transaction, "counter_2")?;
        transaction.execute_batch(SINCE_2.1)?;
    } else if version < 4 {
        counters::lay_by_month(&transaction)?;
    }
    if version < SCHEMA_VERSION {
        transaction.execute_batch(SINCE_4)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

fn examine(connection: &Connection) -> Result<(), StoreError> {
    tracing::info!("the store was not closed in good order; checking the file");
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "fuwu.db is damaged ({verdict}); keep a copy of the folder and restore a backup"
    )))
}

pub(super) fn meta(connection: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

pub(super) fn set_meta(connection: &Connection, key: &str, value: i64) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", (key, value)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::{CounterKey, Increment, Metric};

    fn made() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        counters::teach(&connection).unwrap();
        prepare(&mut connection, Spec::default()).unwrap();
        connection
    }

    /// A file as version 1 left it.
    fn of_version_1() -> Connection {
        let connection = made();
        let back = "DROP TABLE counter; CREATE TABLE counter (
                account INTEGER NOT NULL, metric INTEGER NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL,
                dimension TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (account, metric, a, b, dimension)
            ) STRICT, WITHOUT ROWID; DROP TABLE shared; DROP TABLE residue; DROP INDEX customer_left;
            DROP INDEX customer_erased; ALTER TABLE customer DROP COLUMN left_on; ALTER TABLE customer DROP COLUMN words;
            ALTER TABLE fact DROP COLUMN words_before;
            DELETE FROM meta WHERE key = 'lateness_days'; PRAGMA user_version = 1";
        connection.execute_batch(back).unwrap();
        connection
    }

    /// Takes from a file what version 5 added.
    fn without_chains(connection: &Connection) {
        let back = "CREATE TABLE worded (
                customer INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (customer, seq)
            ) STRICT, WITHOUT ROWID;
            ALTER TABLE customer DROP COLUMN words; ALTER TABLE fact DROP COLUMN words_before; PRAGMA user_version = 4";
        connection.execute_batch(back).unwrap();
    }

    #[test]
    fn other_settings_than_the_first_are_refused_in_a_clear_sentence() {
        let refusal = |spec| {
            let refused = prepare(&mut made(), spec).unwrap_err();
            assert!(matches!(refused, StoreError::Mismatch(_)), "{refused:?}");
            refused.to_string()
        };
        let partitions = refusal(Spec { partitions: 32, ..Spec::default() });
        assert!(partitions.contains("made with 64 partitions and store.partitions is 32"), "{partitions}");
        let lateness = refusal(Spec { lateness: Lateness::new(7).unwrap(), ..Spec::default() });
        assert!(lateness.contains("up to 2 days late and numbers.lateness_days is 7"), "{lateness}");
    }

    #[test]
    fn a_file_of_version_1_is_read_once_it_was_brought_up_to_date() {
        let mut connection = of_version_1();
        let refused = check_for_reading(&connection).unwrap_err().to_string();
        assert!(refused.contains("run `fuwu serve` once"), "{refused}");
        prepare(&mut connection, Spec::default()).unwrap();
        assert_eq!(check_for_reading(&connection).unwrap(), Spec::default());
        assert_eq!(meta(&connection, "lateness_days").unwrap(), Some(2));
        connection.execute_batch("SELECT * FROM shared").unwrap();
    }

    #[test]
    fn a_file_of_version_2_keeps_its_counters_and_they_go_on() {
        let mut older = of_version_1();
        older.execute_batch(SINCE_1).unwrap();
        set_meta(&older, "lateness_days", 2).unwrap();
        older
            .execute_batch(
                "INSERT INTO account VALUES (1, 'demo'); PRAGMA user_version = 2;
                 INSERT INTO counter VALUES (1, 3, 9, 0, 'hall', 4), (1, 3, 9, 40, 'hall', 2)",
            )
            .unwrap();
        prepare(&mut older, Spec::default()).unwrap();
        let key = |b| CounterKey { metric: Metric::Retained, a: 9, b, dimension: "hall".into() };
        let mut fold = counters::Fold::default();
        let changes = [0, 1, 40].map(|b| Increment { key: key(b), by: 1, late_on: None });
        fold.add(1, &changes).unwrap();
        fold.write(&older).unwrap();
        assert_eq!(counters::read_all(&older, "demo").unwrap(), [(key(0), 5), (key(1), 1), (key(40), 3)]);
    }

    #[test]
    fn a_file_of_version_3_keeps_its_counters_and_they_go_on() {
        let mut older = made();
        without_chains(&older);
        // A day of follows had a run of its own, as a cohort still has.
        older
            .execute_batch(
                "INSERT INTO account VALUES (1, 'demo'); PRAGMA user_version = 3;
                 INSERT INTO counter VALUES (1, 6, 31, 'hall', 0, x'010104'), (1, 6, 33, 'hall', 0, x'010106'),
                 (1, 6, 34, 'hall', 0, x'010102'), (1, 3, 33, 'hall', 1, x'01020008')",
            )
            .unwrap();
        prepare(&mut older, Spec::default()).unwrap();
        let key = |metric, a, b| CounterKey { metric, a, b, dimension: "hall".into() };
        let follows = |day| key(Metric::Follows, day, 0);
        let mut fold = counters::Fold::default();
        fold.add(1, &[Increment { key: follows(34), by: -1, late_on: None }]).unwrap();
        fold.write(&older).unwrap();
        let expected = [(key(Metric::Retained, 33, 33), 4), (follows(31), 2), (follows(33), 3)];
        assert_eq!(counters::read_all(&older, "demo").unwrap(), expected);
        let rows: i64 = older.query_row("SELECT count(*) FROM counter", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 3);
    }

    /// The facts that the chain of a customer leads to.
    fn words_of(connection: &Connection, customer: i64) -> Vec<i64> {
        let chain = "WITH RECURSIVE chain (seq) AS (
                SELECT words FROM customer WHERE id = ?1
                UNION ALL SELECT words_before FROM fact JOIN chain USING (seq)
            ) SELECT seq FROM chain WHERE seq IS NOT NULL";
        let mut chain = connection.prepare(chain).unwrap();
        chain.query_map([customer], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_file_of_version_4_still_knows_which_facts_hold_words() {
        let mut older = made();
        without_chains(&older);
        older
            .execute_batch(
                "INSERT INTO fact VALUES (1, 1, 7, 0, x''), (1, 2, 8, 0, x''), (1, 3, 7, 0, x''), (2, 4, 9, 0, x''),
                     (1, 5, 7, 0, x''), (1, 6, 8, 0, x'');
                 INSERT INTO customer VALUES (7, 1, 'o7', 0, 1, x'', NULL), (8, 1, 'o8', 0, 1, x'', NULL),
                     (9, 2, 'o9', 0, 1, x'', NULL), (10, 2, 'o10', 0, 1, x'', NULL);
                 INSERT INTO worded VALUES (7, 1), (7, 5), (8, 2), (8, 6), (9, 4)",
            )
            .unwrap();
        prepare(&mut older, Spec::default()).unwrap();
        let chains = [7, 8, 9, 10].map(|customer| words_of(&older, customer));
        assert_eq!(chains, [vec![5, 1], vec![6, 2], vec![4], vec![]]);
        prepare(&mut older, Spec::default()).unwrap();
    }

    #[test]
    fn a_file_of_version_1_was_counted_two_days_late_and_goes_on_so() {
        let mut connection = of_version_1();
        let refused =
            prepare(&mut connection, Spec { lateness: Lateness::new(3).unwrap(), ..Spec::default() }).unwrap_err();
        assert!(refused.to_string().contains("set it to 2"), "{refused}");
        assert_eq!(pragma(&connection, "user_version").unwrap(), 1, "it is left as it is");
    }

    #[test]
    fn a_store_of_a_newer_version_is_refused() {
        let mut connection = made();
        connection.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
        let refused = prepare(&mut connection, Spec::default()).unwrap_err();
        assert!(refused.to_string().contains("newer version"), "{refused}");
    }

    #[test]
    fn a_file_of_another_program_is_refused_and_left_as_it_is() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
        let refused = prepare(&mut connection, Spec::default()).unwrap_err();
        assert!(refused.to_string().contains("not a store of fuwu"), "{refused}");
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn the_file_counts_as_open_until_it_is_closed() {
        let connection = made();
        assert_eq!(meta(&connection, "open").unwrap(), Some(1));
        mark_closed(&connection).unwrap();
        assert_eq!(meta(&connection, "open").unwrap(), Some(0));
    }

    #[test]
    fn a_file_of_version_1_is_brought_up_to_date() {
        let columns = |connection: &Connection, table: &str| -> Vec<String> {
            let mut names = connection.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
            names.query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let mut older = of_version_1();
        let said = "INSERT INTO fact VALUES (1, 5, 7, 0, x''); INSERT INTO customer VALUES (7, 1, 'o7', 0, 1, x'')";
        older.execute_batch(said).unwrap();
        older
            .execute_batch(
                "INSERT INTO account VALUES (1, 'demo');
                 INSERT INTO counter VALUES (1, 1, 9, -1, '', 4), (1, 1, 9, 1, '', 2), (1, 2, 9, 0, '', 6), (1, 2, 8, 0, '', 0)",
            )
            .unwrap();
        prepare(&mut older, Spec::default()).unwrap();
        let new = made();
        for table in ["customer", "fact", "shared", "residue", "counter"] {
            assert!(!columns(&new, table).is_empty());
            assert_eq!(columns(&older, table), columns(&new, table), "{table}");
        }
        assert_eq!(words_of(&older, 7), [5], "any fact may hold words");
        let counted = counters::read_all(&older, "demo").unwrap();
        let counted: Vec<_> = counted.iter().map(|(key, value)| (key.metric as u8, key.a, key.b, *value)).collect();
        assert_eq!(counted, [(1, 9, -1, 4), (1, 9, 1, 2), (2, 9, 0, 6)]);
        let left: i64 = older
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name IN ('counter_2', 'worded')", [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0);
    }
}
