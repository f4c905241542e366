//! Random lives of a few customers: counted by the engine, and as sets of days.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{DAY_SECS, START};
use crate::domain::customer::Customer;
use crate::domain::fact::{Fact, FactKind};
use crate::domain::ids::{Channel, DedupeKey};
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counter::CounterKey;
use crate::growth::counters::Counters;
use crate::growth::lateness::Lateness;
use crate::growth::record::record;

/// Something a customer did.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub customer: usize,
    /// 0: follow, 1: unfollow, 2 to 4: a tap on that key, 5: words without an answer, else a message.
    pub kind: u8,
    pub at: UnixSecs,
    pub arrived: UnixSecs,
}

pub(super) fn acts(customers: usize, days: i64, delay: impl Strategy<Value = i64>) -> impl Strategy<Value = Vec<Act>> {
    let act = (0..customers, 0..8u8, 0..days * DAY_SECS, delay).prop_map(|(customer, kind, secs, delay)| {
        let at = START.start().plus_secs(secs);
        Act { customer, kind, at, arrived: at.plus_secs(delay) }
    });
    proptest::collection::vec(act, 1..150).prop_map(|mut acts| {
        // Two turns in one second have an order of their own, which is not what this is about.
        acts.sort_by_key(|act| (act.customer, act.at));
        acts.dedup_by_key(|act| (act.customer, act.at));
        acts.sort_by_key(|act| act.arrived);
        acts
    })
}

/// The channel of the code that a follow came by: it depends on the moment, so a later follow comes by another one.
pub(super) fn channel(act: &Act) -> Channel {
    Channel::new(["", "store", "metro"][(act.at.0 % 3) as usize])
}

fn words(act: &Act) -> String {
    ["查流量", "怎么充值", "hello"][(act.at.0 % 3) as usize].to_owned()
}

pub(super) type Journal = Vec<(BusinessDay, CounterKey, i64)>;

pub(super) fn count(acts: &[Act]) -> (Counters, Journal) {
    let mut customers = BTreeMap::<usize, Customer>::new();
    let (mut counters, mut journal) = (Counters::default(), Journal::new());
    for (n, act) in acts.iter().enumerate() {
        let what = match act.kind {
            0 => vec![FactKind::Followed { scene: None, channel: channel(act) }],
            1 => vec![FactKind::Unfollowed],
            2..=4 => vec![FactKind::Tapped { key: act.kind.to_string() }],
            5 => vec![FactKind::Messaged, FactKind::Unanswered { text: words(act) }],
            _ => vec![FactKind::Messaged],
        };
        let fact =
            |what| Fact { at: act.at, arrived: act.arrived, key: DedupeKey(n as u64), playbook: "p".into(), what };
        let facts: Vec<Fact> = what.into_iter().map(fact).collect();
        let recorded = record(customers.entry(act.customer).or_default(), &facts, Lateness::default());
        for increment in recorded.increments {
            journal.extend(increment.late_on.map(|day| (day, increment.key.clone(), increment.by)));
            counters.add(increment.key, increment.by);
        }
    }
    (counters, journal)
}

/// The same lives as sets of days.
#[derive(Default)]
pub(super) struct Life {
    pub active: BTreeSet<i32>,
    pub taps: BTreeMap<String, BTreeMap<i32, i64>>,
    /// First and last day of every time the customer followed.
    pub spells: Vec<(i32, Option<i32>)>,
    /// Words without an answer, by day.
    pub words: Vec<(i32, String)>,
}

pub(super) fn lives(acts: &[Act]) -> Vec<Life> {
    let mut acts = acts.to_vec();
    acts.sort_by_key(|act| act.at);
    let mut lives = BTreeMap::<usize, Life>::new();
    for act in acts {
        let life = lives.entry(act.customer).or_default();
        let day = act.at.business_day().0;
        let follows = life.spells.last().is_some_and(|spell| spell.1.is_none());
        if act.kind == 5 {
            life.words.push((day, words(&act)));
        }
        match act.kind {
            0 if !follows => life.spells.push((day, None)),
            1 if follows => life.spells.last_mut().unwrap().1 = Some(day),
            0 | 1 => {}
            2..=4 => {
                *life.taps.entry(act.kind.to_string()).or_default().entry(day).or_default() += 1;
                life.active.insert(day);
            }
            _ => {
                life.active.insert(day);
            }
        }
    }
    lives.into_values().collect()
}
