//! A connector as data: how one question to the operator's business system is put and its answer read. `backend` asks.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

mod address;
mod field;
mod header;

pub use address::{Addresses, is_public, may_be_at};
pub use field::{Field, MOST_ENTRIES, Unit};
pub use header::{Header, SECRET_PREFIX};

use super::ids::ConnectorKey;
use super::question::Answer;
use super::template::Template;
use super::value::{Value, Values};

/// The longest a customer's message may wait, so that a reply leaves within 4 s.
pub const MAX_TIMEOUT_MS: u32 = 3_000;
/// The longest a later attempt may wait.
pub const MAX_LATE_TIMEOUT_MS: u32 = 30_000;
/// The name under which every question carries the customer.
pub const OPENID: &str = "openid";
/// The name under which an answer that was kept tells how old it is.
pub const AGE: &str = "age";

/// One question to the business system (a table of `connectors.toml`).
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connector {
    /// `GET` or `POST`.
    pub method: Method,
    /// Path below `base_url`; placeholders are percent-encoded.
    pub path: Template,
    /// Query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Fields of the JSON body of a POST; every value is sent as a string.
    #[serde(default)]
    pub body: BTreeMap<String, Template>,
    /// Headers; a secret stands in the environment and is named here: `${FUWU_SECRET_…}`.
    #[serde(default)]
    pub headers: BTreeMap<String, Header>,
    /// How long the customer's message waits for the answer, in milliseconds: at most 3000, so that a reply leaves
    /// within 4 s.
    pub timeout_ms: u32,
    /// How long a later attempt waits, in milliseconds: at most 30000.
    pub late_timeout_ms: u32,
    /// The header that carries the idempotency key. Without it the connector cannot be used where money moves.
    #[serde(default)]
    pub idempotency_header: Option<String>,
    /// Whether the same question may be put again when nobody knows what came of it. Left out, it may where it only
    /// reads (`GET`) or carries an idempotency key; any other connector has to say it. What may not is put once
    /// (reliability.md B15).
    #[serde(default)]
    pub idempotent: Option<bool>,
    /// The connector that asks how a question stands whose outcome is not known; it is handed the same values.
    #[serde(default)]
    pub status: Option<ConnectorKey>,
    /// Questions that customers wait for at once: 1 to 1000, 64 when left out.
    #[serde(default)]
    pub at_once: Option<u16>,
    /// An answer may be told again for so many seconds, with its age: 1 to 3600. Only of what reads.
    #[serde(default)]
    pub cache_secs: Option<u32>,
    /// An answer may be told, with its age, for so many seconds when the business system cannot be reached: 1 to 86400.
    #[serde(default)]
    pub stale_secs: Option<u32>,
    /// Names for parts of the answer.
    pub fields: BTreeMap<String, Field>,
    /// Where a refusal carries its code (JSON pointer), and which code means success.
    #[serde(default)]
    pub refusal: Option<Refusal>,
    /// Where an answer says that it is not done yet: then it is asked again later and nobody is told an outcome.
    #[serde(default)]
    pub pending: Option<Pending>,
    /// A recorded answer: `fuwu check` proves the fields on it, `fuwu test` and `fuwu chat` answer with it.
    pub example: serde_json::Value,
    /// A recorded refusal: `fuwu check` proves `refusal` on it.
    #[serde(default)]
    pub example_refused: Option<serde_json::Value>,
    /// A recorded answer of something under way: `fuwu check` proves `pending` on it.
    #[serde(default)]
    pub example_pending: Option<serde_json::Value>,
}

/// Why an answer cannot be used: for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A part is not there.
    #[error("字段 {name}：{at} 处没有值")]
    Missing {
        /// Which.
        name: String,
        /// Where it should be.
        at: String,
    },
    /// A part is not what it should be.
    #[error("字段 {name}：{at} 处是 {found}，不是 {unit}")]
    Wrong {
        /// Which.
        name: String,
        /// Where.
        at: String,
        /// What it should be.
        unit: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Whether it is a refusal cannot be told.
    #[error("{at} 处没有代码，分不清是成功还是拒绝")]
    NoCode {
        /// Where the code should be.
        at: String,
    },
}

