//! Where the bytes of uploaded media lie: in a folder beside the state's file, or in memory when there is none.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::web::Bytes;

/// The shelf. Ids are the sandbox's own and safe as file names.
pub struct Shelf {
    folder: Option<PathBuf>,
    memory: Mutex<BTreeMap<String, Bytes>>,
}

impl Shelf {
    /// The shelf of a sandbox; the folder is made when something is put there.
    pub fn beside(data_file: Option<&Path>) -> Self {
        Self { folder: data_file.map(|file| file.with_extension("media")), memory: Mutex::default() }
    }

    /// Puts bytes there.
    pub fn put(&self, id: &str, bytes: Bytes) -> io::Result<()> {
        match &self.folder {
            Some(folder) => {
                fs::create_dir_all(folder)?;
                fs::write(folder.join(id), bytes)
            }
            None => {
                self.memory().insert(id.to_owned(), bytes);
                Ok(())
            }
        }
    }

    /// What lies under an id that the state knows.
    pub fn get(&self, id: &str) -> Option<Bytes> {
        match &self.folder {
            Some(folder) => fs::read(folder.join(id)).ok().map(Bytes::from),
            None => self.memory().get(id).cloned(),
        }
    }

    /// Takes away what nobody knows any more.
    pub fn remove(&self, ids: &[String]) {
        for id in ids {
            match &self.folder {
                // What is not there is gone already.
                Some(folder) => drop(fs::remove_file(folder.join(id))),
                None => drop(self.memory().remove(id)),
            }
        }
    }

    fn memory(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_there_is_there_until_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sandbox.json");
        for shelf in [Shelf::beside(None), Shelf::beside(Some(&file))] {
            shelf.put("T1_0", Bytes::from_static(b"png")).unwrap();
            assert_eq!(shelf.get("T1_0").as_deref(), Some(&b"png"[..]));
            shelf.remove(&["T1_0".into(), "T2_0".into()]);
            assert_eq!(shelf.get("T1_0"), None);
        }
    }

    #[test]
    fn a_folder_outlives_its_shelf() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sandbox.json");
        Shelf::beside(Some(&file)).put("P1_0", Bytes::from_static(b"png")).unwrap();
        assert!(Shelf::beside(Some(&file)).get("P1_0").is_some());
    }
}
