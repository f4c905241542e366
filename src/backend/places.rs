//! So many questions of one connector at once, and not for ever the same failing one: what keeps a dead business system
//! from eating everybody's time (reliability.md part 5, rules 3 to 5).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::breaker::Breaker;
use crate::domain::ids::ConnectorKey;

/// Questions of one connector that customers wait for, at once, where the operator does not say how many.
const WAITED_FOR: u16 = 64;
/// For so many of those one is asked behind the customers' backs, at once.
const PER_LATER: u16 = 4;
/// Repeated questions in a row that the budget allows, beside the tenth of all first ones. One that is answered costs
/// nothing, so that what waited for a system that was away goes out as soon as it is back.
const REPEATS: f64 = 10.0;
/// Each first question allows so much of a repeated one.
const REPEATS_PER_QUESTION: f64 = 0.1;
/// Where nobody asks anything else one repeated question goes out in this time, so that no order waits for ever.
const REPEAT_EVERY: Duration = Duration::from_secs(5);

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// A customer, for seconds.
    Customer,
    /// Nobody: it was asked before and is asked again.
    Nobody,
}

/// The questions under way, by connector.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<ConnectorKey, Connector>>>);

#[derive(Debug)]
struct Connector {
    /// So many customers may wait at once; the operator may say another number while questions are under way.
    at_once: u16,
    waited_for: Lane,
    later: Lane,
    /// Repeated questions that may be asked now.
    repeats: f64,
    /// When `repeats` was last added to.
    since: Instant,
}

/// Questions with the same patience: a system too slow for customers who wait may still answer those who do not.
#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    breaker: Breaker,
}

/// A question under way. How it ended is told with [`Place::leave`]; one that was broken off says nothing about the
/// business system, but costs as much as one in vain.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    connector: ConnectorKey,
    waits: Waits,
    ended: Option<(Instant, Ended)>,
    _held: OwnedSemaphorePermit,
}

/// Why a question is not put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// As many are under way as may be.
    NoPlace,
    /// Half of the last questions failed.
    LeftAlone,
    /// It would be one repetition too many.
    NoBudget,
}

impl Full {
    /// Its label in metrics and the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NoPlace => "no_place",
            Self::LeftAlone => "left_alone",
            Self::NoBudget => "no_budget",
        }
    }
}

impl Places {
    /// A place for a question at `now`, of a connector that so many may ask at once.
    pub(super) fn take(
        &self,
        connector: &ConnectorKey,
        (waits, at_once): (Waits, Option<u16>),
        now: Instant,
    ) -> Result<Place, Full> {
        let at_once = at_once.unwrap_or(WAITED_FOR).max(1);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = all.entry(connector.clone()).or_insert_with(|| Connector::new(at_once, now));
        of.resize(at_once);
        of.earn(waits, now);
        if waits == Waits::Nobody && of.repeats < 1.0 {
            return Err(Full::NoBudget);
        }
        let lane = of.lane(waits);
        let held = Arc::clone(&lane.places).try_acquire_owned().map_err(|_| Full::NoPlace)?;
        if !lane.breaker.lets_through(now) {
            return Err(Full::LeftAlone);
        }
        Ok(Place { places: self.clone(), connector: connector.clone(), waits, ended: None, _held: held })
    }
}

impl Connector {
    fn new(at_once: u16, now: Instant) -> Self {
        Self {
            at_once,
            waited_for: Lane { places: places(at_once), breaker: Breaker::default() },
            later: Lane { places: places(later(at_once)), breaker: Breaker::default() },
            repeats: REPEATS,
            since: now,
        }
    }

    /// Questions under way keep the places they have.
    fn resize(&mut self, at_once: u16) {
        if self.at_once != at_once {
            self.at_once = at_once;
            self.waited_for.places = places(at_once);
            self.later.places = places(later(at_once));
        }
    }

    fn lane(&mut self, waits: Waits) -> &mut Lane {
        match waits {
            Waits::Customer => &mut self.waited_for,
            Waits::Nobody => &mut self.later,
        }
    }

    fn earn(&mut self, waits: Waits, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_secs_f64() / REPEAT_EVERY.as_secs_f64();
        let asked = if waits == Waits::Customer { REPEATS_PER_QUESTION } else { 0.0 };
        self.repeats = (self.repeats + passed + asked).min(REPEATS);
        self.since = self.since.max(now);
    }
}

fn places(count: u16) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::from(count)))
}

/// So many questions are asked behind the customers' backs, at once.
fn later(at_once: u16) -> u16 {
    (at_once / PER_LATER).max(1)
}

