//! Users (platform.md 4.7).

use std::ops::Bound;

use serde_json::{Value, json};

use super::call::Call;
use crate::domain::ids::Openid;
use crate::sandbox::model::ApiFault;

const PAGE: usize = 10_000;

/// `GET /cgi-bin/user/info`: since 2021 without nickname and picture.
pub fn info(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.authorised()?;
    let openid = Openid::from(call.parameter("openid"));
    let state = sandbox.keeper().read();
    let customer = state.customer(&openid).map_err(|_| ApiFault::new(40003, "invalid openid"))?;
    let Some(followed_at) = customer.followed_at else {
        return Ok(json!({ "subscribe": 0, "openid": openid, "tagid_list": [] }));
    };
    let scene = customer.scene.as_ref().map(ToString::to_string).unwrap_or_default();
    let number = scene.parse::<u32>().unwrap_or(0);
    Ok(json!({
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
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": if scene.is_empty() { "ADD_SCENE_SEARCH" } else { "ADD_SCENE_QR_CODE" },
        "qr_scene": number,
        "qr_scene_str": if number == 0 { scene.as_str() } else { "" },
    }))
}

/// `GET /cgi-bin/user/get`: followers, 10 000 a page; the end is a page without `data`.
pub fn list(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.authorised()?;
    let state = sandbox.keeper().read();
    let after = Openid::from(call.parameter("next_openid"));
    let from = if after.as_str().is_empty() { Bound::Unbounded } else { Bound::Excluded(after) };
    let total = state.customers.values().filter(|c| c.follows()).count();
    let later = state.customers.range((from, Bound::Unbounded));
    let page: Vec<&Openid> = later.filter(|(_, c)| c.follows()).map(|(openid, _)| openid).take(PAGE).collect();
    match page.last() {
        None => Ok(json!({ "total": total, "count": 0, "next_openid": "" })),
        Some(last) => {
            Ok(json!({ "total": total, "count": page.len(), "data": { "openid": page }, "next_openid": last }))
        }
    }
}
