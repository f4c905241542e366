//! Messages that were given up: the list of an account, and one more try of one of them (contract.md "HTTP").

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::super::State;
use super::super::guard::Authorized;
use super::{Api, Fault, FaultBody};
use crate::app::{Resent, dead_letters, moment};
use crate::domain::ids::WorkId;
use crate::domain::reach::Told;

pub(super) fn add(api: &mut Api) {
    api.route(__path_list, list);
    api.route(__path_send_again, send_again);
}

/// Of which account.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Of {
    /// The account; may be left out when one is configured.
    account: Option<String>,
}

/// Which message.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The message, as the list names it.
    id: String,
    /// The account; may be left out when one is configured.
    account: Option<String>,
}

/// The newest messages that were given up, newest first: when, which, and why; not to whom.
#[utoipa::path(
    get,
    path = "/api/v1/dead-letters",
    tag = "customers",
    params(Of),
    responses(
        (status = 200, description = "A list of `id`, `at` and `cause`.", body = Object, content_type = "application/json"),
        (status = 400, description = "The request cannot be meant.", body = FaultBody),
        (status = 401, description = "Not authorized.", body = FaultBody),
        (status = 404, description = "There is no such account.", body = FaultBody),
        (status = 503, description = "The store is not available now.", body = FaultBody),
    ),
    security(("bearer" = []), ("console" = []))
)]
async fn list(
    _: Authorized,
    state: Data<State>,
    of: Result<Query<Of>, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let of = of.map_err(|error| Fault::told(&error))?;
    let account = super::reports::account(&state, of.account.as_deref())?;
    let listed = dead_letters(state.app.store().as_ref(), account.id()).await.map_err(|error| Fault::store(&error))?;
    let lines =
        listed.iter().map(|line| json!({"id": line.id, "at": moment(line.at), "cause": line.cause.to_string()}));
    Ok(HttpResponse::Ok().json(json!({"dead_letters": lines.collect::<Vec<_>>()})))
}

/// Sends a message that was given up once more, if its customer can be reached now.
#[utoipa::path(
    post,
    path = "/api/v1/customers/{openid}/resend",
    tag = "customers",
    params(("openid" = String, Path, description = "The customer's openid."), Which),
    responses(
        (status = 200, description = "It is on its way; `path` says how.", body = Object, content_type = "application/json"),
        (status = 400, description = "The request cannot be meant.", body = FaultBody),
        (status = 401, description = "Not authorized.", body = FaultBody),
        (status = 404, description = "No such message is kept.", body = FaultBody),
        (status = 409, description = "The customer cannot be reached now.", body = FaultBody),
        (status = 503, description = "The store is not available now.", body = FaultBody),
    ),
    security(("bearer" = []))
)]
async fn send_again(
    _: Authorized,
    (state, openid): (Data<State>, Path<String>),
    which: Result<Query<Which>, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let Which { id, account } = which.map_err(|error| Fault::told(&error))?.into_inner();
    let of = super::customers::of_account(&state, &openid, account.as_deref())?;
    let resent = state.app.resend(&of, &WorkId::new(id)).await.map_err(|error| Fault::store(&error))?;
    match resent {
        Resent::OnItsWay(path) => {
            Ok(HttpResponse::Ok().json(json!({"path": Told { reach: &path, at: moment }.to_string()})))
        }
        Resent::NotNow(path) => Err(Fault::new(
            StatusCode::CONFLICT,
            Told { reach: &path, at: moment }.to_string(),
            "try again when the customer has written",
        )),
        Resent::Unknown => Err(Fault::missing("no such message is kept", "see `fuwu explain push` for those that are")),
    }
}
