//! Drafts (platform.md 4.15).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Api, either, post};
use super::call::Call;
use crate::sandbox::model::{ApiFault, Content, text};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/draft/add", add).daily(1000, 1000),
    post("cgi-bin/draft/update", update).daily(1000, 1000),
    post("cgi-bin/draft/get", read).daily(500, 500),
    post("cgi-bin/draft/delete", delete).daily(1000, 1000),
    either("cgi-bin/draft/count", count).daily(1000, 1000),
    post("cgi-bin/draft/batchget", page).daily(1000, 1000),
    post("cgi-bin/draft/switch", switch),
];

fn add(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json_without_escapes()?;
    let id = call.sandbox.keeper().change().add_draft(&body, call.sandbox.fresh())?;
    Ok(json!({ "media_id": id }))
}

fn update(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json_without_escapes()?;
    call.sandbox.keeper().change().update_draft(&body, call.sandbox.now())?;
    Ok(ok())
}

fn read(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    Ok(call.sandbox.keeper().read().drafts.get(text(&body, "/media_id"))?.news(Content::Shown))
}

fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let taken = call.sandbox.keeper().change().drafts.take(text(&body, "/media_id"));
    taken.map(|_| ok()).ok_or_else(ApiFault::media)
}

fn count(call: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(json!({ "total_count": call.sandbox.keeper().read().drafts.count() }))
}

fn page(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().read().drafts.page(&call.json()?)
}

/// Drafts are always switched on.
fn switch(_: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(json!({ "errcode": 0, "errmsg": "ok", "is_open": 1 }))
}
