//! Answers that may be told again, with their age. In memory, bounded, and only of questions that read.

use std::time::{Duration, Instant};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::domain::connector::{AGE, Connector, OPENID, wire};
use crate::domain::ids::PlaybookVersion;
use crate::domain::question::Question;
use crate::domain::value::{Value, Values};

/// So many answers at the most.
const MOST: usize = 20_000;
/// So many bytes of them, about.
const MOST_BYTES: u64 = 16 << 20;
/// Customers who moved something lately.
const MOST_MOVED: usize = 20_000;

/// Which question, wholly: nobody is told what somebody else asked.
type Asked = [u8; 32];
type Who = [u8; 32];

/// The answers.
pub(super) struct Kept {
    answers: Cache<Asked, Answered, Bytes>,
    /// When customers last moved something: what was answered before may not be so any more.
    moved: Cache<Who, Instant>,
}

#[derive(Clone)]
struct Answered {
    values: Values,
    /// Whom it is about.
    who: Who,
    /// When it was asked.
    at: Instant,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Asked, Answered> for Bytes {
    fn weight(&self, _: &Asked, answered: &Answered) -> u64 {
        64 + answered.values.iter().map(|(name, value)| bytes(name, value)).sum::<u64>()
    }
}

fn bytes(name: &str, value: &Value) -> u64 {
    let own = match value {
        Value::Text(text) => text.len(),
        Value::List(entries) => {
            return entries.iter().flatten().map(|(name, value)| bytes(name, value)).sum::<u64>() + 64;
        }
        _ => 16,
    };
    u64::try_from(name.len() + own).unwrap_or(u64::MAX).saturating_add(64)
}

impl Default for Kept {
    fn default() -> Self {
        Self { answers: Cache::with_weighter(MOST, MOST_BYTES, Bytes), moved: Cache::new(MOST_MOVED) }
    }
}

/// How old an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// For it to be told without asking.
    Fresh,
    /// For it to be told when nobody answers.
    Outage,
}

impl For {
    fn within(self, connector: &Connector) -> Option<Duration> {
        let secs = match self {
            Self::Fresh => connector.cache_secs,
            Self::Outage => connector.stale_secs,
        };
        secs.map(|secs| Duration::from_secs(secs.into()))
    }
}

impl Kept {
    /// Which question it is; `None` where its answer is not kept.
    pub(super) fn key(version: &PlaybookVersion, connector: &Connector, question: &Question) -> Option<Asked> {
        let is_kept = connector.cache_secs.is_some() || connector.stale_secs.is_some();
        let is_open = |value: &Value| !matches!(value, Value::Sealed(_) | Value::List(_));
        if !is_kept || question.idempotency_key.is_some() || !question.values.values().all(is_open) {
            return None;
        }
        let mut digest = Sha256::new();
        let mut part = |text: &str| {
            digest.update(text.len().to_le_bytes());
            digest.update(text);
        };
        part(version.as_str());
        part(question.connector.as_str());
        for (name, value) in &question.values {
            part(name);
            part(&wire(value));
        }
        Some(digest.finalize().into())
    }

    /// The answer, with its age, if it is young enough and the customer moved nothing since.
    pub(super) fn tell(
        &self,
        key: &Asked,
        (connector, question): (&Connector, &Question),
        (what_for, now): (For, Instant),
    ) -> Option<Values> {
        let within = what_for.within(connector)?;
        let Answered { mut values, at, .. } = self.answers.get(key)?;
        let age = now.saturating_duration_since(at);
        let has_moved = self.moved.get(&who(question)).is_some_and(|moved| moved >= at);
        // In an outage an old balance is better than none, if its age stands beside it.
        if age > within || (has_moved && what_for == For::Fresh) {
            return None;
        }
        values.insert(AGE.to_owned(), Value::Age(i64::try_from(age.as_secs()).unwrap_or(i64::MAX)));
        Some(values)
    }

    /// Keeps what was answered to a question that was put at `at`.
    pub(super) fn keep(&self, key: Asked, (question, values): (&Question, Values), at: Instant) {
        self.answers.insert(key, Answered { values, who: who(question), at });
    }

    /// Drops every answer to a question about this customer: nothing is kept of somebody who is forgotten.
    pub(super) fn forget(&self, openid: &str) {
        let who: Who = Sha256::digest(openid).into();
        if !self.answers.is_empty() {
            self.answers.retain(|_, answered| answered.who != who);
        }
        self.moved.remove(&who);
    }

    /// The customer of this question moved something at `now`, or may have.
    pub(super) fn moved(&self, question: &Question, now: Instant) {
        self.moved.insert(who(question), now);
    }
}

