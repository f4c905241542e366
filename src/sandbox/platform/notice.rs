//! Subscription notices and their templates (platform.md 4.11).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Api, get, post};
use super::call::Call;
use crate::sandbox::model::{ApiFault, Capability, category, keywords, text, titles};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/message/subscribe/bizsend", send).needs(Capability::Notice),
    get("wxaapi/newtmpl/getcategory", |_| Ok(category())).needs(Capability::Notice),
    get("wxaapi/newtmpl/getpubtemplatetitles", public).needs(Capability::Notice),
    get("wxaapi/newtmpl/getpubtemplatekeywords", |call| keywords(call.parameter("tid"))).needs(Capability::Notice),
    post("wxaapi/newtmpl/addtemplate", add).needs(Capability::Notice),
    get("wxaapi/newtmpl/gettemplate", all).needs(Capability::Notice),
    post("wxaapi/newtmpl/deltemplate", delete).needs(Capability::Notice),
];

fn send(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let (msg_id, openid, before) = call.sandbox.keeper().change().send_notice(&body, call.sandbox.fresh())?;
    call.sandbox.tell_since(&openid, before);
    Ok(json!({ "errcode": 0, "errmsg": "ok", "msgid": msg_id }))
}

fn public(call: &Call<'_>) -> Result<Value, ApiFault> {
    if call.parameter("ids").is_empty() {
        return Err(ApiFault::new(200_018, "category ids missing"));
    }
    titles(call.number("start"), call.number("limit"))
}

fn add(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let id = call.sandbox.keeper().change().notices.choose(&body, call.sandbox.fresh())?;
    Ok(json!({ "errcode": 0, "errmsg": "ok", "priTmplId": id }))
}

fn all(call: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(call.sandbox.keeper().read().notices.chosen())
}

fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let deleted = call.sandbox.keeper().change().notices.delete(text(&body, "/priTmplId"));
    deleted.map_err(|_| ApiFault::new(200_014, "invalid priTmplId"))?;
    Ok(ok())
}
