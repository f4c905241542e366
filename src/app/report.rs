//! Reading a report: which counters it needs, then the pure part in `growth`.

use crate::domain::ids::AccountId;
use crate::growth::counters::Counters;
use crate::growth::report::{AsOf, Asked, AskedError, Context, Table, build, needed};
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

/// Reads a report from the counters.
pub async fn read_report(
    store: &dyn Store,
    account: &AccountId,
    (asked, clock): (&Asked, AsOf),
    context: &Context,
) -> Result<Table, ReportFault> {
    asked.check(clock.now)?;
    let mut cells = Vec::new();
    for (metric, from, to) in needed(asked) {
        cells.extend(store.counters(account, CounterRange { metric, from, to }).await?);
    }
    let counters: Counters = cells.into_iter().collect();
    Ok(build(asked, clock, &counters, context))
}
