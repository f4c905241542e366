//! Faults of the payment platform, switched on and off while it runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refunds::{Outcome, USUAL_SECS};

/// The longest that something is held back, in seconds: two days.
const LONGEST_SECS: i64 = 2 * 86_400;

/// What is wrong, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    /// So many calls are answered `SYSTEM_ERROR` and not done.
    pub system_error: u32,
    /// So many calls are done and answered `SYSTEM_ERROR`.
    pub system_error_after: u32,
    /// So many calls are done and the connection breaks.
    pub lost_answers: u32,
    /// So many calls are done and nothing comes for a minute.
    pub silent_answers: u32,
    /// So many answers are signed by somebody else.
    pub forged_answers: u32,
    /// So many questions after a payment are answered as if nobody knew it.
    pub unknown_orders: u32,
    /// So many questions after a refund are refused: the merchant may not ask.
    pub refused_questions: u32,
    /// So many bills come with a word changed.
    pub spoiled_bills: u32,
    /// Bills tell of the day otherwise than it was.
    pub twisted_bills: Option<Twist>,
    /// So many notifications are lost for good.
    pub lost_notices: u32,
    /// Every notification comes so much later, in seconds.
    pub late_secs: i64,
    /// Every notification comes so many times more, at once.
    pub repeat: u32,
    /// Of what is to be told at one moment, the last comes first.
    pub reorder: bool,
    /// Every notification is wrong in this way.
    pub forge: Option<Forgery>,
    /// How refunds asked for from now on end.
    pub refund_outcome: Outcome,
    /// And after how many seconds.
    pub refund_secs: i64,
    /// Notifications are signed with the newest certificate and not with the public key.
    pub by_certificate: bool,
}

/// How bills tell of a day otherwise than it was; they are whole and their hashes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Twist {
    /// There is none.
    Missing,
    /// Of a payment more, for an order that the merchant never made.
    Adds,
    /// Of a fen less for the first order.
    Less,
    /// Nothing of the first order.
    Drops,
    /// Of a refund of the first order that somebody made by hand.
    Returns,
}

/// What is wrong with a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgery {
    /// Signed by somebody else.
    Signature,
    /// The platform's own probe.
    Probe,
    /// Signed ten minutes ago.
    Stale,
    /// A blank more in the body than when it was signed.
    Body,
    /// Signed with a key that nobody knows.
    Serial,
    /// Sealed with another APIv3 key.
    Seal,
    /// For another merchant.
    Merchant,
    /// For another account.
    App,
    /// A fen less than the order cost.
    Amount,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            system_error: 0,
            system_error_after: 0,
            lost_answers: 0,
            silent_answers: 0,
            forged_answers: 0,
            unknown_orders: 0,
            refused_questions: 0,
            spoiled_bills: 0,
            twisted_bills: None,
            lost_notices: 0,
            late_secs: 0,
            repeat: 0,
            reorder: false,
            forge: None,
            refund_outcome: Outcome::Success,
            refund_secs: USUAL_SECS,
            by_certificate: false,
        }
    }
}

/// Counts one down; whether there was one.
pub(in crate::sandbox::pay) fn take(left: &mut u32) -> bool {
    let was = *left > 0;
    *left = left.saturating_sub(1);
    was
}

impl Switches {
    /// The switches with what `change` names changed; `null` takes a fault back.
    ///
    /// # Errors
    /// In words, what `change` holds that is no switch.
    pub fn changed(&self, change: &Value) -> Result<Self, String> {
        let changes = change.as_object().ok_or("not an object")?;
        let (own, default) = (serde_json::to_value(self), serde_json::to_value(Self::default()));
        let (Ok(Value::Object(mut all)), Ok(default)) = (own, default) else { return Err("not an object".into()) };
        for (name, value) in changes {
            let default = default.get(name).ok_or_else(|| format!("unknown: {name}"))?;
            all.insert(name.clone(), if value.is_null() { default.clone() } else { value.clone() });
        }
        let mut changed: Self = serde_json::from_value(Value::Object(all)).map_err(|fault| fault.to_string())?;
        changed.late_secs = changed.late_secs.clamp(0, LONGEST_SECS);
        changed.refund_secs = changed.refund_secs.clamp(0, LONGEST_SECS);
        changed.repeat = changed.repeat.min(10);
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_call_takes_a_fault_back() {
        let on = json!({ "late_secs": 999_999, "forge": "amount", "repeat": 99, "refund_outcome": "closed" });
        let changed = Switches::default().changed(&on).unwrap();
        assert_eq!((changed.late_secs, changed.forge, changed.repeat), (172_800, Some(Forgery::Amount), 10));
        let off = json!({ "late_secs": null, "forge": null, "repeat": 0, "refund_outcome": null });
        assert_eq!(changed.changed(&off).unwrap(), Switches::default());
        assert!(Switches::default().changed(&json!({ "up": 1 })).unwrap_err().contains("up"));
        assert!(Switches::default().changed(&json!({ "forge": "x" })).is_err());
        let mut left = 1;
        assert_eq!((take(&mut left), take(&mut left), left), (true, false, 0));
    }
}
