//! The store contract: what every engine promises, and `conformance` proves.
//!
//! One customer's commit is atomic: record, counters, facts and outbox entries are all there or none is, and once
//! [`Store::commit`] returns `Applied` they survive a crash. No commit ever spans two customers; [`Store::commit_all`]
//! joins many of them, for a replay.

use std::ops::RangeInclusive;

use async_trait::async_trait;

use super::erasure::{Erasure, Spares};
use super::forgetful::Forgetful;
use crate::domain::customer::Customer;
use crate::domain::fact::Fact;
pub use crate::domain::forget::Keep;
use crate::domain::ids::{AccountId, DedupeKey, Openid, WorkId};
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::domain::work::Work;
pub use crate::growth::counter::CounterRange;
use crate::growth::counter::{CounterKey, Increment};
use crate::growth::counters::Counters;

/// Whose record: a customer of an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CustomerRef {
    /// The account.
    pub account: AccountId,
    /// The customer.
    pub openid: Openid,
}

/// The version of a record; 0 means there is none yet. It rises by one with every commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// A record as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Its version, to be handed back with the commit.
    pub version: Version,
    /// The customer; a new one when the version is 0.
    pub customer: Customer,
}

/// Everything one decision changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Whose.
    pub of: CustomerRef,
    /// The version the decision was made from.
    pub base: Version,
    /// The record afterwards.
    pub customer: Customer,
    /// Counter changes.
    pub increments: Vec<Increment>,
    /// Facts, appended in this order.
    pub facts: Vec<Fact>,
    /// New outgoing work; an entry whose id is already there (and not settled by this same commit) is left as it is.
    pub outbox: Vec<Work>,
    /// Outgoing work of this customer that is done with this commit, settled before `outbox` is added. All of it must
    /// still be there, else nothing happens: so work that two workers did has one effect.
    pub settled: Vec<WorkId>,
    /// Deliveries that stay known for a while ([`Store::is_spent`]) although the record that knows them is not kept.
    pub spent: Vec<Spent>,
    /// Under what name the record is kept from now on. For one that is not kept under its openid all outgoing work is
    /// dropped, the facts lose their words, and what was counted by these words is counted without them.
    pub keep: Keep,
}

/// A delivery of somebody of whom nothing is kept, under its sealed key, and when it was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Which.
    pub key: DedupeKey,
    /// When.
    pub at: UnixSecs,
}

/// What came of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All of it is durable.
    Applied,
    /// Somebody else committed this customer first; nothing was changed. Decide again.
    Stale,
    /// Somebody else has settled that work; nothing was changed, and nothing needs to be.
    Settled,
}

/// A due piece of outgoing work, leased to whoever claimed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Whose.
    pub of: CustomerRef,
    /// What, as it was committed: `due` is when it was first due, whatever leases and delays came since.
    pub work: Work,
    /// How often it was claimed, this time included. Also the fencing number: [`Store::defer`] with an older one
    /// changes nothing.
    pub attempt: u32,
    /// When it comes back if nobody settles or defers it.
    pub lease_ends: UnixSecs,
}

/// So many quarantined deliveries of one account are kept.
pub const MOST_QUARANTINED: usize = 10_000;

/// A verified delivery that could not be used, kept for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The account.
    pub account: AccountId,
    /// When it arrived.
    pub arrived: UnixSecs,
    /// Why it was set aside, from a closed set of reasons.
    pub reason: String,
    /// The message in clear, as it came; at most 64 KiB, since longer deliveries are refused unread.
    pub body: Vec<u8>,
}

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds the store.
    #[error("{0}")]
    Locked(String),
    /// The store was made with other settings.
    #[error("{0}")]
    Mismatch(String),
    /// A stored value cannot be read by this version.
    #[error("a stored {what} cannot be read: {cause}")]
    Shape {
        /// What it is.
        what: &'static str,
        /// Why.
        cause: String,
    },
    /// The store cannot be reached or written; what was asked has not happened, or has and the answer was lost. It does
    /// not happen afterwards: whoever reads next sees what became of it.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

/// What a shared record is about. A closed set, so that nobody makes up a key of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SharedKind {
    /// How far a replay file was applied; the part is the file's fingerprint.
    Replay,
    /// What the identities said when a day closed; the part is the day.
    DayCheck,
    /// The numbers as a daily or weekly report printed them; the part is `daily/DAY` or `weekly/DAY`.
    Printed,
    /// A report on its way to a group robot; the part as for [`SharedKind::Printed`].
    Post,
    /// What the platform's own statistics said of a day; the part is the day.
    Datacube,
    /// A recent delivery of somebody of whom nothing is kept ([`Spent`]), where the engine keeps it among these; the part
    /// is its sealed key, the body when it was applied.
    Spent,
    /// Which process does what only one does at a time; the part is what.
    Duty,
    /// The newest messages that were given up, without a word of them: the part is `newest`.
    DeadLetters,
    /// A token of the platform, sealed; the part is which.
    Token,
    /// An order, or a payment without one, that a person has to look at; the part is the order's number.
    Case,
    /// What of a pool is held and taken; the part is the pool's key.
    Pool,
    /// How often a number was sent a code on a day; the part is the day and a keyed hash of the number.
    Codes,
    /// What was found when a book of others was held against ours; the part is `till/DAY` or `business/DAY`.
    Books,
    /// A code that the platform made, and the picture with it that the platform keeps; the part is `poster/` and a hash of
    /// campaign and scene, or `code/` and a hash of the scene.
    Poster,
}

