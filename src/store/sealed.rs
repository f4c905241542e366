//! What is private about a customer, sealed where it is kept: whoever reads the store's files, a backup or a copy finds
//! no phone number and no address there (AES-256-GCM, bound to the customer whose it is).
//!
//! The engines know nothing of it: this stands before either. A value that cannot be opened, since the key is lost, stays
//! sealed; nobody reads it as something else.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{
    Bulk, Claimed, Commit, Committed, CounterRange, CustomerRef, Erasure, Forgetful, Held, Logged, Numbers,
    PseudonymKey, Quarantined, Shared, SharedChange, SharedKind, SharedName, Spares, Store, StoreError, Stored,
};
use crate::domain::ids::{AccountId, DedupeKey};
use crate::domain::private::Private;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::domain::value::Value;
use crate::growth::counter::{CounterKey, Increment};
use crate::growth::counters::Counters;

/// Seals and opens.
pub struct Seal(LessSafeKey);

impl Seal {
    /// With a key made from the one that all processes of an installation share.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no key can be made, which does not happen.
    pub fn new(key: &PseudonymKey) -> Result<Self, StoreError> {
        let key = UnboundKey::new(&AES_256_GCM, &key.mark(&[b"private values"])).map_err(|_| no_key())?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals what is private. What was kept before is kept as the same bytes: a nonce is drawn for a value once and not
    /// with every message of its customer.
    fn close(&self, of: &CustomerRef, value: &mut Value) -> Result<(), StoreError> {
        let Value::Private(private) = value else { return Ok(()) };
        let sealed = match private.sealed() {
            Some(sealed) => sealed.to_vec(),
            None => {
                let nonce = rand::random::<[u8; NONCE_LEN]>();
                let mut body = private.clear().as_bytes().to_vec();
                let sealed = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), owner(of), &mut body);
                sealed.map_err(|_| no_key())?;
                [nonce.as_slice(), &body].concat()
            }
        };
        *value = Value::Sealed(sealed);
        Ok(())
    }

    fn open(&self, of: &CustomerRef, value: &mut Value) {
        let Value::Sealed(sealed) = value else { return };
        let Some((nonce, body)) = sealed.split_first_chunk::<NONCE_LEN>() else { return };
        let mut body = body.to_vec();
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), owner(of), &mut body);
        let clear = opened.ok().and_then(|clear| std::str::from_utf8(clear).ok());
        if let Some(private) = clear.map(|clear| Private::kept_as(clear, sealed.clone())) {
            *value = Value::Private(private);
        }
    }

    fn open_all<'a>(&self, of: &CustomerRef, values: impl Iterator<Item = &'a mut Value>) {
        values.for_each(|value| self.open(of, value));
    }

    fn close_commit(&self, commit: &mut Commit) -> Result<(), StoreError> {
        let Commit { of, customer, outbox, .. } = commit;
        let mut values = customer.values_mut().chain(outbox.iter_mut().flat_map(|work| work.values_mut()));
        values.try_for_each(|value| self.close(of, value))
    }
}

/// A value is good in its customer's record only.
fn owner(of: &CustomerRef) -> Aad<Vec<u8>> {
    Aad::from([of.account.as_str().as_bytes(), &[0], of.openid.as_str().as_bytes()].concat())
}

fn no_key() -> StoreError {
    StoreError::Unavailable("what is private could not be sealed".into())
}

/// An engine that is never handed anything private.
pub struct Sealed {
    engine: Arc<dyn Store>,
    seal: Seal,
}

impl Sealed {
    /// Before this engine.
    pub fn new(engine: Arc<dyn Store>, seal: Seal) -> Self {
        Self { engine, seal }
    }

    fn opened(&self, of: &CustomerRef, mut stored: Stored) -> Stored {
        self.seal.open_all(of, stored.customer.values_mut());
        stored
    }
}

#[async_trait]
impl Store for Sealed {
    async fn load(&self, of: &CustomerRef) -> Result<Stored, StoreError> {
        Ok(self.opened(of, self.engine.load(of).await?))
    }

