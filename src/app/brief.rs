//! Reading what a daily or weekly report is made from.

use std::collections::BTreeMap;

use super::printed::PrintedRecord;
use super::{cases, platform_days};
use crate::domain::ids::AccountId;
use crate::domain::playbook::Playbook;
use crate::domain::time::BusinessDay;
use crate::growth::brief::{
    Beside, Brief, Daily, DayNumbers, Difference, Edition, Journal, Labels, Printed, Weekly, told,
};
use crate::growth::counters::Counters;
use crate::growth::identities;
use crate::growth::report::{AsOf, SideBySide};
use crate::store::{SharedKind, SharedName, Store, StoreError};

/// Whose report is to be read, and as of when.
pub struct Subject<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Whose.
    pub account: &'a AccountId,
    /// The playbook in force: its names are printed.
    pub playbook: &'a Playbook,
    /// Now.
    pub clock: AsOf,
}

/// Makes a report from what the store holds now. `skipped` are days whose dailies are not made any more.
///
/// What is read depends on days, never on customers.
pub async fn read_brief(
    subject: &Subject<'_>,
    edition: Edition,
    skipped: Option<(BusinessDay, BusinessDay)>,
) -> Result<Brief, StoreError> {
    let Subject { store, account, playbook, clock } = *subject;
    let corrected_days = clock.lateness.days() + 1;
    let (first, last) = (edition.first_day(), edition.last_day());
    let (needed, corrected_from) = match edition {
        Edition::Daily(day) => (Daily::needed(day, corrected_days), day.plus_days(-corrected_days)),
        Edition::Weekly(day) => (Weekly::needed(day), first),
    };
    let counters = store.counters(account, &needed).await?;
    let journal = store.journal(account, corrected_from, last.plus_days(corrected_days)).await?;
    let beside = Beside {
        counters: &counters,
        clock,
        account: account.clone(),
        playbook: playbook.version.clone(),
        labels: Labels::of(playbook),
        printed: printed_days(store, account, (corrected_from, last)).await?,
        journal: Journal(journal),
        failed: failed(store, account, (first, last)).await?,
        platform: platform(store, account, (edition, &counters)).await?,
        waiting: waiting(store, account).await?,
        skipped,
    };
    Ok(match edition {
        Edition::Daily(day) => Brief::Daily(Box::new(Daily::new(day, &beside))),
        Edition::Weekly(day) => Brief::Weekly(Box::new(Weekly::new(day, &beside))),
    })
}

/// Orders and payments that wait for a person: how many, and how much in fen.
async fn waiting(store: &dyn Store, account: &AccountId) -> Result<(usize, i64), StoreError> {
    let cases = cases(store, account).await?;
    Ok((cases.len(), cases.iter().fold(0, |sum: i64, case| sum.saturating_add(case.amount_fen))))
}

/// What the dailies of these days printed.
async fn printed_days(
    store: &dyn Store,
    account: &AccountId,
    (from, to): (BusinessDay, BusinessDay),
) -> Result<BTreeMap<BusinessDay, DayNumbers>, StoreError> {
    let mut printed = BTreeMap::new();
    for day in (from.0..=to.0).map(BusinessDay) {
        let name = SharedName { kind: SharedKind::Printed, part: Edition::Daily(day).part() };
        if let Some(PrintedRecord { numbers: Printed::Day(numbers), .. }) =
            PrintedRecord::read(&store.shared(account, &name).await?)
        {
            printed.insert(day, numbers);
        }
    }
    Ok(printed)
}

/// Where the platform's own statistics of a day differ; `None` where it has told nothing of it.
async fn platform(
    store: &dyn Store,
    account: &AccountId,
    (edition, counters): (Edition, &Counters),
) -> Result<Option<Vec<Difference>>, StoreError> {
    let Edition::Daily(day) = edition else { return Ok(None) };
    let told = platform_days(store, account).await?.0.get(&day).copied();
    Ok(told.map(|told| Difference::between(&SideBySide::of(day, counters, told))))
}

/// The identities that do not hold on these days, in words.
pub(super) async fn failed(
    store: &dyn Store,
    account: &AccountId,
    (from, to): (BusinessDay, BusinessDay),
) -> Result<Vec<String>, StoreError> {
    let counters = store.counters(account, &identities::needed(from, to)).await?;
    Ok(identities::check_identities(&counters, from, to).iter().map(told).collect())
}
