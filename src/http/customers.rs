//! One customer over the API: everything held on them, and forgetting them (contract.md "HTTP").

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::Deserialize;
use serde_json::json;

use super::State;
use super::guard::Authorized;
use crate::app::export_customer;
use crate::domain::ids::Openid;
use crate::store::{CustomerRef, StoreError};

/// Whose customer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    account: Option<String>,
}

/// Everything held on a customer.
pub async fn export(
    _: Authorized,
    (state, openid): (Data<State>, Path<String>),
    whose: Result<Query<Whose>, actix_web::Error>,
) -> HttpResponse {
    let of = match customer(&state, &openid, whose) {
        Ok(of) => of,
        Err(cause) => return wrong(cause),
    };
    match export_customer(state.app.store().as_ref(), &of).await {
        Ok(Some(held)) => HttpResponse::Ok().json(held),
        Ok(None) => nobody(),
        Err(error) => unavailable(&error),
    }
}

/// Forgets a customer: 204 when something was held, 404 when nothing was.
pub async fn erase(
    _: Authorized,
    (state, openid): (Data<State>, Path<String>),
    whose: Result<Query<Whose>, actix_web::Error>,
) -> HttpResponse {
    let of = match customer(&state, &openid, whose) {
        Ok(of) => of,
        Err(cause) => return wrong(cause),
    };
    match state.app.store().erase(&of).await {
        Ok(true) => {
            tracing::info!(account = %of.account, "a customer was erased on request");
            HttpResponse::NoContent().finish()
        }
        Ok(false) => nobody(),
        Err(error) => unavailable(&error),
    }
}

fn customer(state: &State, openid: &str, whose: Result<Query<Whose>, actix_web::Error>) -> Result<CustomerRef, String> {
    let whose = whose.map_err(|error| error.to_string())?;
    let account = match &whose.account {
        Some(id) => state.app.account(id),
        None => state.app.accounts().next().filter(|_| state.app.accounts().count() == 1),
    };
    let account = account.ok_or("`account` must name a configured account")?;
    Ok(CustomerRef { account: account.id().clone(), openid: Openid::from(openid) })
}

fn wrong(cause: String) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({ "error": cause }))
}

fn nobody() -> HttpResponse {
    HttpResponse::NotFound().json(json!({ "error": "nothing is held on this customer" }))
}

fn unavailable(error: &StoreError) -> HttpResponse {
    tracing::error!(%error, "a customer could not be read or erased");
    HttpResponse::ServiceUnavailable().json(json!({ "error": error.to_string() }))
}
