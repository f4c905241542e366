//! What only one of several processes does at a time. Whoever does it holds a lease and renews it; when it dies another
//! takes the work up after [`LEASE_SECS`] at most.
//!
//! An owner that was paused beyond its lease may still be at work when the next one begins. So what a duty changes is
//! changed from the version it was read at: of two, one has an effect.

use super::App;
use crate::domain::ids::AccountId;
use crate::domain::lease::Lease;
use crate::domain::time::UnixSecs;
use crate::store::{Committed, Shared, SharedChange, SharedKind, SharedName, StoreError};

/// A lease is good for so long.
const LEASE_SECS: i64 = 120;
/// And is renewed when less than this is left of it.
const RENEW_SECS: i64 = 60;

/// A duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Days are checked, reports made and posted.
    Reports,
    /// The platform's statistics are asked for.
    Reconcile,
    /// Those who left long ago are forgotten.
    Forgetting,
    /// The books of others are held against ours.
    Books,
}

impl Duty {
    fn name(self) -> SharedName {
        let part = match self {
            Self::Reports => "reports",
            Self::Reconcile => "reconcile",
            Self::Forgetting => "forgetting",
            Self::Books => "books",
        };
        SharedName { kind: SharedKind::Duty, part: part.to_owned() }
    }
}

/// What a lease, a [`SharedKind::Duty`] record, means to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Ours,
    /// Ours, or nobody's: to be written down anew.
    Free,
    Others,
}

fn standing(lease: &Lease, owner: u64, now: UnixSecs) -> Standing {
    match lease.left_secs(now, LEASE_SECS) {
        Some(_) if lease.owner != owner => Standing::Others,
        Some(left) if left > RENEW_SECS => Standing::Ours,
        _ => Standing::Free,
    }
}

impl App {
    /// Whether it is for this process to do a duty now. A store that only one process can open asks nobody.
    ///
    /// # Errors
    /// As the store's.
    pub(super) async fn owns(&self, account: &AccountId, duty: Duty) -> Result<bool, StoreError> {
        if self.store.forgetful().is_none() {
            return Ok(true);
        }
        let Shared { version, body } = self.store.shared(account, &duty.name()).await?;
        let lease: Lease = serde_json::from_slice(&body).unwrap_or_default();
        let now = self.clock.now();
        match standing(&lease, self.number, now) {
            Standing::Ours => Ok(true),
            Standing::Others => Ok(false),
            Standing::Free => {
                let lease = Lease::new(self.number, now, LEASE_SECS);
                let body = serde_json::to_vec(&lease).ok();
                let change = SharedChange { account: account.clone(), name: duty.name(), base: version, body };
                Ok(self.store.put_shared(change).await? == Committed::Applied)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_ours_then_renewed_and_another_ones_until_it_ends() {
        let now = UnixSecs(1_000);
        let stands = |owner, left| standing(&Lease::new(owner, now, left), 7, now);
        assert_eq!([120, 61].map(|left| stands(7, left)), [Standing::Ours; 2]);
        assert_eq!([60, 1, 0, -5].map(|left| stands(7, left)), [Standing::Free; 4]);
        assert_eq!([120, 1].map(|left| stands(8, left)), [Standing::Others; 2]);
        assert_eq!([0, -5, 241].map(|left| stands(8, left)), [Standing::Free; 3]);
        assert_eq!(standing(&Lease::default(), 7, now), Standing::Free);
    }
}
