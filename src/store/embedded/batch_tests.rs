//! Batches of chosen size against a real file.

use std::sync::Arc;

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use super::batch::{Applied, Batches};
use super::request::{CommitRow, Outcome, Write};
use super::{connection, schema};
use crate::domain::customer::Customer;
use crate::domain::ids::DedupeKey;
use crate::domain::notes::Note;
use crate::domain::reply::Reply;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::domain::work::{Task, Work};
use crate::domain::{fact, fact::FactKind};
use crate::growth::counter::{CounterKey, Increment, Metric};
use crate::store::pseudonym::Names;
use crate::store::{Commit, Committed, CustomerRef, Keep, Partitions, PseudonymKey, Quarantined, Spec, Version};

fn partitions() -> Partitions {
    Partitions::new(8).unwrap()
}

fn names() -> Arc<Names> {
    Arc::new(Names { partitions: partitions(), key: Some(PseudonymKey::new("batch")) })
}

fn store() -> (TempDir, Batches) {
    let dir = tempfile::tempdir().unwrap();
    let mut connection = connection::for_writing(dir.path()).unwrap();
    schema::prepare(&mut connection, Spec { partitions: 8, ..Spec::default() }).unwrap();
    // What a power cut would leave is not the subject here; the property writes thousands of batches.
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    let poison = "CREATE TRIGGER poison BEFORE INSERT ON outbox WHEN NEW.id = '99'
        BEGIN SELECT raise(ABORT, 'poison'); END";
    connection.execute_batch(poison).unwrap();
    (dir, Batches::new(connection))
}

/// What one customer's commit wants, in small numbers, so that commits meet.
#[derive(Clone, Debug)]
struct Wish {
    customer: u8,
    base: u64,
    counters: Vec<(i32, i64, Option<i32>)>,
    facts: u64,
    outbox: Option<u8>,
    settled: Option<u8>,
}

fn commit(wish: &Wish) -> Write {
    let of = CustomerRef {
        account: if wish.customer.is_multiple_of(2) { "even" } else { "odd" }.into(),
        openid: format!("o{}", wish.customer).as_str().into(),
    };
    let increment = |(a, by, late): &(i32, i64, Option<i32>)| Increment {
        key: CounterKey { metric: Metric::Messages, a: *a, b: 0, dimension: String::new() },
        by: *by,
        late_on: late.map(BusinessDay),
    };
    let fact = |n| fact::Fact {
        at: UnixSecs(1),
        arrived: UnixSecs(2),
        key: DedupeKey(n),
        playbook: "p".into(),
        what: FactKind::Messaged,
    };
    let work = |n: u8| Work {
        id: n.to_string().as_str().into(),
        origin: DedupeKey(u64::from(wish.customer)),
        due: UnixSecs(i64::from(n)),
        expires: UnixSecs(99),
        task: Task::Send(Reply::Silent),
    };
    let commit = Commit {
        base: Version(wish.base),
        customer: Customer { with_agent_since: Some(UnixSecs(wish.base.cast_signed())), ..Customer::default() },
        increments: wish.counters.iter().map(increment).collect(),
        facts: (0..wish.facts).map(fact).collect(),
        outbox: wish.outbox.map(work).into_iter().collect(),
        keep: Keep::Known,
        settled: wish.settled.map(|n| n.to_string().as_str().into()).into_iter().collect(),
        spent: Vec::new(),
        of,
    };
    Write::Commit(Box::new(CommitRow::new(commit, &names()).unwrap()))
}

fn plain(customer: u8, base: u64) -> Wish {
    Wish { customer, base, counters: vec![(1, 1, None)], facts: 1, outbox: None, settled: None }
}

/// Work of this name cannot be stored: a trigger of [`store`] refuses it.
const POISON: u8 = 99;

fn poisoned(customer: u8) -> Wish {
    Wish { outbox: Some(POISON), ..plain(customer, 0) }
}

fn committed(outcome: &Applied) -> Option<Committed> {
    match outcome {
        Ok(Outcome::Committed(committed)) => Some(*committed),
        _ => None,
    }
}

fn apply(batches: &mut Batches, wishes: &[Wish]) -> Vec<Option<Committed>> {
    let writes: Vec<Write> = wishes.iter().map(commit).collect();
    batches.apply(&writes).unwrap().iter().map(committed).collect()
}

/// Everything in every table.
fn dump(connection: &Connection) -> Vec<Vec<Value>> {
    let tables = [
        "account",
        "customer",
        "fact",
        "counter WHERE cells <> x'0100'",
        "journal WHERE value <> 0",
        "outbox",
        "quarantine",
    ];
    let mut all = Vec::new();
    for table in tables {
        let mut rows = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        all.extend(rows.query_map([], row).unwrap().map(Result::unwrap));
    }
    all
}

#[test]
fn in_one_batch_the_second_commit_from_a_version_is_stale_and_the_next_version_applies() {
    let (_dir, mut batches) = store();
    let outcome = apply(&mut batches, &[plain(1, 0), plain(1, 0), plain(1, 1), plain(2, 0), plain(2, 5), plain(1, 2)]);
    let (applied, stale) = (Some(Committed::Applied), Some(Committed::Stale));
    assert_eq!(outcome, [applied, stale, applied, applied, stale, applied]);
}

