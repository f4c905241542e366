//! Counts and their clearing, and refused calls by their id (platform.md 4.2).

use serde_json::{Value, json};

use super::account::{is_ours, ok};
use super::api::{Api, Known, post};
use super::call::Call;
use super::{api, gate};
use crate::sandbox::model::{ApiFault, text};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/clear_quota", clear),
    post("cgi-bin/clear_quota/v2", clear_by_secret).known(Known::Itself),
    post("cgi-bin/openapi/quota/get", get),
    post("cgi-bin/openapi/quota/clear", clear_one),
    post("cgi-bin/openapi/rid/get", rid),
];

fn clear(call: &Call<'_>) -> Result<Value, ApiFault> {
    if text(&call.json()?, "/appid") != call.sandbox.spec().app_id {
        return Err(ApiFault::new(40013, "invalid appid"));
    }
    call.sandbox.keeper().change().quotas.clear_all(call.sandbox.now())?;
    Ok(ok())
}

/// Without a token: AppID and secret stand in the query or in the body.
fn clear_by_secret(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json().unwrap_or(Value::Null);
    let given = |name: &str| {
        let own = call.parameter(name);
        if own.is_empty() { text(&body, &format!("/{name}")).to_owned() } else { own.to_owned() }
    };
    is_ours(call.sandbox, &given("appid"), &given("appsecret"))?;
    call.sandbox.keeper().change().quotas.clear_all(call.sandbox.now())?;
    Ok(ok())
}

fn asked(call: &Call<'_>) -> Result<&'static Api, ApiFault> {
    let body = call.json()?;
    let path = text(&body, "/cgi_path").trim_start_matches('/');
    if path.starts_with("sns/") {
        return Err(ApiFault::new(76022, "could not use this cgi_path, no permission"));
    }
    api(path).ok_or_else(|| ApiFault::new(76021, "cgi_path not found, check the path"))
}

fn get(call: &Call<'_>) -> Result<Value, ApiFault> {
    let api = asked(call)?;
    let state = call.sandbox.keeper().read();
    let limits = gate::limits(&state.conditions, api);
    let used = state.quotas.used(api.path, call.sandbox.now());
    Ok(json!({
        "errcode": 0,
        "errmsg": "ok",
        "quota": { "daily_limit": limits.a_day, "used": used, "remain": limits.a_day.saturating_sub(used) },
        "rate_limit": { "call_count": limits.a_minute, "refresh_second": 60 },
    }))
}

fn clear_one(call: &Call<'_>) -> Result<Value, ApiFault> {
    let api = asked(call)?;
    call.sandbox.keeper().change().quotas.clear_one(api.path, call.sandbox.now())?;
    Ok(ok())
}

fn rid(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let found = call.sandbox.keeper().read().request_log.find(text(&body, "/rid"), call.sandbox.now())?;
    Ok(json!({ "errcode": 0, "errmsg": "ok", "request": found }))
}
