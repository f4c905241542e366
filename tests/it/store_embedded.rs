//! What is the embedded store's own: its lock, its file, reading beside a server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use fuwu::domain::customer::Customer;
use fuwu::domain::fact::{Fact, FactKind};
use fuwu::domain::ids::DedupeKey;
use fuwu::domain::notes::Note;
use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use fuwu::domain::work::{Task, Work};
use fuwu::store::{Commit, Committed, CustomerRef, Embedded, Quarantined, Spec, Store, StoreError, Version};

use crate::process::run;

fn who(n: u64) -> CustomerRef {
    CustomerRef { account: "demo".into(), openid: format!("o{n}").as_str().into() }
}

fn commit(of: CustomerRef, base: u64) -> Commit {
    Commit {
        of,
        base: Version(base),
        customer: Customer::default(),
        increments: Vec::new(),
        facts: Vec::new(),
        outbox: Vec::new(),
        settled: Vec::new(),
        spent: Vec::new(),
        keep: fuwu::store::Keep::Known,
    }
}

async fn version(store: &dyn Store, n: u64) -> u64 {
    store.load(&who(n)).await.unwrap().version.0
}

fn open(dir: &Path) -> Embedded {
    Embedded::open(dir, Spec::default(), crate::harness::key()).unwrap()
}

#[tokio::test]
async fn a_store_in_use_is_refused_until_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.commit(commit(who(1), 0)).await.unwrap();
    let refused = Embedded::open(dir.path(), Spec::default(), crate::harness::key()).unwrap_err();
    assert!(matches!(refused, StoreError::Locked(_)));
    assert!(refused.to_string().contains(&dir.path().display().to_string()), "{refused}");
    store.close().await.unwrap();
    store.close().await.unwrap_err();
    assert_eq!(version(&open(dir.path()), 1).await, 1, "the closed one is still around");
}

#[tokio::test]
async fn a_dropped_store_is_closed_in_good_order() {
    let dir = tempfile::tempdir().unwrap();
    for base in 0..3 {
        assert_eq!(open(dir.path()).commit(commit(who(1), base)).await.unwrap(), Committed::Applied);
    }
    assert_eq!(version(&open(dir.path()), 1).await, 3);
}

#[tokio::test]
async fn an_asker_that_gives_up_leaves_the_store_working() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for n in 0..50 {
        let asked = store.commit(commit(who(n), 0));
        // Polled once: it is asked, and nobody waits for the answer.
        let _ = futures_util::future::select(Box::pin(asked), std::future::ready(())).await;
    }
    store.commit(commit(who(99), 0)).await.unwrap();
    for n in 0..50 {
        assert_eq!(version(&store, n).await, 1);
    }
}

#[tokio::test]
async fn reading_beside_a_server_sees_what_is_acknowledged_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.commit(commit(who(1), 0)).await.unwrap();
    let reader = Embedded::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.spec(), Spec::default());
    assert_eq!(version(&reader, 1).await, 1);
    store.commit(commit(who(1), 1)).await.unwrap();
    assert_eq!(version(&reader, 1).await, 2);
    let refused = reader.commit(commit(who(1), 2)).await.unwrap_err();
    assert!(refused.to_string().contains("for reading only"), "{refused}");
    reader.close().await.unwrap();
    store.commit(commit(who(1), 2)).await.unwrap();
    store.close().await.unwrap();
    let alone = Embedded::open_read_only(dir.path()).unwrap();
    assert_eq!(version(&alone, 1).await, 3, "with no server about");
    assert_eq!(version(&open(dir.path()), 1).await, 3, "readers hold no lock");
}

#[test]
fn reading_a_store_that_is_not_there_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let refused = Embedded::open_read_only(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("there is no fuwu.db"), "{refused}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_refused_opening_leaves_the_store_free() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let refused =
        Embedded::open(dir.path(), Spec { partitions: 32, ..Spec::default() }, crate::harness::key()).unwrap_err();
    assert!(matches!(refused, StoreError::Mismatch(_)), "{refused}");
    drop(open(dir.path()));
}

#[test]
fn a_command_under_another_lateness_than_the_store_was_counted_with_says_what_to_set() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir.path().join("data")));
    let days = ["--from", "2026-03-01", "--to", "2026-03-02"];
    let report = ["report", "activity"].into_iter().chain(days).collect::<Vec<_>>();
    for args in [&report[..], &["serve"]] {
        let output = run(dir.path(), &[("FUWU__NUMBERS__LATENESS_DAYS", "3")], args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains("numbers.lateness_days is 3; set it to 2"), "{args:?}: {said}");
    }
    assert!(run(dir.path(), &[], &report).status.success());
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = "not a database at all ".repeat(999);
    std::fs::write(dir.path().join("fuwu.db"), &theirs).unwrap();
    Embedded::open(dir.path(), Spec::default(), crate::harness::key()).unwrap_err();
    Embedded::open_read_only(dir.path()).unwrap_err();
    assert_eq!(std::fs::read_to_string(dir.path().join("fuwu.db")).unwrap(), theirs);
}

