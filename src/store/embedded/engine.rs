//! The engine as the contract sees it.

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;

use async_trait::async_trait;
use rusqlite::Connection;

use super::connection::{self, DB_FILE};
use super::lock::Lock;
use super::readers::Readers;
use super::records::{Kept, Records};
use super::request::{BulkRow, ClaimedRow, CommitRow, Outcome, Write};
use super::schema::Purpose;
use super::writer::Writer;
use super::{counters, customers, outbox, quarantine, schema, shared};
use crate::domain::forget::Keep;
use crate::domain::ids::AccountId;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counter::{CounterKey, Increment};
use crate::growth::counters::Counters;
use crate::store::pseudonym::Names;
use crate::store::shape;
use crate::store::{
    Bulk, Claimed, Commit, Committed, CounterRange, CustomerRef, Erasure, Held, Logged, Numbers, Partitions,
    PseudonymKey, Quarantined, Shared, SharedChange, SharedKind, SharedName, Spares, Spec, Store, StoreError, Stored,
};

/// Connections for reports and lists, which may take a while and must not keep a message waiting.
const LONG_READERS: usize = 2;

/// The embedded store.
///
/// [`Store::load`] and [`Store::next_due`] read on the caller's thread: they take about 10 µs, and handing them to
/// another thread would take as long again. Everything that may read many rows goes to the blocking pool and has
/// connections of its own.
#[derive(Debug)]
pub struct Embedded {
    spec: Spec,
    names: Arc<Names>,
    points: Readers,
    long: Arc<Readers>,
    /// None when opened for reading only.
    writer: Option<Writer>,
    /// Nothing when another process writes.
    records: Option<Records>,
    /// The file itself, to be searched; only while writing. Closing it drops this process's locks on it, so it is the
    /// last thing that is closed.
    file: Option<Arc<File>>,
    /// Keeps writers out where this process only reads.
    _lock: Option<Lock>,
}

impl Embedded {
    /// Opens the store in `dir`, or makes one there with this `spec`. Blocks; after a crash it also reads the whole
    /// file once.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process holds it, [`StoreError::Mismatch`] when it was made with another
    /// `spec`, by a newer version or by another program, [`StoreError::Unavailable`] when the file cannot be opened or
    /// is damaged.
    pub fn open(dir: &Path, spec: Spec, key: PseudonymKey) -> Result<Self, StoreError> {
        Self::open_for(dir, (spec, Purpose::Use), key)
    }

    pub(super) fn open_for(dir: &Path, made: (Spec, Purpose), key: PseudonymKey) -> Result<Self, StoreError> {
        let (spec, _) = made;
        Partitions::new(spec.partitions)?;
        create(dir).map_err(|error| StoreError::Unavailable(format!("{}: {error}", dir.display())))?;
        let writer = Writer::start(dir, made)?;
        let file = writer.file();
        let store = Self::with(dir, spec, Some(writer))?;
        Ok(Self { file: Some(file), ..store.knowing(key) })
    }

    /// Opens the store in `dir` for reading, also beside a process that writes it; every change is refused.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none, [`StoreError::Mismatch`] when a newer version or another program
    /// made it, or an older version whose tables are yet to be brought up to date.
    pub fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        if !connection::db_path(dir).exists() {
            return Err(StoreError::Unavailable(format!(
                "there is no {DB_FILE} in {}; `fuwu serve` makes one, `data_dir` says where",
                dir.display()
            )));
        }
        let spec = schema::check_for_reading(&connection::for_reading(dir)?)?;
        Self::with(dir, spec, None)
    }

    /// What the store was made with.
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// With this key, customers who left are found by their openid.
    pub fn knowing(self, key: PseudonymKey) -> Self {
        let names = Names { key: Some(key), partitions: self.names.partitions };
        Self { names: Arc::new(names), ..self }
    }

    /// Nobody else writes as long as this is open.
    pub(super) fn holding(self, lock: Lock) -> Self {
        Self { _lock: Some(lock), ..self }
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) fn file(&self) -> Option<Arc<File>> {
        self.file.clone()
    }

    fn with(dir: &Path, spec: Spec, writer: Option<Writer>) -> Result<Self, StoreError> {
        let partitions = Partitions::new(spec.partitions)?;
        let cores = available_parallelism().map_or(4, NonZeroUsize::get);
        let points = Readers::open(dir, cores.min(16))?;
        let long = Arc::new(Readers::open(dir, LONG_READERS)?);
        let names = Arc::new(Names { partitions, key: None });
        let records = writer.is_some().then(Records::new);
        Ok(Self { spec, names, points, long, writer, records, file: None, _lock: None })
    }

    pub(super) async fn write(&self, write: Write) -> Result<Outcome, StoreError> {
        let refusal =
            || StoreError::Unavailable("it was opened for reading only; the running server changes it".into());
        self.writer.as_ref().ok_or_else(refusal)?.ask(write).await
    }

    pub(super) fn forget_record(&self, of: &CustomerRef) {
        if let Some(records) = &self.records {
            records.forget(of);
        }
    }

    fn forget_records(&self) {
        if let Some(records) = &self.records {
            records.forget_all();
        }
    }

    pub(super) async fn read_long<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.long);
        tokio::task::spawn_blocking(move || readers.read(query))
            .await
            .map_err(|_| StoreError::Unavailable("a read was broken off".into()))?
    }
}

