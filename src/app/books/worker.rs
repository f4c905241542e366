//! Holds books against ours when it is due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Balanced, Book, BookFault, READY_SECS};
use crate::app::duty::Duty;
use crate::app::{App, ServedAccount};
use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;

/// The clock is looked at so often; it may be one that a simulation moves.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// Until a book that is missing or broken is asked for again.
const AGAIN_SECS: i64 = 3600;
/// Until somebody who did not answer is asked again.
const BUSY_SECS: i64 = 600;

/// When a book is asked for next, and what was wrong the last time.
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
    fn went(&mut self, (account, book): (&AccountId, Book), came: &Result<Balanced, BookFault>, now: UnixSecs) {
        let ready = now.business_day().start().plus_secs(READY_SECS);
        self.due = Some(match came {
            Ok(Balanced::Early) => ready,
            Ok(Balanced::Done | Balanced::NoBook) => now.business_day().plus_days(1).start().plus_secs(READY_SECS),
            Ok(Balanced::Missing(_)) | Err(BookFault::Broken(_)) => now.plus_secs(AGAIN_SECS),
            Err(BookFault::Passing(_) | BookFault::Store(_)) => now.plus_secs(BUSY_SECS),
        });
        let fault = came.as_ref().err().map(ToString::to_string);
        if let Some(fault) = &fault
            && self.fault.as_ref() != Some(fault)
        {
            let book = book.as_str();
            match came {
                Err(BookFault::Broken(_)) => tracing::error!(
                    %account, book, error = %fault,
                    "a book cannot be used, and nothing of it is believed; it is asked for again every hour"
                ),
                _ => tracing::warn!(%account, book, error = %fault, "a book was not read; it is asked for again"),
            }
        }
        self.fault = fault;
    }
}

impl App {
    /// Holds the books of others against ours every day after 10:00 until told to stop. What is in hand then is given up:
    /// it is asked for again with the next start.
    pub async fn run_books(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut turns: BTreeMap<(AccountId, Book), Turn> = BTreeMap::new();
        let accounts: Vec<Arc<ServedAccount>> = self.accounts().cloned().collect();
        while !*stop.borrow() {
            for (account, book) in
                accounts.iter().flat_map(|account| [(account, Book::Till), (account, Book::Business)])
            {
                let turn = turns.entry((account.id().clone(), book)).or_default();
                // A store that does not answer is said by whoever needs it more.
                if !turn.is_due(self.clock.now()) || !self.owns(account.id(), Duty::Books).await.unwrap_or(false) {
                    continue;
                }
                tokio::select! {
                    came = self.balance_books(account, book) => turn.went((account.id(), book), &came, self.clock.now()),
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
    use crate::store::StoreError;

    const NOON: UnixSecs = UnixSecs(1_772_424_000); // 2026-03-02 12:00

    fn waits(came: Result<Balanced, BookFault>, now: UnixSecs) -> i64 {
        let mut turn = Turn::default();
        assert!(turn.is_due(now));
        turn.went((&"demo".into(), Book::Till), &came, now);
        let due = turn.due.unwrap();
        assert!(!turn.is_due(due.plus_secs(-1)) && turn.is_due(due));
        due.secs_since(now)
    }

    #[test]
    fn what_agreed_rests_until_tomorrow_and_what_is_missing_or_broken_comes_again() {
        assert_eq!(waits(Ok(Balanced::Early), NOON.plus_secs(-4 * 3600)), 2 * 3600);
        assert_eq!(waits(Ok(Balanced::Done), NOON), 22 * 3600);
        assert_eq!(waits(Ok(Balanced::NoBook), NOON), 22 * 3600);
        assert_eq!(waits(Ok(Balanced::Missing(NOON.business_day())), NOON), 3600);
        assert_eq!(waits(Err(BookFault::Broken("it".into())), NOON), 3600);
        assert_eq!(waits(Err(BookFault::Passing("it".into())), NOON), 600);
        assert_eq!(waits(Err(StoreError::Unavailable(String::new()).into()), NOON), 600);
    }
}
