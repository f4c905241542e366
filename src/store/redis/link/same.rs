//! Which server the lines of one store lead to. When one of them finds another than before, a new master or one that was
//! started anew, all follow before anything more is sent: what stands in a home, the marks of journals among it, is
//! then never compared with what another server was told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The server that was met last.
#[derive(Debug, Default)]
pub(super) struct Same {
    server: Mutex<String>,
    nth: AtomicU64,
}

impl Same {
    /// A connection leads to the server that calls itself so; the answer is the how many-th server that is. One that does
    /// not say who it is counts as the one before.
    pub(super) fn met(&self, server: &str) -> u64 {
        let mut known = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if !server.is_empty() && *known != server {
            server.clone_into(&mut known);
            return self.nth.fetch_add(1, Ordering::AcqRel) + 1;
        }
        self.nth()
    }

    /// The how many-th server it is now.
    pub(super) fn nth(&self) -> u64 {
        self.nth.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_server_is_noticed_and_one_that_says_nothing_is_not_another() {
        let same = Same::default();
        assert_eq!([same.met("a"), same.met("a"), same.met(""), same.nth()], [1, 1, 1, 1]);
        assert_eq!([same.met("b"), same.met(""), same.met("a"), same.nth()], [2, 2, 3, 3]);
    }
}
