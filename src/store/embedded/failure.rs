//! What went wrong in SQLite, sorted by what it means for the store.

use rusqlite::ffi;

use crate::store::StoreError;

/// What a failure leaves standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// Only the statement at hand; whatever else was in the transaction can be applied without it.
    Statement,
    /// The transaction: it was rolled back, and a later one may succeed (disk full, busy).
    Transaction,
    /// The file: after a failed fsync nobody knows what the disk holds, and a later fsync that succeeds proves nothing.
    File,
}

pub(super) fn damage(error: &rusqlite::Error) -> Damage {
    let Some(code) = error.sqlite_error() else { return Damage::Statement };
    match code.extended_code {
        ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => return Damage::File,
        _ => {}
    }
    match code.extended_code & 0xff {
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => Damage::File,
        ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH | ffi::SQLITE_TOOBIG | ffi::SQLITE_RANGE | ffi::SQLITE_ERROR => {
            Damage::Statement
        }
        _ => Damage::Transaction,
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let mend = match error.sqlite_error().map(|code| code.extended_code & 0xff) {
            Some(ffi::SQLITE_FULL) => "; make room on the disk, the store goes on by itself",
            Some(ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB) => "; stop, keep a copy of the file, restore a backup",
            Some(ffi::SQLITE_IOERR) => "; check the disk",
            _ => "",
        };
        Self::Unavailable(format!("{error}{mend}"))
    }
}

/// What a caller hears once the writer is gone.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32) -> Damage {
        damage(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn a_failed_fsync_is_never_taken_for_a_passing_trouble() {
        assert_eq!(
            [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC, ffi::SQLITE_CORRUPT_INDEX].map(of),
            [Damage::File; 3]
        );
        assert_eq!([ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_IOERR_WRITE].map(of), [Damage::Transaction; 3]);
        assert_eq!([ffi::SQLITE_CONSTRAINT_TRIGGER, ffi::SQLITE_TOOBIG].map(of), [Damage::Statement; 2]);
    }

    #[test]
    fn an_operator_reads_what_to_do() {
        let full = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None);
        assert!(StoreError::from(full).to_string().contains("make room"));
    }
}
