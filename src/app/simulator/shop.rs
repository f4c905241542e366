//! The store as a plain value: what is committed. The embedded store does the same with the same calls (`likeness`).

use std::collections::BTreeMap;

use super::ledger::Ledger;
use super::likeness::Twin;
use super::plants::Plant;
use crate::domain::customer::Customer;
use crate::domain::fact::Fact;
use crate::domain::forget::Keep;
use crate::domain::ids::Openid;
use crate::domain::order::Order;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::domain::work::Work;
use crate::growth::counter::{CounterKey, CounterRange, Increment, Metric};
use crate::growth::counters::Counters;
use crate::growth::lateness::Lateness;
use crate::growth::residue::of_lost_words;
use crate::store::{
    Claimed, Commit, Committed, CustomerRef, Logged, Numbers, PseudonymKey, Quarantined, Shared, SharedChange,
    SharedKind, SharedName, Spent, Store, Stored, Version,
};

struct Row {
    id: u64,
    version: u64,
    customer: Customer,
}

struct Owed {
    seq: u64,
    customer: u64,
    due: i64,
    attempt: u32,
    work: Work,
}

pub struct Shop {
    key: PseudonymKey,
    account: crate::domain::ids::AccountId,
    rows: BTreeMap<Openid, Row>,
    facts: Vec<(u64, Fact)>,
    counters: BTreeMap<CounterKey, i64>,
    journal: BTreeMap<(BusinessDay, CounterKey), i64>,
    outbox: Vec<Owed>,
    pub quarantined: Vec<Quarantined>,
    shared: BTreeMap<(String, String), Shared>,
    last_id: u64,
    last_seq: u64,
    plant: Option<Plant>,
    /// The embedded store, where it is to do the same.
    pub twin: Twin,
    /// Commits that were acknowledged too early, with what a crash takes back.
    unsynced: Vec<Commit>,
    /// What an onlooker writes down.
    pub ledger: Ledger,
}

/// Since the beginning of the run, and by our clock.
pub type Now = (u64, UnixSecs);

/// Late by the settings of the run.
pub fn lateness() -> Lateness {
    Lateness::default()
}

impl Shop {
    pub fn new(plant: Option<Plant>) -> Self {
        Self {
            key: PseudonymKey::new("simulator"),
            account: "demo".into(),
            rows: BTreeMap::new(),
            facts: Vec::new(),
            counters: BTreeMap::new(),
            journal: BTreeMap::new(),
            outbox: Vec::new(),
            quarantined: Vec::new(),
            shared: BTreeMap::new(),
            last_id: 0,
            last_seq: 0,
            plant,
            twin: Twin::default(),
            unsynced: Vec::new(),
            ledger: Ledger::default(),
        }
    }

    fn tombstone(&self, of: &CustomerRef) -> Openid {
        let hash = self.key.mark(&[of.account.as_str().as_bytes(), of.openid.as_str().as_bytes()]);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Openid::new(format!("~0.{hash}"))
    }

    /// Under which name the record is kept now.
    fn name_of(&self, of: &CustomerRef) -> Option<Openid> {
        if self.rows.contains_key(&of.openid) {
            return Some(of.openid.clone());
        }
        Some(self.tombstone(of)).filter(|name| self.rows.contains_key(name))
    }

    pub fn load(&self, of: &CustomerRef) -> Stored {
        let row = self.name_of(of).and_then(|name| self.rows.get(&name));
        let stored = |row: &Row| Stored { version: Version(row.version), customer: row.customer.clone() };
        self.twin.says(row.map_or_else(Stored::default, stored), |twin| twin.load(of))
    }

    pub fn commit(&mut self, commit: Commit, now: Now) -> Committed {
        let twins = self.twin.says_later(|twin| twin.commit(commit.clone()));
        twins.agree(self.commit_alone(commit, now))
    }

    fn commit_alone(&mut self, commit: Commit, now: Now) -> Committed {
        if self.plant == Some(Plant::KeepsNothing) {
            return Committed::Applied;
        }
        if self.plant == Some(Plant::AcknowledgesEarly) {
            let is_stale = self.load(&commit.of).version != commit.base;
            let waits = self.unsynced.iter().any(|earlier| earlier.of == commit.of);
            if !is_stale && !waits && !commit.outbox.is_empty() {
                self.unsynced.push(commit);
                return Committed::Applied;
            }
        }
        self.apply(commit, now)
    }

    /// What was acknowledged too early becomes durable after all.
    pub fn sync(&mut self, now: Now) {
        for commit in std::mem::take(&mut self.unsynced) {
            self.apply(commit, now);
        }
    }

    /// What was not durable is gone.
    pub fn crash(&mut self) {
        self.unsynced.clear();
    }

