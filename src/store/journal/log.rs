//! The journal as its users see it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::record::Record;
use super::segment::{self, Reader};
use super::unsettled::Unsettled;
use super::writer::{self, Job};
use super::{Accepted, JournalFault, Location, Place};
use crate::domain::time::UnixSecs;
use crate::store::{Partition, PseudonymKey};

/// What customers said is kept for a day at most.
pub const KEPT_SECS: i64 = 86_400;
const LOCK_FILE: &str = "journal.lock";
/// More than are noted while the files are read once.
const ANSWERED_OF_LATE: usize = 16_384;
/// Random, in hexadecimal.
const NAME_CHARS: usize = 16;

/// A journal in a folder.
pub struct Journal {
    name: String,
    shared: Arc<Shared>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    _lock: File,
}

/// What the writing thread and everybody else know.
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) key: PseudonymKey,
    pub(super) most_bytes: u64,
    pub(super) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) segments: BTreeMap<u64, Segment>,
    pub(super) unsettled: Unsettled,
    /// Of late, and perhaps not yet on the disk.
    pub(super) answered: BTreeSet<Place>,
    /// The next entry stands after this, wherever the last one stood.
    pub(super) after: Place,
}

/// What is known of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) bytes: u64,
    /// Its entries stand from here; nothing stands in it while `last` is before that.
    pub(super) first: Place,
    pub(super) last: Place,
    pub(super) first_arrived: Option<UnixSecs>,
}

impl Segment {
    pub(super) fn note(&mut self, place: Place, record: &Record) {
        self.last = self.last.max(place);
        if let Record::Accepted(accepted) = record {
            self.first_arrived = self.first_arrived.or(Some(accepted.arrived));
        }
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes whole segments away.
    pub(super) fn remove(&self, state: &mut State, number: u64) -> Result<(), JournalFault> {
        let path = segment::path(&self.dir, number);
        std::fs::remove_file(&path).map_err(|error| segment::disk(&path, &error))?;
        state.segments.remove(&number);
        Ok(())
    }
}

/// An entry as it is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A delivery, and where it stands.
    Accepted(Accepted, Location),
    /// The customer who sent the delivery at this place was answered.
    Answered(Place),
}

