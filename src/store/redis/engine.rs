//! The engine as the contract sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use super::args::Args;
use super::counters::{Journal, LateDay, Run, add_run, metric_of};
use super::keys::Home;
use super::link::Link;
use super::scour::{Scouring, tell_unfinished};
use super::script::{self, Script};
use super::{commit, log, shared};
use crate::domain::ids::{AccountId, DedupeKey};
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::cells::{last_block, run_at};
use crate::growth::counter::{CounterKey, Increment, Metric};
use crate::growth::counters::Counters;
use crate::store::pseudonym::Names;
use crate::store::{
    Bulk, Claimed, Commit, Committed, CounterRange, CustomerRef, Erasure, Forgetful, Held, Keep, Logged, Numbers,
    Partition, Quarantined, Shared, SharedChange, SharedKind, SharedName, Spares, Spec, Store, StoreError, Stored,
    Version, shape,
};

/// So long a bulk is waited for, and after such a pause its home is tried again.
const BULK_WITHIN: Duration = Duration::from_secs(2);
const BULK_AGAIN: Duration = Duration::from_millis(3);
/// Numbers are read so many times until no bulk has come in between.
const NUMBERS_TRIES: usize = 20;

/// The store on Redis. A clone is the same one.
#[derive(Clone)]
pub struct Redis {
    pub(super) link: Arc<Link>,
    spec: Spec,
    names: Arc<Names>,
    /// Tells this handle from every other one.
    who: Arc<str>,
    /// Whether it ever said that it writes here.
    pub(super) is_present: Arc<AtomicBool>,
    pub(super) scouring: Arc<Scouring>,
}

impl Redis {
    pub(super) fn new(link: Link, spec: Spec, names: Names) -> Self {
        let who = format!("{:032x}", rand::random::<u128>());
        Self {
            link: Arc::new(link),
            spec,
            names: Arc::new(names),
            who: who.into(),
            is_present: Arc::default(),
            scouring: Arc::default(),
        }
    }

    pub(super) fn spec(&self) -> Spec {
        self.spec
    }

    pub(super) fn who(&self) -> &str {
        &self.who
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Every partition and its home.
    pub(super) fn homes(&self) -> impl Iterator<Item = (Partition, Home)> {
        (0..self.spec.partitions).map(|partition| (Partition(partition), Home::of(Partition(partition))))
    }

    /// Runs a script that decides, once no bulk is in its way.
    pub(super) async fn decide(&self, (script, home): (&Script, &Home), args: &Args) -> Result<Committed, StoreError> {
        let give_up = Instant::now() + BULK_WITHIN;
        loop {
            let answer: Vec<Vec<u8>> = self.link.run(script, home, args).await?;
            match answer.iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
                [b"applied"] => return Ok(Committed::Applied),
                [b"stale"] => return Ok(Committed::Stale),
                [b"settled"] => return Ok(Committed::Settled),
                [b"busy", lock, age] => Box::pin(self.meet(home, (lock, age))).await?,
                _ => return Err(StoreError::Unavailable("Redis answered another question".into())),
            }
            if Instant::now() > give_up {
                return Err(StoreError::Unavailable("a replay keeps the store busy; ask again".into()));
            }
            sleep(BULK_AGAIN).await;
        }
    }

    pub(super) async fn load_of(&self, of: &CustomerRef) -> Result<Stored, StoreError> {
        let home = Home::of(self.names.partitions.of(of));
        let mut ask = redis::cmd("MGET");
        ask.arg(home.record(&of.account, &of.openid));
        if let Some(tombstone) = self.names.tombstone(of) {
            ask.arg(home.record(&of.account, &tombstone));
        }
        ask.arg(home.said(of));
        let mut found: Vec<Option<Vec<u8>>> = self.link.ask(&ask).await?;
        let said = found.pop().flatten();
        let mut stored = stored(found.iter().flatten().next().map(Vec::as_slice))?;
        // What was said belongs to one version of the record; the next one may have forgotten it.
        let of_version = said.as_deref().and_then(<[u8]>::split_first_chunk::<8>);
        if let Some((_, said)) = of_version.filter(|(version, _)| u64::from_be_bytes(**version) == stored.version.0) {
            stored.customer.recent.put_replies(shape::read(said)?);
        }
        Ok(stored)
    }

