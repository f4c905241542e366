//! Facts to counters: the only place where a customer's follow state and activity history change.

use super::cohort;
use super::counter::{GAP_FIRST, Increment, Metric};
use super::coverage;
use super::history::Placed;
use super::lateness::{Lateness, Quarantine, Timing, timing};
use super::ledger::Ledger;
use super::presence::Presence;
use super::referral::{Invitation, count_again, count_change, look_at_invite};
use super::taps;
use super::words::words_counted;
use crate::domain::customer::{Activity, Customer, Transition, Turn};
use crate::domain::fact::{Fact, FactKind, Invited};
use crate::domain::ids::{Channel, DedupeKey, Scene};
use crate::domain::order::State;
use crate::domain::referral::invite::Offer;
use crate::domain::referral::refusal::Refusal;
use crate::domain::time::{BusinessDay, UnixSecs};

/// What came of recording facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The counter changes; they belong into the same commit as the customer.
    pub increments: Vec<Increment>,
    /// Deliveries that arrived after their own business day and were applied to it.
    pub late: usize,
    /// Deliveries that came too late, or from the future: not applied, counted in [`Metric::Quarantined`].
    pub quarantined: usize,
}

/// Applies facts to the customer's follow state and activity history and returns the counter changes. State and
/// counters change together, or no number can be trusted (growth.md 5.4.2).
///
/// A fact is applied to its own business day when [`timing`] takes it. Two guards need the customer's own history and
/// only ever close on clocks that disagree by more than a day, or on a customer who came and went more than
/// [`super::follow::MAX_TRANSITIONS`] times within the lateness bound.
///
/// Facts must come once each: what is counted by number (messages, taps, votes, stars) has no other protection than the
/// customer's recent deliveries. Days and transitions are idempotent by themselves (growth.md 5.4.3).
pub fn record(customer: &mut Customer, facts: &[Fact], lateness: Lateness) -> Recorded {
    let mut ledger = Ledger::default();
    let (mut late, mut quarantined) = (Deliveries::default(), Deliveries::default());
    let before = Invitation::of(customer);
    for fact in facts {
        if let FactKind::OrderMoved { action, to: State::Done, .. } = &fact.what {
            look_at_invite(customer, Some((action, fact.at.business_day())));
        }
        if !is_counted(&fact.what) {
            continue;
        }
        let arrival = fact.arrived.business_day();
        customer.follow.settle(arrival, lateness);
        let timing = timing(fact.at, fact.arrived, lateness);
        ledger.arrive(arrival);
        let refused = match timing {
            Timing::Quarantine(reason) => Some(reason),
            _ if apply(customer, (fact, offer(facts, fact.key)), &mut ledger) => None,
            _ => Some(Quarantine::Late),
        };
        if let Some(reason) = refused {
            if quarantined.add(fact.key) {
                ledger.add_in((Metric::Quarantined, arrival.0, 0), reason.as_str(), 1);
            }
        } else if timing == Timing::Late {
            late.add(fact.key);
        }
    }
    look_at_invite(customer, None);
    count_change(&before, &Invitation::of(customer), &mut ledger);
    Recorded { increments: ledger.finish(), late: late.count, quarantined: quarantined.count }
}

/// The personal code that came with a delivery.
fn offer(facts: &[Fact], key: DedupeKey) -> Option<&Invited> {
    facts.iter().filter(|fact| fact.key == key).find_map(|fact| match &fact.what {
        FactKind::Invited(invited) => Some(invited.as_ref()),
        _ => None,
    })
}

/// Counts deliveries by their facts, which stand together.
#[derive(Default)]
struct Deliveries {
    count: usize,
    latest: Option<DedupeKey>,
}

impl Deliveries {
    /// Whether the delivery was a new one.
    fn add(&mut self, key: DedupeKey) -> bool {
        let new = self.latest.replace(key) != Some(key);
        self.count += usize::from(new);
        new
    }
}

fn is_counted(what: &FactKind) -> bool {
    match what {
        FactKind::Followed { .. }
        | FactKind::Unfollowed
        | FactKind::Messaged
        | FactKind::Tapped { .. }
        | FactKind::Scanned { .. }
        | FactKind::Unanswered { .. }
        | FactKind::Rated { .. }
        | FactKind::Voted { .. } => true,
        FactKind::Answered { .. }
        | FactKind::Ordered { .. }
        | FactKind::OrderMoved { .. }
        | FactKind::NumberBound { .. }
        | FactKind::Applied { .. }
        | FactKind::SignedIn { .. }
        | FactKind::TicketOpened { .. }
        | FactKind::Posted { .. }
        | FactKind::HandedOver
        | FactKind::HandedBack
        | FactKind::Invited(_)
        | FactKind::Rewarded(_)
        | FactKind::Reported { .. } => false,
    }
}

