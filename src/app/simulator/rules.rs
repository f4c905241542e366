//! What must hold after every run.

use std::collections::{BTreeMap, BTreeSet};

use super::life::Ended;
use super::plan::{Act, Jump, Plan};
use super::platform::{Outcome, TRIES, xml};
use super::shop::lateness;
use super::world::State;
use crate::app::Discretion;
use crate::app::handle::DECIDED_WITHIN_SECS;
use crate::channel::official::read_clear;
use crate::domain::fact::{Fact, FactKind};
use crate::domain::ids::DedupeKey;
use crate::domain::recent::{KEYS_KEPT_ANYWAY, KEYS_KEPT_SECS, MAX_REPLIES, REPLIES_KEPT_SECS};
use crate::growth::counter::{CounterKey, Metric};
use crate::growth::lateness::Quarantine;
use crate::growth::oracle::Oracle;
use crate::store::{CounterRange, PseudonymKey};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// What was acknowledged is in the facts once, or set aside; nothing is in them twice.
    KeptOnce,
    /// A retry gets the first answer again.
    SameAnswer,
    /// Counters are what the facts count.
    Counted,
    /// An answer is there in time, and no error is seen but for a reason outside.
    InTime,
    /// Nothing leaves before it is committed that it should.
    IntentFirst,
    /// An order is done at most once, and what is said of it is true in the end.
    TrueOrders,
    /// Whoever is owed a word gets it, or finds it with their next message, or it is kept as given up for a reason.
    Told,
    /// A message is shown once at most, whatever happens.
    ShownOnce,
    /// One customer's messages come in order.
    InOrder,
    /// When all works again, nothing stays undone.
    Drains,
}

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub rule: Rule,
    pub what: String,
}

/// Everything that did not hold.
pub fn breaches(state: &State, ended: &Ended) -> Vec<Breach> {
    let mut found = Found(Vec::new());
    let look = Look::new(state);
    look.kept_once(&mut found);
    look.same_answer(&mut found);
    look.in_time(&mut found);
    look.counted(&mut found);
    super::words::check(state, &look.facts, &mut found);
    if let Ended::Done { left, miscounted } = ended {
        found.because(Rule::Drains, left.clone());
        found.because(Rule::Counted, miscounted.clone());
    }
    found.0
}

pub struct Found(Vec<Breach>);

impl Found {
    pub fn unless(&mut self, holds: bool, rule: Rule, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Breach { rule, what: what() });
        }
    }

    fn because(&mut self, rule: Rule, what: Option<String>) {
        self.0.extend(what.map(|what| Breach { rule, what }));
    }
}

/// Under which key each delivery is kept, if it can be read.
pub fn keys(plan: &Plan) -> Vec<Option<DedupeKey>> {
    let discretion = Discretion { forget: plan.forgets(), keep_days: 180, key: PseudonymKey::new("simulator") };
    let sealed = |n: usize| {
        let read = read_clear(xml(plan, n).as_bytes()).ok();
        read.map(|inbound| discretion.seal(inbound.key))
    };
    (0..plan.deliveries.len()).map(sealed).collect()
}

/// Whether the fact is what a delivery itself is, whatever became of it.
fn is_own(what: &FactKind) -> bool {
    use FactKind::*;
    matches!(what, Followed { .. } | Unfollowed | Scanned { .. } | Tapped { .. } | Messaged)
}

struct Look<'a> {
    state: &'a State,
    facts: Vec<(u64, Fact)>,
    /// Own facts by the key they are kept under.
    own: BTreeMap<DedupeKey, usize>,
    /// Of each delivery that can be read.
    keys: Vec<Option<DedupeKey>>,
}

impl<'a> Look<'a> {
    fn new(state: &'a State) -> Self {
        let keys = keys(&state.plan);
        let facts: Vec<_> = state.shop.facts().into_iter().map(|logged| (logged.customer, logged.fact)).collect();
        let mut own = BTreeMap::new();
        for (_, fact) in facts.iter().filter(|(_, fact)| is_own(&fact.what)) {
            *own.entry(fact.key).or_default() += 1;
        }
        Self { state, facts, own, keys }
    }

