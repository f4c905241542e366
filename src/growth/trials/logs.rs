//! Random logs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::domain::fact::{Fact, FactKind};
use crate::domain::ids::{Channel, DedupeKey};
use crate::domain::time::UnixSecs;
use crate::growth::lateness::Lateness;
use crate::growth::oracle::{Oracle, day_of};

pub const DAY: i64 = 86_400;
/// A Monday, 0:00 in +08:00.
pub const START: i64 = 1_767_542_400;

/// One random delivery, before the log is put in order.
#[derive(Clone, Debug)]
pub struct Draft {
    pub customer: u32,
    pub kind: u8,
    pub day: i64,
    pub sec: i64,
    pub delay_secs: i64,
    pub jitter_secs: i64,
}

/// Deliveries that are not in order yet, and how late one may be.
#[derive(Clone, Debug)]
pub struct Drafts {
    pub drafts: Vec<Draft>,
    pub lateness: Lateness,
}

/// A log in the order in which it is processed: deliveries with their facts.
#[derive(Clone, Debug)]
pub struct Log {
    pub deliveries: Vec<(u32, Vec<Fact>)>,
    pub lateness: Lateness,
}

const WORDS: [&str; 4] = ["怎麼查ＩＰ？", "怎么查ip", "13800138000 是谁", "10086 是谁"];

fn facts(draft: &Draft) -> Vec<FactKind> {
    let key = format!("key{}", draft.sec % 3);
    vec![match draft.kind {
        0..=3 => FactKind::Messaged,
        4..=6 => FactKind::Tapped { key },
        7 => FactKind::Scanned { scene: "code".into() },
        8..=10 => {
            let nth = draft.delay_secs.rem_euclid(4);
            let code = (nth != 0).then(|| format!("code{nth}"));
            let channel = code.as_deref().map(|_| Channel::new(format!("channel{}", nth % 3))).unwrap_or_default();
            FactKind::Followed { scene: code.as_deref().map(Into::into), channel }
        }
        11..=12 => FactKind::Unfollowed,
        13 => FactKind::Rated { action: "rate".into(), stars: (draft.sec % 5 + 1) as u8 },
        14 => FactKind::Voted { action: "topic".into(), topic: "t".into(), option: key },
        _ => {
            let text = WORDS[(draft.sec % 4) as usize].to_owned();
            return vec![FactKind::Messaged, FactKind::Unanswered { text }];
        }
    }]
}

impl Drafts {
    /// The log in order of arrival, disturbed by each draft's jitter.
    pub fn log(&self) -> Log {
        // More comings and goings within the lateness bound than are kept have their own test.
        let block_days = if self.lateness.days() > 2 { 8 } else { 4 };
        let mut turns = BTreeMap::<_, u8>::new();
        let mut deliveries = Vec::new();
        for (number, draft) in self.drafts.iter().enumerate() {
            let mut facts = facts(draft);
            let turn = matches!(facts[..], [FactKind::Followed { .. } | FactKind::Unfollowed]);
            if turn {
                let block = turns.entry((draft.customer, draft.day / block_days)).or_default();
                *block += 1;
                if *block > 5 {
                    facts = vec![FactKind::Messaged];
                }
            }
            let at = START + draft.day * DAY + draft.sec;
            let arrived = at + draft.delay_secs;
            let stamp = |arrived: i64, key: usize| {
                let (key, playbook) = (DedupeKey(key as u64), format!("p{}", draft.sec % 3).as_str().into());
                move |what| Fact { at: UnixSecs(at), arrived: UnixSecs(arrived), key, playbook, what }
            };
            let fact = |what: &FactKind| stamp(arrived, number)(what.clone());
            deliveries.push((arrived + draft.jitter_secs, draft.customer, facts.iter().map(fact).collect::<Vec<_>>()));
            if turn && facts.len() == 1 && draft.sec % 4 == 0 && !matches!(facts[0], FactKind::Messaged) {
                // Pushed again, when nobody remembers that delivery any more.
                let again = arrived + 7_200;
                let fact = stamp(again, number)(facts[0].clone());
                deliveries.push((again + draft.jitter_secs, draft.customer, vec![fact]));
            }
        }
        deliveries.sort_by_key(|(order, _, _)| *order);
        let deliveries = deliveries.into_iter().map(|(_, customer, facts)| (customer, facts)).collect();
        Log { deliveries, lateness: self.lateness }
    }

    pub fn in_order_of_arrival(&self) -> Log {
        let drafts = self.drafts.iter().map(|draft| Draft { jitter_secs: 0, ..draft.clone() }).collect();
        Self { drafts, ..self.clone() }.log()
    }
}

impl Log {
    pub fn oracle(&self) -> Oracle {
        Oracle::of(self.facts(), self.lateness.days())
    }

