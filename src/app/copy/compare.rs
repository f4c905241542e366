//! Whether what is here is what is there. Customers lie partition by partition in one order on both sides, so of records and
//! facts a digest of each partition is compared, which takes no memory; all else is compared one by one.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use super::walk::Walk;
use crate::domain::ids::AccountId;
use crate::growth::counter::CounterKey;
use crate::store::{Content, CustomerRef, Kept, Logged, Partitions, Quarantined, Spec, Step, StoreError};

/// Something that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// Whose.
    pub account: AccountId,
    /// Of what.
    pub step: Step,
    /// Which, without a word of any customer.
    pub which: String,
    /// At the source.
    pub there: String,
    /// At the target.
    pub here: String,
}

impl fmt::Display for Differing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, step, which, there, here } = self;
        write!(f, "{account}: {} {which}: {there} at --from, {here} at --to", step.as_str())
    }
}

/// What something is called, and what it is.
#[derive(Default)]
struct Sums(BTreeMap<String, Sum>);

#[derive(Default)]
struct Sum {
    items: u64,
    value: i64,
    /// Of what is more than a value; there are many counters.
    digest: Option<Box<Sha256>>,
}

impl Sum {
    fn told(&self) -> (u64, i64, Option<[u8; 32]>) {
        (self.items, self.value, self.digest.as_ref().map(|digest| (**digest).clone().finalize().into()))
    }
}

/// Compares a step; the answer is how many items there are, and what differs.
pub(super) async fn compare(
    (mut there, mut here): (Walk<'_>, Walk<'_>),
    (spec, fitting): (Spec, impl Fn(Content) -> Content),
    seen: impl AsyncFn(&Content) -> Result<(), StoreError>,
) -> Result<(u64, Vec<Differing>), StoreError> {
    let partitions = Partitions::new(spec.partitions)?;
    let (mut sums, mut others) = (Sums::default(), Sums::default());
    for (walk, sums) in [(&mut there, &mut sums), (&mut here, &mut others)] {
        let mut after = 0;
        while let Some((content, last)) = walk.next(after).await? {
            after = last;
            seen(&content).await?;
            sums.add(fitting(content), partitions)?;
        }
    }
    let items = sums.0.values().map(|sum| sum.items).sum();
    let (account, step) = (there.account().clone(), there.step);
    Ok((items, sums.differing(&others, (&account, step))))
}

impl Sums {
    fn add(&mut self, content: Content, partitions: Partitions) -> Result<(), StoreError> {
        let of = |of: &CustomerRef| format!("of partition {}", partitions.of(of).0);
        match content {
            Content::Records(records) => {
                for Kept { of: who, stored, outbox, .. } in records {
                    let works: Vec<_> = outbox.iter().map(|kept| (&kept.work, kept.due, kept.attempt)).collect();
                    let bytes = bytes(&(who.openid.as_str(), stored.version.0, &stored.customer, works))?;
                    self.one(of(&who), 0, &bytes);
                }
            }
            Content::Facts(facts) => {
                for Logged { of: who, fact, .. } in facts {
                    self.one(of(&who), 0, &bytes(&(who.openid.as_str(), &fact))?);
                }
            }
            Content::Counters(counters) => counters.iter().for_each(|(key, by)| self.one(cell(key), *by, &[])),
            Content::Journal(journal) => {
                journal.iter().for_each(|(day, key, by)| self.one(format!("of {day} {}", cell(key)), *by, &[]));
            }
            Content::Residue(residue) => {
                for increment in residue {
                    let late = increment.late_on.map(|day| format!(" late on {day}")).unwrap_or_default();
                    self.one(format!("{}{late}", cell(&increment.key)), increment.by, &[]);
                }
            }
            Content::Aside(entries) => {
                for Quarantined { arrived, reason, body, .. } in entries {
                    self.one("of all days".into(), 0, &bytes(&(arrived, reason, body))?);
                }
            }
            Content::Shared(records) => {
                for (name, shared) in records {
                    self.one(format!("{:?} {}", name.kind, name.part), 0, &bytes(&(shared.version.0, shared.body))?);
                }
            }
        }
        Ok(())
    }

