//! Where tokens are kept, so that all processes of an account use the same one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

/// A small record as it was read.
#[derive(Clone, Default)]
pub struct Vaulted {
    /// Its version; 0 when there is none. It rises by one with every change.
    pub version: u64,
    /// What is in it: secret, and to be kept so. Empty when there is none, or none that can be opened.
    pub body: Vec<u8>,
}

/// The vault cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tokens' record cannot be reached")]
pub struct VaultFault;

/// Keeps small secret records of one account, changed only by whoever saw the latest.
#[async_trait]
pub trait TokenVault: Send + Sync {
    /// The record of this name.
    ///
    /// # Errors
    /// [`VaultFault`].
    async fn read(&self, name: &'static str) -> Result<Vaulted, VaultFault>;

    /// Changes it if it still has the version `from`; else `false`.
    ///
    /// # Errors
    /// [`VaultFault`]; then it is not known whether it was changed.
    async fn swap(&self, name: &'static str, from: u64, body: Vec<u8>) -> Result<bool, VaultFault>;
}

/// A vault that ends with this process.
#[derive(Default)]
pub struct ProcessVault(Mutex<BTreeMap<&'static str, Vaulted>>);

#[async_trait]
impl TokenVault for ProcessVault {
    async fn read(&self, name: &'static str) -> Result<Vaulted, VaultFault> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(records.get(name).cloned().unwrap_or_default())
    }

    async fn swap(&self, name: &'static str, from: u64, body: Vec<u8>) -> Result<bool, VaultFault> {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let record = records.entry(name).or_default();
        if record.version != from {
            return Ok(false);
        }
        *record = Vaulted { version: from + 1, body };
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_who_saw_the_latest_changes_it() {
        let vault = ProcessVault::default();
        assert_eq!(vault.swap("a", 1, vec![1]).await, Ok(false));
        assert_eq!(vault.swap("a", 0, vec![2]).await, Ok(true));
        assert_eq!(vault.swap("a", 0, vec![3]).await, Ok(false));
        let Vaulted { version, body } = vault.read("a").await.unwrap();
        assert_eq!((version, body), (1, vec![2]));
        assert_eq!(vault.read("b").await.unwrap().version, 0);
    }
}
