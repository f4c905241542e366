//! What is asked of a pool, as a question like those to the business system: the shell answers it itself, under a reserved
//! name, from the pool's shared record. So a reservation takes the way of every other question, by the loading before a
//! decision or by the outbox, and may be repeated as they may.

use sha2::{Digest, Sha256};

use super::{Goods, Granted, Pool, PoolRule};
use crate::domain::ids::{ConnectorKey, PoolKey};
use crate::domain::question::{Answer, Question};
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};

/// Names of connectors that begin so are none of the playbook's.
pub const RESERVED: &str = "fuwu:";
const POOL: &str = "fuwu:pool/";
const LATER: &str = "fuwu:later";
/// So many are offered at once.
const OFFERED: usize = 5;

/// What somebody wants of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To see some that are free. Whoever asks as another begins elsewhere, so that not everybody wants the same.
    Offers {
        /// Who asks.
        by: String,
        /// How often they asked for others.
        page: i64,
    },
    /// To have this one held, or any; where it is not free, to see some that are.
    Hold {
        /// What for.
        by: String,
        /// Which.
        item: Option<String>,
        /// For so long; as the pool says when `None`.
        secs: Option<i64>,
    },
    /// To take for good what is held.
    Take {
        /// What for.
        by: String,
        /// Which; so that one no longer held is taken if it still is free.
        item: Option<String>,
    },
    /// To give back what is held or was taken.
    GiveBack {
        /// What for.
        by: String,
    },
}

/// A question whose answer is there as soon as it is asked: work that only has to be done at its time.
#[derive(Clone, Copy, Debug)]
pub struct Later;

impl Later {
    /// The question.
    pub fn question() -> Question {
        Question { connector: ConnectorKey::new(LATER), values: Values::new(), idempotency_key: None }
    }

    /// Its answer; `None` when a question is another one.
    pub fn answer(question: &Question) -> Option<Answer> {
        (question.connector.as_str() == LATER).then(|| Answer::Loaded(Values::new()))
    }
}

/// Whether a question is one that the shell answers itself.
pub fn is_own(question: &Question) -> bool {
    question.connector.as_str().starts_with(RESERVED)
}

impl Wish {
    /// The question. What changes for good carries an idempotency key: it is asked until it is answered.
    pub fn question(&self, pool: &PoolKey) -> Question {
        let mut values = Values::new();
        let (what, by) = match self {
            Self::Offers { by, page } => {
                values.insert("page".to_owned(), Value::Integer(*page));
                ("offers", by)
            }
            Self::Hold { by, item, secs } => {
                values.extend(item.as_ref().map(|item| ("item".to_owned(), Value::from(item.as_str()))));
                values.extend(secs.map(|secs| ("secs".to_owned(), Value::Integer(secs))));
                ("hold", by)
            }
            Self::Take { by, item } => {
                values.extend(item.as_ref().map(|item| ("item".to_owned(), Value::from(item.as_str()))));
                ("take", by)
            }
            Self::GiveBack { by } => ("give_back", by),
        };
        let is_final = matches!(self, Self::Take { .. } | Self::GiveBack { .. });
        values.insert("what".to_owned(), Value::from(what));
        values.insert("by".to_owned(), Value::from(by.as_str()));
        let idempotency_key = is_final.then(|| by.clone());
        Question { connector: ConnectorKey::new(format!("{POOL}{pool}")), values, idempotency_key }
    }

