//! Template messages (platform.md 4.10).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Api, get, post};
use super::call::Call;
use crate::sandbox::model::{ApiFault, Capability, text};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/message/template/send", send).needs(Capability::Template).daily(100_000, 100_000),
    post("cgi-bin/template/api_add_template", add).needs(Capability::Template),
    get("cgi-bin/template/get_all_private_template", all).needs(Capability::Template),
    post("cgi-bin/template/del_private_template", delete).needs(Capability::Template),
    post("cgi-bin/template/api_set_industry", set_industry).needs(Capability::Template),
    get("cgi-bin/template/get_industry", industry).needs(Capability::Template),
    post("wxa/sec/queryblocktmplmsg", blocked).needs(Capability::Template),
];

fn send(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let (msg_id, openid, before) = call.sandbox.keeper().change().send_template(&body, call.sandbox.fresh())?;
    call.sandbox.tell_since(&openid, before);
    Ok(json!({ "errcode": 0, "errmsg": "ok", "msgid": msg_id }))
}

fn add(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let id = call.sandbox.keeper().change().templates.take_from_library(&body, call.sandbox.fresh())?;
    Ok(json!({ "errcode": 0, "errmsg": "ok", "template_id": id }))
}

fn all(call: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(call.sandbox.keeper().read().templates.list())
}

fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    call.sandbox.keeper().change().templates.delete(text(&body, "/template_id"))?;
    Ok(ok())
}

fn set_industry(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    call.sandbox.keeper().change().templates.set_industry(&body, call.sandbox.now())?;
    Ok(ok())
}

fn industry(call: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(call.sandbox.keeper().read().templates.industry())
}

/// The sandbox judges no content, so nothing was ever blocked.
fn blocked(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.json()?;
    Ok(json!({ "errcode": 0, "errmsg": "ok", "msginfo": [] }))
}
