//! Access tokens, addresses and quotas (platform.md 4.1, 4.2, 4.4).

use serde_json::{Value, json};

use super::call::Call;
use crate::sandbox::model::ApiFault;
use crate::sandbox::service::Sandbox;

/// `GET /cgi-bin/token`: a new token each time.
pub fn token(call: &Call<'_>) -> Result<Value, ApiFault> {
    check(call.sandbox, call.parameter("grant_type"), call.parameter("appid"), call.parameter("secret"))?;
    let answer = call.sandbox.keeper().change().tokens.issue_plain(fresh_token(), call.sandbox.now());
    Ok(issued(answer))
}

/// `POST /cgi-bin/stable_token`: the same token while it lives.
pub fn stable_token(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default();
    check(call.sandbox, text("grant_type"), text("appid"), text("secret"))?;
    let now = call.sandbox.now();
    let mut state = call.sandbox.keeper().change();
    let forced = body.get("force_refresh").and_then(Value::as_bool) == Some(true);
    let answer = if forced {
        state.tokens.force_stable(fresh_token(), now)?
    } else {
        state.tokens.issue_stable(fresh_token(), now)
    };
    Ok(issued(answer))
}

/// `GET /cgi-bin/get_api_domain_ip` and `getcallbackip`.
pub fn addresses(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.authorised()?;
    Ok(json!({ "ip_list": ["127.0.0.1", "::1"] }))
}

/// `POST /cgi-bin/clear_quota`: the sandbox counts no daily quotas, so there is nothing to clear.
pub fn clear_quota(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.authorised()?;
    if call.json()?.get("appid").and_then(Value::as_str) != Some(&call.sandbox.spec().app_id) {
        return Err(ApiFault::new(40013, "invalid appid"));
    }
    Ok(ok())
}

/// What a call that only writes answers.
pub fn ok() -> Value {
    json!({ "errcode": 0, "errmsg": "ok" })
}

fn check(sandbox: &Sandbox, grant_type: &str, app_id: &str, secret: &str) -> Result<(), ApiFault> {
    let spec = sandbox.spec();
    if grant_type != "client_credential" {
        return Err(ApiFault::new(40002, "invalid grant_type"));
    }
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

fn fresh_token() -> String {
    let parts: [u64; 8] = rand::random();
    let hex: String = parts.iter().map(|part| format!("{part:016x}")).collect();
    format!("90_{hex}")
}
