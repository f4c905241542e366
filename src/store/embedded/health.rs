//! How a store's file is, found out beside whoever writes it.

use std::path::Path;

use super::{connection, schema};
use crate::store::{Spec, StoreError};

/// Larger files are not read through: that would take minutes.
const MOST_BYTES: u64 = 256 << 20;

/// A store's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedHealth {
    /// Its size.
    pub bytes: u64,
    /// `ok`, or what is wrong with its structure; nothing when it is too large to be read through.
    pub damage: Option<String>,
}

/// Looks at the store in `dir`; nothing when there is none yet. Changes nothing. Blocks.
///
/// # Errors
/// As [`super::Embedded::open_read_only`], and [`StoreError::Mismatch`] when it was made with another `spec`.
pub fn embedded_health(dir: &Path, spec: Spec) -> Result<Option<EmbeddedHealth>, StoreError> {
    let path = connection::db_path(dir);
    let failed = |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("{}: {error}", path.display()));
    if !path.exists() {
        return Ok(None);
    }
    let bytes = std::fs::metadata(&path).map_err(|error| failed(&error))?.len();
    let reading = connection::for_reading(dir)?;
    schema::check_for_reading(&reading)?.check(spec)?;
    let check = || reading.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    let damage = match bytes {
        ..=MOST_BYTES => Some(check().map_err(|error| failed(&error))?),
        _ => None,
    };
    Ok(Some(EmbeddedHealth { bytes, damage }))
}