    /// What a question wants, and of which pool; `None` when it is none of a pool.
    pub fn read(question: &Question) -> Option<(PoolKey, Self)> {
        let pool = PoolKey::new(question.connector.as_str().strip_prefix(POOL)?);
        let text = |name: &str| match question.values.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let number = |name: &str| match question.values.get(name) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        };
        let by = text("by")?;
        let wish = match text("what")?.as_str() {
            "offers" => Self::Offers { by, page: number("page").unwrap_or(0) },
            "hold" => Self::Hold { by, item: text("item"), secs: number("secs") },
            "take" => Self::Take { by, item: text("item") },
            "give_back" => Self::GiveBack { by },
            _ => return None,
        };
        Some((pool, wish))
    }

    /// Does it. Of a pool that the playbook has no more nothing is given, but what was held may be taken or given back.
    pub fn fulfil(&self, pool: &mut Pool, (rule, now): (Option<&PoolRule>, UnixSecs)) -> Answer {
        let goods = rule.map_or_else(|| Goods::Named(Vec::new()), PoolRule::goods);
        match self {
            Self::Offers { by, page } => Answer::Loaded(offers(pool, (&goods, now), (by, *page))),
            Self::Hold { by, item, secs } => {
                let secs = secs.unwrap_or_else(|| rule.map_or(0, |rule| i64::from(rule.hold_secs)));
                let until = now.plus_secs(secs);
                let mut values = granted(pool.reserve(&goods, by, (item.as_deref(), now, until)));
                values.insert("until".to_owned(), Value::Integer(until.0));
                if values.contains_key("denied") {
                    values.extend(offers(pool, (&goods, now), (by, 0)));
                }
                Answer::Loaded(values)
            }
            Self::Take { by, item } => {
                let mut taken = pool.take(by, now);
                if matches!(taken, Granted::Denied(_)) {
                    taken = match pool.reserve(&goods, by, (item.as_deref(), now, now.plus_secs(1))) {
                        Granted::Denied(why) => Granted::Denied(why),
                        Granted::New(_) | Granted::Duplicate(_) => pool.take(by, now),
                    };
                }
                Answer::Loaded(granted(taken))
            }
            Self::GiveBack { by } => {
                pool.give_back(by);
                Answer::Loaded(Values::new())
            }
        }
    }
}

fn granted(granted: Granted) -> Values {
    let (name, value) = match granted {
        Granted::New(item) | Granted::Duplicate(item) => ("got", Value::from(item)),
        Granted::Denied(why) => ("denied", Value::from(why.key())),
    };
    Values::from([(name.to_owned(), value)])
}

fn offers(pool: &Pool, (goods, now): (&Goods, UnixSecs), (by, page): (&str, i64)) -> Values {
    let free: Vec<&str> = pool.free(goods, now).collect();
    let some: Vec<&str> = if free.len() <= OFFERED {
        free
    } else {
        let turned = usize::try_from(page).unwrap_or(0).saturating_mul(OFFERED);
        let start = place_of(by).wrapping_add(turned) % free.len();
        free.iter().cycle().skip(start).take(OFFERED).copied().collect()
    };
    let left = i64::try_from(pool.left(goods, now)).unwrap_or(i64::MAX);
    Values::from([("offers".to_owned(), Value::from(some.join("\n"))), ("left".to_owned(), Value::Integer(left))])
}

