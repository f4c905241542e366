//! A question to the operator's business system, and what came of it.

use serde::{Deserialize, Serialize};

use super::ids::ConnectorKey;
use super::value::Values;

/// In the memo of outgoing work: its question may have been put before, by work that is no more.
pub const ASKED_BEFORE: &str = "asked_before";

/// In the values of a question: its `number` is sent something by it, and so often on a day at the most, whoever asks.
/// Further questions of that day are not put and answered with a refusal of the code [`TOO_MANY`].
pub const MOST_A_DAY: &str = "@most_a_day";
/// The code of that refusal.
pub const TOO_MANY: &str = "TOO_MANY";

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

/// A question that fuwu answers by itself: of the payment platform, or of its own records. It is put under a connector's
/// key that no playbook can give ([`Errand::is_reserved`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Errand {
    /// Begins a payment: `order`, `label`, `amount_fen`, `until`. Answers `prepay_id`.
    Prepay,
    /// Asks whether it is paid: `order`, `until`. Answers `state`, and of a payment `transaction`, `total_fen`, `at`.
    Query,
    /// Closes it, if nobody has paid: `order`. Answers as [`Errand::Query`].
    Close,
    /// Gives money back: `order`, `nth`, `back_fen`, `total_fen`, `label`. Answers `number`, `transaction`, `back_fen`,
    /// `total_fen`, `at` once it is back.
    Refund,
    /// Tells the people who look after orders: `order`, `reason`, `amount_fen`.
    Call,
    /// Looks after an order that is under way.
    Keep,
    /// Forgets what was asked of the customer for an order that has ended.
    Forget,
}

impl Errand {
    /// Every one.
    pub const ALL: [Self; 7] =
        [Self::Prepay, Self::Query, Self::Close, Self::Refund, Self::Call, Self::Keep, Self::Forget];

    /// Its key among connectors.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepay => "pay:prepay",
            Self::Query => "pay:query",
            Self::Close => "pay:close",
            Self::Refund => "pay:refund",
            Self::Call => "order:call",
            Self::Keep => "order:keep",
            Self::Forget => "order:forget",
        }
    }

    /// The one of this key.
    pub fn of(key: &ConnectorKey) -> Option<Self> {
        Self::ALL.into_iter().find(|errand| errand.as_str() == key.as_str())
    }

    /// Whether nobody outside hears of it.
    pub fn stays_here(self) -> bool {
        self.as_str().starts_with("order:")
    }

    /// Whether no connector of a playbook may be called so.
    pub fn is_reserved(key: &ConnectorKey) -> bool {
        ["pay:", "order:"].iter().any(|prefix| key.as_str().starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_errand_is_known_by_a_key_that_no_connector_may_have() {
        for errand in Errand::ALL {
            let key = ConnectorKey::new(errand.as_str());
            assert!(Errand::of(&key) == Some(errand) && Errand::is_reserved(&key));
        }
        assert!(Errand::Keep.stays_here() && !Errand::Refund.stays_here());
        assert!(!Errand::is_reserved(&"payment".into()) && Errand::of(&"balance".into()).is_none());
        assert!(Errand::is_reserved(&"pay:other".into()) && Errand::of(&"pay:other".into()).is_none());
    }
}
