//! Bulks against the same commits one by one, on real files.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _};
use tempfile::TempDir;

use super::batch::Batches;
use super::customers::FACTS_AT_ONCE;
use super::request::{BulkRow, CommitRow, Outcome, Write};
use super::{connection, schema};
use crate::domain::customer::Customer;
use crate::domain::fact::{Fact, FactKind};
use crate::domain::ids::{DedupeKey, Openid};
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::domain::work::{Task, Work};
use crate::growth::counter::{CounterKey, Increment, Metric};
use crate::store::pseudonym::Names;
use crate::store::{Commit, Committed, CustomerRef, Keep, Partitions, PseudonymKey, Spec, Version};

fn names() -> Arc<Names> {
    Arc::new(Names { partitions: Partitions::new(8).unwrap(), key: Some(PseudonymKey::new("bulk")) })
}

fn store() -> (TempDir, Batches) {
    let dir = tempfile::tempdir().unwrap();
    let mut connection = connection::for_writing(dir.path()).unwrap();
    schema::prepare(&mut connection, Spec { partitions: 8, ..Spec::default() }).unwrap();
    // What a power cut would leave is not the subject here.
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    (dir, Batches::new(connection))
}

/// What one customer's commit wants.
#[derive(Clone, Debug)]
struct Wish {
    customer: u8,
    base: u64,
    facts: usize,
    outbox: Option<u8>,
    settled: Option<u8>,
    left: bool,
    keep: Keep,
}

fn plain(customer: u8, base: u64) -> Wish {
    Wish { customer, base, facts: 1, outbox: None, settled: None, left: false, keep: Keep::Known }
}

fn row(wish: &Wish) -> CommitRow {
    let fact = |n: usize| Fact {
        at: UnixSecs(1),
        arrived: UnixSecs(2),
        key: DedupeKey(n as u64),
        playbook: "p".into(),
        // Every third one holds words.
        what: if n.is_multiple_of(3) {
            FactKind::Unanswered { text: format!("问{}", wish.customer) }
        } else {
            FactKind::Messaged
        },
    };
    let work = |n: u8| Work {
        id: n.to_string().as_str().into(),
        origin: DedupeKey(u64::from(wish.customer)),
        due: UnixSecs(i64::from(n)),
        expires: UnixSecs(99),
        task: Task::Send(Reply::Silent),
    };
    let mut customer =
        Customer { with_agent_since: Some(UnixSecs(i64::try_from(wish.facts).unwrap())), ..Customer::default() };
    if wish.left {
        customer.follow.changed_at = Some(UnixSecs(86_400));
    }
    let commit = Commit {
        of: CustomerRef { account: "demo".into(), openid: format!("o{}", wish.customer).as_str().into() },
        base: Version(wish.base),
        customer,
        increments: vec![Increment {
            key: CounterKey { metric: Metric::Messages, a: 1, b: 0, dimension: String::new() },
            by: 1,
            late_on: None,
        }],
        facts: (0..wish.facts).map(fact).collect(),
        outbox: wish.outbox.map(work).into_iter().collect(),
        settled: wish.settled.map(|n| n.to_string().as_str().into()).into_iter().collect(),
        spent: Vec::new(),
        keep: wish.keep,
    };
    CommitRow::new(commit, &names()).unwrap()
}

/// A wish, and whether it is made from what is there.
type Meant = (Wish, bool);

/// The wish made from version `current`, or from another one.
fn made_from(current: u64, (wish, honest): &Meant) -> Wish {
    let base = match wish.base {
        _ if *honest => current,
        0 => 0,
        ahead => current + ahead,
    };
    Wish { base, ..wish.clone() }
}

/// The stored version of a wish's customer; 0 when there is none.
fn stored(batches: &Batches, wish: &Wish) -> u64 {
    let row = row(wish);
    let query = "SELECT version FROM customer WHERE openid IN (?1, ?2) AND version > 0";
    let names = (row.of.openid.as_str(), row.tombstone().map(Openid::as_str));
    let found = batches.connection().query_row(query, names, |row| row.get::<_, i64>(0)).optional().unwrap();
    found.map_or(0, i64::unsigned_abs)
}

fn each_alone(batches: &mut Batches, wishes: &[Meant]) -> Vec<Option<Committed>> {
    let apply = |meant: &Meant| {
        let wish = made_from(stored(batches, &meant.0), meant);
        committed(batches.apply(&[Write::Commit(Box::new(row(&wish)))]).unwrap().remove(0))
    };
    wishes.iter().map(apply).collect()
}

