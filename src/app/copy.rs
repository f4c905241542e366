//! Copying accounts from one store to another, and only then saying so: what arrived is read again on both sides and
//! compared. A copy that was broken off goes on where it was; when somebody wrote to the source meanwhile it begins anew.

mod compare;
mod left;
mod walk;

use std::cell::Cell;

use crate::domain::ids::AccountId;
use crate::store::{Content, Half, Kept, Moving, Page, Spec, Stage, Step, StoreError, Stored};

pub use compare::Differing;
use compare::compare;
pub use left::left_in_journal;
use walk::Walk;

/// How many items of each step there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied(pub Vec<(Step, u64)>);

/// What is being done, for whoever waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Items are copied.
    Copying(Step),
    /// Both sides are compared.
    Comparing(Step),
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What arrived is not what was sent.
    #[error("what was copied is not what is there: {count} differences")]
    Differs {
        /// How many.
        count: usize,
        /// The first of them.
        listed: Vec<Differing>,
    },
}

/// Copies accounts from one store into another. `seen` hears what is done, so many items of about so many.
///
/// # Errors
/// [`StoreError::Locked`] while somebody else writes to either, [`StoreError::Mismatch`] when the target holds something
/// that is not the first part of this same copy, [`CopyError::Differs`] when the two are not equal afterwards.
pub async fn copy(
    (from, to): (&dyn Moving, &dyn Moving),
    (accounts, spec): (&[AccountId], Spec),
    seen: impl Fn(Doing, u64, u64),
) -> Result<Copied, CopyError> {
    let copying = Copying { from, to, accounts, spec, seen: &seen, done: Cell::new(0) };
    copying.hold().await?;
    let mut half = copying.begun().await?;
    if let Stage::Filling { account, step, place } = half.stage {
        copying.fill(&mut half, (account, step, place)).await?;
    }
    let copied = match half.stage {
        Stage::Verified => copying.counted().await?,
        _ => copying.check(&mut half).await?,
    };
    copying.hold().await?;
    to.finish().await?;
    from.let_go().await?;
    to.let_go().await?;
    Ok(copied)
}

struct Copying<'a, F> {
    from: &'a dyn Moving,
    to: &'a dyn Moving,
    accounts: &'a [AccountId],
    spec: Spec,
    seen: &'a F,
    done: Cell<u64>,
}

