//! Applying one chunk.

use super::decided::Decided;
use super::line::Lines;
use super::progress::progress;
use super::{Chunk, Progress, Replay};
use crate::store::{Committed, SharedChange, StoreError};

/// A conflict means that live traffic changed a customer of the chunk while it was decided.
const MAX_TRIES: usize = 16;

/// Why a chunk was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ReplayFault {
    /// The file was applied up to another place than where the chunk begins.
    #[error("the file was applied up to byte {} by now, not up to where this chunk begins", .0.offset)]
    Elsewhere(Box<Progress>),
    /// Live traffic got in between every time.
    #[error(
        "the customers of this chunk were changed {MAX_TRIES} times while it was decided; replay at a quieter hour"
    )]
    Crowded,
    /// There is nobody to replay for.
    #[error("no account is configured")]
    NoAccount,
    /// It ended without an answer.
    #[error("the chunk was broken off; nothing of it was applied, or all of it")]
    BrokenOff,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Replay {
    /// Applies a chunk that was read by [`Replay::read`]: all of it and the note of how far the file was applied, or
    /// nothing. The answer is that note.
    ///
    /// # Errors
    /// [`ReplayFault`]; nothing was changed, unless the store cannot say.
    pub async fn apply(&self, chunk: &Chunk, lines: &Lines) -> Result<Progress, ReplayFault> {
        for _ in 0..MAX_TRIES {
            let (account, name, note) = self.note(&chunk.file).await?.ok_or(ReplayFault::NoAccount)?;
            let so_far = progress(&note)?;
            if so_far.offset != chunk.from {
                return Err(ReplayFault::Elsewhere(Box::new(so_far)));
            }
            let mut decided = Decided::begin(self, lines, so_far).await?;
            decided.decide(lines).await?;
            let (mut bulk, mut done) = decided.into_bulk();
            done.offset = chunk.to;
            done.before.clone_from(&chunk.before);
            let body = serde_json::to_vec(&done)
                .map_err(|error| StoreError::Shape { what: "note about a replay", cause: error.to_string() })?;
            bulk.note = Some(SharedChange { account, name, base: note.version, body: Some(body) });
            if self.store.commit_all(bulk).await? == Committed::Applied {
                return Ok(done);
            }
        }
        Err(ReplayFault::Crowded)
    }
}