/// In a bulk a record that it makes has version 1 for the commits that follow.
fn in_bulk(batches: &Batches, wishes: &[Meant]) -> Vec<Wish> {
    let mut counted = BTreeMap::new();
    let count = |meant: &Meant| {
        let current = counted.entry(meant.0.customer).or_insert_with(|| stored(batches, &meant.0));
        let wish = made_from(*current, meant);
        if wish.base == *current {
            *current = if wish.keep == Keep::Nothing { 0 } else { *current + 1 };
        }
        wish
    };
    wishes.iter().map(count).collect()
}

fn as_bulk(batches: &mut Batches, wishes: &[Wish]) -> Option<Committed> {
    let bulk = BulkRow { commits: wishes.iter().map(row).collect(), quarantined: Vec::new(), notes: Vec::new() };
    committed(batches.apply(&[Write::CommitAll(Box::new(bulk))]).unwrap().remove(0))
}

fn committed(outcome: rusqlite::Result<Outcome>) -> Option<Committed> {
    match outcome {
        Ok(Outcome::Committed(committed)) => Some(committed),
        _ => None,
    }
}

/// Everything that commits write. A name drawn at random is not told, only that it is one.
fn dump(connection: &Connection) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    for table in ["customer", "fact", "counter", "journal", "outbox"] {
        let mut rows = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        all.extend(rows.query_map([], row).unwrap().map(Result::<Vec<Value>, _>::unwrap));
    }
    for value in all.iter_mut().flatten() {
        if let Value::Text(name) = value
            && name.starts_with('!')
        {
            *name = "!".into();
        }
    }
    all
}

