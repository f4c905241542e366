//! Publishing (platform.md 4.15).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Api, post};
use super::call::Call;
use crate::sandbox::model::{ApiFault, Capability};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/freepublish/submit", submit).needs(Capability::Publish).daily(100, 100),
    post("cgi-bin/freepublish/get", read).needs(Capability::Publish).daily(100, 100),
    post("cgi-bin/freepublish/delete", delete).needs(Capability::Publish).daily(10, 10),
    post("cgi-bin/freepublish/getarticle", article).needs(Capability::Publish).daily(100, 100),
    post("cgi-bin/freepublish/batchget", page).needs(Capability::Publish).daily(100, 100),
];

fn submit(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let id = call.sandbox.keeper().change().submit(&body, call.sandbox.fresh())?;
    Ok(json!({ "errcode": 0, "errmsg": "ok", "publish_id": id.to_string(), "msg_data_id": id + 1 }))
}

fn read(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().read().publications.get(&call.json()?)
}

fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().publications.delete(&call.json()?)?;
    Ok(ok())
}

fn article(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().read().publications.get_article(&call.json()?)
}

fn page(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().read().publications.page(&call.json()?)
}
