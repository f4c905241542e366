//! Customer-service messages (platform.md 4.9).

use serde_json::Value;

use super::account::ok;
use super::api::{Api, post};
use super::call::Call;
use crate::domain::ids::Openid;
use crate::sandbox::model::{ApiFault, Capability, Kind, parse_custom, text};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/message/custom/send", send).needs(Capability::CustomMessage).daily(500_000, 50_000),
    post("cgi-bin/message/custom/typing", typing).needs(Capability::CustomMessage),
];

fn send(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.sandbox;
    let body = call.json()?;
    let message = parse_custom(&body)?;
    let (openid, before) = {
        let mut state = sandbox.keeper().change();
        if state.conditions.kind == Kind::Test && text(&body, "/msgtype") == "msgmenu" {
            return Err(ApiFault::new(48008, "no permission for this msgtype"));
        }
        let before = state.customers.get(&message.to).map_or(0, |c| c.last_seq);
        (state.custom(message, sandbox.now())?, before)
    };
    sandbox.tell_since(&openid, before);
    Ok(ok())
}

fn typing(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.sandbox;
    let body = call.json()?;
    let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default();
    let openid = Openid::from(text("touser"));
    match text("command") {
        "Typing" => {
            sandbox.keeper().change().typing(&openid, sandbox.now())?;
        }
        "CancelTyping" => {
            let mut state = sandbox.keeper().change();
            let customer = state.customer_mut(&openid).map_err(|_| ApiFault::new(40003, "invalid openid"))?;
            customer.typing_until = None;
        }
        _ => return Err(ApiFault::new(45072, "command field is not correct")),
    }
    sandbox.tell_face(&openid);
    Ok(ok())
}
