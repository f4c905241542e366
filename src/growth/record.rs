//! Facts to counters: the only place where a customer's follow state and activity history change.

use super::cohort;
use super::counter::{Increment, Metric};
use super::coverage;
use super::lateness::{Lateness, Timing, timing};
use super::ledger::Ledger;
use super::taps;
use crate::domain::customer::{Activity, Customer, Transition, Turn};
use crate::domain::fact::{Fact, FactKind};
use crate::domain::ids::DedupeKey;
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
    for fact in facts.iter().filter(|fact| is_counted(&fact.what)) {
        let arrival = fact.arrived.business_day();
        customer.follow.settle(arrival, lateness);
        let timing = timing(fact.at, fact.arrived, lateness);
        ledger.arriving((timing == Timing::Late).then_some(arrival));
        if timing == Timing::Quarantine || !apply(customer, fact, &mut ledger) {
            ledger.arriving(None);
            if quarantined.add(fact.key) {
                ledger.add((Metric::Quarantined, arrival.0, 0), 1);
            }
        } else if timing == Timing::Late {
            late.add(fact.key);
        }
    }
    Recorded { increments: ledger.finish(), late: late.count, quarantined: quarantined.count }
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
        | FactKind::Rated { .. }
        | FactKind::Voted { .. } => true,
        FactKind::Answered { .. }
        | FactKind::Unanswered { .. }
        | FactKind::Ordered { .. }
        | FactKind::SignedIn { .. }
        | FactKind::TicketOpened { .. }
        | FactKind::Posted { .. }
        | FactKind::HandedOver
        | FactKind::HandedBack
        | FactKind::Reported { .. } => false,
    }
}

/// `false`: it cannot be applied exactly, and nothing was changed.
fn apply(customer: &mut Customer, fact: &Fact, ledger: &mut Ledger) -> bool {
    let (at, day) = (fact.at, fact.at.business_day());
    match &fact.what {
        FactKind::Followed { scene, .. } => {
            turn(customer, Transition { at, turn: Turn::Followed, scene: scene.clone() }, ledger)
        }
        FactKind::Unfollowed => turn(customer, Transition { at, turn: Turn::Unfollowed, scene: None }, ledger),
        FactKind::Messaged | FactKind::Scanned { .. } => act(customer, at, ledger),
        FactKind::Tapped { key } => {
            let applied = act(customer, at, ledger);
            if applied {
                taps::count_tap(&mut customer.tapped, key, (day, fact.arrived.business_day()), ledger);
            }
            applied
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

/// Something the customer began: activity (growth.md 1.4).
fn act(customer: &mut Customer, at: UnixSecs, ledger: &mut Ledger) -> bool {
    let day = at.business_day();
    if !is_known(customer, day) {
        return false;
    }
    ledger.add((Metric::Messages, day.0, 0), 1);
    ledger.add((Metric::Hours, day.0, i32::from(at.business_hour())), 1);
    let before = customer.activity;
    if before.is_some_and(|history| history.any_in(day, day)) {
        return true;
    }
    let counted = coverage::counted_from(customer, day);
    match &mut customer.activity {
        None => {
            customer.activity = Some(Activity::starting(day));
            ledger.add((Metric::Gap, day.0, super::counter::GAP_FIRST), 1);
        }
        Some(history) => {
            if let Some(placed) = history.place(day) {
                ledger.add((Metric::Gap, day.0, placed.gap), 1);
                if let Some(split) = placed.split {
                    ledger.add((Metric::Gap, split.day.0, split.was), -1);
                    ledger.add((Metric::Gap, split.day.0, split.now), 1);
                }
            }
        }
    }
    cohort::count_day(before, day, ledger);
    coverage::count_change(ledger, day, (counted, coverage::counted_from(customer, day)));
    true
}

fn turn(customer: &mut Customer, transition: Transition, ledger: &mut Ledger) -> bool {
    let day = transition.at.business_day();
    if !is_known(customer, day) {
        return false;
    }
    let counted = coverage::counted_from(customer, day);
    let applied = customer.follow.place(transition, ledger);
    // If that settled the oldest transition early, it was this one or an earlier one: the days from `day` on stay known.
    coverage::count_change(ledger, day, (counted, coverage::counted_from(customer, day)));
    applied
}

fn is_known(customer: &Customer, day: BusinessDay) -> bool {
    customer.follow.knows(day) && customer.activity.is_none_or(|history| history.reaches(day))
}

#[cfg(test)]
mod tests;