    fn answers(&self, n: usize) -> impl Iterator<Item = &'a Outcome> {
        self.state.platform.standings[n].outcomes.iter().filter(|outcome| outcome.body.is_some())
    }

    fn kept_once(&self, found: &mut Found) {
        for (n, key) in self.keys.iter().enumerate() {
            let acknowledged = self.answers(n).next().is_some();
            let times = match key {
                Some(key) => self.own.get(key).copied().unwrap_or(0),
                None => {
                    let body = xml(&self.state.plan, n);
                    self.state.shop.quarantined.iter().filter(|kept| kept.body == body.as_bytes()).count().min(1)
                }
            };
            found.unless(times <= 1 || self.is_too_late(n), Rule::KeptOnce, || {
                format!("delivery {n} is in the facts {times} times")
            });
            found.unless(times > 0 || !acknowledged, Rule::KeptOnce, || format!("delivery {n} is lost"));
        }
        let known: BTreeSet<_> = self.keys.iter().flatten().collect();
        for key in self.own.keys() {
            found.unless(known.contains(key), Rule::KeptOnce, || format!("a fact of nobody's doing: {key:?}"));
        }
    }

    fn same_answer(&self, found: &mut Found) {
        for n in 0..self.keys.len() {
            let mut answers = self.answers(n);
            let Some(first) = answers.next() else { continue };
            for again in answers {
                let same = again.body == first.body;
                let forgotten = again.body.as_deref() == Some(b"success") && self.may_be_forgotten(n, (first, again));
                found.unless(same || forgotten || self.is_too_late(n), Rule::SameAnswer, || {
                    format!("delivery {n}: {} then {}", told(first), told(again))
                });
            }
        }
    }

    /// Everything stood still for longer than deliveries are known, between one try of it and another.
    fn is_too_late(&self, n: usize) -> bool {
        let begun = || self.state.platform.standings[n].begun.iter().map(|(_, began_ms)| *began_ms);
        let (Some(first), Some(last)) = (begun().min(), begun().max()) else { return false };
        let passed = self.state.plan.jumps.iter().map(|(at_ms, jump)| match jump {
            Jump::Passes { secs } if (first..=last).contains(at_ms) => *secs,
            _ => 0,
        });
        let stood_still =
            passed.sum::<i64>() + i64::try_from((last - first) / 1_000).unwrap() > KEYS_KEPT_SECS - DECIDED_WITHIN_SECS;
        // A clock that went ahead says the same; then the latest deliveries are known all the same.
        let went_ahead = self.state.plan.jumps.iter().any(|(_, jump)| matches!(jump, Jump::Off { .. }));
        stood_still || (went_ahead && self.applied_between(n) >= KEYS_KEPT_ANYWAY)
    }

    /// So many other deliveries of the customer were applied between the first and the last time this one was.
    fn applied_between(&self, n: usize) -> usize {
        let deliveries = &self.state.plan.deliveries;
        let Some(key) = self.keys[n] else { return 0 };
        let others = (0..deliveries.len()).filter(|m| *m != n && deliveries[*m].customer == deliveries[n].customer);
        let others: BTreeSet<_> = others.filter_map(|m| self.keys[m]).collect();
        let own: Vec<_> = self.facts.iter().filter(|(_, fact)| is_own(&fact.what)).map(|(_, fact)| fact.key).collect();
        let at = |it: &DedupeKey| *it == key;
        let (Some(first), Some(last)) = (own.iter().position(at), own.iter().rposition(at)) else { return 0 };
        own[first..last].iter().filter(|it| others.contains(it)).collect::<BTreeSet<_>>().len()
    }

    /// What was said is forgotten after a while, after much else was said, and at once when the customer leaves.
    fn may_be_forgotten(&self, n: usize, (first, again): (&Outcome, &Outcome)) -> bool {
        let plan = &self.state.plan;
        let customer = plan.deliveries[n].customer;
        let of_customer = |m: &usize| plan.deliveries[*m].customer == customer && *m != n;
        let others: Vec<usize> = (0..plan.deliveries.len()).filter(of_customer).collect();
        let left = others
            .iter()
            .any(|m| plan.deliveries[*m].act == Act::Unfollow && !self.state.platform.standings[*m].begun.is_empty());
        let age = again.ended_secs - first.ended_secs;
        // The clock may have been ahead in between.
        let jumped = !plan.jumps.is_empty();
        left || age.abs() > REPLIES_KEPT_SECS - 15 || jumped || others.len() >= MAX_REPLIES
    }

    fn in_time(&self, found: &mut Found) {
        for (n, standing) in self.state.platform.standings.iter().enumerate() {
            for outcome in &standing.outcomes {
                let took = outcome.ended_ms - outcome.began_ms;
                // Whoever comes while another try is answered shares what befalls it.
                let shared = standing.outcomes.iter().filter(|other| other.ended_ms >= outcome.began_ms);
                let began_ms = shared.map(|other| other.began_ms).min().unwrap_or(outcome.began_ms);
                let troubled = self.troubled(n, (began_ms.min(outcome.began_ms), outcome.ended_ms));
                found.unless(took <= 4_010, Rule::InTime, || format!("delivery {n}, try {}: {took} ms", outcome.nth));
                found.unless(outcome.body.is_some() || troubled, Rule::InTime, || {
                    format!("delivery {n}, try {}: not answered for no reason", outcome.nth)
                });
            }
            // Begun, and neither answered nor refused: only a death explains that.
            for (nth, began_ms) in &standing.begun {
                let ended = standing.outcomes.iter().any(|outcome| outcome.nth == *nth);
                let died =
                    self.state.downs.iter().any(|(from, to)| (from.saturating_sub(6_000)..=*to).contains(began_ms));
                found.unless(ended || died, Rule::InTime, || format!("delivery {n}, try {nth}: never ended"));
            }
            let tries = standing.begun.iter().filter(|(nth, _)| *nth < TRIES).count();
            found.unless(tries <= TRIES, Rule::InTime, || format!("delivery {n}: {tries} tries"));
        }
    }

    fn troubled(&self, n: usize, (from_ms, to_ms): (u64, u64)) -> bool {
        let customer = self.state.plan.deliveries[n].customer;
        let mut troubles = self.state.troubles.iter();
        troubles.any(|t| t.of.is_none_or(|of| of == customer) && t.from_ms <= to_ms && t.to_ms >= from_ms)
    }

    /// Against the definitions of the numbers, by somebody who has never heard of increments.
    fn counted(&self, found: &mut Found) {
        let log = self.facts.iter().map(|(customer, fact)| (u32::try_from(*customer).unwrap(), fact));
        let oracle = Oracle::of(log, lateness().days()).cells;
        let all: Vec<CounterRange> = Metric::all().map(CounterRange::all).collect();
        let stored = self.state.shop.counters(&all);
        // What cannot be read was counted when it was set aside, and is no fact.
        let of_facts = |key: &CounterKey| {
            key.metric != Metric::Quarantined
                || [Quarantine::Late, Quarantine::Future].iter().any(|why| why.as_str() == key.dimension)
        };
        let stored: BTreeMap<_, _> = stored.cells().filter(|(key, by)| *by != 0 && of_facts(key)).collect();
        for key in stored.keys().chain(oracle.keys()) {
            let (stored, oracle) = (stored.get(key), oracle.get(key));
            found.unless(stored == oracle, Rule::Counted, || format!("{key:?}: {stored:?}, recounted {oracle:?}"));
        }
    }
}

fn told(outcome: &Outcome) -> String {
    String::from_utf8_lossy(outcome.body.as_deref().unwrap_or_default()).into_owned()
}
