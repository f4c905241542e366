//! Who is served when more come than can be: a place for each delivery that is decided, so many for each class
//! (reliability.md part 5). Whoever finds none in time is asked to come again at once, not after four seconds; the
//! platform repeats a delivery three times.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::domain::inbound::Class;

/// The places of each class. As many customers at once as make the store's commits cheapest; so few that each of them is
/// served in time.
#[derive(Debug)]
pub(super) struct Admission {
    value: Arc<Semaphore>,
    customer: Arc<Semaphore>,
    report: Arc<Semaphore>,
}

impl Default for Admission {
    fn default() -> Self {
        Self::with([128, 256, 64])
    }
}

/// A place, for as long as something is decided or committed. While the business system is waited for it is given back:
/// a slow one must not keep others from being served.
#[derive(Debug)]
pub(super) struct Place {
    of: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Admission {
    /// So many places for value, customers, reports.
    pub(super) fn with([value, customer, report]: [usize; 3]) -> Self {
        let places = |n| Arc::new(Semaphore::new(n));
        Self { value: places(value), customer: places(customer), report: places(report) }
    }

    /// A place, or `None` when none becomes free within the time that the class may wait.
    pub(super) async fn admit(&self, class: Class) -> Option<Place> {
        let (of, within) = match class {
            Class::Value => (&self.value, Duration::from_millis(1000)),
            Class::Customer => (&self.customer, Duration::from_millis(200)),
            Class::Report => (&self.report, Duration::from_millis(50)),
        };
        let held = match Arc::clone(of).try_acquire_owned() {
            Ok(held) => held,
            Err(_) => timeout(within, Arc::clone(of).acquire_owned()).await.ok()?.ok()?,
        };
        Some(Place { of: Arc::clone(of), held: Some(held) })
    }
}

impl Place {
    /// Of work that nobody waits for.
    pub(super) fn own() -> Self {
        Self { of: Arc::new(Semaphore::new(1)), held: None }
    }

    /// Gives the place back.
    pub(super) fn leave(&mut self) {
        self.held = None;
    }

    /// Takes one again, for what was admitted already: it waits its turn and is not turned away.
    pub(super) async fn come_back(&mut self) {
        if self.held.is_none() {
            self.held = Arc::clone(&self.of).acquire_owned().await.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn each_class_waits_its_time_and_takes_no_place_of_another() {
        let admission = Admission::with([1, 1, 1]);
        let mut held = Vec::new();
        for class in Class::ALL {
            held.push(admission.admit(class).await.unwrap());
        }
        for (class, waits) in Class::ALL.into_iter().zip([1000, 200, 50]) {
            let since = Instant::now();
            assert!(admission.admit(class).await.is_none(), "{class:?}");
            assert!(since.elapsed().as_millis() >= waits, "{class:?}");
        }
    }

    #[tokio::test]
    async fn who_waits_for_the_business_system_keeps_nobody_out() {
        let admission = Admission::with([0, 1, 0]);
        let mut first = admission.admit(Class::Customer).await.unwrap();
        first.leave();
        let second = admission.admit(Class::Customer).await.unwrap();
        let back = tokio::spawn(async move {
            first.come_back().await;
            first
        });
        assert!(admission.admit(Class::Customer).await.is_none());
        drop(second);
        let first = back.await.unwrap();
        assert!(admission.admit(Class::Customer).await.is_none());
        drop(first);
        assert!(admission.admit(Class::Customer).await.is_some());
    }
}
