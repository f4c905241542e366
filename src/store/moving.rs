//! Moving accounts from one store to another: what is read there, what is written here, and the mark of a store that
//! holds only a part of them yet.
//!
//! What is moved comes in pages, each item at a place that rises. Every engine adopts an item once, however often it is
//! handed in: a copy that was broken off anywhere is gone on with by handing in the last page again.

use std::ops::Range;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{CustomerRef, Logged, Quarantined, Shared, SharedName, Store, StoreError, Stored, Version};
use crate::domain::ids::AccountId;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::domain::work::Work;
use crate::growth::counter::{CounterKey, Increment};

/// Which store, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Drawn when it was made.
    pub id: u64,
    /// How often it was opened to be changed.
    pub opened: u64,
}

/// What is moved of an account, in this order: facts find the records that they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Records and their outgoing work.
    Records,
    /// The log.
    Facts,
    /// Every counter.
    Counters,
    /// Late changes by the day they arrived.
    Journal,
    /// What erased customers counted.
    Residue,
    /// Deliveries that could not be used.
    Aside,
    /// Records that belong to no single customer.
    Shared,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 7] =
        [Self::Records, Self::Facts, Self::Counters, Self::Journal, Self::Residue, Self::Aside, Self::Shared];

    /// Its name, as it is stored and printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Facts => "facts",
            Self::Counters => "counters",
            Self::Journal => "journal",
            Self::Residue => "residue",
            Self::Aside => "quarantine",
            Self::Shared => "shared records",
        }
    }
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// This account and step, and up to this place.
    Filling {
        /// Which of the accounts.
        account: usize,
        /// Of what.
        step: Step,
        /// The last place that is there.
        place: u64,
    },
    /// What is there is not what was to be copied: it is taken away and copied anew.
    Spoiled,
    /// All is there and was found equal; only the mark is to be taken away.
    Verified,
}

/// The mark of a store that holds a part of what is copied into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Half {
    /// Copied from there.
    pub from: Origin,
    /// These.
    pub accounts: Vec<AccountId>,
    /// Up to here.
    pub stage: Stage,
}

/// A piece of outgoing work as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptWork {
    /// What.
    pub work: Work,
    /// When it is handed out; the end of its lease while it is leased.
    pub due: UnixSecs,
    /// How often it was claimed.
    pub attempt: u32,
}

/// A record as it is kept, with its outgoing work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its place among the records of the store.
    pub place: u64,
    /// The name it is kept under.
    pub of: CustomerRef,
    /// The record.
    pub stored: Stored,
    /// Outgoing work, in order of commit.
    pub outbox: Vec<KeptWork>,
}

/// Some of what is moved in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// In order of their places.
    Records(Vec<Kept>),
    /// In order of their places; each bears the name that its record is kept under.
    Facts(Vec<Logged>),
    /// Values.
    Counters(Vec<(CounterKey, i64)>),
    /// Values.
    Journal(Vec<(BusinessDay, CounterKey, i64)>),
    /// Values.
    Residue(Vec<Increment>),
    /// Oldest first.
    Aside(Vec<Quarantined>),
    /// With their versions.
    Shared(Vec<(SharedName, Shared)>),
}

impl Content {
    /// Of which step.
    pub fn step(&self) -> Step {
        match self {
            Self::Records(_) => Step::Records,
            Self::Facts(_) => Step::Facts,
            Self::Counters(_) => Step::Counters,
            Self::Journal(_) => Step::Journal,
            Self::Residue(_) => Step::Residue,
            Self::Aside(_) => Step::Aside,
            Self::Shared(_) => Step::Shared,
        }
    }

    /// How many items.
    pub fn len(&self) -> usize {
        match self {
            Self::Records(items) => items.len(),
            Self::Facts(items) => items.len(),
            Self::Counters(items) => items.len(),
            Self::Journal(items) => items.len(),
            Self::Residue(items) => items.len(),
            Self::Aside(items) => items.len(),
            Self::Shared(items) => items.len(),
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of it.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        fn some<T: Clone>(items: &[T], range: Range<usize>) -> Vec<T> {
            let end = range.end.min(items.len());
            items.get(range.start.min(end)..end).unwrap_or_default().to_vec()
        }
        match self {
            Self::Records(items) => Self::Records(some(items, range)),
            Self::Facts(items) => Self::Facts(some(items, range)),
            Self::Counters(items) => Self::Counters(some(items, range)),
            Self::Journal(items) => Self::Journal(some(items, range)),
            Self::Residue(items) => Self::Residue(some(items, range)),
            Self::Aside(items) => Self::Aside(some(items, range)),
            Self::Shared(items) => Self::Shared(some(items, range)),
        }
    }
}

/// What is adopted at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Whose.
    pub account: AccountId,
    /// What.
    pub content: Content,
    /// The place of its last item; no other page ends there.
    pub last: u64,
}

/// A store that accounts are moved from or to. Nobody else writes to it meanwhile.
#[async_trait]
pub trait Moving: Store {
    /// Which store this is.
    async fn origin(&self) -> Result<Origin, StoreError>;

    /// Keeps everybody else who writes out for the next seconds; to be called again and again.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when a server or another copy is at work there.
    async fn hold(&self) -> Result<(), StoreError>;

    /// Lets others in again.
    async fn let_go(&self) -> Result<(), StoreError>;

    /// About how many records and facts there are: for showing progress.
    async fn extent(&self, account: &AccountId) -> Result<(u64, u64), StoreError>;

    /// Records after the place `after`, at most `limit`, in order of their places.
    async fn kept(&self, account: &AccountId, after: u64, limit: usize) -> Result<Vec<Kept>, StoreError>;

    /// Quarantined deliveries after the one with the name `after`, oldest first, with their names; none has an empty name.
    async fn aside_after(
        &self,
        account: &AccountId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Quarantined)>, StoreError>;

    /// The version that a record has here when it comes from elsewhere: the same, unless this engine cannot count so far.
    fn fitting(&self, version: Version) -> Version {
        version
    }

    /// The mark, if the store is half copied.
    async fn half(&self) -> Result<Option<Half>, StoreError>;

    /// Marks the store, from now on or anew.
    async fn mark(&self, half: &Half) -> Result<(), StoreError>;

    /// Takes in what is not there yet, and then notes the new mark.
    async fn adopt(&self, page: Page, then: &Half) -> Result<(), StoreError>;

    /// Takes everything of an account away.
    async fn clear(&self, account: &AccountId) -> Result<(), StoreError>;

    /// The last mark of a copy that came to its end, as long as nobody has used the store since.
    async fn whole(&self) -> Result<Option<Half>, StoreError>;

    /// Takes the mark away, and remembers it as [`Self::whole`].
    async fn finish(&self) -> Result<(), StoreError>;
}

/// What an operator is told who comes upon a half copied store.
pub(super) fn half_copied() -> StoreError {
    StoreError::Mismatch(
        "the store is half copied: a `fuwu store copy` into it was broken off. Run the same command again; it goes on \
         where it stopped"
            .into(),
    )
}

/// The mark as it is stored.
pub(super) fn written(half: &Half) -> Result<String, StoreError> {
    serde_json::to_string(half).map_err(|error| unreadable(&error.to_string()))
}

/// The mark from how it is stored.
pub(super) fn read(text: &str) -> Result<Half, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(cause: &str) -> StoreError {
    StoreError::Shape { what: "mark of a half copy", cause: cause.to_owned() }
}
