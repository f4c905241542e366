//! The menu (platform.md 4.5).

use serde_json::{Value, json};

use super::account::ok;
use super::call::Call;
use crate::sandbox::live::Live;
use crate::sandbox::model::{ApiFault, Menu};

/// `POST /cgi-bin/menu/create`.
pub fn create(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.authorised()?;
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

/// `GET /cgi-bin/menu/get`.
pub fn get(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.authorised()?;
    let state = sandbox.keeper().read();
    let menu = state.menu.as_ref().ok_or_else(|| ApiFault::new(46003, "menu no exist"))?;
    Ok(json!({ "menu": { "button": menu.button, "menuid": menu.id } }))
}

/// `GET /cgi-bin/menu/delete`.
pub fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.authorised()?;
    sandbox.keeper().change().menu = None;
    sandbox.tell(Live::Menu { button: Value::Null });
    Ok(ok())
}
