//! What a customer's record knows of the ways to them besides the windows: consents, what the platform last refused,
//! which messages are on their way, and which were given up.

use serde::{Deserialize, Serialize};

use super::consents::Consents;
use super::windows::Windows;
use super::{Cause, Hindrance, Path};
use crate::domain::ids::WorkId;
use crate::domain::time::UnixSecs;
use crate::domain::work::Work;

/// At most so many given-up messages are kept of one customer, the newest.
pub const MOST_UNSENT: usize = 5;
/// And for so long.
pub const UNSENT_KEPT_SECS: i64 = 30 * 86_400;
/// How a call ended is known so long: longer than anybody holds on to work that somebody else has ended.
const CALLS_KEPT_SECS: i64 = 600;
const MOST_CALLS: usize = 12;

/// The ways to one customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ways {
    /// What the customer agreed to (platform.md 4.11).
    pub consents: Consents,
    refused: Option<Refused>,
    calls: Vec<Call>,
    unsent: Vec<Unsent>,
}

/// The platform's latest refusal that holds until the customer does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refused {
    because: Hindrance,
    at: UnixSecs,
}

/// A message that was handed to the platform, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Call {
    work: WorkId,
    begun: UnixSecs,
    stage: Stage,
}

/// How far a call is. It is stored by the order of its variants, and the first two as the truth value that older
/// versions wrote in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// Begun as a customer-service message.
    Begun,
    Ended,
    BegunBySubscription,
    BegunByTemplate,
}

/// How the call of a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// None was made.
    None,
    /// One was begun, and nobody wrote down how it ended: the message may have arrived.
    Begun {
        /// By this path.
        by: Path,
        /// Then, for the first time.
        at: UnixSecs,
    },
    /// It is over and done with.
    Ended,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsent {
    /// The work that was to say it.
    pub work: Work,
    /// Why.
    pub cause: Cause,
    /// When.
    pub at: UnixSecs,
}

impl Ways {
    /// The work of every message that was given up.
    pub fn unsent_work_mut(&mut self) -> impl Iterator<Item = &mut Work> {
        self.unsent.iter_mut().map(|unsent| &mut unsent.work)
    }

    /// What the platform refused since the customer last did something.
    pub fn refused(&self) -> Option<Hindrance> {
        self.refused.map(|refused| refused.because)
    }

    /// The customer did something that the platform told us of: whatever it refused before may be otherwise now.
    pub fn heard_from(&mut self) {
        self.refused = None;
    }

    /// The platform refused at `now`. A refusal that was asked for before the customer's latest act says nothing of now.
    pub fn learn(&mut self, because: Hindrance, (asked, windows): (&Windows, &Windows), now: UnixSecs) {
        if asked.opened_like(windows) {
            self.refused = Some(Refused { because, at: now });
        }
    }

    /// How the call of this work stands.
    pub fn call(&self, work: &WorkId) -> CallState {
        let Some(Call { begun, stage, .. }) = self.calls.iter().find(|call| call.work == *work) else {
            return CallState::None;
        };
        let by = match stage {
            Stage::Ended => return CallState::Ended,
            Stage::Begun => Path::CustomerService,
            Stage::BegunBySubscription => Path::Subscription,
            Stage::BegunByTemplate => Path::Template,
        };
        CallState::Begun { by, at: *begun }
    }

    /// The message is about to be handed to the platform by this path: from now on nobody else does.
    pub fn begin(&mut self, work: &WorkId, (by, now): (Path, UnixSecs)) {
        self.forget_call(work);
        // One whose end is not known is never forgotten for another: it ends with its work.
        self.calls.retain(|call| call.stage != Stage::Ended || now.secs_since(call.begun).abs() < CALLS_KEPT_SECS);
        if self.calls.len() >= MOST_CALLS
            && let Some(oldest) = self.calls.iter().position(|call| call.stage == Stage::Ended)
        {
            self.calls.remove(oldest);
        }
        let stage = match by {
            Path::CustomerService => Stage::Begun,
            Path::Subscription => Stage::BegunBySubscription,
            Path::Template => Stage::BegunByTemplate,
        };
        self.calls.push(Call { work: work.clone(), begun: now, stage });
    }

    /// The message is over and done with.
    pub fn end(&mut self, work: &WorkId) {
        for call in self.calls.iter_mut().filter(|call| call.work == *work) {
            call.stage = Stage::Ended;
        }
    }

    /// The call was not made after all.
    pub fn forget_call(&mut self, work: &WorkId) {
        self.calls.retain(|call| call.work != *work);
    }

    /// Keeps a message that was given up; the oldest and what is too old make room.
    pub fn give_up(&mut self, unsent: Unsent) {
        let now = unsent.at;
        self.unsent.retain(|old| now.secs_since(old.at) < UNSENT_KEPT_SECS && old.work.id != unsent.work.id);
        self.unsent.push(unsent);
        let surplus = self.unsent.len().saturating_sub(MOST_UNSENT);
        self.unsent.drain(..surplus);
    }

