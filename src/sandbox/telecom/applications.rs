//! Applications for a new number, as the demo business system takes them: a number is registered once, and the same
//! application put again gets the same answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::domain::time::BusinessDay;

/// Days until a card is there.
const READY_DAYS: i32 = 2;

/// What was registered, while the sandbox runs: number to application.
#[derive(Debug, Default)]
pub struct Applications(Mutex<BTreeMap<String, String>>);

impl Applications {
    /// Takes one under its idempotency key.
    pub fn take(&self, (key, body): (&str, &Value), today: BusinessDay) -> Value {
        let text = |field: &str| body.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        let refused = |code: &str, message: &str| json!({ "code": code, "message": message });
        let (Some(sim), Some(_), Some(_)) = (text("sim"), text("person"), text("identity")) else {
            return refused("INCOMPLETE", "申请内容不完整");
        };
        let mut registered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if registered.entry(sim.to_owned()).or_insert_with(|| key.to_owned()) != key {
            return refused("SIM_TAKEN", "号码已被登记");
        }
        json!({ "code": "0", "number": key, "sim": sim, "ready_on": today.plus_days(READY_DAYS).to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_registered_once_and_the_same_application_is_answered_alike() {
        let (applications, today) = (Applications::default(), BusinessDay::parse("2026-01-01").unwrap());
        let body = json!({ "sim": "170", "person": "x", "identity": "y" });
        let first = applications.take(("n1", &body), today);
        assert_eq!((&first["code"], &first["ready_on"]), (&json!("0"), &json!("2026-01-03")));
        assert_eq!(applications.take(("n1", &body), today), first);
        assert_eq!(applications.take(("n2", &body), today)["code"], "SIM_TAKEN");
        assert_eq!(applications.take(("n2", &json!({ "sim": "171" })), today)["code"], "INCOMPLETE");
    }
}