#[async_trait]
impl Store for Embedded {
    async fn load(&self, of: &CustomerRef) -> Result<Stored, StoreError> {
        if let Some(kept) = self.records.as_ref().and_then(|records| records.get(of)) {
            return kept;
        }
        let since = self.records.as_ref().map(Records::since);
        let found = self.points.read(|connection| Ok(customers::find(connection, of, &self.names)?))?;
        let Some(row) = found else { return Ok(Stored::default()) };
        let stored = customers::stored(&row)?;
        // What is left of those who left is found under another name than theirs, and not kept under theirs.
        if let (Some(records), Some(since), None) = (&self.records, since, stored.customer.left_on()) {
            records.keep(of, Kept { version: stored.version, record: row.record.into() }, since);
        }
        Ok(stored)
    }

    async fn load_all(&self, of: &[CustomerRef]) -> Result<Vec<Stored>, StoreError> {
        self.points.read(|connection| customers::load_all(connection, of, &self.names))
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let row = CommitRow::new(commit, &self.names)?;
        let (of, keep, now) = (row.of.clone(), row.keep, row.kept());
        let since = self.records.as_ref().map(Records::since);
        let outcome = self.write(Write::Commit(Box::new(row))).await;
        if let (Some(records), Some(since)) = (&self.records, since) {
            match (&outcome, now) {
                (Ok(Outcome::Committed(Committed::Applied)), Some(now)) => records.keep(&of, now, since),
                _ if keep == Keep::Known => records.drop_outdated(&of),
                _ => records.forget(&of),
            }
        }
        match outcome? {
            Outcome::Committed(committed) => Ok(committed),
            _ => Err(unexpected()),
        }
    }

    async fn commit_all(&self, bulk: Bulk) -> Result<Committed, StoreError> {
        let row = |commit: Commit| CommitRow::new(commit, &self.names);
        let commits = bulk.commits.into_iter().map(row).collect::<Result<_, _>>()?;
        let row = BulkRow { commits, quarantined: bulk.quarantined, notes: bulk.notes };
        let outcome = self.write(Write::CommitAll(Box::new(row))).await;
        self.forget_records();
        match outcome? {
            Outcome::Committed(committed) => Ok(committed),
            _ => Err(unexpected()),
        }
    }

    async fn counters(&self, account: &AccountId, ranges: &[CounterRange]) -> Result<Counters, StoreError> {
        let (account, ranges) = (account.clone(), ranges.to_vec());
        self.read_long(move |connection| counters::read(connection, account.as_str(), &ranges)).await
    }

    async fn journal(
        &self,
        account: &AccountId,
        from: BusinessDay,
        to: BusinessDay,
    ) -> Result<Vec<(BusinessDay, CounterKey, i64)>, StoreError> {
        let account = account.clone();
        self.read_long(move |connection| counters::read_journal(connection, account.as_str(), (from, to))).await
    }

    async fn numbers(&self, account: &AccountId) -> Result<Numbers, StoreError> {
        let account = account.clone();
        self.read_long(move |connection| {
            // One transaction sees one state of the file, whatever is written meanwhile.
            let transaction = connection.unchecked_transaction()?;
            let always = (BusinessDay(i32::MIN), BusinessDay(i32::MAX));
            let last = customers::last_seq_of(&transaction, account.as_str())?;
            Ok(Numbers {
                facts: (last > 0).then_some(1..=last).into_iter().collect(),
                counters: counters::read_all(&transaction, account.as_str())?,
                journal: counters::read_journal(&transaction, account.as_str(), always)?,
            })
        })
        .await
    }

    async fn facts(&self, account: &AccountId, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        let account = account.clone();
        self.read_long(move |connection| customers::facts(connection, account.as_str(), after, limit)).await
    }

    async fn claim_due(&self, now: UnixSecs, lease_secs: i64, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        // Usually nothing is due, and then the writer need not be asked.
        if self.next_due().await?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let lease_ends = now.plus_secs(lease_secs);
        let claim = Write::Claim { now: now.0, until: lease_ends.0, limit };
        match self.write(claim).await? {
            Outcome::Claimed(rows) => Ok(rows.into_iter().filter_map(|row| claimed(row, lease_ends)).collect()),
            _ => Err(unexpected()),
        }
    }

