//! Recorded deliveries through the whole pipeline, each at its own time (contract.md "Replay files").
//!
//! A file is applied in chunks. The changes of a chunk and a note of how far the file was applied are one atomic step
//! of the store, so after a crash at any moment the same file goes on exactly where it stopped.

mod apply;
mod decided;
mod line;
mod progress;
mod spent;

pub use apply::ReplayFault;
pub use line::{Lines, Useless};
pub use progress::{Beginning, HEAD_BYTES, Known, Listed, MOST_LISTED, Mark, Progress, Tallies, hash, known};

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{App, Rules};
use crate::domain::ids::AccountId;
use crate::domain::playbook::Playbook;
use crate::domain::time::UnixSecs;
use crate::store::Store;

/// Applies recorded deliveries to a store.
#[derive(Clone)]
pub struct Replay {
    store: Arc<dyn Store>,
    rules: Rules,
    accounts: Arc<Vec<(AccountId, Arc<Playbook>)>>,
    begun: UnixSecs,
}

/// A part of a file: whole lines, read at one place and not yet looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which file.
    pub file: Beginning,
    /// Its first byte in the file.
    pub from: u64,
    /// The first byte after it: more than the length of `lines` away when the last line was too long to be kept.
    pub to: u64,
    /// What stands in the file just before `to`, as its [`hash`].
    pub before: String,
    /// The lines. The last one may be too long and cut, but not below [`MAX_LINE_BYTES`].
    pub lines: Vec<u8>,
}

/// A longer line is no delivery. Cutting it one byte later is enough to see that.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

impl Replay {
    /// For these accounts, each with the playbook that decides; `now` is when it begins.
    pub fn new(
        store: Arc<dyn Store>,
        accounts: BTreeMap<AccountId, Arc<Playbook>>,
        rules: Rules,
        now: UnixSecs,
    ) -> Self {
        Self { store, rules, accounts: Arc::new(accounts.into_iter().collect()), begun: now }
    }
}

impl App {
    /// A replay beside live traffic, under the playbooks of this moment.
    pub fn replay(&self) -> Replay {
        let accounts = self.accounts.iter().map(|(id, account)| (id.clone(), account.playbook()));
        Replay::new(Arc::clone(&self.store), accounts.collect(), self.rules.clone(), self.clock.now())
    }

    /// Applies a chunk where it keeps no customer's message waiting, and to its end also when the caller leaves.
    ///
    /// # Errors
    /// As [`Replay::apply`].
    pub async fn replay_chunk(&self, chunk: Chunk) -> Result<Progress, ReplayFault> {
        let replay = self.replay();
        let runtime = tokio::runtime::Handle::current();
        let applied = self.tasks.spawn_blocking(move || {
            let lines = replay.read(&chunk);
            runtime.block_on(replay.apply(&chunk, &lines))
        });
        applied.await.map_err(|_| ReplayFault::BrokenOff)?
    }
}