/// `false`: it cannot be applied exactly, and nothing was changed.
fn apply(customer: &mut Customer, (fact, invited): (&Fact, Option<&Invited>), ledger: &mut Ledger) -> bool {
    let (at, day) = (fact.at, fact.at.business_day());
    let mut turn = |turn, scene: Option<&Scene>, channel: &Channel| {
        let offer = invited.map(|invited| Box::new(invited.into()));
        let transition = Transition { at, turn, scene: scene.cloned(), channel: channel.clone(), offer };
        turned(customer, transition, ledger)
    };
    match &fact.what {
        FactKind::Followed { scene, channel } => turn(Turn::Followed, scene.as_ref(), channel),
        FactKind::Unfollowed => turn(Turn::Unfollowed, None, &Channel::default()),
        FactKind::Messaged | FactKind::Scanned { .. } => {
            let applied = acted(customer, fact, ledger);
            if let Some(invited) = invited.filter(|_| applied) {
                brought(customer, (at, invited), ledger);
            }
            applied
        }
        FactKind::Tapped { key } => {
            let applied = acted(customer, fact, ledger);
            if applied {
                taps::count_tap(&mut customer.tapped, key, (day, fact.arrived.business_day()), ledger);
            }
            applied
        }
        FactKind::Unanswered { text } => {
            // Of the fact alone, never of the customer's history: so the words can be taken out again without it.
            ledger.add_in((Metric::Unanswered, day.0, 0), &words_counted(text), 1);
            true
        }
        FactKind::Voted { action, topic, option } => {
            ledger.add_in((Metric::Votes, 0, 0), &format!("{action}/{topic}/{option}"), 1);
            true
        }
        FactKind::Rated { action, stars } => {
            ledger.add_in((Metric::Ratings, day.0, i32::from(*stars)), action.as_str(), 1);
            true
        }
        _ => true,
    }
}

/// A personal code that came with something else than a follow: the first one that was written may still be the one of
/// the first follow, every other one is counted apart.
fn brought(customer: &mut Customer, (at, invited): (UnixSecs, &Invited), ledger: &mut Ledger) {
    let offer = Offer::from(invited);
    let written = &mut customer.invite.written;
    let order = |(at, offer): &(UnixSecs, Offer)| (*at, offer.inviter);
    let again = match written.take_if(|known| invited.written && (at, offer.inviter) < order(known)) {
        Some(known) => {
            *written = Some((at, offer));
            Some(known)
        }
        None if invited.written && written.is_none() => {
            *written = Some((at, offer));
            None
        }
        None => Some((at, offer)),
    };
    if let Some((at, offer)) = again {
        let reason = offer.refused.unwrap_or(Refusal::NotNew);
        count_again((&offer, at.business_day(), reason), 1, ledger);
    }
}

/// Something the customer began: activity (growth.md 1.4).
fn acted(customer: &mut Customer, fact: &Fact, ledger: &mut Ledger) -> bool {
    let day = fact.at.business_day();
    if !is_known(customer, day) {
        return false;
    }
    ledger.add((Metric::Messages, day.0, 0), 1);
    ledger.add((Metric::Hours, day.0, i32::from(fact.at.business_hour())), 1);
    ledger.add_in((Metric::Playbooks, day.0, 0), fact.playbook.as_str(), 1);
    let before = Presence { follow: &customer.follow, activity: customer.activity };
    let mut history = customer.activity.unwrap_or_else(|| Activity::starting(day));
    let placed = match before.activity {
        None => Placed { gap: GAP_FIRST, split: None },
        Some(_) => match history.place(day) {
            Some(placed) => placed,
            None => return true,
        },
    };
    let after = Presence { activity: Some(history), ..before };
    if before.activity.is_some_and(|before| day < before.first) {
        // Another cohort, and perhaps another channel.
        after.count_instead_of(&before, ledger);
    } else {
        let channel = after.channel();
        ledger.add_in((Metric::Gap, day.0, placed.gap), channel, 1);
        if let Some(split) = placed.split {
            ledger.add_in((Metric::Gap, split.day.0, split.was), channel, -1);
            ledger.add_in((Metric::Gap, split.day.0, split.now), channel, 1);
        }
        cohort::count_day(before.activity, day, channel, ledger);
        coverage::count_change(ledger, day, channel, (before.counted_from(day), after.counted_from(day)));
    }
    customer.activity = Some(history);
    true
}

fn turned(customer: &mut Customer, transition: Transition, ledger: &mut Ledger) -> bool {
    let day = transition.at.business_day();
    if !is_known(customer, day) {
        return false;
    }
    let follow = customer.follow.clone();
    let applied = customer.follow.place(transition, ledger);
    let before = Presence { follow: &follow, activity: customer.activity };
    let after = Presence { follow: &customer.follow, ..before };
    if after.channel() == before.channel() {
        // If that settled the oldest transition early, it was this one or an earlier one: the days from `day` on stay
        // known.
        let counted = (before.counted_from(day), after.counted_from(day));
        coverage::count_change(ledger, day, after.channel(), counted);
    } else {
        after.count_instead_of(&before, ledger);
    }
    applied
}

fn is_known(customer: &Customer, day: BusinessDay) -> bool {
    customer.follow.knows(day) && customer.activity.is_none_or(|history| history.reaches(day))
}

#[cfg(test)]
mod tests;
