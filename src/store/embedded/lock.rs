//! The lock that keeps a second process from writing. The system releases it when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::store::StoreError;

/// The lock's file. It is not the database's: opening and closing that one would drop SQLite's own POSIX locks.
pub(super) const LOCK_FILE: &str = "fuwu.lock";

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the store in `dir` or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(LOCK_FILE);
        let failed = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(refusal(dir, &mut file))),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        write!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn refusal(dir: &Path, file: &mut File) -> String {
    let mut pid = String::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(20).read_to_string(&mut pid));
    let who = match (read, pid.trim()) {
        (Ok(_), pid) if !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()) => format!("process {pid}"),
        _ => "another process".to_owned(),
    };
    format!(
        "the store in {} is in use by {who} ({LOCK_FILE} is locked). Stop that process first, or set another `data_dir`",
        dir.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it_and_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let held = Lock::take(dir.path()).unwrap();
        let refused = Lock::take(dir.path()).unwrap_err();
        let StoreError::Locked(sentence) = refused else { panic!("{refused:?}") };
        assert!(sentence.contains(&format!("process {} ", std::process::id())), "{sentence}");
        assert!(sentence.contains(LOCK_FILE) && sentence.contains("data_dir"), "{sentence}");
        drop(held);
        Lock::take(dir.path()).unwrap();
    }

    #[test]
    fn a_pid_left_behind_does_not_matter_and_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(LOCK_FILE), "12345678901234567").unwrap();
        let _held = Lock::take(dir.path()).unwrap();
        let written = std::fs::read_to_string(dir.path().join(LOCK_FILE)).unwrap();
        assert_eq!(written, std::process::id().to_string());
    }
}
