//! Goods that there are only so many of: numbers to choose from, phones in stock, prizes. Who takes one reserves it first
//! and keeps it in the end, each in one atomic step, and asking again gets the same answer (reliability.md 2.1, B11).
//!
//! What there is stands in the playbook; what is held and taken stands here, so that an operator adds to a stock by
//! editing a file and nobody is given what somebody else has.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::UnixSecs;

mod wish;

pub use wish::{Later, RESERVED, Wish, is_own};

/// So long one is held while its taker makes up their mind.
const HOLD_SECS: u32 = 900;

/// A pool as an operator writes it: named goods, or a count of alike ones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "一批数量有限的东西：items 逐个写明（例如号码），或者 count 只写数量（例如手机库存）")]
pub struct PoolRule {
    /// Each is another.
    #[serde(default)]
    #[schemars(description = "逐个写明，每个只给一位客户；要补货就往里加")]
    pub items: Vec<String>,
    /// All are alike, so many of them.
    #[serde(default)]
    #[schemars(description = "一共多少个，卖出的也算在内；要补货就改大")]
    pub count: Option<u32>,
    /// How long one is held for somebody who has not agreed yet, in seconds: 60 to 86400.
    #[serde(default = "hold_secs")]
    #[schemars(description = "客户填写期间保留多少秒（60 到 86400），默认 900，也就是 15 分钟")]
    pub hold_secs: u32,
}

fn hold_secs() -> u32 {
    HOLD_SECS
}

impl PoolRule {
    /// What there is.
    pub fn goods(&self) -> Goods {
        match self.count {
            Some(count) if self.items.is_empty() => Goods::Counted(count),
            _ => Goods::Named(self.items.clone()),
        }
    }
}

/// What there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goods {
    /// Each is another: numbers.
    Named(Vec<String>),
    /// All are alike, so many of them.
    Counted(u32),
}

/// Who holds what: of one pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// By what it is for, an order's number for instance.
    holds: BTreeMap<String, Hold>,
}

/// One piece that is not free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hold {
    /// Which; empty where all are alike.
    item: String,
    /// Held until then; `None` when it is taken for good.
    until: Option<UnixSecs>,
}

/// What came of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// It is theirs now. Which; empty where all are alike.
    New(String),
    /// It was theirs already.
    Duplicate(String),
    /// It is not.
    Denied(Denied),
}

/// Why it is not theirs. A closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is none left.
    Empty,
    /// Somebody else has this one, or there is no such one.
    NotFree,
    /// It was held for another wish: whoever wants to change gives it back first.
    HoldsAnother,
    /// It was held no longer, and somebody may have it by now.
    RanOut,
}

impl Denied {
    /// As answers name it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotFree => "not_free",
            Self::HoldsAnother => "holds_another",
            Self::RanOut => "ran_out",
        }
    }
}

impl Pool {
    /// Holds one for `by` until `until`: this one, or any. Held already, it is held until then.
    pub fn reserve(
        &mut self,
        goods: &Goods,
        by: &str,
        (wish, now, until): (Option<&str>, UnixSecs, UnixSecs),
    ) -> Granted {
        if let Some(hold) = self.holds.get_mut(by).filter(|hold| hold.stands(now)) {
            if wish.is_some_and(|wish| wish != hold.item) {
                return Granted::Denied(Denied::HoldsAnother);
            }
            hold.until = hold.until.map(|known| known.max(until));
            return Granted::Duplicate(hold.item.clone());
        }
        let item = match (goods, wish) {
            (Goods::Named(_), Some(wish)) => self.free(goods, now).find(|item| *item == wish).map(str::to_owned),
            (Goods::Named(_), None) => self.free(goods, now).next().map(str::to_owned),
            (Goods::Counted(_), Some(_)) => None,
            (Goods::Counted(_), None) => (self.left(goods, now) > 0).then(String::new),
        };
        let Some(item) = item else {
            return Granted::Denied(if wish.is_some() { Denied::NotFree } else { Denied::Empty });
        };
        self.holds.retain(|_, hold| hold.stands(now));
        self.holds.insert(by.to_owned(), Hold { item: item.clone(), until: Some(until) });
        Granted::New(item)
    }

    /// Takes for good what `by` holds.
    pub fn take(&mut self, by: &str, now: UnixSecs) -> Granted {
        match self.holds.get_mut(by) {
            Some(hold) if hold.until.is_none() => Granted::Duplicate(hold.item.clone()),
            Some(hold) if hold.stands(now) => {
                hold.until = None;
                Granted::New(hold.item.clone())
            }
            _ => Granted::Denied(Denied::RanOut),
        }
    }

    /// Gives back what `by` held or took; says whether there was anything.
    pub fn give_back(&mut self, by: &str) -> bool {
        self.holds.remove(by).is_some()
    }

    /// How many are free.
    pub fn left(&self, goods: &Goods, now: UnixSecs) -> usize {
        match goods {
            Goods::Named(_) => self.free(goods, now).count(),
            Goods::Counted(all) => {
                let gone = self.holds.values().filter(|hold| hold.stands(now)).count();
                usize::try_from(*all).unwrap_or(usize::MAX).saturating_sub(gone)
            }
        }
    }

