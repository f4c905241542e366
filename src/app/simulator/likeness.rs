//! The embedded store beside the simulated one: asked the same, it must answer the same. What is simulated is then what
//! is sold.

use std::fmt::Debug;
use std::pin::Pin;

use tempfile::TempDir;

use super::shop::lateness;
use crate::store::{Embedded, PseudonymKey, Spec, StoreError};

/// A store of its own, if there is one.
#[derive(Default)]
pub struct Twin(Option<(Embedded, TempDir)>);

type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What the twin said, until ours has said it too.
pub struct Heard<T>(Option<T>);

impl<T: PartialEq + Debug> Heard<T> {
    #[track_caller]
    pub fn agree(self, ours: T) -> T {
        if let Self(Some(twins)) = self {
            assert_eq!(ours, twins, "simulated, embedded");
        }
        ours
    }
}

impl Twin {
    pub fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spec = Spec { partitions: 2, lateness: lateness() };
        let store = Embedded::open(dir.path(), spec, PseudonymKey::new("simulator")).unwrap();
        Self(Some((store, dir)))
    }

    /// What the twin says. It has threads of its own, so the simulated time stands while it thinks.
    pub fn hears<'a, T: Send>(&'a self, ask: impl FnOnce(&'a Embedded) -> Asked<'a, T>) -> Option<T> {
        let (store, _) = self.0.as_ref()?;
        let asked = ask(store);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = std::thread::scope(|scope| scope.spawn(move || runtime.block_on(asked)).join());
        Some(answer.unwrap().unwrap())
    }

    #[track_caller]
    pub fn says<'a, T: PartialEq + Debug + Send>(
        &'a self,
        ours: T,
        ask: impl FnOnce(&'a Embedded) -> Asked<'a, T>,
    ) -> T {
        Heard(self.hears(ask)).agree(ours)
    }

    pub fn says_later<'a, T: Send>(&'a self, ask: impl FnOnce(&'a Embedded) -> Asked<'a, T>) -> Heard<T> {
        Heard(self.hears(ask))
    }
}