    /// The customer left: what was to be said is forgotten, and what they agreed to. Which messages are on their way stays
    /// known, so that none is sent twice.
    pub fn forget(&mut self) {
        let calls = std::mem::take(&mut self.calls);
        *self = Self { calls, ..Self::default() };
    }

    /// What was given up, oldest first.
    pub fn unsent(&self) -> &[Unsent] {
        &self.unsent
    }

    /// Takes a message out of those that were given up, to try it once more.
    pub fn take_unsent(&mut self, work: &WorkId) -> Option<Unsent> {
        let at = self.unsent.iter().position(|unsent| unsent.work.id == *work)?;
        Some(self.unsent.remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::DedupeKey;
    use crate::domain::reach::{BY_MESSAGE, BY_TAP};
    use crate::domain::reply::Reply;
    use crate::domain::work::Task;

    fn unsent(id: &str, at: i64) -> Unsent {
        let task = Task::Send(Reply::Text("到账了".into()));
        let work = Work { id: id.into(), origin: DedupeKey(1), due: UnixSecs(0), expires: UnixSecs(1), task };
        Unsent { work, cause: Cause::Unknown, at: UnixSecs(at) }
    }

    #[test]
    fn a_refusal_holds_until_the_customer_does_something_and_an_outdated_one_is_not_believed() {
        let (mut ways, mut windows) = (Ways::default(), Windows::default());
        windows.open(BY_MESSAGE, UnixSecs(0));
        let asked = windows.clone();
        windows.spend(UnixSecs(1));
        ways.learn(Hindrance::NoWindow, (&asked, &windows), UnixSecs(2));
        assert_eq!(ways.refused(), Some(Hindrance::NoWindow));
        ways.heard_from();
        windows.open(BY_TAP, UnixSecs(3));
        ways.learn(Hindrance::NoWindow, (&asked, &windows), UnixSecs(4));
        assert_eq!(ways.refused(), None);
    }

    #[test]
    fn a_call_is_known_from_its_beginning_to_some_time_after_its_end() {
        let mut ways = Ways::default();
        let id = |n: i64| WorkId::new(n.to_string());
        let begun = |secs| CallState::Begun { by: Path::CustomerService, at: UnixSecs(secs) };
        let by_window = |secs| (Path::CustomerService, UnixSecs(secs));
        ways.begin(&id(0), by_window(0));
        assert_eq!((ways.call(&id(0)), ways.call(&id(1))), (begun(0), CallState::None));
        ways.end(&id(0));
        ways.begin(&id(1), by_window(CALLS_KEPT_SECS - 1));
        assert_eq!((ways.call(&id(0)), ways.call(&id(1))), (CallState::Ended, begun(CALLS_KEPT_SECS - 1)));
        for n in 2..40 {
            ways.begin(&id(n), by_window(CALLS_KEPT_SECS));
            ways.end(&id(n));
        }
        assert_eq!((ways.call(&id(0)), ways.call(&id(1))), (CallState::None, begun(CALLS_KEPT_SECS - 1)));
        assert!(ways.calls.len() <= MOST_CALLS, "{}", ways.calls.len());
        ways.forget_call(&id(1));
        assert_eq!(ways.call(&id(1)), CallState::None);
    }

    #[test]
    fn of_somebody_who_left_only_the_messages_on_their_way_stay_known() {
        let mut ways = Ways::default();
        ways.give_up(unsent("old", 1));
        ways.learn(Hindrance::Blocked, (&Windows::default(), &Windows::default()), UnixSecs(1));
        ways.forget();
        assert_eq!(ways, Ways::default());
        for by in [Path::CustomerService, Path::Subscription, Path::Template] {
            ways.begin(&"w".into(), (by, UnixSecs(2)));
            ways.forget();
            assert_eq!(ways.call(&"w".into()), CallState::Begun { by, at: UnixSecs(2) });
        }
    }

    #[test]
    fn the_newest_given_up_messages_are_kept_each_once_and_for_a_month() {
        let mut ways = Ways::default();
        for n in 0..8 {
            ways.give_up(unsent(&n.to_string(), n));
        }
        ways.give_up(unsent("7", 9));
        let ids = |ways: &Ways| ways.unsent().iter().map(|it| it.work.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&ways), ["3", "4", "5", "6", "7"]);
        assert_eq!(ways.take_unsent(&"5".into()).map(|it| it.at), Some(UnixSecs(5)));
        assert_eq!(ways.take_unsent(&"5".into()), None);
        ways.give_up(unsent("new", UNSENT_KEPT_SECS + 5));
        assert_eq!(ids(&ways), ["6", "7", "new"]);
    }
}
