//! Killed at any moment, the embedded store has every acknowledged commit, whole and once.
//!
//! The test runs this very binary again as its victim. `FUWU_KILLS=1000` makes a soak of it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use futures_util::future::join_all;
use fuwu::domain::customer::Customer;
use fuwu::domain::fact::{Fact, FactKind};
use fuwu::domain::ids::DedupeKey;
use fuwu::domain::notes::Note;
use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use fuwu::domain::work::{Task, Work};
use fuwu::growth::counter::{CounterKey, Increment, Metric};
use fuwu::store::{Commit, Committed, CounterRange, CustomerRef, Embedded, Spec, Store};

const TASKS: u64 = 16;
const CUSTOMERS_OF_A_TASK: u64 = 4;
/// Kills of one file, before the next one begins: each check reads all of it.
const KILLS_OF_A_STORE: u64 = 20;
const DIR: &str = "FUWU_KILL_DIR";

#[test]
fn every_acknowledged_commit_survives_kill_9_whole_and_once() {
    let kills = std::env::var("FUWU_KILLS").map_or(20, |kills| kills.parse().unwrap());
    for first in (0..kills).step_by(usize::try_from(KILLS_OF_A_STORE).unwrap()) {
        let dir = tempfile::tempdir().unwrap();
        let mut known = BTreeMap::new();
        for kill in first..(first + KILLS_OF_A_STORE).min(kills) {
            // The very first is killed as it starts, the others after a number of acknowledgements without a pattern.
            let after = kill * 7_919 % 3_001;
            run_and_kill(dir.path(), after, &mut known);
            // What a check found must stay as well, and is where the next victim begins.
            known = check(dir.path(), &known, kill);
        }
    }
}

/// The victim, only ever started by the test above.
#[test]
#[ignore = "not a test: what the kill test kills"]
fn victim() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let store: Arc<dyn Store> =
        Arc::new(Embedded::open(Path::new(&dir), Spec::default(), crate::harness::key()).unwrap());
    runtime().block_on(async {
        let tasks = (0..TASKS).map(|task| tokio::spawn(commit_for_ever(Arc::clone(&store), task)));
        join_all(tasks).await;
    });
}

async fn commit_for_ever(store: Arc<dyn Store>, task: u64) {
    for customer in (0..CUSTOMERS_OF_A_TASK).cycle() {
        let of = who(task * CUSTOMERS_OF_A_TASK + customer);
        let version = store.load(&of).await.unwrap().version.0 + 1;
        assert_eq!(store.commit(commit(&of, version)).await.unwrap(), Committed::Applied);
        writeln!(std::io::stdout().lock(), "ack {} {version}", of.openid).unwrap();
    }
}

/// The commit that makes this version: one more fact, one more counted, and the piece of work of the version before
/// replaced by its own.
fn commit(of: &CustomerRef, version: u64) -> Commit {
    let note =
        Note { reply: Reply::Text("满".repeat(1_300)), expires: UnixSecs(version.cast_signed()), is_receipt: false };
    Commit {
        of: of.clone(),
        base: fuwu::store::Version(version - 1),
        customer: Customer { notes: vec![note], ..Customer::default() },
        increments: vec![Increment { key: counted(), by: 1, late_on: None }],
        facts: vec![Fact {
            at: UnixSecs(1),
            arrived: UnixSecs(1),
            key: DedupeKey(version),
            playbook: "p".into(),
            what: FactKind::Messaged,
        }],
        outbox: vec![Work {
            id: version.to_string().as_str().into(),
            origin: DedupeKey(version),
            due: UnixSecs(1),
            expires: UnixSecs(2),
            task: Task::Send(Reply::Silent),
        }],
        keep: fuwu::store::Keep::Known,
        spent: Vec::new(),
        settled: match version {
            1 => Vec::new(),
            _ => vec![(version - 1).to_string().as_str().into()],
        },
    }
}

