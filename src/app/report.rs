//! Reading a report: which counters it needs, then the pure part in `growth`.

use super::reconcile::platform_days;
use crate::domain::ids::AccountId;
use crate::domain::time::BusinessDay;
use crate::growth::counter::CounterKey;
use crate::growth::report::{
    AsOf, Asked, AskedError, Change, Context, Platform, ReportName, Table, as_it_stood, build, changes, needed,
};
use crate::store::{SharedKind, Store, StoreError};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportFault {
    /// It cannot be asked so.
    #[error(transparent)]
    Asked(#[from] AskedError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads a report from the counters, and what the day checks of its period and the platform's statistics said.
///
/// # Errors
/// When it cannot be asked so, or the store does not answer.
pub async fn read_report(
    store: &dyn Store,
    account: &AccountId,
    (asked, clock): (&Asked, AsOf),
    context: &Context,
) -> Result<Table, ReportFault> {
    asked.check(clock.now)?;
    let mut counters = store.counters(account, &needed(asked)).await?;
    if let Some(day) = asked.as_of {
        counters = as_it_stood(&counters, &arrived_since(store, account, (day, clock)).await?, day);
    }
    let mut context = context.clone();
    context.failed_checks.extend(failed_checks(store, account, asked).await?);
    context.platform = platform(store, account, asked.report).await?;
    Ok(build(asked, clock, &counters, &context))
}

/// What late events have changed in a report since the close of `since`: "what changed since we printed it"
/// (growth.md 1.1), in order of row and column. Nothing is said of days after it.
///
/// # Errors
/// As [`read_report`] of the same report as of `since`, which must be able to look back.
pub async fn read_changes(
    store: &dyn Store,
    account: &AccountId,
    (asked, clock): (&Asked, AsOf),
    since: BusinessDay,
) -> Result<Vec<Change>, ReportFault> {
    let now = Asked { as_of: None, ..asked.clone() };
    let then = Asked { as_of: Some(since), ..asked.clone() };
    then.check(clock.now)?;
    let counters = store.counters(account, &needed(asked)).await?;
    let before = as_it_stood(&counters, &arrived_since(store, account, (since, clock)).await?, since);
    let context = Context { platform: platform(store, account, asked.report).await?, ..Context::default() };
    Ok(changes(&build(&then, clock, &before, &context), &build(&now, clock, &counters, &context)))
}

/// Only one report stands beside the platform's statistics.
async fn platform(store: &dyn Store, account: &AccountId, report: ReportName) -> Result<Platform, StoreError> {
    match report {
        ReportName::Datacube => platform_days(store, account).await,
        _ => Ok(Platform::default()),
    }
}

/// Late changes that arrived after `day`. Clocks of several machines may disagree, so tomorrow's are read too.
async fn arrived_since(
    store: &dyn Store,
    account: &AccountId,
    (day, clock): (BusinessDay, AsOf),
) -> Result<Vec<(BusinessDay, CounterKey, i64)>, StoreError> {
    store.journal(account, day.plus_days(1), clock.now.business_day().plus_days(1)).await
}

/// What the identities said of days of the period when they closed (`SharedKind::DayCheck`): a JSON list of sentences a
/// day, empty when all held.
async fn failed_checks(store: &dyn Store, account: &AccountId, asked: &Asked) -> Result<Vec<String>, StoreError> {
    let mut failed = Vec::new();
    for (part, check) in store.shared_of(account, SharedKind::DayCheck).await? {
        if BusinessDay::parse(&part).is_some_and(|day| asked.period.holds(day)) {
            let said: Vec<String> = serde_json::from_slice(&check.body)
                .map_err(|error| StoreError::Shape { what: "day check", cause: error.to_string() })?;
            failed.extend(said);
        }
    }
    Ok(failed)
}

#[cfg(test)]
mod tests;