impl SharedKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        // A match, so that a new kind cannot be left out without notice.
        std::iter::successors(Some(Self::Replay), |kind| match kind {
            Self::Replay => Some(Self::DayCheck),
            Self::DayCheck => Some(Self::Printed),
            Self::Printed => Some(Self::Post),
            Self::Post => Some(Self::Datacube),
            Self::Datacube => Some(Self::Spent),
            Self::Spent => Some(Self::Duty),
            Self::Duty => Some(Self::DeadLetters),
            Self::DeadLetters => Some(Self::Token),
            Self::Token => Some(Self::Case),
            Self::Case => Some(Self::Pool),
            Self::Pool => Some(Self::Codes),
            Self::Codes => Some(Self::Books),
            Self::Books => Some(Self::Poster),
            Self::Poster => None,
        })
    }
}

/// The name of a shared record: small, of an account, belonging to no single customer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SharedName {
    /// What it is about.
    pub kind: SharedKind,
    /// Which one; records of a kind are listed in order of it.
    pub part: String,
}

impl SharedName {
    /// That of a spent delivery.
    pub fn spent(DedupeKey(key): DedupeKey) -> Self {
        Self { kind: SharedKind::Spent, part: format!("{key:016x}") }
    }
}

/// A shared record as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// Its version; 0 means there is none.
    pub version: Version,
    /// What is in it; what writes it also knows how to read it.
    pub body: Vec<u8>,
}

/// A change of a shared record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedChange {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub name: SharedName,
    /// The version it was made from; 0 when there must be none yet.
    pub base: Version,
    /// What is in it from now on; `None` takes it away.
    pub body: Option<Vec<u8>>,
}

/// Much at once: a chunk of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bulk {
    /// Commits, in this order. Their increments are only ever added up, so it does not matter which of an account's
    /// commits carries one. A customer who left and came back meanwhile has several: each is made from what the one
    /// before it leaves.
    pub commits: Vec<Commit>,
    /// Deliveries that could not be used.
    pub quarantined: Vec<Quarantined>,
    /// Shared records that must change together with them.
    pub notes: Vec<SharedChange>,
}

/// All numbers of an account, and of which facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// The places of the facts they hold, in order: one stretch for each log that an engine keeps.
    pub facts: Vec<RangeInclusive<u64>>,
    /// Every counter that is not 0.
    pub counters: Vec<(CounterKey, i64)>,
    /// The whole journal, as [`Store::journal`].
    pub journal: Vec<(BusinessDay, CounterKey, i64)>,
}

/// A fact with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its place; rises in order of commit for each customer. Whoever reads the log to its end has all that was
    /// committed before they began.
    pub seq: u64,
    /// The number of the stored record it belongs to: the same for all facts of one record, whatever name the customer
    /// is kept under, and never given to another one.
    pub customer: u64,
    /// Whose.
    pub of: CustomerRef,
    /// The fact.
    pub fact: Fact,
}

/// Everything that is kept of one customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The record; empty at version 0 when there is none.
    pub stored: Stored,
    /// The facts, in order of commit.
    pub facts: Vec<Logged>,
    /// Outgoing work, leased or not, in order of commit.
    pub outbox: Vec<Work>,
    /// Quarantined deliveries that name the customer, oldest first.
    pub quarantined: Vec<Quarantined>,
}

/// An engine.
///
/// A customer is found by the openid also when the record is kept as a tombstone; what [`Keep::Nothing`] left is found by
/// nobody. In facts the customer bears the name the record is kept under, and that name may be handed in like an openid.
#[async_trait]
pub trait Store: Send + Sync {
    /// One customer's record; a customer never seen is an empty one at version 0. Does not wait for writers.
    async fn load(&self, of: &CustomerRef) -> Result<Stored, StoreError>;

    /// Many records, in the order asked for.
    async fn load_all(&self, of: &[CustomerRef]) -> Result<Vec<Stored>, StoreError> {
        let mut all = Vec::with_capacity(of.len());
        for of in of {
            all.push(self.load(of).await?);
        }
        Ok(all)
    }

    /// Applies one decision, or nothing.
    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError>;

    /// Whether a delivery of the customer was said to be [`Commit::spent`]. To be asked after the record was read.
    async fn is_spent(&self, of: &CustomerRef, key: DedupeKey) -> Result<bool, StoreError> {
        Ok(self.shared(&of.account, &SharedName::spent(key)).await?.version != Version(0))
    }

