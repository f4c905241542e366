//! What a page may know of a customer who agreed, and the ticket for the page itself (platform.md 4.17, 4.18).

use serde_json::{Value, json};

use super::account::{is_ours, ok};
use super::api::{Api, Known, get};
use super::call::Call;
use crate::sandbox::model::{ApiFault, Capability, Scope};

const A_MINUTE: u64 = 50_000;

/// The calls.
pub const APIS: &[Api] = &[
    get("cgi-bin/ticket/getticket", ticket).daily(1_000_000, 100_000),
    of_page("sns/oauth2/access_token", redeem),
    of_page("sns/oauth2/refresh_token", refresh),
    of_page("sns/userinfo", info),
    of_page("sns/auth", auth),
];

const fn of_page(path: &'static str, run: fn(&Call<'_>) -> Result<Value, ApiFault>) -> Api {
    get(path, run).known(Known::Customer).needs(Capability::Authorization).minutely(A_MINUTE)
}

fn ticket(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().grants.ticket(call.parameter("type"), call.sandbox.fresh())
}

fn redeem(call: &Call<'_>) -> Result<Value, ApiFault> {
    is_ours(call.sandbox, call.parameter("appid"), call.parameter("secret"))?;
    match (call.parameter("grant_type"), call.parameter("code")) {
        ("authorization_code", "") => Err(ApiFault::new(41008, "missing code")),
        ("authorization_code", code) => call.sandbox.keeper().change().grants.redeem(code, call.sandbox.fresh()),
        _ => Err(ApiFault::new(40002, "invalid grant_type")),
    }
}

fn refresh(call: &Call<'_>) -> Result<Value, ApiFault> {
    if call.parameter("appid") != call.sandbox.spec().app_id {
        return Err(ApiFault::new(40013, "invalid appid"));
    }
    if call.parameter("grant_type") != "refresh_token" {
        return Err(ApiFault::new(40002, "invalid grant_type"));
    }
    call.sandbox.keeper().change().grants.refresh(call.parameter("refresh_token"), call.sandbox.fresh())
}

fn info(call: &Call<'_>) -> Result<Value, ApiFault> {
    let state = call.sandbox.keeper().read();
    let consent = state.grants.check(call.parameter("access_token"), call.parameter("openid"), call.sandbox.now())?;
    if consent.scope == Scope::Base {
        return Err(ApiFault::unauthorised());
    }
    let customer = state.customers.get(&consent.openid);
    let mut told = json!({
        "openid": consent.openid,
        "nickname": customer.map_or("微信用户", |c| c.nickname.as_str()),
        "sex": 0,
        "language": "",
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "https://thirdwx.qlogo.cn/mmopen/vi_32/sandbox/132",
        "privilege": [],
    });
    let unionid = customer.and_then(|c| c.standing.unionid.clone());
    if let (Some(fields), Some(unionid)) = (told.as_object_mut(), unionid) {
        fields.insert("unionid".to_owned(), unionid.into());
    }
    Ok(told)
}

fn auth(call: &Call<'_>) -> Result<Value, ApiFault> {
    let state = call.sandbox.keeper().read();
    state.grants.check(call.parameter("access_token"), call.parameter("openid"), call.sandbox.now())?;
    Ok(ok())
}
