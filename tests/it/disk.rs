//! The disk at its worst (reliability.md A7 to A9): full, cut off in the middle of a write, cut short. What was
//! acknowledged is there, once; what cannot be served is said; when there is room again nobody has to lend a hand.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fuwu::domain::customer::Customer;
use fuwu::store::{Commit, Committed, CustomerRef, Embedded, Keep, Spec, Store, Version};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tempfile::TempDir;

use crate::hand::message_at;
use crate::kill_serve::kept;
use crate::process::{Process, run};

const OPENID: &str = "oPenIdOfTheFullDisk000000001";
const PAGE: usize = 4096;
const SECTOR: usize = 512;

/// What makes the disk full, and gives it room again.
enum Disk {
    /// Files of the program may not grow beyond what they have and a little more.
    Limited,
    /// The same, and the log finds no room at all.
    LimitedWithLog,
    /// Another file takes what is left, but for a little.
    Filled,
}

/// So much is left.
const LITTLE: u64 = 300_000;

impl Disk {
    fn fill(&self, process: &Process, dir: &Path) {
        match self {
            Self::Limited | Self::LimitedWithLog => {
                let longest =
                    ["fuwu.db", "fuwu.db-wal"].map(|file| dir.join("data").join(file).metadata().unwrap().len());
                process.limit_files(Some(longest.into_iter().max().unwrap() + LITTLE));
            }
            Self::Filled => {
                let mut filler = std::fs::File::create(dir.join("filler")).unwrap();
                while filler.write_all(&[1; PAGE]).is_ok() {}
                let length = filler.metadata().unwrap().len();
                filler.set_len(length.saturating_sub(LITTLE)).unwrap();
            }
        }
    }

    fn make_room(&self, process: &Process, dir: &Path) {
        match self {
            Self::Limited | Self::LimitedWithLog => process.limit_files(None),
            Self::Filled => std::fs::remove_file(dir.join("filler")).unwrap(),
        }
    }
}

#[actix_web::test]
async fn while_the_disk_is_full_nothing_is_acknowledged_and_service_resumes_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    fill_and_make_room(dir.path(), Disk::Limited).await;
}

#[actix_web::test]
async fn a_log_that_finds_no_room_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fill_and_make_room(dir.path(), Disk::LimitedWithLog).await;
}

#[actix_web::test]
#[ignore = "needs a file system of its own: FUWU_SMALL_DISK=DIR after `mount -t tmpfs -o size=8m tmpfs DIR`"]
async fn on_a_small_file_system_it_is_the_same() {
    let place = std::env::var_os("FUWU_SMALL_DISK").expect("FUWU_SMALL_DISK says where the small file system is");
    fill_and_make_room(Path::new(&place), Disk::Filled).await;
}

