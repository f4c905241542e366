//! Reports that their folder did not take: what the console shows until it does.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;

/// Why reports are not where they belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// Since when.
    pub since: UnixSecs,
    /// How many reports wait.
    pub reports: usize,
    /// Which file or folder, and what the system said.
    pub cause: String,
}

/// What the last look at the folder came to, by account.
#[derive(Debug, Default)]
pub struct FolderWatch(Mutex<BTreeMap<AccountId, Unwritten>>);

impl FolderWatch {
    /// Why reports of this account wait; `None` while none does.
    pub fn of(&self, account: &AccountId) -> Option<Unwritten> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(account).cloned()
    }

    /// Notes what was refused in a look at `now`, a cause for each report; nothing when all were written.
    pub(super) fn note(&self, account: &AccountId, now: UnixSecs, refused: Vec<String>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = known.remove(account).map_or(now, |before| before.since);
        let reports = refused.len();
        if let Some(cause) = refused.into_iter().next() {
            known.insert(account.clone(), Unwritten { since, reports, cause });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_beginning_and_is_over_when_nothing_is_refused() {
        let (watch, account) = (FolderWatch::default(), "demo".into());
        watch.note(&account, UnixSecs(10), vec!["/r: denied".to_owned()]);
        watch.note(&account, UnixSecs(70), vec!["/r: full".to_owned(), "/r: full".to_owned()]);
        let expected = Unwritten { since: UnixSecs(10), reports: 2, cause: "/r: full".to_owned() };
        assert_eq!((watch.of(&account), watch.of(&"other".into())), (Some(expected), None));
        watch.note(&account, UnixSecs(130), Vec::new());
        assert_eq!(watch.of(&account), None);
    }
}