impl<F: Fn(Doing, u64, u64)> Copying<'_, F> {
    async fn hold(&self) -> Result<(), StoreError> {
        self.from.hold().await?;
        self.to.hold().await
    }

    /// The mark to go on from; a new one is made where nothing is yet.
    async fn begun(&self) -> Result<Half, StoreError> {
        let origin = self.from.origin().await?;
        if self.to.origin().await?.id == origin.id {
            return Err(StoreError::Mismatch("--from and --to are the same store".into()));
        }
        let stage = Stage::Filling { account: 0, step: Step::Records, place: 0 };
        let fresh = Half { from: origin, accounts: self.accounts.to_vec(), stage };
        let Some(half) = self.to.half().await? else {
            let done = Half { stage: Stage::Verified, ..fresh.clone() };
            if self.to.whole().await?.as_ref() == Some(&done) {
                // It was broken off after its last step, or is asked for twice.
                return Ok(done);
            }
            for account in self.accounts {
                self.refuse_unless_empty(account).await?;
            }
            self.to.mark(&fresh).await?;
            return Ok(fresh);
        };
        if half.from.id != origin.id || half.accounts != fresh.accounts {
            let accounts = half.accounts.iter().map(AccountId::as_str).collect::<Vec<_>>().join(", ");
            return Err(StoreError::Mismatch(format!(
                "the store at --to is half copied from another place or with other accounts ({accounts}). Run that copy \
                 again to its end, or empty that store"
            )));
        }
        if half.from == origin && half.stage != Stage::Spoiled {
            return Ok(half);
        }
        tracing::warn!("what was copied so far is outdated; it is taken away and copied anew");
        self.to.mark(&Half { stage: Stage::Spoiled, ..half }).await?;
        for account in self.accounts {
            self.to.clear(account).await?;
        }
        self.to.mark(&fresh).await?;
        Ok(fresh)
    }

    async fn refuse_unless_empty(&self, account: &AccountId) -> Result<(), StoreError> {
        for step in Step::ALL {
            if !Walk::new(self.to, account, step).next(0).await?.is_none_or(|(content, _)| content.is_empty()) {
                return Err(StoreError::Mismatch(format!(
                    "the store at --to already holds {} of the account {account}, and they are not from this copy. \
                     Nothing was changed; copy into an empty store",
                    step.as_str()
                )));
            }
        }
        Ok(())
    }

    /// Copies what is not there yet.
    async fn fill(&self, half: &mut Half, (from, step, place): (usize, Step, u64)) -> Result<(), StoreError> {
        for (nth, account) in self.accounts.iter().enumerate().skip(from) {
            for (at, place) in Step::ALL.into_iter().filter_map(|at| match (nth == from, at.cmp(&step)) {
                (true, std::cmp::Ordering::Less) => None,
                (true, std::cmp::Ordering::Equal) => Some((at, place)),
                _ => Some((at, 0)),
            }) {
                self.fill_step(half, (nth, account), (at, place)).await?;
            }
        }
        Ok(())
    }

    async fn fill_step(
        &self,
        half: &mut Half,
        (nth, account): (usize, &AccountId),
        (step, place): (Step, u64),
    ) -> Result<(), StoreError> {
        let about = self.about(account, step).await?;
        let mut walk = Walk::new(self.from, account, step);
        let mut after = place;
        self.done.set(0);
        while let Some((content, last)) = walk.next(after).await? {
            self.hold().await?;
            self.tell(Doing::Copying(step), (&content, about));
            after = last;
            half.stage = Stage::Filling { account: nth, step, place: last };
            let page = Page { account: account.clone(), content: self.fitting(content), last };
            self.to.adopt(page, half).await?;
        }
        Ok(())
    }

    /// Compares everything; afterwards the copy counts as verified or spoiled.
    async fn check(&self, half: &mut Half) -> Result<Copied, CopyError> {
        let (mut copied, mut differing) = (Vec::new(), Vec::new());
        for account in self.accounts {
            for step in Step::ALL {
                let there = Walk::new(self.from, account, step);
                let here = Walk::new(self.to, account, step);
                let about = self.about(account, step).await?.map(|about| about * 2);
                self.done.set(0);
                let seen = async |content: &Content| {
                    self.tell(Doing::Comparing(step), (content, about));
                    self.hold().await
                };
                let fitting = |content| self.fitting(content);
                let (count, differ) = compare((there, here), (self.spec, fitting), seen).await?;
                copied.push((step, count));
                differing.extend(differ);
            }
        }
        half.stage = if differing.is_empty() { Stage::Verified } else { Stage::Spoiled };
        self.to.mark(half).await?;
        if differing.is_empty() {
            return Ok(sum(&copied));
        }
        let count = differing.len();
        differing.truncate(super::MOST_DIFFERENCES);
        Err(CopyError::Differs { count, listed: differing })
    }

    /// What was verified before the copy was broken off.
    async fn counted(&self) -> Result<Copied, StoreError> {
        let mut copied = Vec::new();
        for account in self.accounts {
            for step in Step::ALL {
                let (mut walk, mut after, mut count) = (Walk::new(self.to, account, step), 0, 0);
                while let Some((content, last)) = walk.next(after).await? {
                    (after, count) = (last, count + length(&content));
                }
                copied.push((step, count));
            }
        }
        Ok(sum(&copied))
    }

    async fn about(&self, account: &AccountId, step: Step) -> Result<Option<u64>, StoreError> {
        Ok(match step {
            Step::Records => Some(self.from.extent(account).await?.0),
            Step::Facts => Some(self.from.extent(account).await?.1),
            _ => None,
        })
    }

    fn tell(&self, doing: Doing, (content, about): (&Content, Option<u64>)) {
        self.done.set(self.done.get() + length(content));
        (self.seen)(doing, self.done.get(), about.unwrap_or(0).max(self.done.get()));
    }

    /// Records with the versions that they have over there.
    fn fitting(&self, content: Content) -> Content {
        let Content::Records(records) = content else { return content };
        let fitting = |kept: Kept| {
            let version = self.to.fitting(kept.stored.version);
            Kept { stored: Stored { version, ..kept.stored }, ..kept }
        };
        Content::Records(records.into_iter().map(fitting).collect())
    }
}

fn length(content: &Content) -> u64 {
    u64::try_from(content.len()).unwrap_or(u64::MAX)
}

fn sum(copied: &[(Step, u64)]) -> Copied {
    let of = |step| copied.iter().filter(|(other, _)| *other == step).map(|(_, count)| count).sum();
    Copied(Step::ALL.into_iter().map(|step| (step, of(step))).collect())
}
