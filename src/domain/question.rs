//! A question to the operator's business system, and what came of it.

use serde::{Deserialize, Serialize};

use super::ids::ConnectorKey;
use super::value::Values;

/// A question, as data: the shell asks it with a deadline and hands the answer in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Which connector.
    pub connector: ConnectorKey,
    /// What its templates may use.
    pub values: Values,
    /// The same for every repetition of this question. A question with one may move money and is never asked
    /// without it.
    pub idempotency_key: Option<String>,
}

/// What came of a question. Even the late answer is a value, and so a tested branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The business system answered; these are the fields its connector names.
    Loaded(Values),
    /// The business system understood and said no.
    Refused {
        /// Its code, as the connector reads it.
        code: String,
    },
    /// No answer within the deadline. Whether the question had an effect is unknown.
    TimedOut,
    /// The business system cannot be reached, or what it says cannot be used.
    Down,
}
