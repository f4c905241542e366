//! Reports in a folder: each file is there as a whole or not at all.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::domain::ids::AccountId;
use crate::growth::brief::{Brief, BriefForm, Unwritten};

/// Why files were not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilesFault {
    /// The folder or a file in it.
    #[error("{place}: {cause}")]
    Place {
        /// Which.
        place: String,
        /// Why.
        cause: io::Error,
    },
    /// The report itself.
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
    /// The thread that wrote them failed.
    #[error("writing was broken off")]
    BrokenOff,
}

/// Writes every file of a report below `folder/ACCOUNT/`, over those of an earlier try.
pub(super) async fn write(folder: &Path, account: &AccountId, part: &str, brief: &Brief) -> Result<(), FilesFault> {
    let folder = folder.join(account.as_str());
    let stem = part.replace('/', "-");
    let files = BriefForm::FILED.map(|form| brief.written(form).map(|bytes| (form.ending(), bytes)));
    let files = files.into_iter().collect::<Result<Vec<_>, _>>()?;
    let written = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder).map_err(|cause| at(&folder, cause))?;
        files.iter().try_for_each(|(ending, bytes)| place(&folder, &format!("{stem}.{ending}"), bytes))
    });
    written.await.unwrap_or(Err(FilesFault::BrokenOff))
}

/// Under another name first, so that whoever looks at the folder never sees half a file.
fn place(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), FilesFault> {
    let passing = folder.join(format!(".{name}.{}", std::process::id()));
    let written = std::fs::File::create(&passing)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&passing, folder.join(name)));
    written.map_err(|cause| {
        // What is left of the try is in nobody's way.
        let _ = std::fs::remove_file(&passing);
        at(&folder.join(name), cause)
    })
}

fn at(place: &Path, cause: io::Error) -> FilesFault {
    FilesFault::Place { place: PathBuf::from(place).display().to_string(), cause }
}