    async fn defer(&self, of: &CustomerRef, claimed: &Claimed, due: UnixSecs) -> Result<(), StoreError> {
        let defer = Write::Defer { of: of.clone(), id: claimed.work.id.clone(), attempt: claimed.attempt, due: due.0 };
        self.write(defer).await.map(drop)
    }

    async fn next_due(&self) -> Result<Option<UnixSecs>, StoreError> {
        self.points.read(|connection| Ok(outbox::next_due(connection)?))
    }

    async fn quarantine(&self, entry: Quarantined) -> Result<(), StoreError> {
        self.write(Write::Quarantine(entry)).await.map(drop)
    }

    async fn quarantined(&self, account: &AccountId, limit: usize) -> Result<Vec<Quarantined>, StoreError> {
        let account = account.clone();
        self.read_long(move |connection| quarantine::read(connection, &account, limit)).await
    }

    async fn shared(&self, account: &AccountId, name: &SharedName) -> Result<Shared, StoreError> {
        // One row, and a delivery may wait for it.
        self.points.read(|connection| shared::read(connection, account.as_str(), name))
    }

    async fn shared_of(&self, account: &AccountId, kind: SharedKind) -> Result<Vec<(String, Shared)>, StoreError> {
        let account = account.clone();
        self.read_long(move |connection| shared::list(connection, account.as_str(), kind)).await
    }

    async fn put_shared(&self, change: SharedChange) -> Result<Committed, StoreError> {
        match self.write(Write::PutShared(change)).await? {
            Outcome::Committed(committed) => Ok(committed),
            _ => Err(unexpected()),
        }
    }

    async fn held(&self, of: &CustomerRef) -> Result<Option<Held>, StoreError> {
        self.held_of(of).await
    }

    async fn erase_unless(&self, of: &CustomerRef, spares: Spares) -> Result<Erasure, StoreError> {
        self.erase_of(of, spares).await
    }

    async fn expire(&self, account: &AccountId, left_before: BusinessDay, limit: usize) -> Result<usize, StoreError> {
        self.finish_erasures().await?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let outcome = self.write(Write::Expire { account: account.clone(), left_before, limit }).await;
        self.forget_records();
        match outcome? {
            Outcome::Expired(count) => Ok(count),
            _ => Err(unexpected()),
        }
    }

    async fn residue(&self, account: &AccountId) -> Result<Vec<Increment>, StoreError> {
        self.residue_of(account).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        let long = Arc::clone(&self.long);
        self.points.close();
        // A report that is being read is let finish, elsewhere than on a thread that serves.
        let done = tokio::task::spawn_blocking(move || long.close()).await;
        done.map_err(|_| StoreError::Unavailable("closing was broken off".into()))?;
        match &self.writer {
            Some(writer) => writer.ask(Write::Close).await.map(drop),
            None => Ok(()),
        }
    }
}

/// Work that cannot be read must not keep the rest waiting: it is named in the log and comes back with its lease.
fn claimed(row: ClaimedRow, lease_ends: UnixSecs) -> Option<Claimed> {
    match shape::read(&row.body) {
        Ok(work) => Some(Claimed { of: row.of, work, attempt: row.attempt, lease_ends }),
        Err(error) => {
            tracing::error!(seq = row.seq, "outgoing work is left undone: {error}");
            None
        }
    }
}

pub(super) fn unexpected() -> StoreError {
    StoreError::Unavailable("its writer answered another question".into())
}

fn create(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    // What customers say is nobody else's on this machine.
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    // The folder's own entry must survive a power cut too.
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::Customer;
    use crate::store::Version;

    #[tokio::test]
    async fn who_acts_is_kept_in_memory_and_who_left_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let spec = Spec { partitions: 4, ..Spec::default() };
        let store = Embedded::open(dir.path(), spec, PseudonymKey::new("k")).unwrap();
        let of = CustomerRef { account: "demo".into(), openid: "o1".into() };
        let is_kept = || store.records.as_ref().unwrap().get(&of).is_some();
        let mut leaves = Customer::default();
        leaves.follow.changed_at = Some(UnixSecs(86_400));
        let acts = [(Customer::default(), Keep::Known), (Customer::default(), Keep::Known), (leaves, Keep::Tombstone)];
        for ((customer, keep), base) in acts.into_iter().zip(0..) {
            let commit = Commit {
                of: of.clone(),
                base: Version(base),
                customer,
                increments: Vec::new(),
                facts: Vec::new(),
                outbox: Vec::new(),
                settled: Vec::new(),
                spent: Vec::new(),
                keep,
            };
            assert_eq!(store.commit(commit).await.unwrap(), Committed::Applied);
            assert_eq!(store.load(&of).await.unwrap().version, Version(base + 1));
            assert_eq!(is_kept(), keep == Keep::Known, "after {base}");
        }
    }
}
