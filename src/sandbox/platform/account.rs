//! Access tokens, addresses and the callback's check (platform.md 4.1, 4.3, 4.4).

use serde_json::{Value, json};

use super::api::{Api, Known, either, post};
use super::call::Call;
use crate::sandbox::model::{ApiFault, text};
use crate::sandbox::service::{Sandbox, fresh_token};

/// The calls.
pub const APIS: &[Api] = &[
    either("cgi-bin/token", token).known(Known::Itself).daily(2000, 200),
    post("cgi-bin/stable_token", stable_token).known(Known::Itself).daily(500_000, 500_000).minutely(10_000),
    either("cgi-bin/get_api_domain_ip", addresses),
    either("cgi-bin/getcallbackip", addresses),
    post("cgi-bin/callback/check", check_callback),
];

/// A new token each time.
fn token(call: &Call<'_>) -> Result<Value, ApiFault> {
    check(call.sandbox, call.parameter("grant_type"), call.parameter("appid"), call.parameter("secret"))?;
    let mut state = call.sandbox.keeper().change();
    let rules = state.conditions.token_rules();
    let answer = state.tokens.issue_plain(fresh_token(), call.sandbox.now(), rules);
    Ok(issued(answer))
}

/// The same token while it lives.
fn stable_token(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default();
    check(call.sandbox, text("grant_type"), text("appid"), text("secret"))?;
    let now = call.sandbox.now();
    let mut state = call.sandbox.keeper().change();
    let forced = body.get("force_refresh").and_then(Value::as_bool) == Some(true);
    let rules = state.conditions.token_rules();
    let answer = if forced {
        state.tokens.force_stable(fresh_token(), now, rules)?
    } else {
        state.tokens.issue_stable(fresh_token(), now, rules)
    };
    Ok(issued(answer))
}

fn addresses(_: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(json!({ "ip_list": ["127.0.0.1", "::1"] }))
}

/// What the platform finds of the callback's address. Nothing is resolved or asked: the answer is as of a good line.
fn check_callback(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let action = text(&body, "/action");
    if !["dns", "ping", "all"].contains(&action) {
        return Err(ApiFault::new(40202, "invalid action"));
    }
    let operator = text(&body, "/check_operator");
    if !["CHINANET", "UNICOM", "CAP", "DEFAULT"].contains(&operator) {
        return Err(ApiFault::new(40203, "invalid check_operator"));
    }
    let url = call.sandbox.webhook_url().ok_or_else(|| ApiFault::new(40201, "callback url is not set"))?;
    let ip = url.host_str().unwrap_or("127.0.0.1").to_owned();
    let mut found = json!({});
    if let Some(fields) = found.as_object_mut() {
        if action != "ping" {
            fields.insert("dns".into(), json!([{ "ip": ip, "real_operator": "DEFAULT" }]));
        }
        if action != "dns" {
            let ping = json!([{ "ip": ip, "from_operator": operator, "package_loss": "0%", "time": "1.000ms" }]);
            fields.insert("ping".into(), ping);
        }
    }
    Ok(found)
}

/// What a call that only writes answers.
pub fn ok() -> Value {
    json!({ "errcode": 0, "errmsg": "ok" })
}

fn check(sandbox: &Sandbox, grant_type: &str, app_id: &str, secret: &str) -> Result<(), ApiFault> {
    if grant_type != "client_credential" {
        return Err(ApiFault::new(40002, "invalid grant_type"));
    }
    is_ours(sandbox, app_id, secret)
}

/// Whether AppID and secret are the account's.
pub fn is_ours(sandbox: &Sandbox, app_id: &str, secret: &str) -> Result<(), ApiFault> {
    let spec = sandbox.spec();
    if app_id.is_empty() {
        return Err(ApiFault::new(41002, "appid missing"));
    }
    if app_id != spec.app_id {
        return Err(ApiFault::new(40013, "invalid appid"));
    }
    if secret.is_empty() {
        return Err(ApiFault::new(41004, "appsecret missing"));
    }
    if secret != spec.app_secret {
        return Err(ApiFault::new(40125, "invalid appsecret"));
    }
    Ok(())
}

fn issued((token, expires_in): (String, i64)) -> Value {
    json!({ "access_token": token, "expires_in": expires_in })
}