impl Journal {
    /// Opens the journal in `dir`, or begins one, that holds at most `most_bytes` and is sealed with a key made from
    /// `key`.
    ///
    /// # Errors
    /// [`JournalFault::Locked`] when another process has it, [`JournalFault::Unreadable`] when another version wrote it,
    /// else what the disk says.
    pub fn open(dir: &Path, key: PseudonymKey, most_bytes: u64) -> Result<Self, JournalFault> {
        std::fs::create_dir_all(dir).map_err(|error| segment::disk(dir, &error))?;
        let (lock, name) = lock(dir)?;
        let mut state = State::default();
        for number in segment::numbers(dir)? {
            let mut known = Segment::default();
            if let Some(mut reader) = Reader::open(dir, number, &key)? {
                (known.first, known.last) = (reader.first, Place(reader.first.0.saturating_sub(1)));
                while let Some((place, _, record)) = reader.next()? {
                    known.note(place, &record);
                }
            }
            let path = segment::path(dir, number);
            known.bytes = std::fs::metadata(&path).map_err(|error| segment::disk(&path, &error))?.len();
            state.segments.insert(number, known);
        }
        let shared = Arc::new(Shared { dir: dir.to_owned(), key, most_bytes, state: Mutex::new(state) });
        let (jobs, taken) = mpsc::channel();
        let writing = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("journal".into()).spawn(move || writer::write(&writing, &taken));
        let thread = thread.map_err(|error| segment::disk(dir, &error))?;
        Ok(Self { name, shared, jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)), _lock: lock })
    }

    /// What this journal is called, and no other one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keeps a delivery. When this returns it is on the disk, and [`Self::settle`] must be said of it once the store has
    /// it.
    ///
    /// # Errors
    /// [`JournalFault::Full`], or what the disk says: the delivery is not kept.
    pub async fn accept(&self, accepted: Accepted) -> Result<(Place, Location), JournalFault> {
        let (done, kept) = oneshot::channel();
        self.tell(Job::Accept(accepted, done))?;
        kept.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Notes that a customer was answered; on the disk a moment later.
    pub fn answered(&self, place: Place) {
        {
            let answered = &mut self.shared.state().answered;
            answered.insert(place);
            if answered.len() > ANSWERED_OF_LATE {
                answered.pop_first();
            }
        }
        // Closed: then whoever applies it again says it once more.
        let _ = self.tell(Job::Answered(place));
    }

    fn tell(&self, job: Job) -> Result<(), JournalFault> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().ok_or_else(closed)?.send(job).map_err(|_| closed())
    }

    /// The store has it, or never will. `false` when it has to be applied once more all the same: then it stays open.
    pub fn settle(&self, partition: Partition, place: Place) -> bool {
        self.shared.state().unsettled.settle(partition, place)
    }

    /// It has to be applied again. `false` when it is being applied now: then whoever does hears of it in
    /// [`Self::settle`], since the store may forget just that.
    pub fn reopen(&self, partition: Partition, place: Place) -> bool {
        self.shared.state().unsettled.reopen(partition, place)
    }

    /// Whatever comes stands after `place`, also when this journal has lost what stood there.
    pub fn go_on_after(&self, place: Place) {
        let mut state = self.shared.state();
        state.after = state.after.max(place);
    }

    /// Up to where the store has everything of a partition that was accepted since the journal was opened.
    pub fn settled_up_to(&self, partition: Partition) -> Option<Place> {
        self.shared.state().unsettled.settled_up_to(partition)
    }

    /// Whether that was noted of late.
    pub fn was_answered(&self, place: Place) -> bool {
        self.shared.state().answered.contains(&place)
    }

    /// It cannot be applied, at least not now: it does not keep others from their room.
    pub fn is_stuck(&self, partition: Partition, place: Place) {
        self.shared.state().unsettled.is_stuck(partition, place);
    }

    /// Whether an entry waits for the store.
    pub fn is_waiting(&self, partition: Partition, place: Place) -> bool {
        self.shared.state().unsettled.is_open(partition, place)
    }

    /// How many entries wait for the store.
    pub fn waiting(&self) -> usize {
        self.shared.state().unsettled.count()
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> u64 {
        self.shared.state().segments.values().map(|segment| segment.bytes).sum()
    }

    /// Everything after a place, in order. Blocks.
    pub fn entries(&self, after: Place) -> impl Iterator<Item = Result<(Place, Entry), JournalFault>> {
        let wanted = |(number, segment): (&u64, &Segment)| (segment.last > after).then_some(*number);
        let numbers: Vec<u64> = self.shared.state().segments.iter().filter_map(wanted).collect();
        let shared = Arc::clone(&self.shared);
        numbers
            .into_iter()
            .flat_map(move |number| {
                let mut reader = Reader::open(&shared.dir, number, &shared.key);
                std::iter::from_fn(move || match &mut reader {
                    Ok(Some(open)) => open.next().transpose(),
                    Ok(None) => None,
                    Err(_) => std::mem::replace(&mut reader, Ok(None)).err().map(Err),
                })
            })
            .filter(move |read| !matches!(read, Ok((place, ..)) if *place <= after))
            .map(|read| read.map(|(place, location, record)| (place, entry(location, record))))
    }

    /// The delivery at a location. Blocks.
    ///
    /// # Errors
    /// [`JournalFault::Gone`] when it is there no longer, else as the disk says.
    pub fn read(&self, location: Location) -> Result<Accepted, JournalFault> {
        let gone = || JournalFault::Gone("it is there no longer");
        let mut reader = Reader::open(&self.shared.dir, location.segment, &self.shared.key)?.ok_or_else(gone)?;
        reader.seek(location.offset)?;
        match reader.next()? {
            Some((_, at, Record::Accepted(accepted))) if at == location => Ok(accepted),
            _ => Err(gone()),
        }
    }

    /// Takes away every segment with something in it that arrived before `before`, and those with nothing in them. Says
    /// how many entries were still waiting.
    ///
    /// # Errors
    /// As the disk says.
    pub fn forget_before(&self, before: UnixSecs) -> Result<usize, JournalFault> {
        let mut state = self.shared.state();
        let newest = state.segments.keys().next_back().copied();
        let is_old = |segment: &Segment| segment.first_arrived.is_none_or(|arrived| arrived < before);
        let old: Vec<(u64, Segment)> =
            state.segments.iter().filter(|(_, segment)| is_old(segment)).map(|(n, segment)| (*n, *segment)).collect();
        let mut lost = 0;
        for (number, segment) in old {
            if Some(number) == newest {
                // It may be written: another one is begun first, unless nothing is in this one.
                if segment.first_arrived.is_some() {
                    self.tell(Job::Rotate)?;
                }
                continue;
            }
            self.shared.remove(&mut state, number)?;
            lost += state.unsettled.drop_between(segment.first, segment.last);
        }
        Ok(lost)
    }

    /// Writes what was noted and ends. Blocks.
    pub fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A writer that failed has told so.
            let _ = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

fn entry(location: Location, record: Record) -> Entry {
    match record {
        Record::Accepted(accepted) => Entry::Accepted(accepted, location),
        Record::Answered(place) => Entry::Answered(place),
    }
}

fn closed() -> JournalFault {
    JournalFault::Disk("it is closed".into())
}

/// Takes the lock; in its file stands the journal's name.
fn lock(dir: &Path) -> Result<(File, String), JournalFault> {
    let path = dir.join(LOCK_FILE);
    let disk = |error: std::io::Error| segment::disk(&path, &error);
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(disk)?;
    match file.try_lock() {
        Ok(()) => {
            let mut name = String::new();
            file.read_to_string(&mut name).map_err(disk)?;
            if name.len() != NAME_CHARS {
                name = format!("{:016x}", rand::random::<u64>());
                file.set_len(0).and_then(|()| file.rewind()).map_err(disk)?;
                file.write_all(name.as_bytes()).and_then(|()| file.sync_all()).map_err(disk)?;
            }
            Ok((file, name))
        }
        Err(TryLockError::WouldBlock) => Err(JournalFault::Locked(format!(
            "another process keeps its journal in {}: every process needs a `data_dir` of its own",
            dir.display()
        ))),
        Err(TryLockError::Error(error)) => Err(segment::disk(&path, &error)),
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
