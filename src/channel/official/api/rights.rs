//! Which interfaces the account has no right to (48001, platform.md part 5), as the platform said lately.
//!
//! Asking again would only fail again, so for a while it is answered from memory. A right may be granted meanwhile: it is
//! asked for anew after that while, and with the next token.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::time::UnixSecs;

/// So long an interface that was refused is not asked.
const REMEMBERED_SECS: i64 = 600;

/// A refusal: when, and of a call with which token. Nothing prints it.
struct Refused {
    at: UnixSecs,
    token: String,
}

/// The interfaces that were refused to one account.
#[derive(Default)]
pub(super) struct Rights(Mutex<BTreeMap<String, Refused>>);

impl Rights {
    /// The platform refused a call of this interface with this token.
    pub(super) fn learn(&self, path: &str, token: &str, now: UnixSecs) {
        self.refused().insert(path.to_owned(), Refused { at: now, token: token.to_owned() });
    }

    /// Whether it would be refused again.
    pub(super) fn lacks(&self, path: &str, token: &str, now: UnixSecs) -> bool {
        let mut refused = self.refused();
        let Some(last) = refused.get(path) else { return false };
        // A clock that was set back must not make it longer.
        let stands = last.token == token && now.secs_since(last.at).abs() < REMEMBERED_SECS;
        if !stands {
            refused.remove(path);
        }
        stands
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<String, Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_left_alone_for_ten_minutes_or_until_the_next_token() {
        let rights = Rights::default();
        let at = UnixSecs;
        rights.learn("a", "T1", at(1_000));
        assert!(rights.lacks("a", "T1", at(1_599)) && rights.lacks("a", "T1", at(401)));
        assert!(!rights.lacks("b", "T1", at(1_000)), "others go on");
        assert!(!rights.lacks("a", "T1", at(1_600)), "ten minutes");
        rights.learn("a", "T1", at(1_000));
        assert!(!rights.lacks("a", "T2", at(1_001)), "the next token");
        assert!(!rights.lacks("a", "T1", at(1_002)), "what was forgotten stays forgotten");
    }
}
