//! Deliveries in flight: a retry that arrives while the first one is still being decided joins it instead of running
//! again (platform.md 1.5).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::domain::ids::DedupeKey;
use crate::domain::recent::Earned;
use crate::store::CustomerRef;

/// One delivery of one customer.
pub type Delivery = (CustomerRef, DedupeKey);

type Waiting = watch::Receiver<Option<Earned>>;

/// The deliveries that are being decided now.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Mutex<HashMap<Delivery, Waiting>>>);

/// What a delivery finds.
pub enum Joined {
    /// It is the first: whoever gets the lead must run it.
    First(Lead, Waiting),
    /// It runs already.
    Later(Waiting),
}

/// The right and the duty to run a delivery. Dropped without an answer, those who wait are told so.
pub struct Lead {
    map: InFlight,
    delivery: Delivery,
    answer: watch::Sender<Option<Earned>>,
}

impl InFlight {
    /// Joins the delivery, or takes the lead.
    pub fn join(&self, delivery: Delivery) -> Joined {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = map.get(&delivery) {
            return Joined::Later(waiting.clone());
        }
        let (answer, waiting) = watch::channel(None);
        map.insert(delivery.clone(), waiting.clone());
        Joined::First(Lead { map: self.clone(), delivery, answer }, waiting)
    }
}

impl Lead {
    /// Gives everybody who waits the answer.
    pub fn answer(self, earned: Earned) {
        self.answer.send_replace(Some(earned));
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let mut map = self.map.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.remove(&self.delivery);
    }
}

/// Waits for the answer; `None` when the one who led gave none.
pub async fn wait(mut waiting: Waiting) -> Option<Earned> {
    waiting.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reply::Reply;
    use crate::domain::time::UnixSecs;

    fn delivery() -> Delivery {
        (CustomerRef { account: "demo".into(), openid: "o1".into() }, DedupeKey(1))
    }

    #[tokio::test]
    async fn those_who_come_later_get_the_first_ones_answer() {
        let flights = InFlight::default();
        let Joined::First(lead, first) = flights.join(delivery()) else { panic!("nobody else is there") };
        let Joined::Later(later) = flights.join(delivery()) else { panic!("one is running") };
        let earned = Earned { reply: Reply::Text("在".into()), at: UnixSecs(1) };
        lead.answer(earned.clone());
        assert_eq!(wait(first).await, Some(earned.clone()));
        assert_eq!(wait(later).await, Some(earned));
        assert!(matches!(flights.join(delivery()), Joined::First(..)));
    }

    #[tokio::test]
    async fn a_lead_that_fails_leaves_nobody_waiting() {
        let flights = InFlight::default();
        let Joined::First(lead, waiting) = flights.join(delivery()) else { panic!("nobody else is there") };
        drop(lead);
        assert_eq!(wait(waiting).await, None);
        assert!(matches!(flights.join(delivery()), Joined::First(..)));
    }
}
