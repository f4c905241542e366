//! Many commits in one step, though they lie in many homes.
//!
//! Each home is looked at and locked, the common one first. Then one record there decides ([`script::DECIDE`]), as long as
//! its lock is ours: the whole bulk as it is to be applied. From there on it happens: by us, or, if we are gone, by whoever
//! meets one of its locks ([`super::meeting`]). Until then a lock that is old is broken off by saying so in that same
//! record. So the bulk is applied whole or not at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use super::args::Args;
use super::commit::{Worded, Words};
use super::engine::Redis;
use super::keys::Home;
use super::meeting::{BROKEN_OFF, step};
use super::{commit, script, shared};
use crate::domain::forget::Keep;
use crate::store::aside::counted;
use crate::store::{Bulk, Commit, Committed, Partition, Quarantined, SharedChange, StoreError};

/// What is to happen in one home; none is that of what belongs to no customer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) partition: Option<u16>,
    pub(super) args: Args,
}

impl Part {
    pub(super) fn home(&self) -> Home {
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
    /// Applies a bulk. Whoever asks may go away meanwhile; what was begun is brought to its end all the same, so that no
    /// lock stays.
    pub(super) async fn apply_all(&self, bulk: Bulk) -> Result<Committed, StoreError> {
        let applying = self.clone();
        let applied = tokio::spawn(async move { applying.apply_bulk(bulk).await }.in_current_span());
        applied.await.unwrap_or_else(|_| Err(StoreError::Unavailable("a bulk was broken off; ask again".into())))
    }

    async fn apply_bulk(&self, bulk: Bulk) -> Result<Committed, StoreError> {
        let parts = self.parts(bulk).await?;
        let id = format!("{:032x}", rand::random::<u128>());
        for (done, part) in parts.iter().enumerate() {
            let looked = self.decide((&script::BULK, &part.home()), &step("look", &id, &part.args)).await;
            if !matches!(looked, Ok(Committed::Applied)) {
                self.release_all(&id, parts.iter().take(done + 1)).await;
                return looked;
            }
        }
        let decided = postcard::to_stdvec(&parts).map_err(|error| unreadable(&error.to_string()))?;
        if self.decided(&id, &decided).await? == BROKEN_OFF {
            self.release_all(&id, parts.iter()).await;
            return Err(StoreError::Unavailable("a bulk took too long and was broken off; ask again".into()));
        }
        match self.finish(&id, &parts).await? {
            0 => Ok(Committed::Applied),
            lost => Err(StoreError::Unavailable(format!(
                "Redis forgot a bulk on its way, and {lost} of its parts no longer fit; it is not noted as done, so ask again"
            ))),
        }
    }

    /// What stays locked, because it cannot be reached, is met by others.
    async fn release_all<'a>(&self, id: &str, parts: impl Iterator<Item = &'a Part>) {
        for part in parts {
            if let Err(fault) = self.release_home(id, &part.home()).await {
                tracing::debug!(%fault, "a home stays locked for a moment");
            }
        }
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

pub(super) fn unreadable(cause: &str) -> StoreError {
    StoreError::Shape { what: "bulk", cause: cause.to_owned() }
}