    /// Applies all of it, or nothing: [`Committed::Stale`] when a single base is outdated, that of
    /// the note included. A later commit of the same customer is looked at as the one before it leaves the record, its
    /// version (1 for a record that the bulk makes) and its outgoing work; one at odds with that is a mistake, and
    /// an error.
    async fn commit_all(&self, bulk: Bulk) -> Result<Committed, StoreError>;

    /// Counters of some ranges, summed over all partitions, each of them at one instant. No cell may be in two of the
    /// ranges.
    async fn counters(&self, account: &AccountId, ranges: &[CounterRange]) -> Result<Counters, StoreError>;

    /// Late increments by the day they arrived (growth.md 1.1), `from..=to` in arrival days.
    async fn journal(
        &self,
        account: &AccountId,
        from: BusinessDay,
        to: BusinessDay,
    ) -> Result<Vec<(BusinessDay, CounterKey, i64)>, StoreError>;

    /// All numbers of an account, to be compared with the facts that they are made of.
    async fn numbers(&self, account: &AccountId) -> Result<Numbers, StoreError>;

    /// Facts after the place `after`, at most `limit`, in order of their places.
    async fn facts(&self, account: &AccountId, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError>;

    /// Claims at most `limit` pieces of work due at `now` and leases each for `lease_secs`: nobody else is given it
    /// until then, and it comes back if it is neither settled nor deferred.
    async fn claim_due(&self, now: UnixSecs, lease_secs: i64, limit: usize) -> Result<Vec<Claimed>, StoreError>;

    /// Puts claimed work off until `due`.
    async fn defer(&self, of: &CustomerRef, claimed: &Claimed, due: UnixSecs) -> Result<(), StoreError>;

    /// When the next outgoing work is due, if there is any; leased work is due when its lease ends.
    async fn next_due(&self) -> Result<Option<UnixSecs>, StoreError>;

    /// Keeps a delivery that could not be used and counts it in [`Metric::Quarantined`](crate::growth::counter::Metric::Quarantined) `[arrival day, 0, reason]`, both
    /// or neither. Beyond [`MOST_QUARANTINED`] of an account the oldest are dropped in the
    /// same write, so that they cannot fill the disk; they stay counted. Facts are the log and never dropped.
    async fn quarantine(&self, entry: Quarantined) -> Result<(), StoreError>;

    /// The quarantined deliveries of an account, newest first.
    async fn quarantined(&self, account: &AccountId, limit: usize) -> Result<Vec<Quarantined>, StoreError>;

    /// A shared record of an account; one never written is empty at version 0.
    async fn shared(&self, account: &AccountId, name: &SharedName) -> Result<Shared, StoreError>;

    /// The shared records of a kind, in order of their parts.
    async fn shared_of(&self, account: &AccountId, kind: SharedKind) -> Result<Vec<(String, Shared)>, StoreError>;

    /// Changes a shared record in one atomic step, or answers [`Committed::Stale`] when somebody else was first.
    async fn put_shared(&self, change: SharedChange) -> Result<Committed, StoreError>;

    /// Everything kept of one customer; `None` when there is nothing. May read the whole log.
    async fn held(&self, of: &CustomerRef) -> Result<Option<Held>, StoreError>;

    /// Takes one customer away, under whatever name: record, facts, outgoing work, quarantined deliveries that name
    /// them; not a byte of it is left in the store's files. Counters and journal stay as they are, but what was counted
    /// by the customer's own words is counted without them. What was counted of them is kept as [`Store::residue`].
    /// `spares` is asked of the very version that would be taken away: of one that it spares nothing is touched. After an
    /// error or a crash it may be asked again.
    async fn erase_unless(&self, of: &CustomerRef, spares: Spares) -> Result<Erasure, StoreError>;

    /// As [`Store::erase_unless`], whoever it is; `false` when there was nothing.
    async fn erase(&self, of: &CustomerRef) -> Result<bool, StoreError> {
        Ok(self.erase_unless(of, |_| false).await? == Erasure::Gone)
    }

    /// Takes name and record from at most `limit` customers of the account who left before `left_before`, and says from
    /// how many: whoever of them comes back is new. Their facts and counters stay. Also finishes erasures that a crash
    /// broke off.
    async fn expire(&self, account: &AccountId, left_before: BusinessDay, limit: usize) -> Result<usize, StoreError>;

    /// What erased customers once counted, added up: with what is counted from the facts anew it makes the counters.
    async fn residue(&self, account: &AccountId) -> Result<Vec<Increment>, StoreError>;

    /// What this store is asked besides when it may forget what it acknowledged; `None` when it never does.
    fn forgetful(&self) -> Option<&dyn Forgetful> {
        None
    }

    /// Makes everything acknowledged durable and closes; later calls fail.
    async fn close(&self) -> Result<(), StoreError>;
}
