//! Mass messages (platform.md 4.13).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Api, either, post};
use super::call::Call;
use crate::sandbox::model::{ApiFault, Capability};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/message/mass/sendall", send_all).needs(Capability::Mass).daily(100, 0).minutely(60),
    post("cgi-bin/message/mass/send", send).needs(Capability::Mass).daily(100, 0).minutely(60),
    post("cgi-bin/message/mass/preview", preview).needs(Capability::Mass).daily(100, 0),
    post("cgi-bin/message/mass/get", read).needs(Capability::Mass),
    post("cgi-bin/message/mass/delete", delete).needs(Capability::Mass).daily(10, 0),
    either("cgi-bin/message/mass/speed/get", speed).needs(Capability::Mass),
    post("cgi-bin/message/mass/speed/set", set_speed).needs(Capability::Mass),
];

fn send_all(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    if !body.get("filter").is_some_and(Value::is_object) {
        return Err(ApiFault::parameter("filter"));
    }
    submit(call, &body)
}

fn send(call: &Call<'_>) -> Result<Value, ApiFault> {
    let mut body = call.json()?;
    // A filter has no place here; a list of openids decides.
    body.as_object_mut().map(|fields| fields.remove("filter"));
    submit(call, &body)
}

fn submit(call: &Call<'_>, body: &Value) -> Result<Value, ApiFault> {
    let msg_id = call.sandbox.keeper().change().send_mass(body, call.sandbox.fresh())?;
    Ok(json!({
        "errcode": 0,
        "errmsg": "send job submission success",
        "msg_id": msg_id,
        "msg_data_id": msg_id + 206_193_548,
    }))
}

fn preview(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let (openid, seq, msg_id) = {
        let mut state = call.sandbox.keeper().change();
        let openid = state.preview_mass(&body, call.sandbox.now())?;
        let seq = state.customers.get(&openid).map_or(0, |c| c.last_seq);
        (openid, seq, state.next_msg_id(call.sandbox.fresh()))
    };
    call.sandbox.tell_since(&openid, seq.saturating_sub(1));
    Ok(json!({ "errcode": 0, "errmsg": "preview success", "msg_id": msg_id }))
}

fn read(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().read().mass.get(&call.json()?)
}

fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().mass.delete(&call.json()?)?;
    Ok(ok())
}

fn speed(call: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(call.sandbox.keeper().read().mass.speed())
}

fn set_speed(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().mass.set_speed(&call.json()?)?;
    Ok(ok())
}