/// The same for the same name.
fn place_of(by: &str) -> usize {
    // What follows a slash tells apart what one customer wants; they go on where they began.
    let name = by.split_once('/').map_or(by, |(name, _)| name);
    Sha256::digest(name).iter().take(4).fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSecs = UnixSecs(1_000);

    fn rule(items: &[&str]) -> PoolRule {
        PoolRule { items: items.iter().map(|item| (*item).to_owned()).collect(), count: None, hold_secs: 900 }
    }

    fn hold(by: &str, item: &str) -> Wish {
        Wish::Hold { by: by.into(), item: Some(item.into()), secs: None }
    }

    fn asked(pool: &mut Pool, wish: &Wish) -> Values {
        let rule = rule(&["170", "171", "172"]);
        // As the shell does it: by the question, there and back.
        let question = wish.question(&"p".into());
        assert!(is_own(&question));
        let (key, read) = Wish::read(&question).unwrap();
        assert_eq!((key, &read), ("p".into(), wish));
        match read.fulfil(pool, (Some(&rule), NOW)) {
            Answer::Loaded(values) => values,
            other => panic!("{other:?}"),
        }
    }

    fn text(values: &Values, name: &str) -> String {
        values.get(name).map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn every_wish_is_a_question_and_back() {
        let by = || "n/1".to_owned();
        for wish in [
            Wish::Offers { by: by(), page: 3 },
            Wish::Hold { by: by(), item: None, secs: Some(9) },
            hold("n", "170"),
            Wish::Take { by: by(), item: Some("170".into()) },
            Wish::GiveBack { by: by() },
        ] {
            let question = wish.question(&"p".into());
            assert_eq!(Wish::read(&question), Some(("p".into(), wish.clone())));
            let is_final = matches!(wish, Wish::Take { .. } | Wish::GiveBack { .. });
            assert_eq!(question.idempotency_key.is_some(), is_final, "{wish:?}");
        }
        let later = Later::question();
        assert!(is_own(&later) && Wish::read(&later).is_none());
        assert_eq!(Later::answer(&later), Some(Answer::Loaded(Values::new())));
        let other = Question { connector: "balance".into(), ..later };
        assert!(!is_own(&other) && Later::answer(&other).is_none());
    }

    #[test]
    fn who_is_too_late_sees_what_is_free() {
        let mut pool = Pool::default();
        let mine = asked(&mut pool, &hold("a", "171"));
        assert_eq!((text(&mine, "got"), text(&mine, "until")), ("171".into(), "1900".into()));
        let late = asked(&mut pool, &hold("b", "171"));
        assert_eq!((text(&late, "denied"), text(&late, "offers")), ("not_free".into(), "170\n172".into()));
        let again = asked(&mut pool, &hold("a", "171"));
        assert_eq!(text(&again, "got"), "171");
        asked(&mut pool, &Wish::GiveBack { by: "a".into() });
        assert_eq!(text(&asked(&mut pool, &hold("b", "171")), "got"), "171");
    }

    #[test]
    fn what_ran_out_is_taken_all_the_same_while_nobody_else_has_it() {
        let take = |by: &str| Wish::Take { by: by.into(), item: Some("170".into()) };
        let mut pool = Pool::default();
        assert_eq!(text(&asked(&mut pool, &take("a")), "got"), "170");
        assert_eq!(text(&asked(&mut pool, &take("a")), "got"), "170", "once more is the same");
        assert_eq!(text(&asked(&mut pool, &take("b")), "denied"), "not_free");
    }

    #[test]
    fn of_a_pool_that_was_taken_out_of_the_playbook_nothing_is_given_but_what_was_held_is_kept() {
        let mut pool = Pool::default();
        asked(&mut pool, &hold("a", "170"));
        let of_none = |pool: &mut Pool, wish: Wish| wish.fulfil(pool, (None, NOW));
        let Answer::Loaded(denied) = of_none(&mut pool, hold("b", "171")) else { panic!() };
        assert_eq!((text(&denied, "denied"), text(&denied, "offers")), ("not_free".into(), String::new()));
        let Answer::Loaded(taken) = of_none(&mut pool, Wish::Take { by: "a".into(), item: None }) else { panic!() };
        assert_eq!(text(&taken, "got"), "170");
    }

    #[test]
    fn offers_differ_by_who_asks_and_turning_them_over_shows_every_one() {
        let rule = PoolRule { items: (0..23).map(|n| n.to_string()).collect(), ..rule(&[]) };
        let mut pool = Pool::default();
        let mut shown = |by: &str, page: i64| {
            let wish = Wish::Offers { by: by.into(), page };
            let Answer::Loaded(values) = wish.fulfil(&mut pool, (Some(&rule), NOW)) else { panic!() };
            text(&values, "offers").lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let all: std::collections::BTreeSet<String> = (0..5).flat_map(|page| shown("a", page)).collect();
        assert_eq!((all.len(), shown("a", 0).len()), (23, 5));
        let firsts: std::collections::BTreeSet<_> = (0..20).map(|n| shown(&n.to_string(), 0)).collect();
        assert!(firsts.len() > 5, "not everybody wants the same: {firsts:?}");
    }
}
