//! What a program takes of the machine, by /proc.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// The thread of fuwu that writes the store.
const WRITER: &str = "store-writer";
const FSYNCS: usize = 200;

/// What a program has taken so far.
pub struct Taken {
    /// By thread: its name, and its time on a core.
    threads: BTreeMap<u32, (String, Duration)>,
    /// Bytes handed to `write` and its like. Answers to sockets are among them only if sent so, which ours are not.
    asked_to_write: u64,
    /// Bytes on their way to the disk, in whole pages.
    written: u64,
}

/// What it took between two looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Of all threads.
    pub cpu: Duration,
    /// Of the thread that writes the store.
    pub writer_cpu: Duration,
    pub asked_to_write: u64,
    pub written: u64,
}

impl Taken {
    /// Until now. Times are the scheduler's own nanoseconds, of which `utime` and `stime` are the rounded sum.
    pub fn by(pid: u32) -> anyhow::Result<Self> {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let path = entry?.path();
            let tid =
                path.file_name().and_then(|name| name.to_str()?.parse().ok()).context("a thread without number")?;
            // One that ends between two looks is of no weight.
            if let (Ok(name), Ok(cpu)) = (fs::read_to_string(path.join("comm")), on_core(&path)) {
                threads.insert(tid, (name.trim_end().to_owned(), cpu));
            }
        }
        let io = fs::read_to_string(format!("/proc/{pid}/io")).context("no I/O accounting")?;
        Ok(Self { threads, asked_to_write: field(&io, "wchar:")?, written: field(&io, "write_bytes:")? })
    }

    /// What was taken between this look and a later one.
    pub fn until(&self, later: &Self) -> Spent {
        let mut spent = Spent {
            asked_to_write: later.asked_to_write - self.asked_to_write,
            written: later.written - self.written,
            ..Spent::default()
        };
        for (tid, (name, cpu)) in &later.threads {
            let cpu = cpu.saturating_sub(self.threads.get(tid).map_or(Duration::ZERO, |(_, before)| *before));
            spent.cpu += cpu;
            if name == WRITER {
                spent.writer_cpu += cpu;
            }
        }
        spent
    }
}

/// The most memory a program ever had, in KiB.
pub fn peak_memory_kib(pid: u32) -> anyhow::Result<u64> {
    field(&fs::read_to_string(format!("/proc/{pid}/status"))?, "VmHWM:")
}

/// The time the calling thread spent on a core.
pub fn own_cpu() -> anyhow::Result<Duration> {
    on_core(Path::new("/proc/thread-self"))
}

fn on_core(task: &Path) -> anyhow::Result<Duration> {
    let text = fs::read_to_string(task.join("schedstat")).context("no scheduler statistics")?;
    Ok(Duration::from_nanos(text.split(' ').next().unwrap_or_default().parse()?))
}

fn field(text: &str, name: &str) -> anyhow::Result<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).with_context(|| format!("no {name} here"))
}

/// How long this disk takes for 4 KiB and `fdatasync`, again and again into a file that has its size already.
pub fn fsyncs(folder: &Path) -> anyhow::Result<Vec<Duration>> {
    let file = File::create(folder.join("fsync"))?;
    file.write_all_at(&vec![0; FSYNCS * 4096], 0)?;
    file.sync_all()?;
    let one = |n: usize| -> std::io::Result<Duration> {
        let began = Instant::now();
        file.write_all_at(&[1; 4096], n as u64 * 4096)?;
        file.sync_data()?;
        Ok(began.elapsed())
    };
    Ok((0..FSYNCS).map(one).collect::<Result<_, _>>()?)
}
