//! The menu (platform.md 4.5).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Api, get, post};
use super::call::Call;
use crate::sandbox::live::Live;
use crate::sandbox::model::{ApiFault, Capability, Menu};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/menu/create", create).needs(Capability::Menu).daily(1000, 100),
    get("cgi-bin/menu/get", read).needs(Capability::Menu).daily(10_000, 1000),
    get("cgi-bin/menu/delete", delete).needs(Capability::Menu).daily(1000, 100),
    get("cgi-bin/get_current_selfmenu_info", current).needs(Capability::Menu).daily(10_000, 1000),
];

fn create(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.sandbox;
    let body = call.json_without_escapes()?;
    let button = {
        let mut state = sandbox.keeper().change();
        let menu = Menu::parse(&body, state.next_menu_id())?;
        let button = menu.button.clone();
        state.menu = Some(menu);
        button
    };
    sandbox.tell(Live::Menu { button });
    Ok(ok())
}

fn read(call: &Call<'_>) -> Result<Value, ApiFault> {
    let state = call.sandbox.keeper().read();
    let menu = state.menu.as_ref().ok_or_else(|| ApiFault::new(46003, "menu no exist"))?;
    let mut answer = json!({ "menu": { "button": menu.button, "menuid": menu.id } });
    if let Some(fields) = answer.as_object_mut().filter(|_| !state.conditional.is_empty()) {
        let conditional: Vec<Value> = state.conditional.iter().rev().map(|menu| menu.shown()).collect();
        fields.insert("conditionalmenu".to_owned(), conditional.into());
    }
    Ok(answer)
}

fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.sandbox;
    {
        let mut state = sandbox.keeper().change();
        state.menu = None;
        state.conditional.clear();
    }
    sandbox.tell_faces();
    sandbox.tell(Live::Menu { button: Value::Null });
    Ok(ok())
}

fn current(call: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(call.sandbox.keeper().read().current_menu())
}
