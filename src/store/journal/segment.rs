//! One file of the journal: a head, then entries, each its length, its place and its sealed bytes. A crash may cut the
//! last entry short; nothing after it was ever acknowledged.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::JournalFault;
use super::record::{Place, Record, Seal};
use crate::store::PseudonymKey;

const MAGIC: &[u8; 8] = b"fuwujrn1";
const SALT_BYTES: usize = 16;
/// What it is, its salt, and the place of the first entry.
const HEAD_BYTES: usize = MAGIC.len() + SALT_BYTES + 8;
/// Length and place.
const BEFORE_BYTES: usize = 12;
/// No delivery is longer than 64 KiB.
const MOST_BYTES: usize = 128 * 1024;
/// No sealed entry is shorter than its tag.
const TAG_BYTES: usize = 16;
const ENDING: &str = "journal";

/// Which file an entry is in, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// A segment that is written.
pub(super) struct Open {
    pub(super) number: u64,
    file: File,
    seal: Seal,
    /// How far it is written and synced.
    pub(super) bytes: u64,
}

impl Open {
    /// Begins a segment.
    pub(super) fn begin(dir: &Path, (number, first): (u64, Place), key: &PseudonymKey) -> Result<Self, JournalFault> {
        let salt: [u8; SALT_BYTES] = rand::random();
        let path = path(dir, number);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
            file.write_all(MAGIC)?;
            file.write_all(&salt)?;
            file.write_all(&first.0.to_le_bytes())?;
            file.sync_all()?;
            File::open(dir)?.sync_all()?;
            Ok(file)
        });
        match made {
            Ok(file) => Ok(Self { number, file, seal: Seal::of(key, &salt)?, bytes: HEAD_BYTES as u64 }),
            Err(error) => {
                // Half a head would be in the way of the next try.
                let _ = std::fs::remove_file(&path);
                Err(disk(&path, &error))
            }
        }
    }

    /// Adds a sealed entry to `batch`, to be written with it, and says where it will stand.
    pub(super) fn add(&self, batch: &mut Vec<u8>, place: Place, record: &Record) -> Result<Location, JournalFault> {
        let mut bytes = record.write()?;
        self.seal.seal(place, &mut bytes)?;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let offset = self.bytes + batch.len() as u64;
        batch.extend_from_slice(&length.to_le_bytes());
        batch.extend_from_slice(&place.0.to_le_bytes());
        batch.append(&mut bytes);
        Ok(Location { segment: self.number, offset })
    }

    /// Writes and syncs a batch: all of it is durable, or none of it counts.
    ///
    /// # Errors
    /// As the disk says. This segment must not be written any more then.
    pub(super) fn write(&mut self, batch: &[u8]) -> std::io::Result<()> {
        let done = self.file.write_all(batch).and_then(|()| self.file.sync_data());
        match done {
            Ok(()) => self.bytes += batch.len() as u64,
            // What half stands there would be read as an entry cut short.
            Err(_) => drop(self.file.set_len(self.bytes)),
        }
        done
    }
}

/// The segments in `dir`, oldest first.
pub(super) fn numbers(dir: &Path) -> Result<Vec<u64>, JournalFault> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| disk(dir, &error))? {
        let path = entry.map_err(|error| disk(dir, &error))?.path();
        let is_ours = path.extension().is_some_and(|ending| ending == ENDING);
        let number: Option<u64> = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        numbers.extend(number.filter(|_| is_ours));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.{ENDING}"))
}

/// A segment that is read.
pub(super) struct Reader {
    number: u64,
    file: BufReader<File>,
    seal: Seal,
    offset: u64,
    /// The place its first entry has.
    pub(super) first: Place,
}

impl Reader {
    /// Opens a segment. `None` when a crash left it without its head: then there is nothing in it.
    pub(super) fn open(dir: &Path, number: u64, key: &PseudonymKey) -> Result<Option<Self>, JournalFault> {
        let path = path(dir, number);
        let opened = File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => JournalFault::Gone("its file is there no longer"),
            _ => disk(&path, &error),
        });
        let mut file = BufReader::new(opened?);
        let mut head = [0; HEAD_BYTES];
        if !fills(&mut file, &mut head)? {
            return Ok(None);
        }
        let (magic, rest) = head.split_at(MAGIC.len());
        let (salt, first) = rest.split_at(SALT_BYTES);
        if magic != MAGIC {
            return Err(JournalFault::Unreadable(format!(
                "{} was written by another version of fuwu; run that version until the store has everything, or delete \
                 the file",
                path.display()
            )));
        }
        let (seal, first) = (Seal::of(key, salt)?, Place(number_in(first)));
        Ok(Some(Self { number, file, seal, offset: HEAD_BYTES as u64, first }))
    }

    /// Goes to an entry.
    pub(super) fn seek(&mut self, offset: u64) -> Result<(), JournalFault> {
        self.offset = offset;
        let moved = self.file.seek(SeekFrom::Start(offset));
        moved.map(drop).map_err(|error| JournalFault::Disk(error.to_string()))
    }

    /// The next entry; `None` at the end, or where a crash has cut one short. One that is not what was written is told of
    /// and passed over: those behind it are as good as ever.
    pub(super) fn next(&mut self) -> Result<Option<(Place, Location, Record)>, JournalFault> {
        loop {
            let mut before = [0; BEFORE_BYTES];
            if !fills(&mut self.file, &mut before)? {
                return Ok(None);
            }
            let (length, place) = before.split_at(4);
            let (length, place) = (usize::try_from(number_in(length)).unwrap_or(usize::MAX), Place(number_in(place)));
            // What was never written is zeros.
            if !(TAG_BYTES..=MOST_BYTES).contains(&length) {
                return Ok(None);
            }
            let mut bytes = vec![0; length];
            if !fills(&mut self.file, &mut bytes)? {
                return Ok(None);
            }
            let location = Location { segment: self.number, offset: self.offset };
            self.offset += (BEFORE_BYTES + length) as u64;
            if let Some(clear) = self.seal.open(place, &mut bytes) {
                return Ok(Some((place, location, Record::read(clear)?)));
            }
            tracing::error!(segment = self.number, offset = location.offset, "an entry of the journal is damaged");
        }
    }
}