async fn fill_and_make_room(dir: &Path, disk: Disk) {
    let process = match disk {
        Disk::LimitedWithLog => Process::start_without_room_for_a_log(dir),
        Disk::Limited | Disk::Filled => Process::start_on_a_small_disk(dir),
    };
    let hand = process.hand();
    // The real program has the real clock, and a message of long ago is not counted.
    let now = i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let says = |id: u64| {
        message_at(now, OPENID, &format!("<MsgType>text</MsgType><Content>你好</Content><MsgId>{id}</MsgId>"))
    };
    let first = hand.deliver(&says(1)).await;
    assert_eq!(first.status, 200);
    disk.fill(&process, dir);
    let mut acknowledged = 1;
    let refused = loop {
        let answer = hand.deliver(&says(acknowledged + 1)).await;
        if answer.status != 200 {
            break answer;
        }
        acknowledged += 1;
        assert!(acknowledged < 5_000, "the disk does not fill");
    };
    assert_eq!((refused.status, refused.body.len()), (503, 0), "nothing that a customer would read");
    for late in 2..10 {
        assert_eq!(hand.deliver(&says(acknowledged + late)).await.status, 503);
    }
    assert_eq!(hand.deliver(&says(acknowledged)).await.status, 200, "what is known needs no room");
    let alive = reqwest::get(process.url("/healthz")).await.unwrap();
    assert_eq!(alive.status(), 200);
    // On a file system that is full the log finds no room either.
    let told = process.log().contains("a batch was not stored") || !matches!(disk, Disk::Limited);
    assert!(told, "the operator is told: {}", process.log());

    disk.make_room(&process, dir);
    for again in 1..10 {
        assert_eq!(hand.deliver(&says(acknowledged + again)).await.status, 200, "with room, and nobody's help");
    }
    let messages = usize::try_from(acknowledged + 9).unwrap();
    assert_eq!(kept(dir).await, [(OPENID.to_owned(), messages)].into());
    process.kill();
    assert_eq!(kept(dir).await, [(OPENID.to_owned(), messages)].into());
    let verified = run(dir, &[], &["store", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// A store in use, and how often its customer was committed.
struct Used {
    dir: TempDir,
    store: Embedded,
    version: u64,
}

fn who() -> CustomerRef {
    CustomerRef { account: "demo".into(), openid: "oPower".into() }
}

fn open(dir: &Path) -> Result<Embedded, fuwu::store::StoreError> {
    Embedded::open(dir, Spec::default(), crate::harness::key())
}

impl Used {
    async fn after(commits: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        let mut used = Self { dir, store, version: 0 };
        used.commit(commits).await;
        used
    }

    async fn commit(&mut self, times: u64) {
        for _ in 0..times {
            let commit = Commit {
                of: who(),
                base: Version(self.version),
                customer: Customer::default(),
                increments: Vec::new(),
                facts: Vec::new(),
                outbox: Vec::new(),
                settled: Vec::new(),
                spent: Vec::new(),
                keep: Keep::Known,
            };
            assert_eq!(self.store.commit(commit).await.unwrap(), Committed::Applied);
            self.version += 1;
        }
    }

    fn files(&self) -> [Vec<u8>; 2] {
        files(self.dir.path()).map(|file| std::fs::read(file).unwrap())
    }
}

fn files(dir: &Path) -> [PathBuf; 2] {
    ["fuwu.db", "fuwu.db-wal"].map(|file| dir.join(file))
}

/// Leaves these files as a crash would, opens them, and says how often the customer was committed.
async fn found(contents: [&[u8]; 2]) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    for (file, bytes) in files(dir.path()).iter().zip(contents) {
        std::fs::write(file, bytes).unwrap();
    }
    let store = open(dir.path()).unwrap();
    store.load(&who()).await.unwrap().version.0
}

/// Every sector from `from` on as it was meant, as it was before, zeroed or of somebody else: nothing of it was flushed.
fn tear(rng: &mut StdRng, (before, meant): (&[u8], &[u8]), from: usize) -> Vec<u8> {
    let mut torn = meant.to_vec();
    for (n, sector) in torn.chunks_mut(SECTOR).enumerate().skip(from.div_ceil(SECTOR)) {
        let old = before.get(n * SECTOR..).map(|rest| &rest[..rest.len().min(sector.len())]);
        match rng.random_range(0..4) {
            0 => {}
            1 => sector.fill(0),
            2 => rng.fill(sector),
            _ => match old {
                Some(old) => sector[..old.len()].copy_from_slice(old),
                None => sector.fill(0),
            },
        }
    }
    torn
}

#[tokio::test]
async fn a_power_cut_takes_nothing_that_was_acknowledged_whatever_it_leaves_of_the_rest() {
    let mut used = Used::after(20).await;
    let (acknowledged, [db, wal]) = (used.version, used.files());
    used.commit(5).await;
    let [_, longer] = used.files();
    assert!(longer.len() > wal.len());
    let mut rng = StdRng::seed_from_u64(20_260_101);
    let mut seen = BTreeSet::new();
    for _ in 0..150 {
        let torn = tear(&mut rng, (&[], &longer), wal.len());
        let cut = rng.random_range(wal.len()..=torn.len());
        let found = found([&db, &torn[..cut]]).await;
        assert!((acknowledged..=used.version).contains(&found), "{found} of {acknowledged}");
        seen.insert(found);
    }
    assert!(seen.len() > 1, "some of what was on its way arrived, and some did not: {seen:?}");
}

/// The pages that a log holds: after its head of 32 bytes each frame has one of 24 that begins with the page's number.
fn pages(wal: &[u8]) -> BTreeSet<usize> {
    let frames = wal[32..].chunks_exact(24 + PAGE);
    frames.map(|frame| u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize - 1).collect()
}

#[tokio::test]
async fn a_power_cut_while_the_log_is_carried_over_takes_nothing_either() {
    let used = Used::after(40).await;
    let [before, wal] = used.files();
    let carried = tempfile::tempdir().unwrap();
    for (file, bytes) in files(carried.path()).iter().zip([&before, &wal]) {
        std::fs::write(file, bytes).unwrap();
    }
    open(carried.path()).unwrap().close().await.unwrap();
    let after = std::fs::read(carried.path().join("fuwu.db")).unwrap();
    let in_log = pages(&wal);
    assert!(in_log.len() > 3, "{in_log:?}");
    let mut rng = StdRng::seed_from_u64(20_260_102);
    for _ in 0..100 {
        // Only what the log holds is being written; the log itself was flushed long ago.
        let torn = tear(&mut rng, (&before, &after), 0);
        let mut db = before.clone();
        db.resize(before.len().max(after.len()), 0);
        for page in &in_log {
            let place = page * PAGE..(page + 1) * PAGE;
            db[place.clone()].copy_from_slice(&torn[place]);
        }
        assert_eq!(found([&db, &wal]).await, used.version);
    }
}

#[tokio::test]
async fn a_store_that_was_cut_short_is_refused_with_what_to_do() {
    let used = Used::after(40).await;
    used.store.close().await.unwrap();
    let running = open(used.dir.path()).unwrap();
    let [db, wal] = used.files();
    drop(running);
    let mut rng = StdRng::seed_from_u64(20_260_103);
    for _ in 0..40 {
        let cut = rng.random_range(PAGE..db.len());
        let dir = tempfile::tempdir().unwrap();
        for (file, bytes) in files(dir.path()).iter().zip([&db[..cut], &wal[..]]) {
            std::fs::write(file, bytes).unwrap();
        }
        let refused = open(dir.path()).map(drop).unwrap_err().to_string();
        assert!(refused.contains("damaged") && refused.contains("backup"), "{cut} of {}: {refused}", db.len());
    }
}
