//! What the writer is asked to do. Values are already bytes: turning them into bytes is the callers' work, done in
//! parallel, not the one writer's.

use std::cell::OnceCell;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::moving::Move;
use super::records::Kept;
use crate::domain::fact::Fact;
use crate::domain::forget::Keep;
use crate::domain::ids::{AccountId, Openid, WorkId};
use crate::domain::time::BusinessDay;
use crate::domain::work::Work;
use crate::growth::counter::Increment;
use crate::store::pseudonym::Names;
use crate::store::shape::{self, Shape as _};
use crate::store::{Commit, Committed, CustomerRef, Partition, Quarantined, SharedChange, Spent, StoreError, Version};

/// A request and whom to answer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) write: Write,
    pub(super) answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

#[derive(Debug)]
pub(super) enum Write {
    Commit(Box<CommitRow>),
    CommitAll(Box<BulkRow>),
    Claim {
        now: i64,
        until: i64,
        limit: i64,
    },
    Defer {
        of: CustomerRef,
        id: WorkId,
        attempt: u32,
        due: i64,
    },
    Quarantine(Quarantined),
    PutShared(SharedChange),
    Erase(Box<EraseRow>),
    /// Deletes facts of a customer that is being erased.
    Purge {
        account: i64,
        seqs: Vec<i64>,
    },
    /// Ends an erasure whose facts are gone.
    Erased {
        customer: i64,
    },
    /// Deletes quarantined deliveries.
    Release {
        ids: Vec<i64>,
    },
    Expire {
        account: AccountId,
        left_before: BusinessDay,
        limit: i64,
    },
    /// A step of a copy into the store.
    Move(Box<Move>),
    /// Outside any transaction: makes sure that what was deleted is in none of the files.
    Scour(Scour),
    /// Apply what came before, close the file and end.
    Close,
}

/// How thoroughly deleted bytes are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scour {
    /// From the log.
    Log,
    /// From the free space inside the file's pages too: rewrites the file.
    File,
}

/// A customer to be erased.
#[derive(Debug)]
pub(super) struct EraseRow {
    pub(super) account: i64,
    pub(super) customer: i64,
    /// The version of the record when the last of `residue` was read.
    pub(super) version: i64,
    pub(super) nobody: Openid,
    pub(super) residue: Vec<Increment>,
}

/// What came of a [`Write`].
#[derive(Debug)]
pub(super) enum Outcome {
    Committed(Committed),
    Claimed(Vec<ClaimedRow>),
    Expired(usize),
    Done,
}

/// A [`Commit`], ready to be written.
#[derive(Debug)]
pub(super) struct CommitRow {
    pub(super) of: CustomerRef,
    pub(super) partition: Partition,
    pub(super) base: u64,
    pub(super) record: Arc<[u8]>,
    pub(super) left_on: Option<i32>,
    pub(super) increments: Vec<Increment>,
    pub(super) facts: Facts,
    pub(super) outbox: Vec<WorkRow>,
    pub(super) settled: Vec<WorkId>,
    pub(super) spent: Vec<Spent>,
    pub(super) keep: Keep,
    tombstone: Tombstone,
    /// The name from now on, if it is not the one the customer goes by.
    renamed: Option<Openid>,
}

/// The name of a customer's tombstone. Nearly everybody is found by the openid, so it is made when it is first needed.
#[derive(Debug)]
struct Tombstone {
    names: Arc<Names>,
    name: OnceCell<Option<Openid>>,
}

/// The facts of a commit, their bytes in one piece.
#[derive(Debug)]
pub(super) struct Facts {
    bytes: Vec<u8>,
    /// Where each ends, and whether there are words of the customer in it.
    ends: Vec<(usize, bool)>,
}

#[derive(Debug)]
pub(super) struct LogRow<'a> {
    pub(super) body: &'a [u8],
    /// Whether there are words of the customer in it.
    pub(super) words: bool,
}