#[tokio::test]
async fn after_a_crash_a_damaged_file_is_refused_and_a_whole_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    join_all((0..2_000).map(|n| store.commit(commit(who(n), 0)))).await;
    store.close().await.unwrap();
    let running = open(dir.path());
    running.commit(commit(who(1), 1)).await.unwrap();

    // A copy of the files of a running store is what a crash leaves.
    let crashed = tempfile::tempdir().unwrap();
    let copy = || {
        for file in ["fuwu.db", "fuwu.db-wal"] {
            std::fs::copy(dir.path().join(file), crashed.path().join(file)).unwrap();
        }
    };
    copy();
    assert_eq!(version(&open(crashed.path()), 1).await, 2);

    copy();
    let db = crashed.path().join("fuwu.db");
    let mut bytes = std::fs::read(&db).unwrap();
    let page = bytes.len() / 4096 / 2 * 4096;
    bytes[page..page + 4096].fill(0xa5);
    std::fs::write(&db, bytes).unwrap();
    let refused = Embedded::open(crashed.path(), Spec::default(), crate::harness::key()).unwrap_err().to_string();
    assert!(refused.contains("fuwu.db is damaged") && refused.contains("backup"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_do_not_wait_for_the_writer_and_a_crowd_larger_than_the_queue_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()));
    store.commit(commit(who(0), 0)).await.unwrap();
    // Whoever holds the write lock stands in for a writer that is busy.
    let busy = rusqlite::Connection::open(dir.path().join("fuwu.db")).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let crowd: Vec<_> = (0..3_000)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(commit(who(n), u64::from(n == 0))).await })
        })
        .collect();
    let reads = async {
        for _ in 0..100 {
            assert_eq!(version(&*store, 0).await, 1);
            assert_eq!(store.facts(&"demo".into(), 0, 9).await.unwrap(), []);
            assert_eq!(store.next_due().await.unwrap(), None);
        }
    };
    tokio::time::timeout(Duration::from_secs(4), reads).await.expect("reads waited for the writer");
    busy.execute_batch("ROLLBACK").unwrap();
    for served in join_all(crowd).await {
        assert_eq!(served.unwrap().unwrap(), Committed::Applied);
    }
    assert_eq!(version(&*store, 0).await, 2);
}

/// Every file of the store, as it lies on the disk.
fn bytes_in(dir: &Path) -> Vec<u8> {
    std::fs::read_dir(dir).unwrap().flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn of_an_erased_customer_not_a_byte_is_left_in_the_files() {
    const WORDS: &str = "我叫张三住在幸福路三号";
    const OPENID: &str = "oOneWhoWantsToBeForgotten";
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let of = CustomerRef { account: "demo".into(), openid: OPENID.into() };
    let fact = Fact {
        at: UnixSecs(1_772_416_800),
        arrived: UnixSecs(1_772_416_800),
        key: DedupeKey(1),
        playbook: "p".into(),
        what: FactKind::TicketOpened { action: "a".into(), number: "n".into(), text: WORDS.into() },
    };
    let note = Note { reply: Reply::Text(WORDS.repeat(999)), expires: UnixSecs(1), is_receipt: false };
    let work = Work {
        id: WORDS.into(),
        origin: DedupeKey(1),
        due: UnixSecs(i64::MAX),
        expires: UnixSecs(i64::MAX),
        task: Task::Send(Reply::Text(WORDS.into())),
    };
    let aside =
        Quarantined { account: of.account.clone(), arrived: UnixSecs(1), reason: "time".into(), body: OPENID.into() };
    let full = Commit {
        customer: Customer { notes: vec![note], ..Customer::default() },
        facts: vec![fact; 3],
        outbox: vec![work],
        ..commit(of.clone(), 0)
    };
    for n in 0..50 {
        store.commit(commit(who(n), 0)).await.unwrap();
    }
    store.commit(full).await.unwrap();
    store.commit(commit(of.clone(), 1)).await.unwrap();
    store.quarantine(aside).await.unwrap();
    let before = bytes_in(dir.path());
    assert!(holds(&before, OPENID) && holds(&before, WORDS));
    assert!(store.erase(&of).await.unwrap());
    let after = bytes_in(dir.path());
    assert!(!holds(&after, OPENID) && !holds(&after, WORDS));
    assert_eq!(version(&store, 7).await, 1);
    store.close().await.unwrap();
}
