//! Delivers a plan through the webhook: one customer's acts in their order, different customers side by side.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::stream;

use super::dice::Dice;
use super::plan::{Deed, Planned, Population, plan};
use super::tally::{Summary, Tally};
use crate::domain::ids::Openid;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::sandbox::SandboxError;
use crate::sandbox::model::{Act, Audience, Customer};
use crate::sandbox::service::Sandbox;

/// Everybody under test is given the same time for so long; it divides a business day.
const TICK_SECS: i64 = 600;

/// What the caller wants to hear while it runs.
pub struct Watch<'a> {
    /// The clock of whoever is under test shall stand at this moment now (Unix seconds).
    pub set_now: &'a (dyn Fn(i64) + Sync),
    /// How far it is.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Deliveries in flight at once, at least 1.
    pub concurrency: usize,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The day that is being lived.
    pub day: BusinessDay,
    /// Deliveries done.
    pub done: usize,
    /// Deliveries planned.
    pub of: usize,
}

impl Sandbox {
    /// Lives a population's days through the webhook and counts what was answered.
    ///
    /// The menu must have been pushed, or nobody taps it.
    ///
    /// # Errors
    /// When the same population lives here already.
    pub async fn populate(&self, population: &Population, watch: Watch<'_>) -> Result<Summary, SandboxError> {
        let keys = self.keeper().read().menu.as_ref().map(|menu| menu.click_keys()).unwrap_or_default();
        let people = self.settle(population)?;
        let planned = plan(population, &keys);
        let tally = Mutex::new(Tally::default());
        let mut done = 0;
        for tick in planned.chunk_by(|a, b| a.at.0.div_euclid(TICK_SECS) == b.at.0.div_euclid(TICK_SECS)) {
            let Some(last) = tick.last() else { continue };
            (watch.set_now)(last.at.0);
            let mut queues: BTreeMap<u32, Vec<&Planned>> = BTreeMap::new();
            for deed in tick {
                queues.entry(deed.who).or_default().push(deed);
            }
            let all = stream::iter(
                queues.into_iter().filter_map(|(who, queue)| Some((people.get(usize::try_from(who).ok()?)?, queue))),
            );
            all.for_each_concurrent(watch.concurrency.max(1), |(openid, queue)| self.live(openid, queue, &tally)).await;
            done += tick.len();
            (watch.progress)(Progress { day: last.at.business_day(), done, of: planned.len() });
        }
        (watch.set_now)(population.until.0);
        self.keeper().flush()?;
        Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner).finish())
    }

    /// One customer's acts of a tick, one after the other.
    async fn live(&self, openid: &Openid, queue: Vec<&Planned>, tally: &Mutex<Tally>) {
        for planned in queue {
            let seen = match self.act_of(openid, planned) {
                Ok(act) => self.send_at(openid, act, planned.at.0).await,
                Err(fault) => Err(fault),
            };
            let answered = seen.is_ok_and(|seen| !seen.gave_up);
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            if answered {
                tally.answered(planned);
            } else {
                tally.failed();
            }
        }
    }

    fn act_of(&self, openid: &Openid, planned: &Planned) -> Result<Act, SandboxError> {
        let UnixSecs(at) = planned.at;
        Ok(match &planned.deed {
            Deed::Follow(scene) => {
                if let Some(scene) = scene {
                    self.keeper().change().scan(openid, scene, at)?;
                }
                self.keeper().read().follow(openid, at)?
            }
            Deed::Unfollow => Act::Unfollow,
            Deed::Say(words) => Act::Text { content: (*words).to_owned(), menu_id: None },
            Deed::Tap(key) => Act::Click { key: key.clone() },
            Deed::Scan(scene) => Act::Scan(self.keeper().read().code(scene, at)?),
            Deed::Picture => Act::Image,
        })
    }

    /// Everybody gets an openid that depends on the seed and their number only.
    fn settle(&self, population: &Population) -> Result<Vec<Openid>, SandboxError> {
        let people: Vec<Openid> = (0..population.customers).map(|who| openid_of(population.seed, who)).collect();
        let fresh = self.fresh();
        let mut state = self.keeper().change();
        if people.iter().any(|openid| state.customers.contains_key(openid)) {
            return Err(SandboxError::AlreadyPopulated(population.seed));
        }
        for (who, openid) in people.iter().enumerate() {
            let mut customer = Customer::new(openid.clone(), format!("客户 {}", who + 1), fresh.now);
            customer.audience = Audience::Crowd;
            state.add_customer(customer, fresh);
        }
        Ok(people)
    }
}

fn openid_of(seed: u64, who: u32) -> Openid {
    // Another stream than the life of the same customer.
    let mut dice = Dice::new(seed ^ 0x6F70_656E_6964, u64::from(who));
    let text = format!("oSIM{:016x}{:08x}", dice.next(), dice.next() >> 32);
    Openid::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openids_look_like_the_platforms_and_differ() {
        let all: std::collections::HashSet<Openid> = (0..1000).map(|who| openid_of(1, who)).collect();
        assert!(all.len() == 1000 && all.iter().all(|o| o.as_str().len() == 28 && o.as_str().starts_with('o')));
    }
}