fn who(question: &Question) -> Who {
    let openid = question.values.get(OPENID).map(wire).unwrap_or_default();
    Sha256::digest(openid).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::private::Private;

    fn connector() -> Connector {
        let connector = json!({
            "method": "GET", "path": "/p", "timeout_ms": 1, "late_timeout_ms": 1, "fields": {}, "example": {},
            "cache_secs": 60, "stale_secs": 600,
        });
        serde_json::from_value(connector).unwrap()
    }

    fn question(openid: &str, number: &str) -> Question {
        let values = [(OPENID, Value::from(openid)), ("number", Value::Private(Private::new(number)))];
        let values = values.map(|(name, value)| (name.to_owned(), value)).into();
        Question { connector: "c".into(), values, idempotency_key: None }
    }

    fn key(question: &Question) -> Option<Asked> {
        Kept::key(&"v".into(), &connector(), question)
    }

    fn balance() -> Values {
        Values::from([("balance".to_owned(), Value::Fen(5))])
    }

    #[test]
    fn an_answer_is_told_again_with_its_age_while_it_is_young() {
        let (kept, at, of) = (Kept::default(), Instant::now(), question("o1", "13800138000"));
        let asked = key(&of).unwrap();
        kept.keep(asked, (&of, balance()), at);
        let tell = |what_for, secs| kept.tell(&asked, (&connector(), &of), (what_for, at + Duration::from_secs(secs)));
        let mut told = balance();
        told.insert(AGE.to_owned(), Value::Age(60));
        assert_eq!((tell(For::Fresh, 60), tell(For::Fresh, 61)), (Some(told), None));
        assert_eq!(tell(For::Outage, 61).unwrap().get(AGE), Some(&Value::Age(61)));
        assert_eq!(tell(For::Outage, 601), None);
    }

    #[test]
    fn nobody_is_told_what_was_answered_to_another_question() {
        let (kept, now) = (Kept::default(), Instant::now());
        let of = question("o1", "13800138000");
        kept.keep(key(&of).unwrap(), (&of, balance()), now);
        for other in [question("o2", "13800138000"), question("o1", "13800138001"), question("o11", "3800138000")] {
            assert_eq!(kept.tell(&key(&other).unwrap(), (&connector(), &other), (For::Fresh, now)), None);
        }
        let renewed = Kept::key(&"w".into(), &connector(), &of).unwrap();
        assert_eq!(kept.tell(&renewed, (&connector(), &of), (For::Fresh, now)), None, "the playbook is another one");
    }

    #[test]
    fn what_moves_value_is_never_kept_and_makes_what_was_kept_old() {
        let order = Question { idempotency_key: Some("k".into()), ..question("o1", "1") };
        assert_eq!(key(&order), None);
        let plain = Connector { cache_secs: None, stale_secs: None, ..connector() };
        assert_eq!(Kept::key(&"v".into(), &plain, &question("o1", "1")), None);
        let sealed = Question { values: [("n".to_owned(), Value::Sealed(vec![1]))].into(), ..question("o1", "1") };
        assert_eq!(key(&sealed), None);
        let (kept, at) = (Kept::default(), Instant::now());
        let [of, other] = [question("o1", "1"), question("o2", "1")];
        for of in [&of, &other] {
            kept.keep(key(of).unwrap(), (of, balance()), at);
        }
        kept.moved(&order, at + Duration::from_secs(1));
        let now = at + Duration::from_secs(2);
        let tell =
            |of: &Question, what_for| kept.tell(&key(of).unwrap(), (&connector(), of), (what_for, now)).is_some();
        assert_eq!([tell(&of, For::Fresh), tell(&other, For::Fresh), tell(&of, For::Outage)], [false, true, true]);
        kept.keep(key(&of).unwrap(), (&of, balance()), now);
        assert!(tell(&of, For::Fresh), "asked after it");
    }

    #[test]
    fn so_much_is_kept_and_no_more() {
        let (kept, now) = (Kept::default(), Instant::now());
        let long = Values::from([("t".to_owned(), Value::from("x".repeat(60_000)))]);
        for n in 0..1_000 {
            let of = question(&format!("o{n}"), "1");
            kept.keep(key(&of).unwrap(), (&of, long.clone()), now);
        }
        assert!(kept.answers.weight() <= MOST_BYTES && kept.answers.len() < 300, "{}", kept.answers.len());
    }

    #[test]
    fn of_somebody_who_is_forgotten_no_answer_is_kept() {
        let (kept, now) = (Kept::default(), Instant::now());
        let [of, other] = [question("o1", "1"), question("o2", "1")];
        for of in [&of, &other] {
            kept.keep(key(of).unwrap(), (of, balance()), now);
            kept.moved(of, now);
        }
        kept.forget("o1");
        let tell = |of: &Question| kept.tell(&key(of).unwrap(), (&connector(), of), (For::Outage, now)).is_some();
        assert_eq!((tell(&of), tell(&other), kept.moved.len()), (false, true, 1));
    }
}
