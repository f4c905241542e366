//! All numbers again, from nothing but the facts, held against those that are stored.

use std::collections::{BTreeMap, HashMap};

use crate::domain::customer::{Activity, Customer, Follow, TappedKey};
use crate::domain::fact::Fact;
use crate::domain::ids::AccountId;
use crate::domain::referral::invite::Invite;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterKey, Increment, Metric};
use crate::growth::lateness::{Lateness, Quarantine};
use crate::growth::record::record;
use crate::store::{Logged, Numbers, Store, StoreError};

/// So many differences are listed; all are counted.
pub const MOST_DIFFERENCES: usize = 50;
/// Facts read at once.
const PAGE: usize = 10_000;

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Facts read.
    pub facts: u64,
    /// Records they are about.
    pub customers: usize,
    /// Counters compared.
    pub counters: usize,
    /// Cells of the journal compared.
    pub journal: usize,
    /// Cells that differ.
    pub differences: usize,
    /// The first [`MOST_DIFFERENCES`] of them.
    pub listed: Vec<Difference>,
}

/// A cell that is not what the facts say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which counter.
    pub key: CounterKey,
    /// In the journal of this day; `None` for the counter itself.
    pub journalled: Option<BusinessDay>,
    /// What is stored.
    pub stored: i64,
    /// What the facts say.
    pub rebuilt: i64,
}

/// An erasure may come between reading the numbers and reading the facts; more in a row mean a fault.
const MAX_TRIES: usize = 8;

/// Rebuilds all numbers of an account and compares them. `seen` hears of the facts read so far and of all. Beside a
/// running server it is exact too: what is compared is one instant.
///
/// # Errors
/// As the store answers.
pub async fn verify(
    store: &dyn Store,
    (account, lateness): (&AccountId, Lateness),
    seen: impl Fn(u64, u64),
) -> Result<Verified, StoreError> {
    for _ in 0..MAX_TRIES {
        let residue = store.residue(account).await?;
        let numbers = store.numbers(account).await?;
        let mut rebuild = Rebuild::new(lateness);
        let places: u64 = numbers.facts.iter().map(|places| places.end() - places.start() + 1).sum();
        let mut read = 0;
        for stretch in &numbers.facts {
            let mut after = stretch.start() - 1;
            while after < *stretch.end() {
                let page = store.facts(account, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.seq;
                for logged in page.into_iter().filter(|logged| logged.seq <= *stretch.end()) {
                    rebuild.add(logged);
                }
                seen(read + (after.min(*stretch.end()) - stretch.start() + 1), places);
            }
            read += stretch.end() - stretch.start() + 1;
        }
        rebuild.end_delivery();
        if store.residue(account).await? == residue {
            // What erased customers counted has no facts any more.
            rebuild.count(residue);
            return Ok(rebuild.compare(numbers));
        }
    }
    Err(StoreError::Unavailable("customers are being erased; verify again afterwards".into()))
}

/// Whether a counter comes from facts: a delivery that could not be read was counted when it was set aside.
fn has_facts(key: &CounterKey) -> bool {
    key.metric != Metric::Quarantined
        || [Quarantine::Late, Quarantine::Future].iter().any(|why| why.as_str() == key.dimension)
}

/// What the numbers need of a customer.
#[derive(Default)]
struct Kept {
    follow: Follow,
    activity: Option<Activity>,
    tapped: Vec<TappedKey>,
    invite: Invite,
}

struct Rebuild {
    lateness: Lateness,
    customers: HashMap<u64, Kept>,
    /// The facts of one delivery stand together in the log and are counted together.
    delivery: Vec<Fact>,
    of: u64,
    facts: u64,
    counters: BTreeMap<CounterKey, i64>,
    journal: BTreeMap<(BusinessDay, CounterKey), i64>,
}

impl Rebuild {
    fn new(lateness: Lateness) -> Self {
        Self {
            lateness,
            customers: HashMap::new(),
            delivery: Vec::new(),
            of: 0,
            facts: 0,
            counters: BTreeMap::new(),
            journal: BTreeMap::new(),
        }
    }

    fn add(&mut self, logged: Logged) {
        let Logged { customer, fact, .. } = logged;
        let same = |first: &Fact| self.of == customer && first.key == fact.key && first.arrived == fact.arrived;
        if !self.delivery.first().is_some_and(same) {
            self.end_delivery();
            self.of = customer;
        }
        self.delivery.push(fact);
        self.facts += 1;
    }

    fn end_delivery(&mut self) {
        if self.delivery.is_empty() {
            return;
        }
        let kept = self.customers.entry(self.of).or_default();
        let Kept { follow, activity, tapped, invite } = std::mem::take(kept);
        let mut customer = Customer { follow, activity, tapped, invite, ..Customer::default() };
        let recorded = record(&mut customer, &self.delivery, self.lateness);
        let Customer { follow, activity, tapped, invite, .. } = customer;
        *kept = Kept { follow, activity, tapped, invite };
        self.delivery.clear();
        self.count(recorded.increments);
    }

    fn count(&mut self, increments: Vec<Increment>) {
        for Increment { key, by, late_on } in increments {
            if let Some(arrived) = late_on {
                *self.journal.entry((arrived, key.clone())).or_default() += by;
            }
            *self.counters.entry(key).or_default() += by;
        }
    }

    fn compare(self, numbers: Numbers) -> Verified {
        let stored: BTreeMap<CounterKey, i64> =
            numbers.counters.into_iter().filter(|(key, _)| has_facts(key)).collect();
        let journal: BTreeMap<(BusinessDay, CounterKey), i64> =
            numbers.journal.into_iter().map(|(day, key, by)| ((day, key), by)).collect();
        let mut verified = Verified { facts: self.facts, customers: self.customers.len(), ..Verified::default() };
        verified.counters = compare(&stored, &self.counters, |key, (stored, rebuilt)| {
            verified.note(Difference { key: key.clone(), journalled: None, stored, rebuilt });
        });
        verified.journal = compare(&journal, &self.journal, |(day, key), (stored, rebuilt)| {
            verified.note(Difference { key: key.clone(), journalled: Some(*day), stored, rebuilt });
        });
        verified
    }
}

impl Verified {
    fn note(&mut self, difference: Difference) {
        self.differences += 1;
        if self.listed.len() < MOST_DIFFERENCES {
            self.listed.push(difference);
        }
    }
}

/// Compares two sets of cells, where one that is not there is 0, and says how many there are.
fn compare<K: Ord>(
    stored: &BTreeMap<K, i64>,
    rebuilt: &BTreeMap<K, i64>,
    mut differ: impl FnMut(&K, (i64, i64)),
) -> usize {
    let mut cells = 0;
    let only_rebuilt = rebuilt.keys().filter(|key| !stored.contains_key(*key));
    for key in stored.keys().chain(only_rebuilt) {
        let both = [stored, rebuilt].map(|cells| cells.get(key).copied().unwrap_or(0));
        cells += usize::from(both != [0, 0]);
        if both[0] != both[1] {
            differ(key, (both[0], both[1]));
        }
    }
    cells
}
