//! The referral funnel in counters (growth.md 1.7, 5.2): each customer's part of them is a function of their own history, so
//! a late delivery only ever emits the difference.

use super::counter::Metric;
use super::ledger::Ledger;
use crate::domain::customer::{Activity, Customer};
use crate::domain::ids::ActionKey;
use crate::domain::referral::Inviter;
use crate::domain::referral::invite::{Offer, Standing, State};
use crate::domain::referral::refusal::Refusal;
use crate::domain::time::BusinessDay;

/// The history holds so many days, the latest one included.
const KNOWN_DAYS: i32 = 128;

/// What the second coordinate of [`Metric::Invites`] and [`Metric::InvitesBy`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// A first follow by a personal code, credited to its owner.
    Attributed(Funnel),
    /// A first follow by a personal code that is nobody's credit.
    Refused(Refusal),
    /// Somebody came by a personal code, and it was no first follow.
    Again(Refusal),
}

/// How far somebody came, and how long that takes to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Funnel {
    /// They have done what the terms ask for.
    pub qualified: bool,
    /// They left within the hold.
    pub left: bool,
    /// The days for the one.
    pub within_days: u8,
    /// The days of the other.
    pub hold_days: u8,
}

const QUALIFIED: i32 = 1;
const LEFT: i32 = 2;
const AGAIN: i32 = -100;

impl Cell {
    /// As it is stored. The numbers never change.
    pub fn number(self) -> i32 {
        match self {
            Self::Attributed(Funnel { qualified, left, within_days, hold_days }) => {
                let mask = if qualified { QUALIFIED } else { 0 } | if left { LEFT } else { 0 };
                mask | i32::from(within_days) << 2 | i32::from(hold_days) << 10
            }
            Self::Refused(reason) => -reason.number(),
            Self::Again(reason) => AGAIN - reason.number(),
        }
    }

    /// What is stored so.
    pub fn of_number(number: i32) -> Option<Self> {
        if number < AGAIN {
            return Refusal::of_number(AGAIN - number).map(Self::Again);
        }
        if number < 0 {
            return Refusal::of_number(-number).map(Self::Refused);
        }
        let days = |shift: u32| u8::try_from(number >> shift & 0xff).unwrap_or(u8::MAX);
        Some(Self::Attributed(Funnel {
            qualified: number & QUALIFIED != 0,
            left: number & LEFT != 0,
            within_days: days(2),
            hold_days: days(10),
        }))
    }
}

impl Standing {
    fn cell(&self) -> Cell {
        match self.state {
            State::Refused(reason) => Cell::Refused(reason),
            State::Attributed { qualified_on, left_on } => Cell::Attributed(Funnel {
                qualified: qualified_on.is_some(),
                left: left_on.is_some(),
                within_days: self.offer.terms.within_days,
                hold_days: self.offer.terms.hold_days,
            }),
        }
    }
}

/// The dimension of [`Metric::InvitesBy`].
pub fn by_inviter(campaign: &ActionKey, inviter: Inviter) -> String {
    format!("{campaign}/{inviter}")
}

/// What numbers are made of besides follows and scans: how somebody's invite stands, and the code they wrote in vain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invitation {
    standing: Option<Standing>,
    in_vain: Option<(Offer, BusinessDay, Refusal)>,
}

impl Invitation {
    pub(super) fn of(customer: &Customer) -> Self {
        let in_vain = customer.written_in_vain();
        let in_vain = in_vain.map(|(offer, at, reason)| (offer.clone(), at.business_day(), reason));
        Self { standing: customer.invited(), in_vain }
    }
}

/// Counts how an invite stands now instead of how it stood.
pub(super) fn count_change(before: &Invitation, after: &Invitation, ledger: &mut Ledger) {
    if before == after {
        return;
    }
    for (Invitation { standing, in_vain }, by) in [(before, -1), (after, 1)] {
        if let Some((offer, day, reason)) = in_vain {
            count_again((offer, *day, *reason), by, ledger);
        }
        let Some(standing) = standing else { continue };
        let day = standing.day();
        count((&standing.offer, day), standing.cell(), by, ledger);
        if let State::Attributed { qualified_on, left_on } = standing.state {
            let cohort = standing.offer.since.business_day();
            let lag = |metric| (metric, cohort.0, day.days_since(cohort));
            ledger.add_in(lag(Metric::InviteLags), standing.offer.campaign.as_str(), by);
            if qualified_on.is_some() && left_on.is_none() {
                ledger.add_in(lag(Metric::KeptLags), standing.offer.campaign.as_str(), by);
            }
        }
    }
}

/// Counts somebody who came back by a personal code, or not any more.
pub(super) fn count_again((offer, day, reason): (&Offer, BusinessDay, Refusal), by: i64, ledger: &mut Ledger) {
    count((offer, day), Cell::Again(reason), by, ledger);
}

fn count((offer, day): (&Offer, BusinessDay), cell: Cell, by: i64, ledger: &mut Ledger) {
    let place = |metric| (metric, day.0, cell.number());
    ledger.add_in(place(Metric::Invites), offer.campaign.as_str(), by);
    ledger.add_in(place(Metric::InvitesBy), &by_inviter(&offer.campaign, offer.inviter), by);
}

/// Looks whether the customer has done what the terms of their invite ask for; `done` is an order that is done now.
pub(super) fn look_at_invite(customer: &mut Customer, done: Option<(&ActionKey, BusinessDay)>) {
    let Some(Standing { offer: Offer { terms, .. }, at, state: State::Attributed { .. } }) = customer.invited() else {
        return;
    };
    let first = at.business_day();
    let last = first.plus_days(i32::from(terms.within_days));
    let kept = customer.invite.qualified_on.filter(|day| (first..=last).contains(day));
    customer.invite.qualified_on = match (&terms.goal, terms.active_days.checked_sub(1)) {
        (Some(goal), _) => {
            let now = done.filter(|(action, day)| *action == goal && (first..=last).contains(day));
            [kept, now.map(|(_, day)| day)].into_iter().flatten().min()
        }
        (None, None) => Some(first),
        (None, Some(nth)) => match days_between(customer.activity, (first, last)) {
            Some(mut days) => days.nth(usize::from(nth)),
            None => kept,
        },
    };
}

/// The active days after the first up to the last, in order; `None` when they are not known any more.
fn days_between(
    activity: Option<Activity>,
    (first, last): (BusinessDay, BusinessDay),
) -> Option<impl Iterator<Item = BusinessDay>> {
    let known = activity.is_none_or(|history| history.last.days_since(first) < KNOWN_DAYS);
    let days = activity.into_iter().flat_map(move |history| history.days_after(first).rev());
    known.then(|| days.filter(move |day| *day <= last))
}

#[cfg(test)]
mod tests;
