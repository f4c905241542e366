//! Users (platform.md 4.7).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Api, get, post};
use super::call::Call;
use super::page::{Total, page};
use crate::domain::ids::Openid;
use crate::sandbox::model::{ApiFault, Capability, Customer, State, list, text};

const BATCH: usize = 100;

/// The calls.
pub const APIS: &[Api] = &[
    get("cgi-bin/user/info", info).needs(Capability::Users).daily(5_000_000, 500_000),
    post("cgi-bin/user/info/batchget", batch).needs(Capability::Users).daily(5_000_000, 500_000),
    post("cgi-bin/user/info/updateremark", remark).needs(Capability::Users).daily(10_000, 1000),
    get("cgi-bin/user/get", followers).needs(Capability::Users).daily(500, 100),
];

fn info(call: &Call<'_>) -> Result<Value, ApiFault> {
    told(&call.sandbox.keeper().read(), call.parameter("openid"))
}

/// Since 2021 without nickname and picture.
fn told(state: &State, openid: &str) -> Result<Value, ApiFault> {
    let customer = state.customers.get(&Openid::from(openid)).ok_or_else(ApiFault::openid)?;
    let Customer { openid, standing, .. } = customer;
    let mut shown = match customer.followed_at {
        None => json!({ "subscribe": 0, "openid": openid, "tagid_list": [] }),
        Some(followed_at) => {
            let scene = customer.scene.as_ref().map(ToString::to_string).unwrap_or_default();
            let number = scene.parse::<u32>().unwrap_or(0);
            json!({
                "subscribe": 1,
                "openid": openid,
                "nickname": "",
                "sex": 0,
                "language": "zh_CN",
                "city": "",
                "province": "",
                "country": "",
                "headimgurl": "",
                "subscribe_time": followed_at,
                "remark": standing.remark,
                "groupid": standing.tags.first().unwrap_or(&0),
                "tagid_list": standing.tags,
                "subscribe_scene": if scene.is_empty() { "ADD_SCENE_SEARCH" } else { "ADD_SCENE_QR_CODE" },
                "qr_scene": number,
                "qr_scene_str": if number == 0 { scene.as_str() } else { "" },
            })
        }
    };
    if let (Some(fields), Some(unionid)) = (shown.as_object_mut(), &standing.unionid) {
        fields.insert("unionid".to_owned(), unionid.clone().into());
    }
    Ok(shown)
}

fn batch(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let wanted = list(&body, "/user_list");
    match wanted.len() {
        0 => return Err(ApiFault::new(40031, "invalid openid list")),
        n if n > BATCH => return Err(ApiFault::new(40032, "invalid openid list size")),
        _ => {}
    }
    let state = call.sandbox.keeper().read();
    let told = wanted.iter().map(|one| told(&state, text(one, "/openid"))).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "user_info_list": told }))
}

fn remark(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let mut state = call.sandbox.keeper().change();
    let customer = state.customers.get_mut(&Openid::from(text(&body, "/openid")));
    let customer = customer.filter(|c| c.follows()).ok_or_else(ApiFault::openid)?;
    customer.standing.call(text(&body, "/remark"))?;
    Ok(ok())
}

fn followers(call: &Call<'_>) -> Result<Value, ApiFault> {
    let state = call.sandbox.keeper().read();
    Ok(page(&state, call.parameter("next_openid"), (Total::Shown, &Customer::follows)))
}
