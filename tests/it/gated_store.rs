//! A store whose writes a test can hold up, refuse, or do without saying so.

use async_trait::async_trait;
use fuwu::domain::ids::AccountId;
use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::growth::counter::{CounterKey, Increment};
use fuwu::growth::counters::Counters;
use fuwu::store::{
    Bulk, Claimed, Commit, Committed, CounterRange, CustomerRef, Embedded, Erasure, Held, Logged, Numbers, Quarantined,
    Shared, SharedChange, SharedKind, SharedName, Spares, Store, StoreError, Stored,
};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    Closed,
    Refused,
    AnswerLost,
}

/// Decides what becomes of writes.
pub struct Gate {
    way: watch::Sender<Way>,
    may_erase: watch::Sender<bool>,
    waiting: watch::Receiver<usize>,
}

/// The store behind the gate.
pub struct Gated {
    inner: Embedded,
    way: watch::Sender<Way>,
    may_erase: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
}

impl Gated {
    pub fn around(inner: Embedded) -> (Gate, Self) {
        let way = watch::Sender::new(Way::Open);
        let may_erase = watch::Sender::new(true);
        let waiting = watch::Sender::new(0);
        let gate = Gate { way: way.clone(), may_erase: may_erase.clone(), waiting: waiting.subscribe() };
        (gate, Self { inner, way, may_erase, waiting })
    }

    /// Waits at the gate; whether the answer is to be lost afterwards.
    async fn pass(&self) -> Result<bool, StoreError> {
        let mut way = self.way.subscribe();
        self.waiting.send_modify(|n| *n += 1);
        let way = *way.wait_for(|way| *way != Way::Closed).await.unwrap();
        self.waiting.send_modify(|n| *n -= 1);
        match way {
            Way::Refused => Err(lost()),
            Way::AnswerLost => {
                self.way.send_replace(Way::Open);
                Ok(true)
            }
            Way::Open | Way::Closed => Ok(false),
        }
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable("a test says so".to_owned())
}

impl Gate {
    pub fn open(&self) {
        self.way.send_replace(Way::Open);
    }

    pub fn close(&self) {
        self.way.send_replace(Way::Closed);
    }

    /// Nobody is erased from now on, or everybody who waits for it; all else goes on.
    pub fn hold_erasing(&self) {
        self.may_erase.send_replace(false);
    }

    pub fn let_erase(&self) {
        self.may_erase.send_replace(true);
    }

    pub fn refuse(&self) {
        self.way.send_replace(Way::Refused);
    }

    /// The next commit is done, but whoever asked for it hears of a failure.
    pub fn lose_the_next_answer(&self) {
        self.way.send_replace(Way::AnswerLost);
    }

    pub async fn somebody_waits(&self) {
        self.waiting.clone().wait_for(|n| *n > 0).await.unwrap();
    }
}

#[async_trait]
impl Store for Gated {
    async fn load(&self, of: &CustomerRef) -> Result<Stored, StoreError> {
        self.inner.load(of).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let lose = self.pass().await?;
        let committed = self.inner.commit(commit).await?;
        if lose { Err(lost()) } else { Ok(committed) }
    }

    async fn commit_all(&self, bulk: Bulk) -> Result<Committed, StoreError> {
        let lose = self.pass().await?;
        let committed = self.inner.commit_all(bulk).await?;
        if lose { Err(lost()) } else { Ok(committed) }
    }

    async fn numbers(&self, account: &AccountId) -> Result<Numbers, StoreError> {
        self.inner.numbers(account).await
    }

    async fn counters(&self, account: &AccountId, ranges: &[CounterRange]) -> Result<Counters, StoreError> {
        self.inner.counters(account, ranges).await
    }

    async fn journal(
        &self,
        account: &AccountId,
        from: BusinessDay,
        to: BusinessDay,
    ) -> Result<Vec<(BusinessDay, CounterKey, i64)>, StoreError> {
        self.inner.journal(account, from, to).await
    }

    async fn facts(&self, account: &AccountId, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        self.inner.facts(account, after, limit).await
    }

    async fn claim_due(&self, now: UnixSecs, lease_secs: i64, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        self.inner.claim_due(now, lease_secs, limit).await
    }

    async fn defer(&self, of: &CustomerRef, claimed: &Claimed, due: UnixSecs) -> Result<(), StoreError> {
        self.inner.defer(of, claimed, due).await
    }

    async fn next_due(&self) -> Result<Option<UnixSecs>, StoreError> {
        self.inner.next_due().await
    }

    async fn quarantine(&self, entry: Quarantined) -> Result<(), StoreError> {
        self.pass().await?;
        self.inner.quarantine(entry).await
    }

    async fn quarantined(&self, account: &AccountId, limit: usize) -> Result<Vec<Quarantined>, StoreError> {
        self.inner.quarantined(account, limit).await
    }

    async fn shared(&self, account: &AccountId, name: &SharedName) -> Result<Shared, StoreError> {
        self.inner.shared(account, name).await
    }

    async fn shared_of(&self, account: &AccountId, kind: SharedKind) -> Result<Vec<(String, Shared)>, StoreError> {
        self.inner.shared_of(account, kind).await
    }

    async fn put_shared(&self, change: SharedChange) -> Result<Committed, StoreError> {
        self.inner.put_shared(change).await
    }

    async fn held(&self, of: &CustomerRef) -> Result<Option<Held>, StoreError> {
        self.inner.held(of).await
    }

    async fn erase_unless(&self, of: &CustomerRef, spares: Spares) -> Result<Erasure, StoreError> {
        let mut may_erase = self.may_erase.subscribe();
        self.waiting.send_modify(|n| *n += 1);
        may_erase.wait_for(|may| *may).await.unwrap();
        self.waiting.send_modify(|n| *n -= 1);
        self.inner.erase_unless(of, spares).await
    }

    async fn expire(&self, account: &AccountId, left_before: BusinessDay, limit: usize) -> Result<usize, StoreError> {
        self.inner.expire(account, left_before, limit).await
    }

    async fn residue(&self, account: &AccountId) -> Result<Vec<Increment>, StoreError> {
        self.inner.residue(account).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}
