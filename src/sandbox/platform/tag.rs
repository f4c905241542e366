//! Tags (platform.md 4.8).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Api, either, get, post};
use super::call::Call;
use super::page::{Total, page};
use crate::domain::ids::Openid;
use crate::sandbox::model::{ApiFault, Capability, Customer, text};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/tags/create", create).needs(Capability::Users).daily(1000, 100),
    get("cgi-bin/tags/get", read).needs(Capability::Users).daily(1000, 100),
    post("cgi-bin/tags/update", rename).needs(Capability::Users).daily(1000, 100),
    post("cgi-bin/tags/delete", delete).needs(Capability::Users).daily(1000, 100),
    either("cgi-bin/user/tag/get", carriers).needs(Capability::Users),
    post("cgi-bin/tags/members/batchtagging", put_on).needs(Capability::Users).daily(100_000, 1000),
    post("cgi-bin/tags/members/batchuntagging", take_off).needs(Capability::Users).daily(100_000, 1000),
    post("cgi-bin/tags/getidlist", of_user).needs(Capability::Users),
];

fn create(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().tags.create(&call.json_without_escapes()?)
}

fn read(call: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(call.sandbox.keeper().read().tags())
}

fn rename(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().tags.rename(&call.json_without_escapes()?)?;
    Ok(ok())
}

fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().delete_tag(&call.json()?)?;
    call.sandbox.tell_faces();
    Ok(ok())
}

fn carriers(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let state = call.sandbox.keeper().read();
    let tag = state.tag_asked(&body)?;
    let carries = |customer: &Customer| customer.follows() && customer.standing.tags.contains(&tag);
    Ok(page(&state, text(&body, "/next_openid"), (Total::Hidden, &carries)))
}

fn put_on(call: &Call<'_>) -> Result<Value, ApiFault> {
    let openids = call.sandbox.keeper().change().tag_all(&call.json()?)?;
    openids.iter().for_each(|openid| call.sandbox.tell_face(openid));
    Ok(ok())
}

fn take_off(call: &Call<'_>) -> Result<Value, ApiFault> {
    let openids = call.sandbox.keeper().change().untag_all(&call.json()?)?;
    openids.iter().for_each(|openid| call.sandbox.tell_face(openid));
    Ok(ok())
}

fn of_user(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let state = call.sandbox.keeper().read();
    let customer = state.customers.get(&Openid::from(text(&body, "/openid"))).ok_or_else(ApiFault::openid)?;
    Ok(json!({ "tagid_list": customer.standing.tags }))
}
