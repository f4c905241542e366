//! How an invite stands, on the friend's side: a function of their follows and active days, and of nothing else.

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::terms::Terms;
use super::{Friend, Inviter};
use crate::domain::customer::{Customer, Follow};
use crate::domain::ids::{ActionKey, Scene};
use crate::domain::time::{BusinessDay, UnixSecs};

/// A code that was only written down counts for a first follow so long ago.
pub const WRITTEN_WITHIN_SECS: i64 = 86_400;

/// A personal code somebody came by, as the playbook of that moment saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Of which campaign.
    pub campaign: ActionKey,
    /// The code: it leads to the inviter.
    pub code: Scene,
    /// The inviter.
    pub inviter: Inviter,
    /// Since when the inviter follows.
    pub since: UnixSecs,
    /// The friend.
    pub friend: Friend,
    /// What has to happen until it counts.
    pub terms: Terms,
    /// Why it does not count whatever happens.
    pub refused: Option<Refusal>,
}

/// What is known of a customer's own invite besides their follows and days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// The first code that they wrote down.
    pub written: Option<(UnixSecs, Offer)>,
    /// The day on which they had done what the terms ask for; kept because days are only known for a while.
    pub qualified_on: Option<BusinessDay>,
    /// How often the inviter was told how it stands.
    pub told: u32,
    /// The newest of these that has arrived; while it is not the last one, the record keeps its name.
    pub arrived: u32,
}

/// How an invite stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The code.
    pub offer: Offer,
    /// The friend's first follow ever: the day of it is the cohort.
    pub at: UnixSecs,
    /// What became of it.
    pub state: State,
}

/// What became of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The friend is this inviter's.
    Attributed {
        /// The day on which they had done what the terms ask for.
        qualified_on: Option<BusinessDay>,
        /// The day they left, if that was within the hold.
        left_on: Option<BusinessDay>,
    },
    /// It does not count.
    Refused(Refusal),
}

impl Invite {
    /// Whether an inviter is still to be told something.
    pub fn is_on_its_way(&self) -> bool {
        self.arrived < self.told
    }
}

impl Standing {
    /// The cohort.
    pub fn day(&self) -> BusinessDay {
        self.at.business_day()
    }
}

impl Customer {
    /// How the invite stands that the customer came by; `None` for somebody who came by no personal code.
    pub fn invited(&self) -> Option<Standing> {
        let at = self.follow.first_at?;
        let offer = match (&self.follow.first_offer, &self.invite.written) {
            (Some(offer), _) => offer.as_ref(),
            (None, Some((written, offer))) if is_in_time(*written, at) => offer,
            (None, _) => return None,
        };
        let state = match offer.refused {
            Some(reason) => State::Refused(reason),
            None if offer.since >= at => State::Refused(Refusal::NotEarlier),
            None => State::Attributed {
                qualified_on: self.invite.qualified_on,
                left_on: left_within(&self.follow, (at.business_day(), offer.terms.hold_days)),
            },
        };
        Some(Standing { offer: offer.clone(), at, state })
    }
}

impl Customer {
    /// The code that the customer wrote down first, when, and why it does not count, if it does not.
    pub fn written_in_vain(&self) -> Option<(&Offer, UnixSecs, Refusal)> {
        let (written, offer) = self.invite.written.as_ref()?;
        let reason = match self.follow.first_at {
            _ if self.follow.first_offer.is_some() => Refusal::NotNew,
            Some(at) if is_in_time(*written, at) => return None,
            Some(_) => Refusal::TooLate,
            None => return None,
        };
        Some((offer, *written, offer.refused.unwrap_or(reason)))
    }
}

fn is_in_time(written: UnixSecs, first_follow: UnixSecs) -> bool {
    (0..=WRITTEN_WITHIN_SECS).contains(&written.secs_since(first_follow))
}

fn left_within(follow: &Follow, (first, hold_days): (BusinessDay, u8)) -> Option<BusinessDay> {
    follow.first_left.filter(|left| left.days_since(first) <= i32::from(hold_days))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UnixSecs;

    const MONDAY: UnixSecs = UnixSecs(1_767_571_200);

    fn offer() -> Offer {
        Offer {
            campaign: "spring".into(),
            code: "i_x".into(),
            inviter: Inviter(1),
            since: UnixSecs(MONDAY.0 - 5),
            friend: Friend(2),
            terms: Terms { active_days: 1, within_days: 7, hold_days: 7, ..Terms::default() },
            refused: None,
        }
    }

    fn came() -> Customer {
        let mut customer = Customer::default();
        customer.follow.first_at = Some(MONDAY);
        customer.follow.first_offer = Some(Box::new(offer()));
        customer
    }

    fn day(n: i32) -> BusinessDay {
        MONDAY.business_day().plus_days(n)
    }

    fn state(customer: &Customer) -> State {
        customer.invited().unwrap().state
    }

    #[test]
    fn who_leaves_within_the_hold_takes_the_invite_along() {
        for (left, taken) in [(0, true), (7, true), (8, false)] {
            let mut customer = came();
            customer.follow.first_left = Some(day(left));
            let left_on = taken.then_some(day(left));
            assert_eq!(state(&customer), State::Attributed { qualified_on: None, left_on });
        }
    }

    #[test]
    fn credit_goes_to_who_was_there_first_only() {
        for (since, is_earlier) in [(-1, true), (0, false), (5, false)] {
            let mut customer = came();
            customer.follow.first_offer.as_mut().unwrap().since = UnixSecs(MONDAY.0 + since);
            assert_eq!(matches!(state(&customer), State::Attributed { .. }), is_earlier, "{since}");
        }
        let mut customer = came();
        customer.follow.first_offer.as_mut().unwrap().refused = Some(Refusal::Ended);
        assert_eq!(state(&customer), State::Refused(Refusal::Ended));
    }

    #[test]
    fn a_code_that_is_written_down_counts_for_a_day_and_only_without_another() {
        let written = |secs: i64| {
            let mut customer = came();
            customer.follow.first_offer = None;
            customer.invite.written = Some((UnixSecs(MONDAY.0 + secs), offer()));
            customer
        };
        let attributed = Some(State::Attributed { qualified_on: None, left_on: None });
        for (secs, is, in_vain) in
            [(0, attributed, None), (86_400, attributed, None), (86_401, None, Some(Refusal::TooLate))]
        {
            let customer = written(secs);
            assert_eq!(customer.invited().map(|standing| standing.state), is, "{secs}");
            assert_eq!(customer.written_in_vain().map(|(.., reason)| reason), in_vain, "{secs}");
        }
        let mut both = written(5);
        both.follow.first_offer = Some(Box::new(Offer { refused: Some(Refusal::Staff), ..offer() }));
        assert_eq!(state(&both), State::Refused(Refusal::Staff), "the code of the follow goes first");
        assert_eq!(both.written_in_vain().map(|(.., reason)| reason), Some(Refusal::NotNew));
        assert_eq!(Customer::default().invited(), None);
    }
}