    fn apply(&mut self, mut commit: Commit, now: Now) -> Committed {
        let of = commit.of.clone();
        let owner = self.rows.get(&of.openid).map(|row| row.id);
        let there = |id: &_| self.outbox.iter().any(|owed| Some(owed.customer) == owner && owed.work.id == *id);
        if !commit.settled.iter().all(there) {
            return Committed::Settled;
        }
        let known = self.name_of(&of);
        let version = known.as_ref().and_then(|name| self.rows.get(name)).map_or(0, |row| row.version);
        if version != commit.base.0 && self.plant != Some(Plant::OverwritesOthers) {
            return Committed::Stale;
        }
        self.plant_in(&mut commit);
        let id = known.and_then(|name| self.rows.remove(&name)).map_or_else(
            || {
                self.last_id += 1;
                self.last_id
            },
            |row| row.id,
        );
        let name = match commit.keep {
            Keep::Known => of.openid.clone(),
            Keep::Tombstone => self.tombstone(&of),
            Keep::Nothing => Openid::new(format!("!0.{id}")),
        };
        // Once nothing was kept of somebody, versions of a record that begins anew are its own.
        let forgot = || self.rows.keys().any(|name| name.as_str().starts_with("!0."));
        let version = if version == 0 && forgot() { (id - 1) << 32 } else { version };
        self.rows.insert(name, Row { id, version: version + 1, customer: commit.customer.clone() });
        self.count(commit.increments.clone());
        let times = if self.plant == Some(Plant::AppliesTwice) { 2 } else { 1 };
        for _ in 0..times {
            self.facts.extend(commit.facts.iter().map(|fact| (id, fact.clone())));
        }
        let unsent = |work: &Work| self.plant == Some(Plant::ForgetsItWasSent) && work.task.reply().is_some();
        self.outbox.retain(|owed| owed.customer != id || !commit.settled.contains(&owed.work.id) || unsent(&owed.work));
        for work in &commit.outbox {
            if !self.outbox.iter().any(|owed| owed.customer == id && owed.work.id == work.id) {
                self.last_seq += 1;
                let (seq, due) = (self.last_seq, work.due.0);
                self.outbox.push(Owed { seq, customer: id, due, attempt: 0, work: work.clone() });
            }
        }
        if commit.keep != Keep::Known {
            self.bury(id);
        }
        for Spent { key, at } in &commit.spent {
            let part = SharedName::spent(*key).part;
            let body = at.0.to_string().into_bytes();
            let mark = self.shared.entry((format!("{:?}", SharedKind::Spent), part));
            mark.or_insert(Shared { version: Version(1), body });
        }
        self.ledger.committed(&commit, now);
        Committed::Applied
    }

    fn plant_in(&self, commit: &mut Commit) {
        match self.plant {
            Some(Plant::ForgetsDeliveries) => commit.customer.recent = Default::default(),
            Some(Plant::ForgetsReplies) => commit.customer.recent.forget_replies(),
            Some(Plant::MiscountsOnce) => drop(commit.increments.pop()),
            Some(Plant::LosesWork) => commit.outbox.clear(),
            _ => {}
        }
    }

    fn count(&mut self, increments: Vec<Increment>) {
        for Increment { key, by, late_on } in increments {
            if let Some(arrived) = late_on {
                *self.journal.entry((arrived, key.clone())).or_default() += by;
            }
            *self.counters.entry(key).or_default() += by;
        }
    }

    fn bury(&mut self, id: u64) {
        self.outbox.retain(|owed| owed.customer != id);
        let mut moved = Vec::new();
        for (_, fact) in self.facts.iter_mut().filter(|(customer, _)| *customer == id) {
            if let Some(bare) = fact.without_words() {
                moved.extend(of_lost_words(fact, &bare, lateness()));
                *fact = bare;
            }
        }
        self.count(moved);
    }

    pub fn claim_due(&mut self, now: UnixSecs, lease_secs: i64, limit: usize) -> Vec<Claimed> {
        let names: BTreeMap<u64, Openid> = self.rows.iter().map(|(name, row)| (row.id, name.clone())).collect();
        let mut due: Vec<&mut Owed> = self.outbox.iter_mut().filter(|owed| owed.due <= now.0).collect();
        due.sort_by_key(|owed| (owed.due, owed.seq));
        let leased_until = if self.plant == Some(Plant::NeverGivesBack) { i64::MAX } else { now.0 + lease_secs };
        let claim = |owed: &mut Owed| {
            owed.due = leased_until;
            owed.attempt += 1;
            let of = CustomerRef { account: self.account.clone(), openid: names[&owed.customer].clone() };
            Claimed { of, work: owed.work.clone(), attempt: owed.attempt, lease_ends: UnixSecs(leased_until) }
        };
        let claimed = due.into_iter().take(limit).map(claim).collect();
        self.twin.says(claimed, |twin| twin.claim_due(now, lease_secs, limit))
    }