    /// The free ones, in the operator's order, each once; none where all are alike.
    pub fn free<'a>(&self, goods: &'a Goods, now: UnixSecs) -> impl Iterator<Item = &'a str> {
        let gone: BTreeSet<String> =
            self.holds.values().filter(|hold| hold.stands(now)).map(|hold| hold.item.clone()).collect();
        let all = match goods {
            Goods::Named(all) => all.as_slice(),
            Goods::Counted(_) => &[],
        };
        let mut seen = BTreeSet::new();
        all.iter().map(String::as_str).filter(move |item| !gone.contains(*item) && seen.insert(*item))
    }
}

impl Hold {
    fn stands(&self, now: UnixSecs) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECS: i64 = 900;

    fn named() -> Goods {
        Goods::Named(["170", "171", "172", "171"].map(str::to_owned).into())
    }

    fn reserve(pool: &mut Pool, goods: &Goods, (by, wish, now): (&str, Option<&str>, i64)) -> Granted {
        pool.reserve(goods, by, (wish, UnixSecs(now), UnixSecs(now + SECS)))
    }

    #[test]
    fn a_number_is_held_taken_and_given_back() {
        let mut pool = Pool::default();
        let goods = named();
        assert_eq!(reserve(&mut pool, &goods, ("A", Some("171"), 0)), Granted::New("171".into()));
        assert_eq!(reserve(&mut pool, &goods, ("A", Some("171"), 100)), Granted::Duplicate("171".into()));
        assert_eq!(reserve(&mut pool, &goods, ("A", Some("170"), 100)), Granted::Denied(Denied::HoldsAnother));
        assert_eq!(reserve(&mut pool, &goods, ("B", Some("171"), 100)), Granted::Denied(Denied::NotFree));
        assert_eq!(reserve(&mut pool, &goods, ("B", Some("999"), 100)), Granted::Denied(Denied::NotFree));
        assert_eq!(pool.free(&goods, UnixSecs(100)).collect::<Vec<_>>(), ["170", "172"]);
        assert_eq!(reserve(&mut pool, &goods, ("B", None, 100)), Granted::New("170".into()));
        assert_eq!(
            pool.take("A", UnixSecs(999)),
            Granted::New("171".into()),
            "held again at 100, it stands until 1000"
        );
        assert_eq!(pool.take("A", UnixSecs(9_999)), Granted::Duplicate("171".into()));
        assert_eq!(pool.take("B", UnixSecs(1_000)), Granted::Denied(Denied::RanOut));
        assert_eq!(reserve(&mut pool, &goods, ("C", Some("170"), 1_000)), Granted::New("170".into()));
        assert!(pool.give_back("A") && !pool.give_back("A"));
        assert_eq!(pool.left(&goods, UnixSecs(1_000)), 2);
    }

    #[test]
    fn a_stock_that_is_made_smaller_gives_nothing_and_takes_nothing_away() {
        let mut pool = Pool::default();
        for by in ["A", "B"] {
            assert_eq!(reserve(&mut pool, &Goods::Counted(2), (by, None, 0)), Granted::New(String::new()));
        }
        assert_eq!(reserve(&mut pool, &Goods::Counted(2), ("C", None, 0)), Granted::Denied(Denied::Empty));
        assert_eq!(reserve(&mut pool, &Goods::Counted(1), ("A", None, 0)), Granted::Duplicate(String::new()));
        assert_eq!(pool.left(&Goods::Counted(1), UnixSecs(0)), 0);
        assert_eq!(reserve(&mut pool, &Goods::Counted(3), ("C", None, 0)), Granted::New(String::new()));
        assert_eq!(reserve(&mut pool, &Goods::Counted(9), ("D", Some("x"), 0)), Granted::Denied(Denied::NotFree));
    }

    #[derive(Clone, Debug)]
    enum Act {
        Reserve(u8, Option<u8>),
        Take(u8),
        GiveBack(u8),
        Wait(i64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (0..6_u8, prop::option::of(0..4_u8)).prop_map(|(by, wish)| Act::Reserve(by, wish)),
            (0..6_u8).prop_map(Act::Take),
            (0..6_u8).prop_map(Act::GiveBack),
            (1..600_i64).prop_map(Act::Wait),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_given_twice_and_what_is_taken_stays(acts in prop::collection::vec(act(), 0..60), counted in any::<bool>()) {
            let goods = if counted { Goods::Counted(3) } else { named() };
            let (mut pool, mut now) = (Pool::default(), 0);
            let mut taken: BTreeMap<String, String> = BTreeMap::new();
            for act in acts {
                match act {
                    Act::Reserve(by, wish) => {
                        let wish = wish.map(|wish| format!("17{wish}")).filter(|_| !counted);
                        reserve(&mut pool, &goods, (&by.to_string(), wish.as_deref(), now));
                    }
                    Act::Take(by) => {
                        if let Granted::New(item) = pool.take(&by.to_string(), UnixSecs(now)) {
                            prop_assert!(taken.insert(by.to_string(), item).is_none());
                        }
                    }
                    Act::GiveBack(by) => {
                        pool.give_back(&by.to_string());
                        taken.remove(&by.to_string());
                    }
                    Act::Wait(secs) => now += secs,
                }
                let standing: Vec<&Hold> = pool.holds.values().filter(|hold| hold.stands(UnixSecs(now))).collect();
                prop_assert!(standing.len() <= 3, "more than there are: {pool:?}");
                let items: BTreeSet<&str> = standing.iter().map(|hold| hold.item.as_str()).collect();
                prop_assert!(counted || items.len() == standing.len(), "given twice: {pool:?}");
                for (by, item) in &taken {
                    prop_assert_eq!(pool.take(by, UnixSecs(now)), Granted::Duplicate(item.clone()));
                }
            }
        }
    }
}
