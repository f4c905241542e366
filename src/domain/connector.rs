//! A connector as data: how one question to the operator's business system is put and its answer read. `backend` asks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::template::Template;

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
    /// The code that means success.
    pub ok: String,
}
