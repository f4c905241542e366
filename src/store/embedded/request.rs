//! What the writer is asked to do. Values are already bytes: turning them into bytes is the callers' work, done in
//! parallel, not the one writer's.

use tokio::sync::oneshot;

use crate::domain::ids::WorkId;
use crate::domain::work::Work;
use crate::growth::counter::Increment;
use crate::store::shape;
use crate::store::{Commit, Committed, CustomerRef, Partition, Quarantined, SharedChange, StoreError};

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
    /// Apply what came before, close the file and end.
    Close,
}

/// What came of a [`Write`].
#[derive(Debug)]
pub(super) enum Outcome {
    Committed(Committed),
    Claimed(Vec<ClaimedRow>),
    Done,
}

/// A [`Commit`], ready to be written.
#[derive(Debug)]
pub(super) struct CommitRow {
    pub(super) of: CustomerRef,
    pub(super) partition: Partition,
    pub(super) base: u64,
    pub(super) record: Vec<u8>,
    pub(super) increments: Vec<Increment>,
    pub(super) facts: Vec<Vec<u8>>,
    pub(super) outbox: Vec<WorkRow>,
    pub(super) settled: Vec<WorkId>,
}

/// A [`crate::store::Bulk`], ready to be written.
#[derive(Debug)]
pub(super) struct BulkRow {
    pub(super) commits: Vec<CommitRow>,
    pub(super) quarantined: Vec<Quarantined>,
    pub(super) note: Option<SharedChange>,
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
    pub(super) fn new(commit: Commit, partition: Partition) -> Result<Self, StoreError> {
        let work = |work: Work| {
            let body = shape::write(&work)?;
            Ok(WorkRow { id: work.id, due: work.due.0, body })
        };
        Ok(Self {
            partition,
            base: commit.base.0,
            record: shape::write(&commit.customer)?,
            facts: commit.facts.iter().map(shape::write).collect::<Result<_, _>>()?,
            outbox: commit.outbox.into_iter().map(work).collect::<Result<_, StoreError>>()?,
            of: commit.of,
            increments: commit.increments,
            settled: commit.settled,
        })
    }
}