fn count(batches: &Batches, of: &str) -> usize {
    let count = format!("SELECT count(*) FROM {of}");
    usize::try_from(batches.connection().query_row(&count, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap()
}

#[test]
fn facts_of_any_number_are_logged_in_their_order() {
    for facts in [0, 1, FACTS_AT_ONCE - 1, FACTS_AT_ONCE, FACTS_AT_ONCE + 1, 2 * FACTS_AT_ONCE + 1] {
        // All of them by one commit; one each by many; and in commits that a statement ends in the middle of.
        let sizes = [vec![facts], vec![1; facts], vec![3; facts.div_ceil(3)]];
        for sizes in sizes {
            let wishes: Vec<Wish> =
                sizes.iter().zip(0..).map(|(facts, customer)| Wish { facts: *facts, ..plain(customer, 0) }).collect();
            let ((_one, mut alone), (_all, mut together)) = (store(), store());
            let wishes: Vec<Meant> = wishes.into_iter().map(|wish| (wish, true)).collect();
            each_alone(&mut alone, &wishes);
            let wishes = in_bulk(&together, &wishes);
            assert_eq!(as_bulk(&mut together, &wishes), Some(Committed::Applied));
            assert_eq!(count(&together, "fact"), sizes.iter().sum::<usize>());
            assert_eq!(dump(together.connection()), dump(alone.connection()), "{sizes:?}");
        }
    }
}

#[test]
fn the_words_of_a_bulk_are_taken_out_when_its_customer_leaves_in_it() {
    let (_dir, mut batches) = store();
    let leaves = Wish { facts: 7, keep: Keep::Tombstone, ..plain(1, 0) };
    let bulk =
        [Wish { facts: FACTS_AT_ONCE - 2, ..plain(2, 0) }, leaves, Wish { facts: 4, ..plain(1, 1) }, plain(3, 0)];
    assert_eq!(as_bulk(&mut batches, &bulk), Some(Committed::Applied));
    let chained = |openid: &str| {
        let chain = "WITH RECURSIVE chain (seq) AS (
                SELECT words FROM customer WHERE openid = ?1
                UNION ALL SELECT words_before FROM fact JOIN chain USING (seq)
            ) SELECT count(seq) FROM chain";
        batches.connection().query_row(chain, [openid], |row| row.get::<_, i64>(0)).unwrap()
    };
    // Of the one who left only those since the return.
    assert_eq!(["o1", "o2", "o3"].map(chained), [2, 5, 1]);
    let held = |seq: i64| -> Vec<u8> {
        batches.connection().query_row("SELECT body FROM fact WHERE seq = ?1", [seq], |row| row.get(0)).unwrap()
    };
    let says = |body: Vec<u8>| body.windows("问1".len()).any(|part| part == "问1".as_bytes());
    let first = i64::try_from(FACTS_AT_ONCE).unwrap() - 1;
    assert!((first..first + 7).all(|seq| !says(held(seq))));
    assert!(says(held(first + 7)));
}

#[test]
fn whoever_is_found_by_the_openid_needs_no_other_name() {
    let (_dir, mut batches) = store();
    as_bulk(&mut batches, &[plain(1, 0), Wish { keep: Keep::Tombstone, ..plain(2, 0) }]);
    let apply = |batches: &mut Batches, write: Write| committed(batches.apply(&[write]).unwrap().remove(0));
    for (customer, bases, needed) in [(1, [1, 2], [false, false]), (2, [1, 2], [true, false])] {
        for (base, needed) in bases.into_iter().zip(needed) {
            let commit = Box::new(row(&plain(customer, base)));
            assert!(!commit.has_tombstone());
            let write = Write::Commit(commit);
            let outcome = batches.apply(std::slice::from_ref(&write)).unwrap().remove(0);
            assert_eq!(committed(outcome), Some(Committed::Applied));
            let Write::Commit(commit) = write else { unreachable!() };
            assert_eq!(commit.has_tombstone(), needed, "o{customer} from {base}");
        }
    }
    assert!(row(&plain(9, 0)).has_tombstone(), "whoever seems new may have left before");
    let again = Write::Commit(Box::new(row(&plain(2, 0))));
    assert_eq!(apply(&mut batches, again), Some(Committed::Stale));
}

#[test]
fn a_bulk_at_odds_with_itself_changes_nothing() {
    let settles = |base| Wish { settled: Some(1), ..plain(1, base) };
    for odd in [
        vec![plain(2, 0), plain(2, 0)],
        vec![plain(2, 0), plain(2, 2)],
        vec![Wish { keep: Keep::Nothing, ..plain(2, 0) }, plain(2, 1)],
        vec![plain(1, 1), plain(1, 1)],
        vec![settles(1), settles(2)],
    ] {
        let (_dir, mut batches) = store();
        as_bulk(&mut batches, &[Wish { outbox: Some(1), ..plain(1, 0) }]);
        let before = dump(batches.connection());
        assert_eq!(as_bulk(&mut batches, &odd), None, "{odd:?}");
        assert_eq!(dump(batches.connection()), before);
        assert_eq!(as_bulk(&mut batches, &[settles(1)]), Some(Committed::Applied), "and the store goes on");
    }
}

fn wish() -> impl Strategy<Value = Wish> {
    let keep = prop_oneof![6 => Just(Keep::Known), 1 => Just(Keep::Tombstone), 1 => Just(Keep::Nothing)];
    let (outbox, settled) = (prop::option::of(0..3_u8), prop::option::weighted(0.1, 0..3_u8));
    let left = prop::bool::weighted(0.2);
    (0..4_u8, 0..4_u64, 0..9_usize, outbox, settled, left, keep).prop_map(
        |(customer, base, facts, outbox, settled, left, keep)| Wish {
            customer,
            base,
            facts,
            outbox,
            settled,
            left,
            keep,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_bulk_equals_its_commits_one_by_one_or_is_nothing(
        wishes in prop::collection::vec((wish(), prop::bool::weighted(0.98)), 1..40),
        cuts in prop::collection::vec(1..12_usize, 1..6),
    ) {
        let ((_one, mut alone), (_all, mut together)) = (store(), store());
        let (mut rest, mut cuts) = (wishes.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (bulk, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            rest = later;
            let before = dump(together.connection());
            let wanted = in_bulk(&together, bulk);
            match as_bulk(&mut together, &wanted) {
                Some(Committed::Applied) => {
                    let each = each_alone(&mut alone, bulk);
                    prop_assert!(each.iter().all(|outcome| *outcome == Some(Committed::Applied)), "{:?}", each);
                    prop_assert_eq!(dump(together.connection()), dump(alone.connection()));
                }
                _ => {
                    prop_assert_eq!(dump(together.connection()), before);
                    // One of them could not be applied alone either; nothing of this bulk is tried again.
                    let (_dir, mut copy) = store();
                    copy.connection().execute_batch("PRAGMA foreign_keys = OFF").unwrap();
                    copy_of(&together, &copy);
                    let each = each_alone(&mut copy, bulk);
                    prop_assert!(each.iter().any(|outcome| *outcome != Some(Committed::Applied)));
                }
            }
        }
    }
}

/// Makes a store hold what another one holds.
fn copy_of(from: &Batches, to: &Batches) {
    let path: String =
        from.connection().query_row("SELECT file FROM pragma_database_list", [], |row| row.get(0)).unwrap();
    to.connection().execute("ATTACH ?1 AS other", [path]).unwrap();
    for table in ["meta", "account", "customer", "fact", "counter", "journal", "outbox"] {
        let copy = format!("DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM other.{table}");
        to.connection().execute_batch(&copy).unwrap();
    }
    to.connection().execute_batch("DETACH other").unwrap();
}
