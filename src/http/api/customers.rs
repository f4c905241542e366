//! One customer over the API: everything held on them, and forgetting them (contract.md "HTTP").

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::State;
use super::super::guard::Authorized;
use super::{Api, Fault, FaultBody};
use crate::app::{Erased, erase_customer, export_customer};
use crate::domain::ids::{Openid, OrderNumber};
use crate::store::{CustomerRef, StoreError};

pub(super) fn add(api: &mut Api) {
    api.route(__path_export, export);
    api.route(__path_erase, erase);
}

/// Whose customer.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// The account; may be left out when one is configured.
    account: Option<String>,
}

/// Everything held on a customer, also on one who left.
#[utoipa::path(
    get,
    path = "/api/v1/customers/{openid}",
    tag = "customers",
    params(("openid" = String, Path, description = "The customer's openid."), Whose),
    responses(
        (status = 200, description = "Record, facts, outgoing work and quarantined deliveries.", body = Object, content_type = "application/json"),
        (status = 400, description = "The request cannot be meant.", body = FaultBody),
        (status = 401, description = "Not authorized.", body = FaultBody),
        (status = 404, description = "Nothing is held on this customer.", body = FaultBody),
        (status = 503, description = "The store is not available now.", body = FaultBody),
    ),
    security(("bearer" = []), ("console" = []))
)]
async fn export(
    _: Authorized,
    (state, openid): (Data<State>, Path<String>),
    whose: Result<Query<Whose>, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let of = customer(&state, &openid, whose)?;
    let held = export_customer(state.app.store().as_ref(), &of).await.map_err(|error| Fault::store(&error))?;
    held.map(|held| HttpResponse::Ok().json(held)).ok_or_else(nobody)
}

/// Erases a customer: nothing of them is left; the numbers stay as they are.
#[utoipa::path(
    delete,
    path = "/api/v1/customers/{openid}",
    tag = "customers",
    params(("openid" = String, Path, description = "The customer's openid."), Whose),
    responses(
        (status = 204, description = "Erased."),
        (status = 400, description = "The request cannot be meant.", body = FaultBody),
        (status = 401, description = "Not authorized.", body = FaultBody),
        (status = 404, description = "Nothing is held on this customer.", body = FaultBody),
        (status = 409, description = "An order or a form of theirs is under way: end or decide it first.", body = FaultBody),
        (status = 503, description = "The store is not available now.", body = FaultBody),
    ),
    security(("bearer" = []))
)]
async fn erase(
    _: Authorized,
    (state, openid): (Data<State>, Path<String>),
    whose: Result<Query<Whose>, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let of = customer(&state, &openid, whose)?;
    // What is begun is ended, also when the caller does not wait for it.
    let (app, who) = (Arc::clone(&state.app), of.clone());
    app.forget_answers(&who);
    let erased = actix_web::rt::spawn(async move { erase_customer(app.store().as_ref(), &who).await }).await;
    let broken_off = |_| Fault::store(&StoreError::Unavailable("erasing was broken off; ask again".into()));
    match erased.map_err(broken_off)?.map_err(|error| Fault::store(&error))? {
        Erased::Gone => {}
        Erased::Nobody => return Err(nobody()),
        Erased::UnderWay(numbers) => return Err(owed(&numbers)),
    }
    tracing::info!(account = %of.account, "a customer was erased on request");
    Ok(HttpResponse::NoContent().finish())
}

fn customer(state: &State, openid: &str, whose: Result<Query<Whose>, actix_web::Error>) -> Result<CustomerRef, Fault> {
    let whose = whose.map_err(|error| Fault::told(&error))?;
    of_account(state, openid, whose.account.as_deref())
}

/// A customer of the account that is named, or of the only one.
pub(super) fn of_account(state: &State, openid: &str, account: Option<&str>) -> Result<CustomerRef, Fault> {
    let account = super::reports::account(state, account)?;
    Ok(CustomerRef { account: account.id().clone(), openid: Openid::from(openid) })
}

fn owed(numbers: &[OrderNumber]) -> Fault {
    let numbers: Vec<&str> = numbers.iter().map(OrderNumber::as_str).collect();
    Fault::new(
        StatusCode::CONFLICT,
        format!("orders or forms of this customer are under way: {}", numbers.join(", ")),
        "wait until they have ended, or decide those that wait for a person (`fuwu order list`), and erase then",
    )
}

fn nobody() -> Fault {
    Fault::missing("nothing is held on this customer", "check the openid and the account")
}
