//! Identities checked when a day closes, and once more when nothing changes it any more.

use super::printed::put;
use crate::domain::ids::AccountId;
use crate::domain::time::BusinessDay;
use crate::growth::brief::told;
use crate::growth::identities;
use crate::growth::lateness::DayState;
use crate::growth::report::AsOf;
use crate::store::{Committed, SharedKind, SharedName, Store, StoreError, Version};

/// After a standstill days are checked so far back, beyond those that may still change.
const CAUGHT_UP_DAYS: i32 = 7;
/// Identities of an account that did not hold when a day closed or was sealed.
const FAILED: &str = "fuwu_identities_failed_total";

/// Checks every recent day that closed or was sealed since it was checked last, and keeps what was found: a list of
/// lines, empty when all is well.
pub(super) async fn check_days(store: &dyn Store, account: &AccountId, clock: AsOf) -> Result<(), StoreError> {
    let mut unchecked = Vec::new();
    let yesterday = clock.now.business_day().plus_days(-1);
    let oldest = yesterday.plus_days(-(clock.lateness.days() + CAUGHT_UP_DAYS));
    for day in (oldest.0..=yesterday.0).map(BusinessDay) {
        // The first version is of the closing, the second of the sealing; more there are not.
        let checks = match DayState::of(day, clock.now, clock.lateness) {
            Some(DayState::Closed) => 1,
            Some(DayState::Sealed) => 2,
            _ => continue,
        };
        let version = store.shared(account, &name_of(day)).await?.version;
        if version < Version(checks) {
            unchecked.push((day, version));
        }
    }
    let (Some((from, _)), Some((to, _))) = (unchecked.first(), unchecked.last()) else { return Ok(()) };
    let counters = store.counters(account, &identities::needed(*from, *to)).await?;
    for (day, version) in unchecked {
        let lines: Vec<String> = identities::check_identities(&counters, day, day).iter().map(told).collect();
        if put(store, account, (name_of(day), version), &lines).await? == Committed::Applied && !lines.is_empty() {
            metrics::counter!(FAILED, "account" => account.to_string())
                .increment(u64::try_from(lines.len()).unwrap_or(u64::MAX));
            tracing::error!(
                %account, %day, failed = lines.len(), first = lines.first().map(String::as_str).unwrap_or_default(),
                "identities do not hold: do not use the numbers of this day; `fuwu store verify` shows which counters \
                 differ from the facts"
            );
        }
    }
    Ok(())
}

fn name_of(day: BusinessDay) -> SharedName {
    SharedName { kind: SharedKind::DayCheck, part: day.to_string() }
}