    pub(super) async fn commit_of(&self, commit: Commit) -> Result<Committed, StoreError> {
        let mut args = Args::default();
        let words = self.words(&commit).await?;
        let leaves_no_trace = commit.keep == Keep::Nothing && commit.base == Version(0);
        args.push(if leaves_no_trace { shared::once() } else { String::new() });
        commit::write(&mut args, &commit, (&self.names, self.spec.lateness), &words)?;
        self.decide((&script::COMMIT, &Home::of(self.names.partitions.of(&commit.of))), &args).await
    }

    /// All numbers, home by home.
    async fn numbers_of(&self, account: &AccountId) -> Result<Numbers, StoreError> {
        let mut args = Args::default();
        let metrics: Vec<Metric> = Metric::all().collect();
        args.push(account.as_str()).len(metrics.len());
        for metric in metrics {
            args.number(metric as u8);
        }
        let (mut counters, mut journal, mut facts) = (Counters::default(), Journal::default(), Vec::new());
        let partitions = self.homes().map(|(partition, home)| (Some(partition), home));
        for (partition, home) in partitions.chain([(None, Home::common())]) {
            let (last, runs, days): (u64, Vec<Run>, Vec<LateDay>) =
                self.link.run(&script::NUMBERS, &home, &args).await?;
            facts.extend(partition.and_then(|partition| log::stretch(partition, last)));
            for run in runs {
                let range = CounterRange::all(metric_of(run.0)?);
                add_run(&mut counters, run, &range)?;
            }
            days.into_iter().try_for_each(|day| journal.add(day))?;
        }
        Ok(Numbers { facts, counters: counters.cells().collect(), journal: journal.entries() })
    }

    /// How many bulks there were, once none is under way. One spans homes, so it must not be seen in a part of them.
    async fn bulks_done(&self) -> Result<Vec<u8>, StoreError> {
        let give_up = Instant::now() + BULK_WITHIN;
        loop {
            let answer: Vec<Vec<u8>> = self.link.run(&script::BULKS, &Home::common(), &Args::default()).await?;
            match answer.as_slice() {
                [quiet, done] if quiet == b"quiet" => return Ok(done.clone()),
                [_, lock, age] => Box::pin(self.meet(&Home::common(), (lock, age))).await?,
                _ => return Err(StoreError::Unavailable("Redis answered another question".into())),
            }
            if Instant::now() > give_up {
                return Err(StoreError::Unavailable("a bulk is under way; ask again".into()));
            }
            sleep(BULK_AGAIN).await;
        }
    }
}

/// A record as it is kept: version, number, and the customer.
pub(super) fn stored(kept: Option<&[u8]>) -> Result<Stored, StoreError> {
    let Some(kept) = kept else { return Ok(Stored::default()) };
    let parts = kept.split_first_chunk::<8>().and_then(|(version, rest)| Some((version, rest.get(8..)?)));
    let (version, record) =
        parts.ok_or_else(|| StoreError::Shape { what: "customer", cause: "it is cut short".into() })?;
    Ok(Stored { version: Version(u64::from_be_bytes(*version)), customer: shape::read(record)? })
}

#[async_trait]
impl Store for Redis {
    async fn load(&self, of: &CustomerRef) -> Result<Stored, StoreError> {
        self.load_of(of).await
    }

    async fn load_all(&self, of: &[CustomerRef]) -> Result<Vec<Stored>, StoreError> {
        try_join_all(of.iter().map(|of| self.load_of(of))).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.commit_of(commit).await
    }

    async fn is_spent(&self, of: &CustomerRef, key: DedupeKey) -> Result<bool, StoreError> {
        let home = Home::of(self.names.partitions.of(of));
        let mut ask = redis::cmd("EXISTS");
        Ok(self.link.ask::<u64>(ask.arg(home.spent(&of.account, key))).await? == 1)
    }

    async fn commit_all(&self, bulk: Bulk) -> Result<Committed, StoreError> {
        self.apply_all(bulk).await
    }

