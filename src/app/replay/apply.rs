//! Applying one chunk.

use super::decided::Decided;
use super::line::{Line, Lines};
use super::progress::progress;
use super::{Chunk, Mark, Progress, Replay};
use crate::store::{Committed, SharedChange, StoreError};

/// A conflict means that live traffic changed the one customer in question while it was decided.
const MAX_TRIES: usize = 16;

/// Why a chunk was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ReplayFault {
    /// The file was applied up to another place than where the chunk begins.
    #[error("the file was applied up to byte {} by now, not up to where this chunk begins", .0.offset)]
    Elsewhere(Box<Progress>),
    /// Live traffic got in between every time.
    #[error("a customer was changed {MAX_TRIES} times while one delivery was decided; replay at a quieter hour")]
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
    /// Applies a chunk that was read by [`Replay::read`], and notes how far the file was applied in the same step. The
    /// answer is that note.
    ///
    /// # Errors
    /// [`ReplayFault`]. Where live traffic kept getting in between, a part of the chunk may be applied; the note says
    /// how far.
    pub async fn apply(&self, chunk: &Chunk, lines: &Lines) -> Result<Progress, ReplayFault> {
        let mut rest = lines.0.as_slice();
        let (mut at_once, mut tries, mut from) = (rest.len(), 0, chunk.from);
        loop {
            let (part, after) = rest.split_at_checked(at_once).unwrap_or((rest, &[]));
            match self.apply_part(chunk, part, from).await? {
                Some(progress) if after.is_empty() => return Ok(progress),
                Some(progress) => (rest, from, tries) = (after, progress.offset, 0),
                // The fewer customers are decided at once, the fewer can get in between.
                None if at_once > 1 => at_once = at_once.div_ceil(4),
                None if tries == MAX_TRIES => return Err(ReplayFault::Crowded),
                None => tries += 1,
            }
        }
    }

    /// Applies lines that begin at byte `from`, or nothing when a customer was changed meanwhile.
    async fn apply_part(&self, chunk: &Chunk, lines: &[Line], from: u64) -> Result<Option<Progress>, ReplayFault> {
        let (account, name, note) = self.note(&chunk.file).await?.ok_or(ReplayFault::NoAccount)?;
        let so_far = progress(&note)?;
        if so_far.offset != from {
            return Err(ReplayFault::Elsewhere(Box::new(so_far)));
        }
        let mut decided = Decided::begin(self, lines, so_far);
        decided.decide().await?;
        let (mut bulk, mut done) = decided.into_bulk();
        if done.offset == chunk.to {
            done.mark = Mark { offset: chunk.to, before: chunk.before.clone() };
        }
        let body = serde_json::to_vec(&done)
            .map_err(|error| StoreError::Shape { what: "note about a replay", cause: error.to_string() })?;
        bulk.notes.push(SharedChange { account, name, base: note.version, body: Some(body) });
        Ok((self.store.commit_all(bulk).await? == Committed::Applied).then_some(done))
    }
}
