//! What the platform said that accounts have no right to (48001). Asked again after a while: a right may be granted.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::ids::AccountId;
use crate::domain::reach::{Path, Rights};
use crate::domain::time::UnixSecs;

/// An account whose certification was renewed is served again after so long at most.
const ASKED_AGAIN_SECS: i64 = 600;

/// Since when which account lacks which right.
#[derive(Debug, Default)]
pub(in crate::app) struct Lacking(Mutex<HashMap<(AccountId, Path), UnixSecs>>);

impl Lacking {
    /// The platform refused with 48001.
    pub(super) fn learn(&self, account: &AccountId, path: Path, now: UnixSecs) {
        let mut lacking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lacking.insert((account.clone(), path), now);
    }

    /// What is left of the rights of an account's kind as far as is known.
    pub(super) fn take_from(&self, rights: Rights, (account, now): (&AccountId, UnixSecs)) -> Rights {
        let lacking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = lacking
            .iter()
            .filter(|((whose, _), since)| whose == account && now.secs_since(**since).abs() < ASKED_AGAIN_SECS);
        fresh.fold(rights, |rights, ((_, path), _)| rights.less(*path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_that_lacks_is_tried_again_after_a_while_and_other_accounts_keep_theirs() {
        let lacking = Lacking::default();
        let rights = |account: &str, at: i64| lacking.take_from(Rights::of_test(), (&account.into(), UnixSecs(at)));
        let has = |account: &str, at: i64| rights(account, at).has(Path::CustomerService);
        lacking.learn(&"a".into(), Path::CustomerService, UnixSecs(100));
        assert!(!has("a", 100) && !has("a", 99 + ASKED_AGAIN_SECS) && has("b", 100));
        assert!(has("a", 100 + ASKED_AGAIN_SECS));
        let then = rights("a", 100);
        assert!(then.has(Path::Template), "one refusal is about one interface");
        assert!(!then.has(Path::Subscription), "what the kind of account lacks is never asked for");
    }
}
