//! What goes wrong in an hour of the week, and for how long.

use serde_json::{Value, json};

use super::dice::Dice;

/// Something that goes wrong until the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Slow,
    BadGateway,
    Unavailable,
    Reset,
    /// Each token is refused the first time.
    TokenRefusedOnce,
    TokenAlwaysRefused,
    /// Somebody else takes a new token, again and again.
    TokenReplaced,
    /// Messages are refused for their number.
    UsedUp,
    /// The same, once: the platform means the whole day.
    UsedUpForTheDay,
    Busy,
    Duplicates,
    Reordered,
    /// The platform acts, and its answer does not arrive.
    AnswersLost,
    BusinessOut,
    /// The business system answers after those in the chat have been told that it takes a while.
    BusinessLate,
}

use Fault::*;

pub const ALL: [Fault; 15] = [
    Slow,
    BadGateway,
    Unavailable,
    Reset,
    TokenRefusedOnce,
    TokenAlwaysRefused,
    TokenReplaced,
    UsedUp,
    UsedUpForTheDay,
    Busy,
    Duplicates,
    Reordered,
    AnswersLost,
    BusinessOut,
    BusinessLate,
];

const SEND: &str = "cgi-bin/message/custom/send";

impl Fault {
    /// The sandbox's switches for it; what is not named here is off.
    pub fn switches(self) -> Value {
        match self {
            Slow => json!({ "slow_ms": 120 }),
            BadGateway => json!({ "down": "bad_gateway" }),
            Unavailable => json!({ "down": "unavailable" }),
            Reset => json!({ "down": "reset" }),
            TokenRefusedOnce => json!({ "wrong_token": "once" }),
            TokenAlwaysRefused => json!({ "wrong_token": "always" }),
            UsedUp => json!({ "quota_reached": [SEND] }),
            UsedUpForTheDay => {
                json!({ "errcodes": { SEND: { "errcode": 45009, "errmsg": "reach max api daily quota limit" } } })
            }
            Busy => json!({ "errcodes": { SEND: { "errcode": -1, "errmsg": "system error", "times": 2 } } }),
            Duplicates => json!({ "duplicate": 1 }),
            Reordered => json!({ "reorder_ms": 40 }),
            TokenReplaced | AnswersLost | BusinessOut | BusinessLate => json!({}),
        }
    }

    pub fn business(self) -> Value {
        match self {
            BusinessOut => json!({ "out": true, "delay_ms": 0 }),
            BusinessLate => json!({ "out": false, "delay_ms": 2_200 }),
            _ => json!({ "out": false, "delay_ms": 0 }),
        }
    }

    pub fn is_scarcity(self) -> bool {
        matches!(self, UsedUp | UsedUpForTheDay)
    }
}

/// All of them off.
pub fn calm() -> Value {
    json!({
        "slow_ms": 0, "down": null, "wrong_token": null, "quota_reached": [], "errcodes": null, "duplicate": 0,
        "reorder_ms": 0
    })
}

/// The fault of a step, if any: two of three steps have one.
pub fn of_step(dice: &mut Dice) -> Option<Fault> {
    dice.hits(667).then(|| dice.pick(&ALL))
}
