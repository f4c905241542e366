//! The account's tokens in the store, sealed, so that all processes use the same ones.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::channel::official::api::{TokenVault, VaultFault, Vaulted};
use crate::domain::ids::AccountId;
use crate::store::{Committed, PseudonymKey, Shared, SharedChange, SharedKind, SharedName, Store, Version};

/// Keeps the tokens of one account as [`SharedKind::Token`] records: what is read of the store's files opens nothing.
///
/// The key is made of the pseudonym key, which all processes have, and the AppSecret: with a new one nobody can open the
/// old records, and new tokens are fetched.
pub struct StoredTokens {
    store: Arc<dyn Store>,
    account: AccountId,
    key: LessSafeKey,
}

impl StoredTokens {
    /// Of this account.
    ///
    /// # Errors
    /// [`VaultFault`] when no key can be made, which does not happen.
    pub fn new(
        (store, account): (Arc<dyn Store>, AccountId),
        (key, app_secret): (&PseudonymKey, &str),
    ) -> Result<Self, VaultFault> {
        let key = key.mark(&[b"token", account.as_str().as_bytes(), app_secret.as_bytes()]);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).map_err(|_| VaultFault)?);
        Ok(Self { store, account, key })
    }

    fn name(part: &str) -> SharedName {
        SharedName { kind: SharedKind::Token, part: part.to_owned() }
    }

    /// A nonce drawn at random and what was sealed with it. A token lives for two hours: no key ever comes near as many
    /// records as would make two nonces the same.
    fn seal(&self, part: &str, mut body: Vec<u8>) -> Result<Vec<u8>, VaultFault> {
        let nonce = rand::random::<[u8; NONCE_LEN]>();
        let sealed = self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(part), &mut body);
        sealed.map_err(|_| VaultFault)?;
        Ok([nonce.as_slice(), &body].concat())
    }

    /// What was sealed; nothing if a bit of it is another, or if it was sealed with another key.
    fn open(&self, part: &str, sealed: &[u8]) -> Vec<u8> {
        let Some((nonce, sealed)) = sealed.split_first_chunk::<NONCE_LEN>() else { return Vec::new() };
        let mut body = sealed.to_vec();
        let opened = self.key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(part), &mut body);
        opened.map(|clear| clear.to_vec()).unwrap_or_default()
    }
}

#[async_trait]
impl TokenVault for StoredTokens {
    async fn read(&self, name: &'static str) -> Result<Vaulted, VaultFault> {
        let Shared { version, body } =
            self.store.shared(&self.account, &Self::name(name)).await.map_err(|_| VaultFault)?;
        Ok(Vaulted { version: version.0, body: self.open(name, &body) })
    }

    async fn swap(&self, name: &'static str, from: u64, body: Vec<u8>) -> Result<bool, VaultFault> {
        let change = SharedChange {
            account: self.account.clone(),
            name: Self::name(name),
            base: Version(from),
            body: Some(self.seal(name, body)?),
        };
        let committed = self.store.put_shared(change).await.map_err(|_| VaultFault)?;
        Ok(committed == Committed::Applied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Embedded, Spec};

    fn vault(store: &Arc<Embedded>, (account, key, secret): (&str, &str, &str)) -> StoredTokens {
        let store = Arc::clone(store) as Arc<dyn Store>;
        StoredTokens::new((store, account.into()), (&PseudonymKey::new(key), secret)).unwrap()
    }

    #[tokio::test]
    async fn a_token_is_shared_by_those_who_have_both_keys_and_found_by_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Embedded::open(dir.path(), Spec::default(), PseudonymKey::new("k")).unwrap());
        let ours = vault(&store, ("demo", "k", "s"));
        assert_eq!(ours.swap("access", 0, b"THE-TOKEN".to_vec()).await, Ok(true));
        assert_eq!(ours.swap("access", 0, b"LATE".to_vec()).await, Ok(false));
        let read = async |vault: &StoredTokens, name| {
            let Vaulted { version, body } = vault.read(name).await.unwrap();
            (version, body)
        };
        assert_eq!(read(&vault(&store, ("demo", "k", "s")), "access").await, (1, b"THE-TOKEN".to_vec()));
        // A new secret finds a version to start from, and no token.
        assert_eq!(read(&vault(&store, ("demo", "k", "t")), "access").await, (1, Vec::new()));
        assert_eq!(read(&vault(&store, ("demo", "l", "s")), "access").await, (1, Vec::new()));
        assert_eq!(read(&vault(&store, ("other", "k", "s")), "access").await, (0, Vec::new()));
        assert_eq!(read(&ours, "js-ticket").await, (0, Vec::new()));
        let kept = store.shared(&"demo".into(), &StoredTokens::name("access")).await.unwrap().body;
        assert!(!kept.windows(9).any(|bytes| bytes == b"THE-TOKEN"));
        assert!(ours.open("js-ticket", &kept).is_empty(), "a record is good under its own name only");
        for at in 0..kept.len() {
            let mut other = kept.clone();
            other[at] ^= 1;
            assert!(ours.open("access", &other).is_empty());
        }
    }

    #[tokio::test]
    async fn a_store_that_is_closed_is_a_fault_and_no_panic() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Embedded::open(dir.path(), Spec::default(), PseudonymKey::new("k")).unwrap());
        let ours = vault(&store, ("demo", "k", "s"));
        store.close().await.unwrap();
        assert_eq!(ours.swap("access", 0, Vec::new()).await, Err(VaultFault));
    }
}
