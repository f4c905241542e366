//! Random logs: customers who come, go and come back, deliveries that are late, out of order and repeated.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::demo;
use crate::domain::fact::{Fact, FactKind};
use crate::domain::ids::{Channel, DedupeKey};
use crate::domain::time::UnixSecs;
use crate::growth::lateness::Lateness;
use crate::growth::oracle::day_of;
use crate::store::CustomerRef;

pub(super) const DAY: i64 = 86_400;
/// A Monday, 0:00 in +08:00.
const START: i64 = 1_767_542_400;
/// Of more comings and goings than this within [`TURN_DAYS`] not all are kept; that has its own test.
const TURNS: u8 = 5;
/// Longer than any lateness bound.
const TURN_DAYS: i64 = 10;

pub(super) struct Trial {
    pub partitions: u16,
    pub lateness: Lateness,
    /// In order of arrival; else the order is disturbed by up to an hour.
    pub in_order: bool,
    pub deliveries: Vec<Delivery>,
}

#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub customer: u32,
    pub fact: Fact,
    /// At the same moment.
    pub copies: usize,
    /// Whether the same was delivered before.
    pub again: bool,
}

impl Delivery {
    pub fn of(&self) -> CustomerRef {
        CustomerRef { account: demo(), openid: format!("o{}", self.customer).as_str().into() }
    }

    pub fn is_late(&self) -> bool {
        day_of(self.fact.at.0) < day_of(self.fact.arrived.0)
    }
}

/// What should have been applied.
pub(super) fn accepted(deliveries: &[Delivery]) -> Vec<(u32, Fact)> {
    let once = deliveries.iter().filter(|delivery| !delivery.again);
    once.map(|delivery| (delivery.customer, delivery.fact.clone())).collect()
}

/// The days of a log and those around it that it has an effect on.
pub(super) fn span(log: &[(u32, Fact)]) -> (i32, i32) {
    let days: BTreeSet<i32> = log.iter().map(|(_, fact)| day_of(fact.at.0)).collect();
    (days.first().unwrap() - 2, days.last().unwrap() + 33)
}

impl Trial {
    pub fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let in_order = seed % 3 != 0;
        let (customers, days, each) = [(3, 5, 25), (25, 40, 12), (4, 400, 30), (12, 70, 20)][rng.random_range(0..4)];
        let mut deliveries = Vec::new();
        for customer in 0..customers {
            live(customer, (days, rng.random_range(1..=each)), (&mut rng, &mut deliveries));
        }
        let mut turns = BTreeMap::<_, u8>::new();
        for (order, delivery) in &mut deliveries {
            if !in_order {
                *order += rng.random_range(0..3_600);
            }
            let day = (delivery.fact.at.0 - START).div_euclid(DAY);
            if matches!(delivery.fact.what, FactKind::Followed { .. } | FactKind::Unfollowed) {
                let turns = turns.entry((delivery.customer, day / TURN_DAYS)).or_default();
                *turns += 1;
                if *turns > TURNS {
                    delivery.fact.what = FactKind::Messaged;
                }
            }
        }
        deliveries.sort_by_key(|(order, _)| *order);
        let mut deliveries: Vec<Delivery> = deliveries.into_iter().map(|(_, delivery)| delivery).collect();
        repeat(&mut deliveries, in_order, &mut rng);
        Self { partitions: 1 + u16::try_from(seed % 64).unwrap(), lateness: Lateness::DEFAULT, in_order, deliveries }
    }
}

/// One customer: mostly on a few favourite days, coming and going.
fn live(customer: u32, (days, acts): (i64, i64), (rng, deliveries): (&mut StdRng, &mut Vec<(i64, Delivery)>)) {
    let favourites = [0; 3].map(|_| rng.random_range(0..days));
    let mut moments: Vec<i64> = (0..acts).map(|_| moment(&favourites, days, rng)).collect();
    moments.sort_unstable();
    let (mut follows, mut followed_at) = (false, None);
    for at in moments {
        // Mostly one after the other; a follow said twice or an unfollow out of nowhere happens too.
        let what = match rng.random_range(0..10) {
            0..3 if follows != rng.random_bool(0.1) => FactKind::Unfollowed,
            // Of two follows in one second nobody knows the earlier one.
            0..3 if followed_at != Some(at) => follow(rng),
            _ => act(rng),
        };
        follows = match what {
            FactKind::Followed { .. } => {
                followed_at = Some(at);
                true
            }
            FactKind::Unfollowed => false,
            _ => follows,
        };
        let delay = match rng.random_range(0..100) {
            0..60 => rng.random_range(0..5),
            60..85 => rng.random_range(0..2 * DAY),
            85..95 => rng.random_range(0..9 * DAY),
            _ => rng.random_range(-400..0),
        };
        let playbook = format!("p{}", (at - START) / DAY / 20).as_str().into();
        let (key, arrived) = (DedupeKey(rng.random()), UnixSecs(at + delay));
        let fact = Fact { at: UnixSecs(at), arrived, key, playbook, what };
        deliveries.push((at + delay, Delivery { customer, fact, copies: 1, again: false }));
    }
}

/// Often on the edge of a day.
fn moment(favourites: &[i64], days: i64, rng: &mut StdRng) -> i64 {
    let day = if rng.random_bool(0.4) { favourites[rng.random_range(0..3)] } else { rng.random_range(0..days) };
    let sec = if rng.random_bool(0.1) { [0, DAY - 1][rng.random_range(0..2)] } else { rng.random_range(1..DAY - 1) };
    START + day * DAY + sec
}

fn follow(rng: &mut StdRng) -> FactKind {
    let code = rng.random_range(0..4);
    let (scene, channel) = match code {
        0 => (None, Channel::default()),
        code => (Some(format!("code{code}").as_str().into()), format!("channel{}", code / 2).as_str().into()),
    };
    FactKind::Followed { scene, channel }
}

fn act(rng: &mut StdRng) -> FactKind {
    let key = format!("key{}", rng.random_range(0..3));
    match rng.random_range(0..10) {
        0..4 => FactKind::Messaged,
        4..7 => FactKind::Tapped { key },
        7 => FactKind::Scanned { scene: "code".into() },
        8 => FactKind::Rated { action: "rate".into(), stars: rng.random_range(1..=5) },
        _ => FactKind::Voted { action: "topic".into(), topic: "t".into(), option: key },
    }
}

/// Some deliveries come twice at the same moment, some again within the time in which they are known.
fn repeat(deliveries: &mut Vec<Delivery>, in_order: bool, rng: &mut StdRng) {
    let mut again = Vec::new();
    for delivery in deliveries.iter_mut() {
        delivery.copies = if rng.random_bool(0.1) { 2 } else { 1 };
        if rng.random_bool(0.1) {
            // When the order is disturbed, another machine's clock may let a delivery be forgotten early.
            let secs = if in_order { rng.random_range(0..=600) } else { 0 };
            let arrived = delivery.fact.arrived.plus_secs(secs);
            let fact = Fact { arrived, ..delivery.fact.clone() };
            again.push(Delivery { fact, again: true, copies: 1, ..delivery.clone() });
        }
    }
    for repeated in again {
        let first = deliveries.iter().position(|known| known.fact.key == repeated.fact.key).unwrap();
        let later = |known: &Delivery| in_order && known.fact.arrived <= repeated.fact.arrived;
        let after = deliveries[first + 1..].iter().take_while(|known| later(known)).count();
        deliveries.insert(first + 1 + after, repeated);
    }
}
