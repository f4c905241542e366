//! How a bulk ends: at the hands of its writer, or of whoever meets a lock that it left.
//!
//! Redis may forget the last of what it did: a server that crashed, or one that lagged behind and took its place. Then a
//! home has lost its lock, or the common one the decision. Nothing waits for what was forgotten: a part is applied when
//! it still fits, and what is lost is told.

use super::args::Args;
use super::bulk::{Part, unreadable};
use super::counters::number;
use super::engine::Redis;
use super::keys::Home;
use super::script;
use crate::store::{Committed, StoreError};

/// After so long nobody works on a bulk any more: each of its steps is given up much earlier.
const ABANDONED_AFTER_MS: i64 = 5_000;
/// A step whose answer is lost is asked for so often.
const TRIES: usize = 3;
/// A bulk that was broken off is remembered for so long, in case that its writer was only very slow.
const REMEMBERED_SECS: &str = "86400";
/// The decision against a bulk.
pub(super) const BROKEN_OFF: &[u8] = b"-";
/// The common home is done with it.
const DONE_WITH: &[u8] = b"+";
/// Random, in hexadecimal; stands before the moment in a lock.
const ID_BYTES: usize = 32;

/// A step as the script reads it (`scripts/bulk.lua`).
pub(super) fn step(what: &str, id: &str, part: &Args) -> Args {
    let mut args = Args::default();
    args.push(what).push(id).append(part);
    args
}

impl Redis {
    /// What to do about a lock that was met in a home: nothing while its bulk is young, else end it.
    pub(super) async fn meet(&self, home: &Home, (lock, age_ms): (&[u8], &[u8])) -> Result<(), StoreError> {
        let lock = std::str::from_utf8(lock).map_err(|error| unreadable(&error.to_string()))?;
        let (id, _) = lock.split_at_checked(ID_BYTES).ok_or_else(|| unreadable("a lock without its bulk"))?;
        if number(age_ms)? < ABANDONED_AFTER_MS {
            return Ok(());
        }
        let verdict = self.verdict(id, BROKEN_OFF, REMEMBERED_SECS).await?;
        if verdict == BROKEN_OFF {
            // Other homes are released by whoever meets them; but all numbers wait for the common one.
            self.release_home(id, home).await?;
            return self.release_home(id, &Home::common()).await.map(drop);
        }
        if verdict == DONE_WITH {
            if self.release_home(id, home).await? == Committed::Applied {
                tell_loss(home);
            }
            return Ok(());
        }
        let parts: Vec<Part> = postcard::from_bytes(&verdict).map_err(|error| unreadable(&error.to_string()))?;
        tracing::info!(homes = parts.len(), "a bulk that was decided and left is finished");
        self.finish(id, &parts).await.map(drop)
    }

    /// Applies what was decided; the answer is how many parts Redis lost.
    pub(super) async fn finish(&self, id: &str, parts: &[Part]) -> Result<usize, StoreError> {
        // One home that cannot be reached keeps no other from its part. The common home comes last, and takes the
        // decision away with its lock; so it comes only when all others are done.
        let (common, others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.partition.is_none());
        let (mut first_fault, mut lost) = (None, 0);
        for part in others {
            match self.end("apply", id, part).await {
                Ok(Committed::Applied) => {}
                Ok(_) => lost += 1,
                Err(fault) => drop(first_fault.get_or_insert(fault)),
            }
        }
        if let Some(fault) = first_fault {
            return Err(fault);
        }
        // What the notes say was done includes what is lost, so they are left as they were: then it is done again, and
        // whoever has it already knows it.
        let what = if lost == 0 { "apply" } else { "drop" };
        for part in common {
            let ended = self.end(what, id, part).await?;
            lost += usize::from(lost == 0 && ended != Committed::Applied);
        }
        Ok(lost)
    }

    /// Says what becomes of a bulk, also when an answer is lost on the way.
    pub(super) async fn decided(&self, id: &str, verdict: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut said = self.verdict(id, verdict, "").await;
        for _ in 1..TRIES {
            if said.is_ok() {
                break;
            }
            said = self.verdict(id, verdict, "").await;
        }
        said
    }

    /// [`Committed::Stale`] when the lock was not there.
    pub(super) async fn release_home(&self, id: &str, home: &Home) -> Result<Committed, StoreError> {
        self.ended(home, &step("release", id, &Args::default())).await
    }

    /// [`Committed::Stale`] when a home forgot its lock, and the part no longer fits.
    async fn end(&self, what: &str, id: &str, part: &Part) -> Result<Committed, StoreError> {
        let (home, args) = (part.home(), step(what, id, &part.args));
        let mut done = self.ended(&home, &args).await;
        for _ in 1..TRIES {
            if done.is_ok() {
                break;
            }
            done = self.ended(&home, &args).await;
        }
        if what == "apply" && matches!(done, Ok(Committed::Stale)) {
            tell_loss(&home);
        }
        done
    }

    async fn ended(&self, home: &Home, args: &Args) -> Result<Committed, StoreError> {
        let answer: Vec<Vec<u8>> = self.link.run(&script::BULK, home, args).await?;
        match answer.first().map(Vec::as_slice) {
            Some(b"applied") => Ok(Committed::Applied),
            Some(b"stale") => Ok(Committed::Stale),
            _ => Err(StoreError::Unavailable("Redis answered another question".into())),
        }
    }

    async fn verdict(&self, id: &str, verdict: &[u8], secs: &str) -> Result<Vec<u8>, StoreError> {
        let mut args = Args::default();
        args.push(id).push(verdict).push(secs);
        self.link.run(&script::DECIDE, &Home::common(), &args).await
    }
}

fn tell_loss(home: &Home) {
    tracing::error!(
        home = home.as_str(),
        "Redis forgot a part of a bulk that was decided, and it cannot be made up for here: replay the file again and \
         run `fuwu store verify`"
    );
}