    fn one(&mut self, name: String, value: i64, bytes: &[u8]) {
        let sum = self.0.entry(name).or_default();
        sum.items += 1;
        sum.value = sum.value.saturating_add(value);
        if !bytes.is_empty() {
            let digest = sum.digest.get_or_insert_default();
            // With its length, so that no two different lists run into the same bytes.
            digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(bytes);
        }
    }

    fn differing(&self, other: &Self, (account, step): (&AccountId, Step)) -> Vec<Differing> {
        let nothing = Sum::default();
        let only_other = other.0.keys().filter(|name| !self.0.contains_key(*name));
        let differs = |name: &String| {
            let [there, here] = [self, other].map(|sums| sums.0.get(name).unwrap_or(&nothing));
            let (one, two) = (there.told(), here.told());
            let told = |sum: &Sum| match step {
                Step::Counters | Step::Journal | Step::Residue => sum.value.to_string(),
                _ => format!("{} of them", sum.items),
            };
            (one != two).then(|| Differing {
                account: account.clone(),
                step,
                which: name.clone(),
                there: told(there),
                here: told(here),
            })
        };
        self.0.keys().chain(only_other).filter_map(differs).collect()
    }
}

fn cell(CounterKey { metric, a, b, dimension }: &CounterKey) -> String {
    format!("{metric:?}[{a}, {b}] {dimension:?}")
}

fn bytes<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    let unreadable = |error: postcard::Error| StoreError::Shape { what: "copied value", cause: error.to_string() };
    postcard::to_stdvec(value).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::Metric;

    fn sums(counters: &[(i32, i64)]) -> Sums {
        let mut sums = Sums::default();
        let key = |a| CounterKey { metric: Metric::Messages, a, b: 0, dimension: "hall".into() };
        let counters = counters.iter().map(|(a, by)| (key(*a), *by)).collect();
        sums.add(Content::Counters(counters), Partitions::new(4).unwrap()).unwrap();
        sums
    }

    fn differing(one: &[(i32, i64)], other: &[(i32, i64)]) -> Vec<String> {
        let found = sums(one).differing(&sums(other), (&"demo".into(), Step::Counters));
        found.iter().map(Differing::to_string).collect()
    }

    #[test]
    fn a_counter_that_differs_or_is_on_one_side_only_is_named() {
        assert!(differing(&[(1, 5), (2, 6)], &[(1, 5), (2, 6)]).is_empty());
        assert_eq!(
            differing(&[(1, 5), (2, 6)], &[(1, 4), (3, 1)]),
            [
                "demo: counters Messages[1, 0] \"hall\": 5 at --from, 4 at --to",
                "demo: counters Messages[2, 0] \"hall\": 6 at --from, 0 at --to",
                "demo: counters Messages[3, 0] \"hall\": 0 at --from, 1 at --to",
            ]
        );
    }

    #[test]
    fn facts_in_another_order_differ() {
        let fact = |mark| Logged {
            seq: mark,
            customer: 1,
            of: CustomerRef { account: "demo".into(), openid: "o1".into() },
            fact: crate::domain::fact::Fact {
                at: crate::domain::sample::NOON,
                arrived: crate::domain::sample::NOON,
                key: crate::domain::ids::DedupeKey(mark),
                playbook: "p".into(),
                what: crate::domain::fact::FactKind::Messaged,
            },
        };
        let sums = |marks: [u64; 2]| {
            let mut sums = Sums::default();
            sums.add(Content::Facts(marks.map(fact).into()), Partitions::new(4).unwrap()).unwrap();
            sums
        };
        let about = ("demo".into(), Step::Facts);
        assert!(sums([1, 2]).differing(&sums([1, 2]), (&about.0, about.1)).is_empty());
        let found = sums([1, 2]).differing(&sums([2, 1]), (&about.0, about.1));
        assert_eq!((found.len(), found[0].there.as_str()), (1, "2 of them"));
    }
}
