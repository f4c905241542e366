//! Whether words may be shown to others (`msg_sec_check`, platform.md 8.9). It is a mini program's call: only customers
//! who used the linked mini program within two hours can be asked about.

use serde_json::{Value, json};

use super::api::{Api, post};
use super::call::Call;
use crate::domain::ids::Openid;
use crate::sandbox::model::{ApiFault, number, text};

/// The calls.
pub const APIS: &[Api] = &[post("wxa/msg_sec_check", check)];

const MOST_CHARS: usize = 2500;
const RECENT_SECS: i64 = 2 * 3600;
/// `label` of what is wrong in no way, and of what is wrong in some other way.
const FINE: u32 = 100;
const OTHER: u32 = 21_000;

fn check(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let now = call.sandbox.now();
    let words = asked(&body)?;
    let state = call.sandbox.keeper().read();
    let customer = state.customers.get(&Openid::from(text(&body, "/openid"))).ok_or_else(ApiFault::openid)?;
    let used = customer.standing.mini_program_at;
    if used.is_none_or(|at| now.saturating_sub(at) >= RECENT_SECS) {
        return Err(ApiFault::new(61010, "code is expired"));
    }
    let risky = state.conditions.risky_words.iter().any(|risky| !risky.is_empty() && words.contains(risky.as_str()));
    let (suggest, label) = if risky { ("risky", OTHER) } else { ("pass", FINE) };
    Ok(json!({
        "errcode": 0,
        "errmsg": "ok",
        "result": { "suggest": suggest, "label": label },
        "trace_id": format!("{:016x}", call.sandbox.fresh().random),
    }))
}

/// The words that are asked about.
fn asked(body: &Value) -> Result<&str, ApiFault> {
    if number(body, "/version") != Some(2) {
        return Err(ApiFault::parameter("version"));
    }
    if !number(body, "/scene").is_some_and(|scene| (1..=4).contains(&scene)) {
        return Err(ApiFault::parameter("scene"));
    }
    match text(body, "/content") {
        "" => Err(ApiFault::new(44004, "empty content")),
        words if words.chars().count() > MOST_CHARS => Err(ApiFault::new(45002, "content size out of limit")),
        words => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_held_against_the_limits() {
        let code = |body: Value| asked(&body).map_or_else(|fault| fault.errcode, |_| 0);
        let words = |chars: usize| json!({ "version": 2, "scene": 1, "content": "字".repeat(chars) });
        assert_eq!([0, 1, 2500, 2501].map(|chars| code(words(chars))), [44004, 0, 0, 45002]);
        assert_eq!(code(json!({ "version": "2", "scene": "4", "content": "好" })), 0);
        assert_eq!(code(json!({ "scene": 1, "content": "好" })), 40035, "the first version is gone");
        assert_eq!(code(json!({ "version": 2, "scene": 5, "content": "好" })), 40035);
    }
}
