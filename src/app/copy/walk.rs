//! Everything of an account, page by page.

use crate::domain::ids::AccountId;
use crate::domain::time::BusinessDay;
use crate::store::{Content, Moving, SharedKind, SharedName, Step, StoreError};

/// Most records are of a few hundred bytes, and none of more than 64 KiB.
const RECORDS: usize = 500;
const FACTS: usize = 2_000;
const CELLS: usize = 1_000;
/// Deliveries are of up to 64 KiB.
const ASIDE: usize = 50;

/// One step of an account in a store.
pub(super) struct Walk<'a> {
    of: &'a dyn Moving,
    account: &'a AccountId,
    pub(super) step: Step,
    /// What is small enough to be read at once, and must be read at one instant.
    whole: Option<Content>,
    /// How many deliveries were read, and the name of the last of them.
    aside: (u64, String),
}

impl<'a> Walk<'a> {
    pub(super) fn new(of: &'a dyn Moving, account: &'a AccountId, step: Step) -> Self {
        Self { of, account, step, whole: None, aside: (0, String::new()) }
    }

    pub(super) fn account(&self) -> &'a AccountId {
        self.account
    }

    /// What comes after a place, and the last place of it; `None` at the end.
    pub(super) async fn next(&mut self, after: u64) -> Result<Option<(Content, u64)>, StoreError> {
        match self.step {
            Step::Records => {
                let page = self.of.kept(self.account, after, RECORDS).await?;
                Ok(page.last().map(|kept| kept.place).map(|last| (Content::Records(page), last)))
            }
            Step::Facts => {
                let page = self.of.facts(self.account, after, FACTS).await?;
                Ok(page.last().map(|logged| logged.seq).map(|last| (Content::Facts(page), last)))
            }
            Step::Aside => self.next_aside(after).await,
            Step::Counters | Step::Journal | Step::Residue | Step::Shared => {
                let whole = match self.whole.take() {
                    Some(whole) => whole,
                    None => self.read_whole().await?,
                };
                let first = usize::try_from(after).unwrap_or(usize::MAX);
                let page = whole.part(first..first.saturating_add(CELLS));
                self.whole = Some(whole);
                let last = after.saturating_add(u64::try_from(page.len()).unwrap_or(u64::MAX));
                Ok((!page.is_empty()).then_some((page, last)))
            }
        }
    }

    /// Deliveries have no numbers of their own that both engines know, so they are counted.
    async fn next_aside(&mut self, after: u64) -> Result<Option<(Content, u64)>, StoreError> {
        loop {
            let (read, name) = &self.aside;
            let missing = usize::try_from(after.saturating_sub(*read)).unwrap_or(usize::MAX);
            let limit = if missing == 0 { ASIDE } else { missing.min(ASIDE) };
            let page = self.of.aside_after(self.account, name, limit).await?;
            let Some((name, _)) = page.last() else { return Ok(None) };
            let last = read + u64::try_from(page.len()).unwrap_or(u64::MAX);
            self.aside = (last, name.clone());
            if missing == 0 {
                return Ok(Some((Content::Aside(page.into_iter().map(|(_, entry)| entry).collect()), last)));
            }
        }
    }

    /// In one order, whatever engine tells it.
    async fn read_whole(&self) -> Result<Content, StoreError> {
        Ok(match self.step {
            Step::Journal => {
                let always = (BusinessDay(i32::MIN), BusinessDay(i32::MAX));
                let mut journal = self.of.journal(self.account, always.0, always.1).await?;
                journal.sort();
                Content::Journal(journal)
            }
            Step::Residue => {
                let mut residue = self.of.residue(self.account).await?;
                residue.sort_by(|one, other| (&one.key, one.late_on).cmp(&(&other.key, other.late_on)));
                Content::Residue(residue)
            }
            Step::Shared => {
                let mut all = Vec::new();
                for kind in SharedKind::all() {
                    let records = self.of.shared_of(self.account, kind).await?;
                    all.extend(records.into_iter().map(|(part, shared)| (SharedName { kind, part }, shared)));
                }
                Content::Shared(all)
            }
            _ => {
                let mut counters = self.of.numbers(self.account).await?.counters;
                counters.sort();
                Content::Counters(counters)
            }
        })
    }
}
