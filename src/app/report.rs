//! Reading a report: which counters it needs, then the pure part in `growth`.

use crate::domain::ids::AccountId;
use crate::growth::counters::Counters;
use crate::growth::report::{AsOf, Period, ReportName, Table, build, needed};
use crate::store::{CounterRange, Store, StoreError};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportFault {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads a report from the counters.
pub async fn read_report(
    store: &dyn Store,
    account: &AccountId,
    (name, period): (ReportName, Period),
    clock: AsOf,
) -> Result<Table, ReportFault> {
    let mut cells = Vec::new();
    for (metric, from, to) in needed(name, period.from(), period.to()) {
        cells.extend(store.counters(account, CounterRange { metric, from, to }).await?);
    }
    let counters: Counters = cells.into_iter().collect();
    Ok(build(name, period, clock, &counters))
}