    pub fn defer(&mut self, of: &CustomerRef, claimed: &Claimed, due: UnixSecs) {
        self.twin.says((), |twin| twin.defer(of, claimed, due));
        let Some(id) = self.rows.get(&of.openid).map(|row| row.id) else { return };
        let same = |owed: &&mut Owed| {
            owed.customer == id && owed.work.id == claimed.work.id && owed.attempt == claimed.attempt
        };
        if let Some(owed) = self.outbox.iter_mut().find(same)
            && self.plant != Some(Plant::NeverGivesBack)
        {
            owed.due = due.0;
        }
    }

    pub fn next_due(&self) -> Option<UnixSecs> {
        let next = self.outbox.iter().map(|owed| UnixSecs(owed.due)).min();
        self.twin.says(next, |twin| twin.next_due())
    }

    /// Whether all that is owed is to look after orders that wait for a person, which goes on until one decides.
    pub fn only_looks_after(&self) -> bool {
        let waits = |id| {
            let whose = self.rows.values().find(|row| row.id == id);
            whose.is_some_and(|row| row.customer.orders.all().any(Order::needs_person))
        };
        self.outbox.iter().all(|owed| owed.work.id.as_str().contains("/keep/") && waits(owed.customer))
    }

    pub fn facts(&self) -> Vec<Logged> {
        let names: BTreeMap<u64, &Openid> = self.rows.iter().map(|(name, row)| (row.id, name)).collect();
        let logged = (1..).zip(&self.facts).map(|(seq, (customer, fact))| {
            let of = CustomerRef { account: self.account.clone(), openid: names[customer].clone() };
            Logged { seq, customer: *customer, of, fact: fact.clone() }
        });
        let facts: Vec<Logged> = logged.collect();
        if let Some(twins) = self.twin.hears(|twin| twin.facts(&self.account, 0, usize::MAX)) {
            // Names that lead to nobody are drawn by each store for itself.
            let told = |all: &[Logged]| all.iter().map(|one| (one.seq, one.fact.clone())).collect::<Vec<_>>();
            assert_eq!(told(&facts), told(&twins));
        }
        facts
    }

    pub fn counters(&self, ranges: &[CounterRange]) -> Counters {
        let asked = |key: &CounterKey| ranges.iter().any(|range| range.holds(key));
        let counters: Counters =
            self.counters.iter().filter(|(key, _)| asked(key)).map(|(key, by)| (key.clone(), *by)).collect();
        let cells = |counters: &Counters| counters.cells().filter(|(_, by)| *by != 0).collect::<BTreeMap<_, _>>();
        if let Some(twins) = self.twin.hears(|twin| twin.counters(&self.account, ranges)) {
            assert_eq!(cells(&counters), cells(&twins));
        }
        counters
    }

    pub fn numbers(&self) -> Numbers {
        let numbers = Numbers {
            facts: (!self.facts.is_empty()).then_some(1..=self.facts.len() as u64).into_iter().collect(),
            counters: self.counters.iter().filter(|(_, by)| **by != 0).map(|(key, by)| (key.clone(), *by)).collect(),
            journal: self.journal.iter().map(|((day, key), by)| (*day, key.clone(), *by)).collect(),
        };
        if let Some(mut twins) = self.twin.hears(|twin| twin.numbers(&self.account)) {
            twins.counters.sort();
            twins.journal.sort();
            assert_eq!(numbers, twins);
        }
        numbers
    }

    pub fn shared(&self, kind: SharedKind, part: &str) -> Shared {
        let shared = self.shared.get(&(format!("{kind:?}"), part.to_owned())).cloned().unwrap_or_default();
        let name = SharedName { kind, part: part.to_owned() };
        self.twin.says(shared, |twin| twin.shared(&self.account, &name))
    }

    pub fn put_shared(&mut self, change: SharedChange) -> Committed {
        let twins = self.twin.says_later(|twin| twin.put_shared(change.clone()));
        twins.agree(self.put_alone(change))
    }

    pub fn quarantine(&mut self, entry: Quarantined) {
        self.twin.says((), |twin| twin.quarantine(entry.clone()));
        let (a, dimension) = (entry.arrived.business_day().0, entry.reason.clone());
        let key = CounterKey { metric: Metric::Quarantined, a, b: 0, dimension };
        *self.counters.entry(key).or_default() += 1;
        self.quarantined.push(entry);
    }

    fn put_alone(&mut self, change: SharedChange) -> Committed {
        let key = (format!("{:?}", change.name.kind), change.name.part);
        let version = self.shared.get(&key).map_or(Version(0), |shared| shared.version);
        if version != change.base {
            return Committed::Stale;
        }
        match change.body {
            Some(body) => drop(self.shared.insert(key, Shared { version: Version(version.0 + 1), body })),
            None => drop(self.shared.remove(&key)),
        }
        Committed::Applied
    }
}
