//! Reading a report: which counters it needs, then the pure part in `growth`.

use super::reconcile::platform_days;
use crate::domain::ids::AccountId;
use crate::growth::counters::Counters;
use crate::growth::report::{AsOf, Asked, AskedError, Context, ReportName, Table, build, needed};
use crate::store::{CounterRange, Store, StoreError};

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

/// Reads a report from the counters, and what the platform said for the one that stands beside it.
pub async fn read_report(
    store: &dyn Store,
    account: &AccountId,
    (asked, clock): (&Asked, AsOf),
    context: &Context,
) -> Result<Table, ReportFault> {
    asked.check(clock.now)?;
    let with_platform;
    let context = if asked.report == ReportName::Datacube {
        with_platform = Context { platform: platform_days(store, account).await?, ..context.clone() };
        &with_platform
    } else {
        context
    };
    let mut cells = Vec::new();
    for (metric, from, to) in needed(asked) {
        cells.extend(store.counters(account, CounterRange { metric, from, to }).await?);
    }
    let counters: Counters = cells.into_iter().collect();
    Ok(build(asked, clock, &counters, context))
}