impl LogRow<'_> {
    /// Makes this fact the last of those with `words`, if it has any; the answer is the one before it.
    pub(super) fn chained(&self, seq: i64, words: &mut Option<i64>) -> Option<i64> {
        if self.words { words.replace(seq) } else { None }
    }
}

impl Facts {
    fn new(facts: &[Fact]) -> Result<Self, StoreError> {
        let mut bytes = Vec::with_capacity(facts.len() * Fact::USUAL_BYTES);
        let mut ends = Vec::with_capacity(facts.len());
        for fact in facts {
            bytes = shape::append(fact, bytes)?;
            ends.push((bytes.len(), fact.without_words().is_some()));
        }
        Ok(Self { bytes, ends })
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The last one with words, if they are numbered from `first` on.
    pub(super) fn last_words(&self, first: i64) -> Option<i64> {
        (first..).zip(&self.ends).filter(|(_, (_, words))| *words).map(|(seq, _)| seq).last()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = LogRow<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |(end, words)| {
            let body = self.bytes.get(start..*end).unwrap_or_default();
            start = *end;
            LogRow { body, words: *words }
        })
    }
}

/// A [`crate::store::Bulk`], ready to be written.
#[derive(Debug)]
pub(super) struct BulkRow {
    pub(super) commits: Vec<CommitRow>,
    pub(super) quarantined: Vec<Quarantined>,
    pub(super) notes: Vec<SharedChange>,
}

#[derive(Debug)]
pub(super) struct WorkRow {
    pub(super) id: WorkId,
    pub(super) due: i64,
    pub(super) body: Vec<u8>,
}

/// Claimed work as it is stored.
#[derive(Debug)]
pub(super) struct ClaimedRow {
    pub(super) seq: i64,
    pub(super) of: CustomerRef,
    pub(super) attempt: u32,
    pub(super) body: Vec<u8>,
}

impl CommitRow {
    pub(super) fn new(commit: Commit, names: &Arc<Names>) -> Result<Self, StoreError> {
        let work = |work: Work| {
            let body = shape::write(&work)?;
            Ok(WorkRow { id: work.id, due: work.due.0, body })
        };
        let tombstone = Tombstone { names: Arc::clone(names), name: OnceCell::new() };
        let row = Self {
            partition: names.partitions.of(&commit.of),
            base: commit.base.0,
            record: shape::write_with_room(&commit.customer)?.into(),
            left_on: commit.customer.left_on().map(|day| day.0),
            facts: Facts::new(&commit.facts)?,
            tombstone,
            renamed: (commit.keep != Keep::Known).then(|| names.kept(&commit.of, commit.keep)),
            keep: commit.keep,
            outbox: commit.outbox.into_iter().map(work).collect::<Result<_, StoreError>>()?,
            of: commit.of,
            increments: commit.increments,
            settled: commit.settled,
            spent: commit.spent,
        };
        if row.base == 0 {
            // Whoever seems new is looked for under this name too: work for here, not for the one writer.
            row.tombstone();
        }
        Ok(row)
    }

    /// The name of the customer's tombstone.
    pub(super) fn tombstone(&self) -> Option<&Openid> {
        let Tombstone { names, name } = &self.tombstone;
        name.get_or_init(|| names.tombstone(&self.of)).as_ref()
    }

    #[cfg(test)]
    pub(super) fn has_tombstone(&self) -> bool {
        self.tombstone.name.get().is_some()
    }

    /// The record as it can be kept once it is written; not that of a new customer, whose version the writer chooses,
    /// nor of one who leaves.
    pub(super) fn kept(&self) -> Option<Kept> {
        // A version that nobody was given is refused, and nothing is kept of it.
        let version = Version(self.base.checked_add(1).filter(|_| self.base > 0 && self.keep == Keep::Known)?);
        Some(Kept { version, record: Arc::clone(&self.record) })
    }

    /// The name from now on.
    pub(super) fn name(&self) -> &Openid {
        self.renamed.as_ref().unwrap_or(&self.of.openid)
    }
}