/// Lets the victim acknowledge so many commits, kills it, and notes the latest version it acknowledged of each customer.
fn run_and_kill(dir: &Path, after: u64, acknowledged: &mut BTreeMap<String, u64>) {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store_kill::victim", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut hear = |line: &str| {
        let ack: Vec<&str> = line.split(' ').collect();
        let ["ack", openid, version] = ack.as_slice() else { return 0 };
        let latest = acknowledged.entry((*openid).to_owned()).or_default();
        *latest = version.parse::<u64>().unwrap().max(*latest);
        1
    };
    let mut heard = 0;
    while heard < after {
        let line = lines.next().expect("the victim ended by itself").unwrap();
        heard += hear(&line);
    }
    kill(&mut victim);
    // What it said before it died counts too; the last line may be torn.
    for line in lines.map_while(Result::ok) {
        hear(&line);
    }
}

/// SIGKILL, and waits until the system has taken everything back, the lock included.
fn kill(victim: &mut Child) {
    victim.kill().unwrap();
    victim.wait().unwrap();
}

fn check(dir: &Path, known: &BTreeMap<String, u64>, kill: u64) -> BTreeMap<String, u64> {
    runtime().block_on(async {
        let young = kill.is_multiple_of(KILLS_OF_A_STORE);
        if !young && kill % 10 != 9 {
            // Reading mends nothing: the log grows over several kills, and some meet the victim carrying it over.
            return check_store(&Embedded::open_read_only(dir).unwrap(), known).await;
        }
        let store = Embedded::open(dir, Spec::default(), crate::harness::key()).unwrap();
        let versions = check_store(&store, known).await;
        check_outbox(&store, &versions).await;
        store.close().await.unwrap();
        versions
    })
}

async fn check_store(store: &dyn Store, known: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut versions = BTreeMap::new();
    for customer in 0..TASKS * CUSTOMERS_OF_A_TASK {
        let of = who(customer);
        let version = store.load(&of).await.unwrap().version.0;
        let known = known.get(of.openid.as_str()).copied().unwrap_or(0);
        // A kill between fsync and answer leaves one more than is known of; each customer has one commit in flight.
        assert!(version == known || version == known + 1, "{of:?}: {known} is known, {version} is there");
        versions.insert(of.openid.as_str().to_owned(), version);
    }
    let mut marks: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for logged in store.facts(&"demo".into(), 0, usize::MAX).await.unwrap() {
        marks.entry(logged.of.openid.as_str().to_owned()).or_default().push(logged.fact.key.0);
    }
    for (openid, version) in &versions {
        let own = marks.remove(openid).unwrap_or_default();
        assert_eq!(own, (1..=*version).collect::<Vec<_>>(), "the facts of {openid}");
    }
    let range = CounterRange::new(Metric::Messages, 0, 0);
    let sum = store.counters(&"demo".into(), &[range]).await.unwrap().sum(Metric::Messages, 0);
    assert_eq!(sum, versions.values().sum::<u64>().cast_signed(), "the counter");
    versions
}

/// Every customer has exactly the work of its version. A lease of no length leaves it due.
async fn check_outbox(store: &dyn Store, versions: &BTreeMap<String, u64>) {
    let claimed = store.claim_due(UnixSecs(100), 0, usize::MAX).await.unwrap();
    let left: BTreeMap<String, u64> = claimed
        .iter()
        .map(|claimed| (claimed.of.openid.as_str().to_owned(), claimed.work.id.as_str().parse().unwrap()))
        .collect();
    let expected: BTreeMap<String, u64> = versions
        .iter()
        .filter(|(_, version)| **version > 0)
        .map(|(openid, version)| (openid.clone(), *version))
        .collect();
    assert_eq!((claimed.len(), left), (expected.len(), expected));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

fn who(customer: u64) -> CustomerRef {
    CustomerRef { account: "demo".into(), openid: format!("o{customer}").as_str().into() }
}

fn counted() -> CounterKey {
    CounterKey { metric: Metric::Messages, a: 0, b: 0, dimension: String::new() }
}
