//! Deliveries out of order: of two the first waits until the second has been delivered.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// Where one delivery can wait for the next.
#[derive(Default)]
pub struct Line {
    waits: Mutex<bool>,
    overtaken: Notify,
}

impl Line {
    /// Waits for the next delivery to overtake, at most so long; the one that overtakes does not wait.
    pub async fn stand(&self, longest: Duration) {
        let overtaken = {
            let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            if *waits {
                return;
            }
            *waits = true;
            self.overtaken.notified()
        };
        // Nobody came: it goes alone.
        let _ = tokio::time::timeout(longest, overtaken).await;
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// A delivery is over.
    pub fn passed(&self) {
        self.overtaken.notify_waiters();
    }
}