impl Unfit {
    /// What to do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::Missing { name, .. } | Self::Wrong { name, .. } => {
                format!("对照业务系统的回答改 fields.{name} 的 at 或 as，再更新 example")
            }
            Self::NoCode { .. } => "对照业务系统的回答改 refusal.at；成功时不带代码的，写 refusal.ok = \"\"".to_owned(),
        }
    }
}

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    Get,
    /// May change something.
    Post,
}

/// How a refusal is told from an answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// JSON pointer of the code.
    pub at: String,
    /// The code that means success. Empty when the business system sends a code only with a refusal.
    pub ok: String,
}

/// How an answer that is none yet is told from one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// JSON pointer of what says so.
    pub at: String,
    /// The values that mean that it is under way: `["processing"]`.
    pub values: Vec<String>,
}

impl Connector {
    /// Whether this is said of something that is under way.
    pub fn is_pending(&self, body: &serde_json::Value) -> bool {
        let said = |pending: &Pending| body.pointer(&pending.at).and_then(field::word);
        self.pending.as_ref().is_some_and(|pending| said(pending).is_some_and(|said| pending.values.contains(&said)))
    }

    /// Whether a question whose outcome is not known may be put again. Where not, a question that may have been put is
    /// never sent a second time, by nobody.
    pub fn may_be_repeated(&self) -> bool {
        self.idempotent.unwrap_or(self.method == Method::Get || self.idempotency_header.is_some())
    }

    /// Reads an answer of the business system. One that lacks a part, or has it in another unit, cannot be used.
    pub fn read(&self, body: &serde_json::Value) -> Answer {
        self.understand(body).unwrap_or(Answer::Down)
    }

    /// As [`Connector::read`]. What is under way is [`Answer::TimedOut`]: nobody knows yet.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn understand(&self, body: &serde_json::Value) -> Result<Answer, Unfit> {
        if self.is_pending(body) {
            return Ok(Answer::TimedOut);
        }
        if let Some(refusal) = &self.refusal {
            match refusal.code(body) {
                Some(code) if code == refusal.ok => {}
                Some(code) if !code.is_empty() => return Ok(Answer::Refused { code }),
                _ => return Err(Unfit::NoCode { at: refusal.at.clone() }),
            }
        }
        let named = |(name, field): (&String, &Field)| Ok((name.clone(), field.read(name, body)?));
        self.fields.iter().map(named).collect::<Result<Values, Unfit>>().map(Answer::Loaded)
    }

    /// The names that its request uses.
    pub fn placeholders(&self) -> BTreeSet<String> {
        let templates = std::iter::once(&self.path).chain(self.query.values()).chain(self.body.values());
        templates.flat_map(Template::placeholders).collect()
    }

    /// The names of the secrets that its headers need.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.headers.values().flat_map(Header::secrets)
    }
}

impl Refusal {
    /// The code an answer carries; empty when there is none, `None` when it is no code.
    pub fn code(&self, body: &serde_json::Value) -> Option<String> {
        match body.pointer(&self.at) {
            None | Some(serde_json::Value::Null) => Some(String::new()),
            Some(part) => field::word(part),
        }
    }
}

