//! Many commits in one step, though they lie in many homes.
//!
//! Each home is looked at and locked, the common one first. Then one record there decides ([`script::DECIDE`]), as long as
//! its lock is ours: the whole bulk as it is to be applied. From there on it happens: by us, or, if we are gone, by whoever meets one of its locks. Until
//! then a lock that is old is broken off by saying so in that same record. So the bulk is applied whole or not at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::args::Args;
use super::commit::{Worded, Words};
use super::counters::number;
use super::engine::Redis;
use super::keys::Home;
use super::{commit, script, shared};
use crate::domain::forget::Keep;
use crate::store::aside::counted;
use crate::store::{Bulk, Commit, Committed, Partition, Quarantined, SharedChange, StoreError};

/// After so long nobody works on a bulk any more: each of its steps is given up much earlier.
const ABANDONED_AFTER_MS: i64 = 5_000;
/// A step whose answer is lost is asked for so often.
const TRIES: usize = 3;
/// A bulk that was broken off is remembered for so long, in case that its writer was only very slow.
const REMEMBERED_SECS: &str = "86400";
const BROKEN_OFF: &[u8] = b"-";
/// Random, in hexadecimal; stands before the moment in a lock.
const ID_BYTES: usize = 32;

/// What is to happen in one home; none is that of what belongs to no customer.
#[derive(Debug, Serialize, Deserialize)]
struct Part {
    partition: Option<u16>,
    args: Args,
}

impl Part {
    fn home(&self) -> Home {
        self.partition.map_or_else(Home::common, |partition| Home::of(Partition(partition)))
    }
}

/// What belongs into one home.
#[derive(Default)]
struct Content {
    commits: Vec<Commit>,
    notes: Vec<SharedChange>,
    quarantined: Vec<Quarantined>,
}

impl Redis {
    pub(super) async fn apply_all(&self, bulk: Bulk) -> Result<Committed, StoreError> {
        let parts = self.parts(bulk).await?;
        let id = format!("{:032x}", rand::random::<u128>());
        for (done, part) in parts.iter().enumerate() {
            let mut args = step("look", &id);
            args.append(&part.args);
            let looked = self.decide((&script::BULK, &part.home()), &args).await;
            if !matches!(looked, Ok(Committed::Applied)) {
                for part in parts.iter().take(done + 1) {
                    self.step("release", &id, part).await?;
                }
                return looked;
            }
        }
        let decided = postcard::to_stdvec(&parts).map_err(|error| unreadable(&error.to_string()))?;
        if self.decided(&id, &decided).await? == BROKEN_OFF {
            for part in &parts {
                self.step("release", &id, part).await?;
            }
            return Err(StoreError::Unavailable("a bulk took too long and was broken off; ask again".into()));
        }
        self.finish(&id, &parts).await?;
        Ok(Committed::Applied)
    }

    /// What to do about a lock that was met: nothing while its bulk is young, else end it.
    pub(super) async fn meet(&self, lock: &[u8], age_ms: &[u8]) -> Result<(), StoreError> {
        let lock = std::str::from_utf8(lock).map_err(|error| unreadable(&error.to_string()))?;
        let (id, _) = lock.split_at_checked(ID_BYTES).ok_or_else(|| unreadable("a lock without its bulk"))?;
        if number(age_ms)? < ABANDONED_AFTER_MS {
            return Ok(());
        }
        let verdict = self.verdict(id, BROKEN_OFF, REMEMBERED_SECS).await?;
        if verdict == BROKEN_OFF {
            for partition in (0..self.spec().partitions).map(Some).chain([None]) {
                self.step("release", id, &Part { partition, args: Args::default() }).await?;
            }
            return Ok(());
        }
        let parts: Vec<Part> = postcard::from_bytes(&verdict).map_err(|error| unreadable(&error.to_string()))?;
        tracing::info!(homes = parts.len(), "a bulk that was decided and left is finished");
        self.finish(id, &parts).await
    }

    async fn finish(&self, id: &str, parts: &[Part]) -> Result<(), StoreError> {
        // One home that cannot be reached keeps no other from its part. The common home comes last, and takes the
        // decision away with its lock; so it comes only when all others are done.
        let (common, others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.partition.is_none());
        let mut first_fault = None;
        for part in others {
            if let Err(fault) = self.step_again("apply", id, part).await {
                first_fault.get_or_insert(fault);
            }
        }
        if let Some(fault) = first_fault {
            return Err(fault);
        }
        for part in common {
            self.step_again("apply", id, part).await?;
        }
        Ok(())
    }