/// Reads as much as fits; `false` when the file ends before. Whatever else the disk says is no end.
fn fills(file: &mut BufReader<File>, bytes: &mut [u8]) -> Result<bool, JournalFault> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(JournalFault::Disk(error.to_string())),
    }
}

/// The lowest byte first.
fn number_in(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

pub(super) fn disk(path: &Path, error: &std::io::Error) -> JournalFault {
    JournalFault::Disk(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::accepted;
    use super::*;

    fn key() -> PseudonymKey {
        PseudonymKey::new("the key of the tests")
    }

    fn places(dir: &Path) -> Vec<u64> {
        let mut reader = Reader::open(dir, 1, &key()).unwrap().unwrap();
        std::iter::from_fn(|| reader.next().unwrap()).map(|(place, ..)| place.0).collect()
    }

    fn written(dir: &Path) -> Vec<Location> {
        let mut open = Open::begin(dir, (1, Place(1)), &key()).unwrap();
        let (mut batch, mut at) = (Vec::new(), Vec::new());
        for n in 1..=3 {
            at.push(open.add(&mut batch, Place(n), &Record::Accepted(accepted(1))).unwrap());
        }
        open.write(&batch).unwrap();
        at
    }

    #[test]
    fn entries_are_read_in_order_and_found_by_their_location() {
        let dir = tempfile::tempdir().unwrap();
        let at = written(dir.path());
        assert_eq!((places(dir.path()), numbers(dir.path()).unwrap()), (vec![1, 2, 3], vec![1]));
        let mut reader = Reader::open(dir.path(), 1, &key()).unwrap().unwrap();
        reader.seek(at[1].offset).unwrap();
        let (place, location, record) = reader.next().unwrap().unwrap();
        assert_eq!((place, location, record), (Place(2), at[1], Record::Accepted(accepted(1))));
    }

    #[test]
    fn a_segment_that_was_cut_anywhere_gives_what_stands_before_the_cut() {
        let dir = tempfile::tempdir().unwrap();
        let at = written(dir.path());
        let whole = std::fs::read(path(dir.path(), 1)).unwrap();
        for length in 0..whole.len() {
            std::fs::write(path(dir.path(), 1), &whole[..length]).unwrap();
            let ends = [at[1].offset, at[2].offset, whole.len() as u64];
            let expected = ends.iter().filter(|end| **end <= length as u64).count();
            let read = match Reader::open(dir.path(), 1, &key()).unwrap() {
                Some(mut reader) => std::iter::from_fn(|| reader.next().unwrap()).count(),
                None => 0,
            };
            assert_eq!(read, expected, "cut to {length} bytes");
        }
    }

    #[test]
    fn a_damaged_entry_hides_none_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let at = written(dir.path());
        let mut bytes = std::fs::read(path(dir.path(), 1)).unwrap();
        bytes[usize::try_from(at[1].offset).unwrap() + BEFORE_BYTES] ^= 1;
        std::fs::write(path(dir.path(), 1), bytes).unwrap();
        assert_eq!(places(dir.path()), [1, 3]);
    }

    #[test]
    fn a_file_that_is_gone_is_told_apart_from_a_disk_that_fails() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Reader::open(dir.path(), 1, &key()), Err(JournalFault::Gone(_))));
        std::fs::create_dir(path(dir.path(), 1)).unwrap();
        assert!(matches!(Reader::open(dir.path(), 1, &key()), Err(JournalFault::Disk(_))));
    }

    #[test]
    fn a_file_of_another_version_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(path(dir.path(), 1), b"fuwujrn9........................").unwrap();
        let refused = Reader::open(dir.path(), 1, &key()).err().unwrap().to_string();
        assert!(refused.contains("000000000001.journal was written by another version"), "{refused}");
    }
}
