//! Calls for reconciliation when it is due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{READY_SECS, ReconcileFault, Reconciled};
use crate::app::duty::Duty;
use crate::app::{App, ServedAccount};
use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;

/// The clock is looked at so often; it may be one that a simulation moves.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// Until a day that is not ready, or a refusal that an operator may mend, is asked about again.
const NOT_READY_SECS: i64 = 3600;
/// Until a platform or store that did not answer is asked again.
const BUSY_SECS: i64 = 600;

/// When an account is asked about next, and what was wrong the last time.
#[derive(Debug, Default)]
struct Turn {
    due: Option<UnixSecs>,
    fault: Option<String>,
}

impl Turn {
    /// Whether it is time. A clock that was moved back by more than a day makes it due, too.
    fn is_due(&self, now: UnixSecs) -> bool {
        self.due.is_none_or(|due| due <= now || due.secs_since(now) > 2 * 86_400)
    }

    /// What came of it at `now`; a fault that stays the same is told once.
    fn went(&mut self, account: &AccountId, outcome: &Result<Reconciled, ReconcileFault>, now: UnixSecs) {
        let ready = now.business_day().start().plus_secs(READY_SECS);
        self.due = Some(match outcome {
            Ok(Reconciled::Early) => ready,
            Ok(Reconciled::Done | Reconciled::NoRight) => now.business_day().plus_days(1).start().plus_secs(READY_SECS),
            Ok(Reconciled::NotReady) => now.plus_secs(NOT_READY_SECS),
            Err(ReconcileFault::Platform(error)) if !error.is_passing() => now.plus_secs(NOT_READY_SECS),
            Err(_) => now.plus_secs(BUSY_SECS),
        });
        let fault = outcome.as_ref().err().map(ToString::to_string);
        if let Some(fault) = &fault
            && self.fault.as_ref() != Some(fault)
        {
            tracing::warn!(%account, error = %fault, "the platform's statistics were not read; they are asked for again");
        }
        self.fault = fault;
    }
}

impl App {
    /// Reconciles these accounts every day after 08:00 until told to stop. What is in hand then is given up: it is
    /// asked for again with the next start.
    pub async fn run_reconcile(self: Arc<Self>, accounts: Vec<Arc<ServedAccount>>, mut stop: watch::Receiver<bool>) {
        let mut turns: BTreeMap<AccountId, Turn> = BTreeMap::new();
        while !*stop.borrow() {
            for account in &accounts {
                let turn = turns.entry(account.id().clone()).or_default();
                if !turn.is_due(self.clock.now()) {
                    continue;
                }
                // A store that does not answer is said by whoever needs it more.
                if !self.owns(account.id(), Duty::Reconcile).await.unwrap_or(false) {
                    continue;
                }
                tokio::select! {
                    outcome = self.reconcile(account) => turn.went(account.id(), &outcome, self.clock.now()),
                    _ = stop.changed() => return,
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                heard = stop.changed() => if heard.is_err() { return },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::official::api::ApiError;
    use crate::domain::time::BusinessDay;
    use crate::store::StoreError;

    const MORNING: UnixSecs = UnixSecs(1_772_416_800); // 2026-03-02 10:00

    fn waits(outcome: Result<Reconciled, ReconcileFault>, now: UnixSecs) -> i64 {
        let mut turn = Turn::default();
        assert!(turn.is_due(now));
        turn.went(&"demo".into(), &outcome, now);
        let due = turn.due.unwrap();
        assert!(!turn.is_due(due.plus_secs(-1)) && turn.is_due(due));
        due.secs_since(now)
    }

    #[test]
    fn what_is_known_rests_until_tomorrow_and_what_is_not_comes_again() {
        let refused = |code| ReconcileFault::Platform(ApiError::Refused { code, rid: None });
        assert_eq!(waits(Ok(Reconciled::Done), MORNING), 22 * 3600);
        assert_eq!(waits(Ok(Reconciled::NoRight), MORNING), 22 * 3600);
        assert_eq!(waits(Ok(Reconciled::NotReady), MORNING), 3600);
        assert_eq!(waits(Ok(Reconciled::Early), MORNING.plus_secs(-8 * 3600)), 6 * 3600);
        assert_eq!(waits(Err(ApiError::Busy.into()), MORNING), 600);
        assert_eq!(waits(Err(StoreError::Unavailable(String::new()).into()), MORNING), 600);
        assert_eq!(waits(Err(refused(40164)), MORNING), 3600);
    }

    #[test]
    fn a_clock_that_was_moved_far_back_does_not_wait_for_the_future() {
        let mut turn = Turn::default();
        turn.went(&"demo".into(), &Ok(Reconciled::Done), MORNING);
        assert!(!turn.is_due(MORNING.plus_secs(-3600)));
        assert!(turn.is_due(BusinessDay(20_500).start()));
    }
}