    async fn counters(&self, account: &AccountId, ranges: &[CounterRange]) -> Result<Counters, StoreError> {
        let mut args = Args::default();
        args.push(account.as_str()).len(ranges.len());
        for CounterRange { metric, from, to, last_b } in ranges.iter().copied() {
            args.number(metric as u8).number(run_at(metric, from)).number(to).number(last_block(metric, last_b));
        }
        let homes: Vec<Home> = self.homes().map(|(_, home)| home).chain([Home::common()]).collect();
        let found = homes.iter().map(|home| self.link.run::<Vec<Run>>(&script::GATHER, home, &args));
        let mut counters = Counters::default();
        for run in try_join_all(found).await?.into_iter().flatten() {
            let range = run.0.checked_sub(1).and_then(|nth| ranges.get(nth));
            let range = range.ok_or_else(|| StoreError::Unavailable("Redis answered another question".into()))?;
            add_run(&mut counters, run, range)?;
        }
        Ok(counters)
    }

    async fn journal(
        &self,
        account: &AccountId,
        from: BusinessDay,
        to: BusinessDay,
    ) -> Result<Vec<(BusinessDay, CounterKey, i64)>, StoreError> {
        let mut args = Args::default();
        args.push(account.as_str()).number(from.0).number(to.0);
        let homes: Vec<Home> = self.homes().map(|(_, home)| home).collect();
        let found = homes.iter().map(|home| self.link.run::<Vec<LateDay>>(&script::LATE, home, &args));
        let mut journal = Journal::default();
        for day in try_join_all(found).await?.into_iter().flatten() {
            journal.add(day)?;
        }
        Ok(journal.entries())
    }

    async fn numbers(&self, account: &AccountId) -> Result<Numbers, StoreError> {
        for _ in 0..NUMBERS_TRIES {
            let before = self.bulks_done().await?;
            let numbers = self.numbers_of(account).await?;
            if self.bulks_done().await? == before {
                return Ok(numbers);
            }
        }
        Err(StoreError::Unavailable("a replay changes the numbers all the time; ask again when it is done".into()))
    }

    async fn facts(&self, account: &AccountId, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        self.facts_after(account, after, limit).await
    }

    async fn claim_due(&self, now: UnixSecs, lease_secs: i64, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        self.claim((now, now.plus_secs(lease_secs)), limit).await
    }

    async fn defer(&self, of: &CustomerRef, claimed: &Claimed, due: UnixSecs) -> Result<(), StoreError> {
        self.put_off(of, claimed, due).await
    }

    async fn next_due(&self) -> Result<Option<UnixSecs>, StoreError> {
        self.first_due().await
    }

    async fn quarantine(&self, entry: Quarantined) -> Result<(), StoreError> {
        self.set_aside(&entry).await
    }

    async fn quarantined(&self, account: &AccountId, limit: usize) -> Result<Vec<Quarantined>, StoreError> {
        self.aside(account, limit).await
    }

    async fn shared(&self, account: &AccountId, name: &SharedName) -> Result<Shared, StoreError> {
        self.shared_record(account, name).await
    }

    async fn shared_of(&self, account: &AccountId, kind: SharedKind) -> Result<Vec<(String, Shared)>, StoreError> {
        self.shared_records(account, kind).await
    }

    async fn put_shared(&self, change: SharedChange) -> Result<Committed, StoreError> {
        self.change_shared(&change).await
    }

    async fn held(&self, of: &CustomerRef) -> Result<Option<Held>, StoreError> {
        self.held_of(of).await
    }

    async fn erase_unless(&self, of: &CustomerRef, spares: Spares) -> Result<Erasure, StoreError> {
        self.erase_of(of, spares).await
    }

    async fn expire(&self, account: &AccountId, left_before: BusinessDay, limit: usize) -> Result<usize, StoreError> {
        self.expire_of(account, left_before, limit).await
    }

    async fn residue(&self, account: &AccountId) -> Result<Vec<Increment>, StoreError> {
        self.residue_of(account).await
    }

    fn forgetful(&self) -> Option<&dyn Forgetful> {
        Some(self)
    }

    async fn close(&self) -> Result<(), StoreError> {
        // If it cannot be said, others wait a few seconds for nothing.
        if self.is_present.load(Ordering::Relaxed) {
            let _ = self.leave().await;
        }
        if self.is_scouring() {
            tell_unfinished("all", "this program ends, and a server was busy with its files until now");
        }
        self.link.close();
        Ok(())
    }
}