#[test]
fn a_commit_that_cannot_be_stored_fails_alone() {
    let (_dir, mut batches) = store();
    assert_eq!(apply(&mut batches, &[poisoned(1)]), [None]);
    let outcome = apply(&mut batches, &[plain(2, 0), poisoned(3), plain(2, 1), plain(5, 0)]);
    let applied = Some(Committed::Applied);
    assert_eq!(outcome, [applied, None, applied, applied]);
    let stored = |openid: &str| {
        let count = "SELECT count(*) FROM customer WHERE openid = ?1";
        batches.connection().query_row(count, [openid], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(["o2", "o3", "o5"].map(stored), [1, 0, 1]);
    let facts: i64 = batches.connection().query_row("SELECT count(*) FROM fact", [], |row| row.get(0)).unwrap();
    assert_eq!(facts, 3, "nothing is there twice");
}

#[test]
fn a_counter_that_would_pass_the_edge_fails_the_commit_that_pushes_it() {
    let (_dir, mut batches) = store();
    let edge = |customer| Wish { counters: vec![(9, i64::MAX, None)], ..plain(customer, 0) };
    let applied = Some(Committed::Applied);
    assert_eq!(apply(&mut batches, &[edge(2), edge(4), plain(6, 0)]), [applied, None, applied]);
    assert_eq!(apply(&mut batches, &[plain(8, 0), edge(4)]), [applied, None]);
}

#[test]
fn a_full_disk_fails_the_batch_and_the_store_goes_on_when_there_is_room() {
    let (_dir, mut batches) = store();
    apply(&mut batches, &[plain(1, 0)]);
    let before = dump(batches.connection());
    batches.connection().execute_batch("PRAGMA max_page_count = 1").unwrap();
    let body = vec![7; 1 << 20];
    let large =
        Write::Quarantine(Quarantined { account: "new".into(), arrived: UnixSecs(1), reason: String::new(), body });
    let small = commit(&plain(2, 0));
    assert!(batches.apply(&[small, large]).is_err());
    assert_eq!(dump(batches.connection()), before);
    batches.connection().execute_batch("PRAGMA max_page_count = 1000000").unwrap();
    assert_eq!(apply(&mut batches, &[plain(2, 0), plain(1, 1)]), [Some(Committed::Applied); 2]);
}

#[test]
fn facts_go_on_where_the_last_one_of_any_account_ended() {
    let (dir, mut batches) = store();
    apply(&mut batches, &[Wish { facts: 5, ..plain(2, 0) }, Wish { facts: 2, ..plain(1, 0) }]);
    drop(batches);
    let mut reopened = Batches::new(connection::for_writing(dir.path()).unwrap());
    apply(&mut reopened, &[plain(2, 1)]);
    let last: i64 = reopened.connection().query_row("SELECT max(seq) FROM fact", [], |row| row.get(0)).unwrap();
    assert_eq!(last, 8);
}

#[test]
fn a_long_record_is_stored_beside_short_ones() {
    let (_dir, mut batches) = store();
    let note = Note { reply: Reply::Text("x".repeat(1 << 20)), expires: UnixSecs(1), is_receipt: false };
    let of = CustomerRef { account: "even".into(), openid: "long".into() };
    let long = Commit {
        customer: Customer { notes: vec![note], ..Customer::default() },
        base: Version(0),
        increments: vec![],
        facts: vec![],
        outbox: vec![],
        settled: vec![],
        spent: Vec::new(),
        keep: Keep::Known,
        of,
    };
    let long = Write::Commit(Box::new(CommitRow::new(long, &names()).unwrap()));
    let outcome = batches.apply(&[commit(&plain(1, 0)), long]).unwrap();
    assert!(outcome.iter().all(|outcome| committed(outcome) == Some(Committed::Applied)));
}

fn wish() -> impl Strategy<Value = Wish> {
    let counters = prop::collection::vec((0..3, -3..4_i64, prop::option::of(0..2)), 0..4);
    let (outbox, settled) = (prop::option::of(0..3_u8), prop::option::of(0..3_u8));
    (0..4_u8, 0..4_u64, counters, 0..3_u64, outbox, settled).prop_map(
        |(customer, base, counters, facts, outbox, settled)| Wish { customer, base, counters, facts, outbox, settled },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn group_commit_equals_one_by_one(
        mut wishes in prop::collection::vec((wish(), any::<bool>(), prop::bool::weighted(0.02)), 1..120),
        cuts in prop::collection::vec(1..40_usize, 1..8),
    ) {
        // Most commits are made from the version that is there; the rest from any.
        let mut versions = [0_u64; 4];
        for (wish, honest, poison) in &mut wishes {
            let version = &mut versions[usize::from(wish.customer)];
            if *honest {
                wish.base = *version;
            }
            if *poison {
                wish.outbox = Some(POISON);
            }
            *version += u64::from(wish.base == *version && !*poison);
        }
        let wishes: Vec<Wish> = wishes.into_iter().map(|(wish, _, _)| wish).collect();

        let (_one_dir, mut one_by_one) = store();
        let alone: Vec<_> = wishes.iter().flat_map(|wish| apply(&mut one_by_one, std::slice::from_ref(wish))).collect();

        let (_group_dir, mut grouped) = store();
        let (mut rest, mut together) = (wishes.as_slice(), Vec::new());
        for cut in cuts.iter().cycle() {
            let (batch, later) = rest.split_at((*cut).min(rest.len()));
            together.extend(apply(&mut grouped, batch));
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(alone, together);
        prop_assert_eq!(dump(one_by_one.connection()), dump(grouped.connection()));
    }
}
