//! Figures of the embedded store beside raw fsyncs of the same disk in the same run:
//! `cargo test --release --test it -- --ignored --nocapture store_measure`

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use fuwu::domain::customer::Customer;
use fuwu::domain::fact::{Fact, FactKind};
use fuwu::domain::ids::DedupeKey;
use fuwu::domain::notes::Note;
use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use fuwu::growth::counter::{CounterKey, Increment, Metric};
use fuwu::store::{Commit, Committed, CustomerRef, Embedded, Spec, Store, Version};

const CUSTOMERS: u64 = 100_000;
/// Disks of shared machines change from second to second: short slices of both take turns, and medians are compared.
const SLICE: Duration = Duration::from_millis(300);
const SLICES: usize = 15;

fn who(n: u64) -> CustomerRef {
    CustomerRef { account: "demo".into(), openid: format!("oABCDEFGHIJKLMNOPQRS{n:08}").as_str().into() }
}

/// A commit as a tap on the menu makes it: a record of about 600 bytes, six counters, two facts.
fn commit(n: u64, base: u64) -> Commit {
    let fact = Fact {
        at: UnixSecs(1_767_225_600),
        arrived: UnixSecs(1_767_225_601),
        key: DedupeKey(n ^ base << 32),
        playbook: "0123456789ab".into(),
        what: FactKind::Tapped { key: "data_left".into() },
    };
    let counter = |b: i32| CounterKey { metric: Metric::Gap, a: 20_000, b, dimension: String::new() };
    let spread = i32::try_from(n % 40).unwrap();
    Commit {
        of: who(n),
        base: Version(base),
        customer: Customer {
            notes: vec![Note {
                reply: Reply::Text("量".repeat(195)),
                expires: UnixSecs(base.cast_signed()),
                is_receipt: false,
            }],
            ..Customer::default()
        },
        increments: (0..6).map(|i| Increment { key: counter(i * 100 + spread), by: 1, late_on: None }).collect(),
        facts: vec![fact.clone(), fact],
        outbox: Vec::new(),
        settled: Vec::new(),
        spent: Vec::new(),
        keep: fuwu::store::Keep::Known,
    }
}

/// Appends of 4 KiB, each followed by `fdatasync`, a second.
fn fsyncs_a_second(dir: &std::path::Path) -> f64 {
    let mut file = File::create(dir.join("raw")).unwrap();
    file.write_all(&vec![0; 4 << 20]).unwrap();
    file.sync_all().unwrap();
    let (begun, mut done) = (Instant::now(), 0_u32);
    while begun.elapsed() < SLICE {
        file.write_all_at(&[1; 4096], u64::from(done % 1024) * 4096).unwrap();
        file.sync_data().unwrap();
        done += 1;
    }
    f64::from(done) / begun.elapsed().as_secs_f64()
}

/// Commits with so many clients, each waiting for its answer, over customers that are there already: how many a second,
/// and how long each took.
async fn commits_a_second(store: &Arc<Embedded>, clients: u64, slice: usize) -> (f64, Vec<Duration>) {
    let begun = Instant::now();
    let client = |client: u64| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let (mut n, mut waits) = (client + slice as u64 * 256 * 31, Vec::new());
            while begun.elapsed() < SLICE {
                // A step without common divisor visits all over the file; no two clients share a customer.
                n = (n + 7_919 * 256) % CUSTOMERS / 256 * 256 + client;
                let asked = Instant::now();
                let base = store.load(&who(n)).await.unwrap().version.0;
                assert_eq!(store.commit(commit(n, base)).await.unwrap(), Committed::Applied);
                waits.push(asked.elapsed());
            }
            waits
        })
    };
    let waits: Vec<Duration> = join_all((0..clients).map(client)).await.into_iter().flat_map(Result::unwrap).collect();
    (f64::from(u32::try_from(waits.len()).unwrap()) / begun.elapsed().as_secs_f64(), waits)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

async fn loads_a_second(store: &Arc<Embedded>) -> f64 {
    const LOADS: u32 = 50_000;
    let begun = Instant::now();
    for n in 0..LOADS {
        store.load(&who(u64::from(n) * 7_919 % CUSTOMERS)).await.unwrap();
    }
    f64::from(LOADS) / begun.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures, judges nothing"]
async fn commits_beside_fsyncs() {
    let dir = tempfile::tempdir_in(std::env::var("FUWU_MEASURE_DIR").unwrap_or_else(|_| ".".into())).unwrap();
    let store = Arc::new(Embedded::open(dir.path(), Spec::default(), crate::harness::key()).unwrap());
    let begun = Instant::now();
    for chunk in 0..CUSTOMERS / 1_000 {
        join_all((chunk * 1_000..(chunk + 1) * 1_000).map(|n| store.commit(commit(n, 0)))).await;
    }
    println!("{CUSTOMERS} customers made in {:?}", begun.elapsed());
    println!("a load on the caller's thread takes {:.1} us", 1e6 / loads_a_second(&store).await);
    let begun = Instant::now();
    for _ in 0..10_000 {
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    println!("handing it to another thread would add {:.1} us", begun.elapsed().as_secs_f64() * 1e6 / 1e4);
    for clients in [1, 32, 256] {
        let (mut raws, mut rates, mut ratios, mut waits) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for slice in 0..SLICES {
            let raw = fsyncs_a_second(dir.path());
            let (rate, waited) = commits_a_second(&store, clients, slice).await;
            raws.push(raw);
            rates.push(rate);
            ratios.push(rate / raw);
            waits.extend(waited);
        }
        waits.sort_unstable();
        let (p50, p99) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
        println!(
            "{clients:3} clients: {:6.0} commits/s beside {:5.0} fsyncs/s, ratio {:.2}; p50 {p50:?}, p99 {p99:?}",
            median(rates),
            median(raws),
            median(ratios)
        );
    }
    let crashed = tempfile::tempdir_in(dir.path()).unwrap();
    for file in ["fuwu.db", "fuwu.db-wal"] {
        let size = std::fs::copy(dir.path().join(file), crashed.path().join(file)).unwrap();
        println!("{file}: {} MiB", size >> 20);
    }
    let begun = Instant::now();
    store.close().await.unwrap();
    println!("closed in {:?}", begun.elapsed());
    for (what, path) in [("in good order", dir.path()), ("after a crash", crashed.path())] {
        let begun = Instant::now();
        let opened = Embedded::open(path, Spec::default(), crate::harness::key()).unwrap();
        println!("opened {what} in {:?}", begun.elapsed());
        drop(opened);
    }
}
