//! Menus for some customers (platform.md 4.5).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Api, post};
use super::call::Call;
use crate::domain::ids::Openid;
use crate::sandbox::model::{ApiFault, Capability, text};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/menu/addconditional", add).needs(Capability::ConditionalMenu).daily(2000, 200),
    post("cgi-bin/menu/delconditional", delete).needs(Capability::ConditionalMenu).daily(2000, 200),
    post("cgi-bin/menu/trymatch", try_match).needs(Capability::ConditionalMenu).daily(20_000, 2000),
];

fn add(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json_without_escapes()?;
    let id = call.sandbox.keeper().change().add_conditional(&body)?;
    call.sandbox.tell_faces();
    Ok(json!({ "menuid": id.to_string() }))
}

fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    call.sandbox.keeper().change().delete_conditional(&body)?;
    call.sandbox.tell_faces();
    Ok(ok())
}

fn try_match(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let state = call.sandbox.keeper().read();
    let nobody = || ApiFault::new(65302, "there is no such user");
    let customer = state.customers.get(&Openid::from(text(&body, "/user_id"))).ok_or_else(nobody)?;
    let menu = state.menu_of(customer).ok_or_else(|| ApiFault::new(46003, "menu no exist"))?;
    Ok(json!({ "button": menu.button }))
}