    /// Says what becomes of a bulk, also when an answer is lost on the way.
    async fn decided(&self, id: &str, verdict: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut said = self.verdict(id, verdict, "").await;
        for _ in 1..TRIES {
            if said.is_ok() {
                break;
            }
            said = self.verdict(id, verdict, "").await;
        }
        said
    }

    async fn step_again(&self, what: &str, id: &str, part: &Part) -> Result<(), StoreError> {
        let mut done = self.step(what, id, part).await;
        for _ in 1..TRIES {
            if done.is_ok() {
                break;
            }
            done = self.step(what, id, part).await;
        }
        done
    }

    async fn step(&self, what: &str, id: &str, part: &Part) -> Result<(), StoreError> {
        let mut args = step(what, id);
        args.append(&part.args);
        let answer: Vec<Vec<u8>> = self.link.run(&script::BULK, &part.home(), &args).await?;
        match answer.first().map(Vec::as_slice) {
            Some(b"applied") => Ok(()),
            _ => Err(StoreError::Unavailable("Redis lost a bulk while it was applied; verify the numbers".into())),
        }
    }

    async fn verdict(&self, id: &str, verdict: &[u8], secs: &str) -> Result<Vec<u8>, StoreError> {
        let mut args = Args::default();
        args.push(id).push(verdict).push(secs);
        self.link.run(&script::DECIDE, &Home::common(), &args).await
    }

    /// Home by home, always in the same order, so that two bulks never wait for each other in a ring.
    async fn parts(&self, bulk: Bulk) -> Result<Vec<Part>, StoreError> {
        let mut homes = BTreeMap::<Option<u16>, Content>::new();
        for commit in bulk.commits {
            let partition = self.names().partitions.of(&commit.of);
            homes.entry(Some(partition.0)).or_default().commits.push(commit);
        }
        let mut named = std::collections::BTreeSet::new();
        for note in bulk.notes {
            if !named.insert((note.account.as_str().to_owned(), shared::kind(note.name.kind), note.name.part.clone())) {
                return Err(StoreError::Unavailable("a bulk changes one shared record twice".into()));
            }
            homes.entry(None).or_default().notes.push(note);
        }
        // Always there: it is locked for as long as the bulk lasts, and its lock guards the decision.
        homes.entry(None).or_default().quarantined = bulk.quarantined;
        let mut parts = Vec::with_capacity(homes.len());
        for (partition, content) in homes {
            parts.push(Part { partition, args: self.content(content).await? });
        }
        Ok(parts)
    }

    async fn content(&self, Content { commits, notes, quarantined }: Content) -> Result<Args, StoreError> {
        let mut args = Args::default();
        args.len(commits.len());
        for (nth, commit) in commits.iter().enumerate() {
            let mut later = commits.iter().skip(nth + 1).filter(|later| later.of == commit.of);
            // What is forgotten further on in the same step is not written down first.
            // What an earlier one of the same step has forgotten is not forgotten twice.
            let mut earlier = commits.iter().take(nth).filter(|earlier| earlier.of == commit.of);
            let words = match commit.keep {
                Keep::Tombstone | Keep::Nothing if earlier.any(|earlier| earlier.keep != Keep::Known) => {
                    Words::Go(Worded::new())
                }
                _ => self.words(commit).await?,
            };
            let words = match words {
                Words::Stay if later.any(|later| later.keep != Keep::Known) => Words::Go(Worded::new()),
                words => words,
            };
            commit::write(&mut args, commit, (self.names(), self.spec().lateness), &words)?;
        }
        args.len(notes.len());
        for note in &notes {
            shared::write(&mut args, note);
        }
        args.len(quarantined.len());
        for entry in &quarantined {
            shared::write_aside(&mut args, entry);
        }
        let counted: Vec<_> = quarantined.iter().map(|entry| (entry.account.as_str(), [counted(entry)])).collect();
        let counted: Vec<_> = counted.iter().map(|(account, counted)| (*account, counted.as_slice())).collect();
        commit::count(&mut args, &counted)?;
        Ok(args)
    }
}

fn step(what: &str, id: &str) -> Args {
    let mut args = Args::default();
    args.push(what).push(id);
    args
}

fn unreadable(cause: &str) -> StoreError {
    StoreError::Shape { what: "bulk", cause: cause.to_owned() }
}
