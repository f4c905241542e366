//! Agents (platform.md 4.9).

use serde_json::Value;

use super::account::ok;
use super::api::{Api, either, get, post};
use super::call::Call;
use crate::sandbox::model::{ApiFault, Capability, Service};

/// The calls.
pub const APIS: &[Api] = &[
    post("customservice/kfaccount/add", add).needs(Capability::Desk),
    post("customservice/kfaccount/update", rename).needs(Capability::Desk),
    post("customservice/kfaccount/inviteworker", invite).needs(Capability::Desk),
    post("customservice/kfaccount/uploadheadimg", picture).needs(Capability::Desk),
    either("customservice/kfaccount/del", delete).needs(Capability::Desk),
    get("cgi-bin/customservice/getkflist", all).needs(Capability::Desk),
    get("cgi-bin/customservice/getonlinekflist", online).needs(Capability::Desk),
    post("customservice/msgrecord/getmsglist", records).needs(Capability::Desk),
];

fn add(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().desk.add(&call.json()?)?;
    Ok(ok())
}

fn rename(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().desk.rename(&call.json()?)?;
    Ok(ok())
}

fn invite(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().desk.invite(&call.json()?, call.sandbox.now())?;
    Ok(ok())
}

fn picture(call: &Call<'_>) -> Result<Value, ApiFault> {
    let part = call.part("media").ok_or_else(|| ApiFault::new(41005, "media data missing"))?;
    let ending = part.file.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    if part.bytes.is_empty() || !["jpg", "jpeg"].contains(&ending.as_str()) {
        return Err(ApiFault::new(61457, "invalid head img type"));
    }
    call.sandbox.keeper().change().desk.picture(call.parameter("kf_account"), call.sandbox.fresh())?;
    Ok(ok())
}

fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    call.sandbox.keeper().change().desk.delete(call.parameter("kf_account"))?;
    Ok(ok())
}

fn all(call: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(call.sandbox.keeper().read().desk.list(call.sandbox.now()))
}

fn online(call: &Call<'_>) -> Result<Value, ApiFault> {
    let state = call.sandbox.keeper().read();
    let has = |service: &Service, agent: &str| matches!(service, Service::Agent { account, .. } if account == agent);
    let chats = |agent: &str| state.customers.values().filter(|customer| has(&customer.service, agent)).count();
    Ok(state.desk.online(chats))
}

fn records(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    call.sandbox.keeper().read().desk.records(&body)
}
