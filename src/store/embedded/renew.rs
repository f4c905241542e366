//! Bringing older files up to date.

use rusqlite::{Connection, TransactionBehavior};

use super::counters;
use super::schema::{LATENESS_IN_1, SCHEMA_VERSION, set_meta};

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
UPDATE customer SET words = (SELECT max(seq) FROM worded WHERE customer = customer.id)
    WHERE id IN (SELECT customer FROM worded);
DROP TABLE worded;
";

/// Brings an older file up to date, all of it or nothing.
pub(super) fn bring_up_to_date(connection: &mut Connection) -> rusqlite::Result<()> {
    // What is sorted on the way may be more than memory holds.
    connection.pragma_update(None, "temp_store", "FILE")?;
    let renewed = renew(connection);
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    renewed
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::{Fact, FactKind};
    use crate::domain::ids::DedupeKey;
    use crate::domain::sample::NOON;
    use crate::growth::counter::{CounterKey, Increment, Metric};
    use crate::growth::lateness::Lateness;
    use crate::store::embedded::forget;
    use crate::store::embedded::schema::{check_for_reading, meta, prepare};
    use crate::store::{Spec, shape};

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
        // What it is for: who leaves takes the words along, and nobody else's.
        let said = Fact {
            at: NOON,
            arrived: NOON,
            key: DedupeKey(1),
            playbook: "p".into(),
            what: FactKind::Unanswered { text: "问".into() },
        };
        let bare = shape::write(&said.without_words().unwrap()).unwrap();
        older.execute("UPDATE fact SET body = ?1", [shape::write(&said).unwrap()]).unwrap();
        forget::bury(&older, (1, 7), &mut counters::Fold::default()).unwrap();
        let mut wordless = older.prepare("SELECT seq FROM fact WHERE body = ?1 ORDER BY seq").unwrap();
        let wordless: Vec<i64> = wordless.query_map([bare], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!((wordless, words_of(&older, 7), words_of(&older, 8)), (vec![1, 5], vec![], vec![6, 2]));
    }

    #[test]
    fn a_file_of_version_1_was_counted_two_days_late_and_goes_on_so() {
        let mut connection = of_version_1();
        let refused =
            prepare(&mut connection, Spec { lateness: Lateness::new(3).unwrap(), ..Spec::default() }).unwrap_err();
        assert!(refused.to_string().contains("set it to 2"), "{refused}");
        assert_eq!(
            connection.pragma_query_value::<i32, _>(None, "user_version", |row| row.get(0)).unwrap(),
            1,
            "it is left as it is"
        );
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