/// A value as a business system reads it: plain digits in the smallest unit, words as they are.
pub fn wire(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(n) | Value::Fen(n) | Value::Kib(n) | Value::Minutes(n) | Value::Age(n) => n.to_string(),
        Value::Private(private) => private.clear().to_owned(),
        // Nothing that is asked contains one: `backend` refuses it.
        // A list is a part of an answer and of no question.
        Value::Sealed(_) | Value::List(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn connector() -> Connector {
        serde_json::from_value(json!({
            "method": "GET", "path": "/balance", "timeout_ms": 800, "late_timeout_ms": 5000,
            "fields": {
                "name": {"at": "/plan/name", "as": "text"},
                "balance": {"at": "/fen", "as": "fen"},
                "left": {"at": "/kib", "as": "kib"},
                "points": {"at": "/list/0", "as": "integer"},
            },
            "refusal": {"at": "/code", "ok": "0"},
            "example": null,
        }))
        .unwrap()
    }

    #[test]
    fn parts_are_read_with_their_units_and_integers_may_be_strings() {
        let body = json!({"code": 0, "plan": {"name": "畅享"}, "fen": "1234", "kib": 2048, "list": [-7]});
        let expected = [
            ("name", Value::from("畅享")),
            ("balance", Value::Fen(1234)),
            ("left", Value::Kib(2048)),
            ("points", Value::Integer(-7)),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value)).into();
        assert_eq!(connector().read(&body), Answer::Loaded(expected));
    }

    #[test]
    fn an_answer_that_lacks_a_part_cannot_be_used() {
        let whole = json!({"code": "0", "plan": {"name": "a"}, "fen": 1, "kib": 1, "list": [1]});
        assert!(matches!(connector().read(&whole), Answer::Loaded(_)));
        let faults = [
            ("fen", json!(1.5)),
            ("fen", json!("12.3")),
            ("kib", json!(null)),
            ("list", json!([])),
            ("plan", json!(1)),
        ];
        for (key, wrong) in faults {
            let mut body = whole.clone();
            body[key] = wrong;
            assert_eq!(connector().read(&body), Answer::Down, "{key}");
        }
        assert_eq!(connector().read(&json!("busy")), Answer::Down);
    }

    #[test]
    fn a_refusal_carries_its_code_and_a_missing_code_is_no_success() {
        assert_eq!(connector().read(&json!({"code": "E17"})), Answer::Refused { code: "E17".into() });
        assert_eq!(connector().read(&json!({"code": 17})), Answer::Refused { code: "17".into() });
        assert_eq!(connector().read(&json!({"plan": {}})), Answer::Down);
        let mut silent = connector();
        silent.refusal = Some(Refusal { at: "/code".into(), ok: String::new() });
        silent.fields.clear();
        assert_eq!(silent.read(&json!({})), Answer::Loaded(Values::new()));
        assert_eq!(silent.read(&json!({"code": {"a": 1}})), Answer::Down);
    }

    #[test]
    fn what_is_under_way_is_neither_done_nor_refused() {
        let mut busy = connector();
        busy.pending = Some(Pending { at: "/status".into(), values: vec!["processing".into(), "2".into()] });
        let done = json!({"code": "0", "status": "done", "plan": {"name": "a"}, "fen": 1, "kib": 1, "list": [1]});
        assert!(matches!(busy.read(&done), Answer::Loaded(_)));
        for status in [json!("processing"), json!(2)] {
            let mut body = done.clone();
            body["status"] = status;
            assert_eq!(busy.read(&body), Answer::TimedOut);
            body["code"] = json!("E1");
            assert_eq!(busy.read(&body), Answer::TimedOut, "also where the code is not the one of success yet");
        }
        assert_eq!(busy.read(&json!({"code": "E1"})), Answer::Refused { code: "E1".into() });
    }

    #[test]
    fn what_reads_or_carries_a_key_may_be_repeated_unless_the_operator_says_otherwise() {
        let with = |method, header: Option<&str>, idempotent| {
            let idempotency_header = header.map(str::to_owned);
            Connector { method, idempotency_header, idempotent, ..connector() }.may_be_repeated()
        };
        assert!(with(Method::Get, None, None) && with(Method::Post, Some("K"), None));
        assert!(!with(Method::Post, None, None), "what may move something is not guessed");
        assert!(with(Method::Post, None, Some(true)));
        assert!(!with(Method::Post, Some("K"), Some(false)) && !with(Method::Get, None, Some(false)));
    }

    #[test]
    fn a_business_system_reads_plain_digits() {
        let all = [Value::Fen(1234), Value::Kib(2048), Value::Integer(3), Value::from("<词>")];
        assert_eq!(all.map(|value| wire(&value)), ["1234", "2048", "3", "<词>"]);
    }
}
