//! From the setting `store.url` to an engine.

use std::path::Path;
use std::sync::Arc;

use super::{Embedded, PseudonymKey, Spec, Store, StoreError};

/// Opens the store that `url` names: `embedded:` lives in `data_dir`.
///
/// # Errors
/// [`StoreError::Mismatch`] when this version has no such engine or the store was made with another
/// `spec`, [`StoreError::Locked`] when another process holds it, else what opening it met.
pub fn open(url: &str, data_dir: &Path, spec: Spec, key: PseudonymKey) -> Result<Arc<dyn Store>, StoreError> {
    engine(url)?;
    Ok(Arc::new(Embedded::open(data_dir, spec, key)?))
}

/// Whether this version has the engine that `url` names.
fn engine(url: &str) -> Result<(), StoreError> {
    // What follows the scheme may hold a password, so no message repeats it.
    let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
    match scheme {
        "embedded" if url == "embedded:" => Ok(()),
        "embedded" => Err(StoreError::Mismatch(
            "store.url: nothing may follow `embedded:`; the folder of the embedded store is `data_dir`".into(),
        )),
        "redis" | "rediss" | "redis+sentinel" | "redis+cluster" => Err(StoreError::Mismatch(format!(
            "store.url: this version of fuwu has only the embedded store and cannot use `{scheme}:`; \
             set store.url to `embedded:`"
        ))),
        _ => Err(StoreError::Mismatch("store.url: no store is called that; set store.url to `embedded:`".into())),
    }
}

/// Opens the store that `url` names for reading, on the embedded engine also beside the process that writes it.
///
/// # Errors
/// As [`open`]; also when there is no store yet.
pub fn open_read_only(url: &str, data_dir: &Path, spec: Spec) -> Result<Arc<dyn Store>, StoreError> {
    engine(url)?;
    let store = Embedded::open_read_only(data_dir)?;
    store.spec().check(spec)?;
    Ok(Arc::new(store))
}

/// As [`open_read_only`], for somebody who asks about single customers and has the key to those who left.
///
/// # Errors
/// As [`open_read_only`].
pub fn open_to_export(url: &str, data_dir: &Path, key: PseudonymKey) -> Result<Arc<dyn Store>, StoreError> {
    engine(url)?;
    Ok(Arc::new(Embedded::open_read_only(data_dir)?.knowing(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::lateness::Lateness;

    fn refusal(url: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        open(url, dir.path(), Spec::default(), PseudonymKey::new("k")).err().unwrap().to_string()
    }

    #[test]
    fn redis_is_refused_by_name_and_its_password_is_not_repeated() {
        for url in ["redis://:hunter2@h/0", "rediss://h", "redis+cluster://h:1,h:2", "redis+sentinel://h:1/0?master=m"]
        {
            let sentence = refusal(url);
            assert!(sentence.contains("only the embedded store") && !sentence.contains("hunter2"), "{sentence}");
        }
    }

    #[test]
    fn an_unknown_engine_is_refused() {
        assert!(refusal("postgres://h").contains("embedded:"));
        assert!(refusal("").contains("embedded:"));
        assert!(refusal("embedded:/elsewhere").contains("data_dir"));
    }

    #[test]
    fn the_embedded_store_is_opened_in_the_data_folder() {
        let dir = tempfile::tempdir().unwrap();
        assert!(open("embedded:", &dir.path().join("data"), Spec::default(), PseudonymKey::new("k")).is_ok());
        assert!(dir.path().join("data/fuwu.db").exists());
    }

    #[test]
    fn reading_and_writing_ask_for_the_settings_the_store_was_made_with() {
        let dir = tempfile::tempdir().unwrap();
        let made = Spec { partitions: 7, lateness: Lateness::new(0).unwrap() };
        let key = || PseudonymKey::new("k");
        drop(open("embedded:", dir.path(), made, key()).unwrap());
        for other in [Spec { partitions: 8, ..made }, Spec { lateness: Lateness::DEFAULT, ..made }] {
            let written = open("embedded:", dir.path(), other, key()).err();
            for refused in [written, open_read_only("embedded:", dir.path(), other).err()] {
                let refused = refused.unwrap();
                assert!(matches!(refused, StoreError::Mismatch(_)), "{refused:?}");
            }
        }
        drop(open_read_only("embedded:", dir.path(), made).unwrap());
        drop(open("embedded:", dir.path(), made, key()).unwrap());
    }
}