impl Place {
    /// The question ended at `now`; `failed` when the business system did not give an answer.
    pub(super) fn leave(mut self, now: Instant, ended: Ended) {
        self.ended = Some((now, ended));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(of) = all.get_mut(&self.connector) else { return };
        if self.waits == Waits::Nobody && !matches!(self.ended, Some((_, Ended::Answered))) {
            of.repeats -= 1.0;
        }
        let Some((now, ended)) = self.ended else { return };
        let breaker = &mut of.lane(self.waits).breaker;
        let was_shut = breaker.is_shut();
        breaker.ended(now, ended == Ended::Failed);
        match (was_shut, breaker.is_shut()) {
            (false, true) => tracing::warn!(
                connector = %self.connector,
                "the business system fails too often; it is left alone and looked at every five seconds"
            ),
            (true, false) => tracing::info!(connector = %self.connector, "the business system answers again"),
            _ => {}
        }
    }
}

/// How a question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With an answer, whatever it says.
    Answered,
    /// With none that is one.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ConnectorKey {
        name.into()
    }

    #[test]
    fn one_connector_has_so_many_places_and_takes_none_of_anothers() {
        let (places, now) = (Places::default(), Instant::now());
        let take = |name: &str, waits| places.take(&key(name), (waits, None), now);
        let held: Vec<Place> = (0..WAITED_FOR).map(|_| take("a", Waits::Customer).unwrap()).collect();
        assert_eq!(take("a", Waits::Customer).unwrap_err(), Full::NoPlace);
        let later = take("a", Waits::Nobody).unwrap();
        let other = take("b", Waits::Customer).unwrap();
        drop(held);
        take("a", Waits::Customer).unwrap().leave(now, Ended::Answered);
        for place in [later, other] {
            place.leave(now, Ended::Answered);
        }
    }

    #[test]
    fn a_dead_system_is_left_alone_and_one_answer_opens_it_again() {
        let (places, now) = (Places::default(), Instant::now());
        let ask =
            |now, ended| places.take(&key("a"), (Waits::Customer, None), now).map(|place| place.leave(now, ended));
        let asked = (0..100).filter(|_| ask(now, Ended::Failed).is_ok()).count();
        assert_eq!(asked, 20);
        assert_eq!(ask(now, Ended::Answered), Err(Full::LeftAlone));
        let later = now + Duration::from_secs(5);
        assert_eq!([ask(later, Ended::Answered), ask(later, Ended::Answered)], [Ok(()), Ok(())]);
    }

    #[test]
    fn repeated_questions_in_vain_are_a_tenth_of_the_first_ones_and_never_none() {
        let (places, begun) = (Places::default(), Instant::now());
        let connector = key("a");
        let [mut first, mut repeated, mut in_vain] = [0_u32; 3];
        // Ten minutes, ten first questions a second, and whoever was not answered tries again every second.
        for tick in 0..6000_u64 {
            let now = begun + Duration::from_millis(100 * tick);
            let place = places.take(&connector, (Waits::Customer, None), now).unwrap();
            place.leave(now, Ended::Answered);
            first += 1;
            for _ in 0..10 {
                if let Ok(place) = places.take(&connector, (Waits::Nobody, None), now) {
                    repeated += 1;
                    let fails = repeated % 5 < 2;
                    in_vain += u32::from(fails);
                    place.leave(now, if fails { Ended::Failed } else { Ended::Answered });
                }
            }
        }
        let allowed = f64::from(first) * REPEATS_PER_QUESTION + 600.0 / REPEAT_EVERY.as_secs_f64() + REPEATS;
        assert!(in_vain >= first / 10 && f64::from(in_vain) <= allowed, "{in_vain} of {repeated} beside {first}");
        let alone = begun + Duration::from_secs(1200);
        let broken_off = |_: &u32| places.take(&connector, (Waits::Nobody, None), alone).map(drop).is_ok();
        assert_eq!((0..100).filter(broken_off).count(), 10, "what was not used is saved up, but not without end");
    }

    #[test]
    fn a_question_that_is_broken_off_gives_its_place_back() {
        let (places, now) = (Places::default(), Instant::now());
        for _ in 0..3 * WAITED_FOR {
            drop(places.take(&key("a"), (Waits::Customer, None), now).unwrap());
        }
    }
    #[test]
    fn an_operator_says_how_many_a_connector_takes_at_once_also_while_it_is_asked() {
        let (places, now) = (Places::default(), Instant::now());
        let take = |waits, at_once| places.take(&key("a"), (waits, Some(at_once)), now);
        let held =
            [take(Waits::Customer, 2).unwrap(), take(Waits::Customer, 2).unwrap(), take(Waits::Nobody, 2).unwrap()];
        assert_eq!(take(Waits::Customer, 2).unwrap_err(), Full::NoPlace);
        assert_eq!(take(Waits::Nobody, 2).unwrap_err(), Full::NoPlace);
        let more = take(Waits::Customer, 3).unwrap();
        for place in held.into_iter().chain([more]) {
            place.leave(now, Ended::Answered);
        }
        assert!(take(Waits::Customer, 0).is_ok(), "never none at all");
    }
}
