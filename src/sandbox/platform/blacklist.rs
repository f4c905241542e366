//! The black list (platform.md 4.7).

use serde_json::Value;

use super::account::ok;
use super::api::{Api, post};
use super::call::Call;
use super::page::{Total, page};
use crate::sandbox::model::{ApiFault, Capability, Customer, Standing, text};

const AT_ONCE: usize = 20;

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/tags/members/getblacklist", read).needs(Capability::Users),
    post("cgi-bin/tags/members/batchblacklist", |call| each(call, |standing| standing.blacklisted = true))
        .needs(Capability::Users),
    post("cgi-bin/tags/members/batchunblacklist", |call| each(call, |standing| standing.blacklisted = false))
        .needs(Capability::Users),
];

fn read(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let state = call.sandbox.keeper().read();
    let listed = |customer: &Customer| customer.standing.blacklisted;
    Ok(page(&state, text(&body, "/begin_openid"), (Total::Shown, &listed)))
}

fn each(call: &Call<'_>, change: fn(&mut Standing)) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let mut state = call.sandbox.keeper().change();
    for openid in state.followers(&body, AT_ONCE)? {
        if let Some(customer) = state.customers.get_mut(&openid) {
            change(&mut customer.standing);
        }
    }
    Ok(ok())
}
