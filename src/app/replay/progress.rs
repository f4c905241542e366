//! How far a file was applied, and what came of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Replay;
use super::line::Useless;
use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;
use crate::store::{Shared, SharedKind, SharedName, Store, StoreError};

/// A file is known by at most so many of its first bytes.
pub const HEAD_BYTES: usize = 64 * 1024;
/// So many useless lines are listed; all are counted.
pub const MOST_LISTED: usize = 100;

/// How a file begins: so many bytes and their SHA-256. A file that has grown since still begins like that, and so is
/// the same file; only when it was first seen shorter than [`HEAD_BYTES`] are they fewer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Beginning {
    bytes: usize,
    hash: String,
}

impl Beginning {
    /// Of a file with this head, which is all of it or its first [`HEAD_BYTES`].
    pub fn of(head: &[u8]) -> Self {
        let head = head.get(..HEAD_BYTES).unwrap_or(head);
        Self { bytes: head.len(), hash: hash(head) }
    }

    fn begins(&self, head: &[u8]) -> bool {
        head.get(..self.bytes).is_some_and(|head| hash(head) == self.hash)
    }
}

/// The SHA-256 of some bytes, in hex.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.bytes, self.hash)
    }
}

/// A name that no file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a replay file")]
pub struct NoBeginning;

impl FromStr for Beginning {
    type Err = NoBeginning;

    fn from_str(name: &str) -> Result<Self, NoBeginning> {
        let (bytes, hash) = name.split_once('-').ok_or(NoBeginning)?;
        let bytes = bytes.parse().ok().filter(|bytes| *bytes <= HEAD_BYTES).ok_or(NoBeginning)?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if is_hash { Ok(Self { bytes, hash: hash.to_owned() }) } else { Err(NoBeginning) }
    }
}

/// How far a file was applied. It is kept with what was applied, in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The first byte that was not applied.
    pub offset: u64,
    /// Lines before it.
    pub lines: u64,
    /// A file that was changed here is not gone on with.
    pub mark: Mark,
    /// The latest arrival until here.
    pub latest: UnixSecs,
    /// What came of it.
    pub tallies: Tallies,
    /// The first [`MOST_LISTED`] lines that could not be used.
    pub listed: Vec<Listed>,
}

/// A place in a file that can be told again: where the latest whole chunk ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The first byte after it.
    pub offset: u64,
    /// What stands just before, as its [`hash`].
    pub before: String,
}

/// What came of the lines of a file. Each line read is one of applied, duplicate, quarantined or unusable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallies {
    /// Lines read, blank ones left out.
    pub read: u64,
    /// Deliveries that were decided and counted.
    pub applied: u64,
    /// Deliveries that had been applied before, here or in the past.
    pub duplicates: u64,
    /// Applied deliveries that arrived after their own day, and were counted on it.
    pub late: u64,
    /// Deliveries that arrived too late, or from the future: not counted in any number but that of the quarantined.
    pub quarantined: u64,
    /// Lines that could not be used, [`Tallies::kept`] among them.
    pub unusable: u64,
    /// Lines whose message could not be understood and is kept in quarantine.
    pub kept: u64,
    /// Lines that arrived before the one that stands before them.
    pub backwards: u64,
    /// Messages to customers that were not sent.
    pub messages: u64,
    /// Questions to the business system that were not asked.
    pub questions: u64,
    /// Orders that were not placed.
    pub orders: u64,
}

/// A line that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub cause: Useless,
}

/// A file the store knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub file: Beginning,
    /// How far it was applied.
    pub progress: Progress,
}

impl Progress {
    pub(super) fn list(&mut self, cause: Useless) {
        self.tallies.unusable += 1;
        if self.listed.len() < MOST_LISTED {
            self.listed.push(Listed { line: self.lines, cause });
        }
    }

    pub(super) fn arrive(&mut self, at: UnixSecs) {
        self.tallies.backwards += u64::from(at < self.latest);
        self.latest = self.latest.max(at);
    }
}

/// The file that begins like this, if part of it was applied already.
///
/// # Errors
/// As the store answers.
pub async fn known<'a>(
    store: &dyn Store,
    accounts: impl Iterator<Item = &'a AccountId>,
    head: &[u8],
) -> Result<Option<Known>, StoreError> {
    let mut longest: Option<Known> = None;
    for account in accounts {
        for (part, shared) in store.shared_of(account, SharedKind::Replay).await? {
            let Ok(file) = part.parse::<Beginning>() else { continue };
            let longer = longest.as_ref().is_none_or(|known| known.file.bytes < file.bytes);
            if longer && file.begins(head) {
                longest = Some(Known { file, progress: progress(&shared)? });
            }
        }
    }
    Ok(longest)
}

impl Replay {
    /// The note about a file, and the account it is kept with: the first one, unless the settings had others when the
    /// file was begun.
    pub(super) async fn note(&self, file: &Beginning) -> Result<Option<(AccountId, SharedName, Shared)>, StoreError> {
        let name = SharedName { kind: SharedKind::Replay, part: file.to_string() };
        for (account, _) in self.accounts.iter() {
            let shared = self.store.shared(account, &name).await?;
            if shared.version.0 > 0 {
                return Ok(Some((account.clone(), name, shared)));
            }
        }
        Ok(self.accounts.first().map(|(account, _)| (account.clone(), name, Shared::default())))
    }
}

/// What a note says.
pub(super) fn progress(note: &Shared) -> Result<Progress, StoreError> {
    if note.version.0 == 0 {
        return Ok(Progress::default());
    }
    serde_json::from_slice(&note.body)
        .map_err(|error| StoreError::Shape { what: "note about a replay", cause: error.to_string() })
}