    /// What the oracle makes of all that had arrived at the end of a day.
    pub fn oracle_as_of(&self, day: i32) -> Oracle {
        Oracle::of(self.facts().filter(|(_, fact)| day_of(fact.arrived.0) <= day), self.lateness.days())
    }

    fn facts(&self) -> impl Iterator<Item = (u32, &Fact)> {
        self.deliveries.iter().flat_map(|(customer, facts)| facts.iter().map(|fact| (*customer, fact)))
    }

    /// Days around everything that happened.
    pub fn span(&self) -> (i32, i32) {
        let days: BTreeSet<i32> = self.facts().map(|(_, fact)| day_of(fact.at.0)).collect();
        (*days.first().unwrap() - 2, *days.last().unwrap() + 33)
    }

    /// What became of the customers of one of so many shards.
    pub fn shard(&self, (shard, shards): (u32, u32)) -> Log {
        let deliveries = self.deliveries.iter().filter(|(customer, _)| customer % shards == shard).cloned().collect();
        Log { deliveries, ..*self }
    }
}

pub fn lateness() -> impl Strategy<Value = Lateness> {
    proptest::sample::select(vec![0, 1, 2, 5, 7]).prop_map(|days| Lateness::new(days).unwrap())
}

pub fn drafts(customers: u32, days: i64, deliveries: usize) -> impl Strategy<Value = Drafts> {
    lateness().prop_flat_map(move |lateness| {
        let late_days = i64::from(lateness.days()).max(1);
        let delay = prop_oneof![
            6 => 0..5i64,
            3 => 0..late_days * DAY,
            1 => 0..(late_days + 3) * DAY,
            1 => -400..0i64,
        ];
        // Some things happen in the same second.
        let sec = prop_oneof![2 => 0..DAY, 1 => (0..24i64).prop_map(|hour| hour * 3_600)];
        let draft = (0..customers, 0..17u8, 0..days, sec, delay, 0..DAY).prop_map(
            |(customer, kind, day, sec, delay_secs, jitter_secs)| Draft {
                customer,
                kind,
                day,
                sec,
                delay_secs,
                jitter_secs,
            },
        );
        proptest::collection::vec(draft, 1..deliveries).prop_map(move |drafts| Drafts { drafts, lateness })
    })
}

/// Short and crowded, some weeks, long enough for the longest exact gap, and many who do little.
pub fn populations() -> impl Strategy<Value = Drafts> {
    prop_oneof![drafts(3, 5, 60), drafts(6, 45, 200), drafts(2, 400, 80), drafts(90, 12, 200)]
}

/// People as they are: some come daily, some in bursts weeks apart, some once; most things arrive at once.
pub fn lifelike(seed: u64, customers: u32, days: i64) -> Drafts {
    let mut rng = StdRng::seed_from_u64(seed);
    let lateness = Lateness::new([0, 1, 2, 5, 7][(seed % 5) as usize]).unwrap();
    let mut drafts = Vec::new();
    let mut put = |rng: &mut StdRng, customer, (kind, day): (u8, i64)| {
        let late_days = i64::from(lateness.days()).max(1);
        let delay_secs = match rng.random_range(0..100) {
            0..80 => rng.random_range(0..5),
            80..97 => rng.random_range(0..late_days * DAY),
            _ => rng.random_range(0..(late_days + 4) * DAY),
        };
        let (sec, jitter_secs) = (rng.random_range(0..DAY), rng.random_range(0..3_600));
        drafts.push(Draft { customer, kind, day, sec, delay_secs, jitter_secs });
    };
    for customer in 0..customers {
        let mut day = rng.random_range(0..days);
        // Some write before they follow: follows come from here on.
        let mut turn = day + [0, 0, 0, 1, 3][rng.random_range(0..5)];
        let mut follows = true;
        let rate = [0.02, 0.3, 0.8, 0.95][rng.random_range(0..4)];
        while turn < days && rng.random_bool(0.8) {
            put(&mut rng, customer, (if follows { 8 } else { 11 }, turn));
            follows = !follows;
            turn += [0, 0, 1, 2, 5, 9, 20, 60][rng.random_range(0..8)];
        }
        while day < days {
            for _ in 0..rng.random_range(0..4) {
                let kind = kind(&mut rng, [0..8, 13..17]);
                put(&mut rng, customer, (kind, day));
            }
            day += if rng.random_bool(rate) { 1 } else { rng.random_range(1..120) };
        }
    }
    Drafts { drafts, lateness }
}

fn kind(rng: &mut StdRng, [often, seldom]: [Range<u8>; 2]) -> u8 {
    if rng.random_bool(0.85) { rng.random_range(often) } else { rng.random_range(seldom) }
}