    async fn load_all(&self, of: &[CustomerRef]) -> Result<Vec<Stored>, StoreError> {
        let all = self.engine.load_all(of).await?;
        Ok(of.iter().zip(all).map(|(of, stored)| self.opened(of, stored)).collect())
    }

    async fn commit(&self, mut commit: Commit) -> Result<Committed, StoreError> {
        self.seal.close_commit(&mut commit)?;
        self.engine.commit(commit).await
    }

    async fn is_spent(&self, of: &CustomerRef, key: DedupeKey) -> Result<bool, StoreError> {
        self.engine.is_spent(of, key).await
    }

    async fn commit_all(&self, mut bulk: Bulk) -> Result<Committed, StoreError> {
        bulk.commits.iter_mut().try_for_each(|commit| self.seal.close_commit(commit))?;
        self.engine.commit_all(bulk).await
    }

    async fn counters(&self, account: &AccountId, ranges: &[CounterRange]) -> Result<Counters, StoreError> {
        self.engine.counters(account, ranges).await
    }

    async fn journal(
        &self,
        account: &AccountId,
        from: BusinessDay,
        to: BusinessDay,
    ) -> Result<Vec<(BusinessDay, CounterKey, i64)>, StoreError> {
        self.engine.journal(account, from, to).await
    }

    async fn numbers(&self, account: &AccountId) -> Result<Numbers, StoreError> {
        self.engine.numbers(account).await
    }

    async fn facts(&self, account: &AccountId, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        self.engine.facts(account, after, limit).await
    }

    async fn claim_due(&self, now: UnixSecs, lease_secs: i64, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        let mut all = self.engine.claim_due(now, lease_secs, limit).await?;
        for Claimed { of, work, .. } in &mut all {
            self.seal.open_all(of, work.values_mut());
        }
        Ok(all)
    }

    async fn defer(&self, of: &CustomerRef, claimed: &Claimed, due: UnixSecs) -> Result<(), StoreError> {
        self.engine.defer(of, claimed, due).await
    }

    async fn next_due(&self) -> Result<Option<UnixSecs>, StoreError> {
        self.engine.next_due().await
    }

    async fn quarantine(&self, entry: Quarantined) -> Result<(), StoreError> {
        self.engine.quarantine(entry).await
    }

    async fn quarantined(&self, account: &AccountId, limit: usize) -> Result<Vec<Quarantined>, StoreError> {
        self.engine.quarantined(account, limit).await
    }

    async fn shared(&self, account: &AccountId, name: &SharedName) -> Result<Shared, StoreError> {
        self.engine.shared(account, name).await
    }

    async fn shared_of(&self, account: &AccountId, kind: SharedKind) -> Result<Vec<(String, Shared)>, StoreError> {
        self.engine.shared_of(account, kind).await
    }

    async fn put_shared(&self, change: SharedChange) -> Result<Committed, StoreError> {
        self.engine.put_shared(change).await
    }

    async fn held(&self, of: &CustomerRef) -> Result<Option<Held>, StoreError> {
        let Some(mut held) = self.engine.held(of).await? else { return Ok(None) };
        held.stored = self.opened(of, held.stored);
        self.seal.open_all(of, held.outbox.iter_mut().flat_map(|work| work.values_mut()));
        Ok(Some(held))
    }

    async fn erase_unless(&self, of: &CustomerRef, spares: Spares) -> Result<Erasure, StoreError> {
        self.engine.erase_unless(of, spares).await
    }

    async fn expire(&self, account: &AccountId, left_before: BusinessDay, limit: usize) -> Result<usize, StoreError> {
        self.engine.expire(account, left_before, limit).await
    }

    async fn residue(&self, account: &AccountId) -> Result<Vec<Increment>, StoreError> {
        self.engine.residue(account).await
    }

