//! A connector as data: how one question to the operator's business system is put and its answer read. `backend` asks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

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
    /// Names for parts of the answer.
    pub fields: BTreeMap<String, Field>,
    /// Where a refusal carries its code (JSON pointer), and which code means success.
    #[serde(default)]
    pub refusal: Option<Refusal>,
    /// A recorded answer: `fuwu check` proves the fields on it, `fuwu test` and `fuwu chat` answer with it.
    pub example: serde_json::Value,
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

/// One part of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// JSON pointer (RFC 6901): `/plan/name`.
    pub at: String,
    /// What it is.
    #[serde(rename = "as")]
    pub unit: Unit,
}

/// The type and unit of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Words.
    Text,
    /// A count.
    Integer,
    /// Money in fen, shown as yuan.
    Fen,
    /// Data volume in KiB, shown as KB, MB or GB.
    Kib,
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

impl Connector {
    /// Whether a question whose outcome is not known may be put again. Where not, a question that may have been put is
    /// never sent a second time, by nobody.
    pub fn may_be_repeated(&self) -> bool {
        self.idempotent.unwrap_or(self.method == Method::Get || self.idempotency_header.is_some())
    }

    /// Reads an answer of the business system. One that lacks a part, or has it in another unit, cannot be used.
    pub fn read(&self, body: &serde_json::Value) -> Answer {
        if let Some(refusal) = &self.refusal {
            match refusal.code(body) {
                Some(code) if code == refusal.ok => {}
                Some(code) if !code.is_empty() => return Answer::Refused { code },
                _ => return Answer::Down,
            }
        }
        let named = |(name, field): (&String, &Field)| Some((name.clone(), field.read(body)?));
        self.fields.iter().map(named).collect::<Option<Values>>().map_or(Answer::Down, Answer::Loaded)
    }
}

impl Field {
    /// This part of an answer; `None` when it is not there or not of its unit.
    pub fn read(&self, body: &serde_json::Value) -> Option<Value> {
        let part = body.pointer(&self.at)?;
        match self.unit {
            Unit::Text => word(part).map(Value::Text),
            Unit::Integer => integer(part).map(Value::Integer),
            Unit::Fen => integer(part).map(Value::Fen),
            Unit::Kib => integer(part).map(Value::Kib),
        }
    }
}

impl Refusal {
    /// The code an answer carries; empty when there is none, `None` when it is no code.
    pub fn code(&self, body: &serde_json::Value) -> Option<String> {
        match body.pointer(&self.at) {
            None | Some(serde_json::Value::Null) => Some(String::new()),
            Some(part) => word(part),
        }
    }
}

/// A value as a business system reads it: plain digits in the smallest unit, words as they are.
pub fn wire(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(n) | Value::Fen(n) | Value::Kib(n) => n.to_string(),
        Value::Private(private) => private.clear().to_owned(),
        // Nothing that is asked contains one: `backend` refuses it.
        Value::Sealed(_) => String::new(),
    }
}

fn word(part: &serde_json::Value) -> Option<String> {
    match part {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Many business systems send integers as strings.
fn integer(part: &serde_json::Value) -> Option<i64> {
    part.as_i64().or_else(|| part.as_str()?.trim().parse().ok())
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
