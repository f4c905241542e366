//! Random logs: customers who come, go and come back, deliveries that are late, out of order and repeated.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::demo;
use crate::domain::fact::{Fact, FactKind};
use crate::domain::ids::{Channel, DedupeKey};
use crate::domain::time::UnixSecs;
use crate::growth::lateness::Lateness;
use crate::growth::oracle::{Oracle, day_of};
use crate::store::CustomerRef;

pub(super) const DAY: i64 = 86_400;
/// A Monday, 0:00 in +08:00.
const START: i64 = 1_767_542_400;
/// Of more comings and goings than this within [`TURN_DAYS`] not all are kept; that has its own test.
const TURNS: u8 = 5;
/// Longer than any lateness bound.
const TURN_DAYS: i64 = 10;

/// Words that the oracle knows how to count.
pub(super) const WORDS: [&str; 5] = ["怎麼查ＩＰ？", "怎么查ip", "13800138000 是谁", "10086 是谁", "天下大势分久必合"];

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
    /// At least one.
    pub facts: Vec<Fact>,
    /// At the same moment.
    pub copies: usize,
    /// Whether the same was delivered before.
    pub again: bool,
}

impl Delivery {
    pub fn of(&self) -> CustomerRef {
        CustomerRef { account: demo(), openid: format!("o{}", self.customer).as_str().into() }
    }

    /// The fact that it is, before what became of it.
    pub fn fact(&self) -> &Fact {
        &self.facts[0]
    }

    pub fn is_late(&self) -> bool {
        day_of(self.fact().at.0) < day_of(self.fact().arrived.0)
    }
}

/// A log of facts, each with its customer.
pub(super) type Log = Vec<(u32, Fact)>;

/// What should be applied.
pub(super) fn applied(deliveries: &[Delivery]) -> Log {
    let once = deliveries.iter().filter(|delivery| !delivery.again);
    once.flat_map(|delivery| delivery.facts.iter().map(|fact| (delivery.customer, fact.clone()))).collect()
}

/// What the oracle makes of a log.
pub(super) fn oracle(log: &Log, lateness: Lateness) -> Oracle {
    Oracle::of(log.iter().map(|(customer, fact)| (*customer, fact)), lateness.days())
}

/// What the oracle made of it at the end of a day.
pub(super) fn oracle_as_of(log: &Log, (day, lateness): (i32, Lateness)) -> Oracle {
    let known = log.iter().filter(|(_, fact)| day_of(fact.arrived.0) <= day);
    Oracle::of(known.map(|(customer, fact)| (*customer, fact)), lateness.days())
}

/// The days of a log and those around it that it has an effect on.
pub(super) fn span(log: &Log) -> (i32, i32) {
    let days: BTreeSet<i32> = log.iter().map(|(_, fact)| day_of(fact.at.0)).collect();
    (days.first().unwrap() - 2, days.last().unwrap() + 33)
}

impl Trial {
    pub fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let in_order = !seed.is_multiple_of(3);
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
            let fact = &mut delivery.facts[0];
            let day = (fact.at.0 - START).div_euclid(DAY);
            if matches!(fact.what, FactKind::Followed { .. } | FactKind::Unfollowed) {
                let turns = turns.entry((delivery.customer, day / TURN_DAYS)).or_default();
                *turns += 1;
                if *turns > TURNS {
                    fact.what = FactKind::Messaged;
                }
            }
        }
        deliveries.sort_by_key(|(order, _)| *order);
        let mut deliveries: Vec<Delivery> = deliveries.into_iter().map(|(_, delivery)| delivery).collect();
        repeat(&mut deliveries, in_order, &mut rng);
        let lateness = Lateness::new([2, 2, 0, 7, 1, 5][usize::try_from(seed % 6).unwrap()]).unwrap();
        Self { partitions: 1 + u16::try_from(seed % 64).unwrap(), lateness, in_order, deliveries }
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
        let mut facts = vec![Fact { at: UnixSecs(at), arrived, key, playbook, what }];
        if matches!(facts[0].what, FactKind::Messaged) && rng.random_bool(0.4) {
            let what = FactKind::Unanswered { text: WORDS[rng.random_range(0..WORDS.len())].into() };
            facts.push(Fact { what, ..facts[0].clone() });
        }
        deliveries.push((at + delay, Delivery { customer, facts, copies: 1, again: false }));
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
            let arrived = delivery.fact().arrived.plus_secs(secs);
            let facts = delivery.facts.iter().map(|fact| Fact { arrived, ..fact.clone() }).collect();
            again.push(Delivery { facts, again: true, copies: 1, ..delivery.clone() });
        }
    }
    for repeated in again {
        let first = deliveries.iter().position(|known| known.fact().key == repeated.fact().key).unwrap();
        let later = |known: &Delivery| in_order && known.fact().arrived <= repeated.fact().arrived;
        let after = deliveries[first + 1..].iter().take_while(|known| later(known)).count();
        deliveries.insert(first + 1 + after, repeated);
    }
}