    fn forgetful(&self) -> Option<&dyn Forgetful> {
        self.engine.forgetful()
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.engine.close().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::{Customer, Dialogue};
    use crate::domain::question::Question;
    use crate::domain::value::Values;
    use crate::domain::work::{Task, Work};
    use crate::store::{Embedded, Keep, Spec, Version};

    const NUMBER: &str = "13800138000";

    fn of(openid: &str) -> CustomerRef {
        CustomerRef { account: "demo".into(), openid: openid.into() }
    }

    fn private() -> Value {
        Value::Private(Private::new(NUMBER))
    }

    fn values() -> Values {
        Values::from([("number".to_owned(), private()), ("n".to_owned(), Value::Integer(1))])
    }

    fn customer() -> Customer {
        let mut customer = Customer {
            dialogue: Some(Dialogue { action: "a".into(), step: "s".into(), slots: values(), expires: UnixSecs(900) }),
            ..Customer::default()
        };
        customer.numbers.bind(private(), UnixSecs(1));
        customer
    }

    fn work() -> Work {
        let question = Question { connector: "c".into(), values: values(), idempotency_key: None };
        let task = Task::Ask { action: "a".into(), question, memo: values() };
        Work { id: "w".into(), origin: DedupeKey(1), due: UnixSecs(0), expires: UnixSecs(900), task }
    }

    fn commit(base: u64, customer: Customer) -> Commit {
        Commit {
            of: of("oA"),
            base: Version(base),
            customer,
            increments: Vec::new(),
            facts: Vec::new(),
            outbox: vec![work()],
            settled: Vec::new(),
            spent: Vec::new(),
            keep: Keep::Known,
        }
    }

    #[tokio::test]
    async fn what_is_private_is_kept_sealed_and_read_in_clear() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Arc::new(Embedded::open(dir.path(), Spec::default(), PseudonymKey::new("k")).unwrap());
        let key = PseudonymKey::new("k");
        let store = Sealed::new(Arc::clone(&engine) as Arc<dyn Store>, Seal::new(&key).unwrap());
        assert_eq!(store.commit(commit(0, customer())).await.unwrap(), Committed::Applied);
        let read = store.load(&of("oA")).await.unwrap();
        assert_eq!(read.customer, customer());
        assert_eq!(store.load_all(&[of("oA")]).await.unwrap(), std::slice::from_ref(&read));
        let held = store.held(&of("oA")).await.unwrap().unwrap();
        assert_eq!((&held.stored, held.outbox.as_slice()), (&read, &[work()][..]));
        assert_eq!(store.claim_due(UnixSecs(5), 60, 9).await.unwrap()[0].work, work());
        // Kept again, it is the same bytes.
        let before = engine.load(&of("oA")).await.unwrap().customer;
        assert!(matches!(before.numbers.current().unwrap().number, Value::Sealed(_)));
        let bulk = Bulk { commits: vec![commit(1, read.customer)], ..Bulk::default() };
        assert_eq!(store.commit_all(bulk).await.unwrap(), Committed::Applied);
        assert_eq!(engine.load(&of("oA")).await.unwrap().customer, before);
        store.close().await.unwrap();
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(NUMBER.len()).any(|part| part == NUMBER.as_bytes()));
        }
    }

    #[test]
    fn a_value_is_good_in_its_customers_record_with_its_key_and_whole() {
        let seal = |key: &str| Seal::new(&PseudonymKey::new(key)).unwrap();
        let mut sealed = private();
        seal("k").close(&of("oA"), &mut sealed).unwrap();
        let opened = |seal: Seal, whose: &str, mut value: Value| {
            seal.open(&of(whose), &mut value);
            value
        };
        assert_eq!(opened(seal("k"), "oA", sealed.clone()), private());
        for (key, whose) in [("k", "oB"), ("l", "oA")] {
            assert_eq!(opened(seal(key), whose, sealed.clone()), sealed);
        }
        let Value::Sealed(bytes) = &sealed else { panic!() };
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(matches!(opened(seal("k"), "oA", Value::Sealed(other)), Value::Sealed(_)));
            let cut = Value::Sealed(bytes[..at].to_vec());
            assert_eq!(opened(seal("k"), "oA", cut.clone()), cut);
        }
        let mut again = private();
        seal("k").close(&of("oA"), &mut again).unwrap();
        assert_ne!(again, sealed, "a nonce is never used twice");
    }
}
