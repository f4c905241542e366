//! Orders and forms that a person has to look at: the list of an account, one of them, and what was decided (contract.md
//! "HTTP").

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::super::State;
use super::super::guard::Authorized;
use super::{Api, Fault, FaultBody};
use crate::app::{CaseDecision, GaveBack, HandedIn, Standing, Taken, cases, handed_in, moment, whose_order};
use crate::domain::ids::OrderNumber;
use crate::domain::order::{Decided, Order};

pub(super) fn add(api: &mut Api) {
    api.route(__path_list, list);
    api.route(__path_show, show);
    api.route(__path_decide, decide);
}

/// Of which account.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Of {
    /// The account; may be left out when one is configured.
    account: Option<String>,
}

/// What was decided.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct What {
    /// `done`: it is done; `undone`: it is not, and what was paid goes back; `returned`: what was paid, or paid twice, was
    /// given back by other means; `seen`: nothing is to be done here.
    decision: String,
    /// The account; may be left out when one is configured.
    account: Option<String>,
}

/// A form as people read it, without what its customer told in it.
fn told_form(form: &HandedIn) -> Value {
    let step = |(at, standing): &(_, Standing)| json!({"at": moment(*at), "state": standing.as_str()});
    json!({
        "kind": "form", "number": form.number, "action": form.action, "state": form.stands().as_str(),
        "needs_person": form.case.is_some() || form.stands() == Standing::Unknown, "because": form.case,
        "at": form.history.last().map(|(at, _)| moment(*at)),
        "history": form.history.iter().map(step).collect::<Vec<_>>(),
        "holds": form.hold.as_ref().map(|hold| json!({"pool": hold.pool, "item": hold.item})),
    })
}

/// An order as people read it, without what its customer told for it.
fn told(order: &Order) -> Value {
    let money = order.money();
    json!({
        "kind": "order", "number": order.number, "action": order.action, "label": order.label, "amount_fen": order.amount,
        "points": order.points,
        "state": order.state().as_str(), "because": order.learned.map(|reason| reason.as_str()),
        "needs_person": order.needs_person(), "at": moment(order.moved_at),
        "paid_fen": money.map(|money| money.came()), "returned_fen": money.map(|money| money.went_back()),
        "transaction": order.paid().map(|paid| paid.transaction.as_str()),
    })
}

/// The orders and payments that wait for a person: which, since when, why, how much; not whose.
#[utoipa::path(
    get,
    path = "/api/v1/orders",
    tag = "orders",
    params(Of),
    responses(
        (status = 200, description = "A list of `number`, `at`, `reason` and `amount_fen`; of a payment whose customer is forgotten, the `action` that took the order.", body = Object, content_type = "application/json"),
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
    let listed = cases(state.app.store().as_ref(), account.id()).await.map_err(|error| Fault::store(&error))?;
    let lines = listed.iter().map(|case| {
        let action = case.forgotten.as_ref().map(|forgotten| &forgotten.action);
        json!({
            "number": case.number, "at": moment(case.at), "reason": case.reason, "amount_fen": case.amount_fen,
            "action": action,
        })
    });
    Ok(HttpResponse::Ok().json(json!({"orders": lines.collect::<Vec<_>>()})))
}

/// One order as it stands; or a form that was handed in, with where it has stood.
#[utoipa::path(
    get,
    path = "/api/v1/orders/{number}",
    tag = "orders",
    params(("number" = String, Path, description = "The number of the order or the form."), Of),
    responses(
        (status = 200, description = "What it is (`kind`: `order` or `form`), how it stands, and what was paid and returned, or its `history`.", body = Object, content_type = "application/json"),
        (status = 400, description = "The request cannot be meant.", body = FaultBody),
        (status = 401, description = "Not authorized.", body = FaultBody),
        (status = 404, description = "There is no such order or form.", body = FaultBody),
        (status = 503, description = "The store is not available now.", body = FaultBody),
    ),
    security(("bearer" = []), ("console" = []))
)]
async fn show(
    _: Authorized,
    (state, number): (Data<State>, Path<String>),
    of: Result<Query<Of>, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let of = of.map_err(|error| Fault::told(&error))?;
    let account = super::reports::account(&state, of.account.as_deref())?;
    let number = OrderNumber::new(number.into_inner());
    let store = state.app.store().as_ref();
    let whose = whose_order(store, account.id(), &number).await.map_err(|error| Fault::store(&error))?;
    let Some(whose) = whose else {
        let form = handed_in(store, account.id(), &number).await.map_err(|error| Fault::store(&error))?;
        return form.map(|form| HttpResponse::Ok().json(told_form(&form))).ok_or_else(no_such);
    };
    let stored = store.load(&whose).await.map_err(|error| Fault::store(&error))?;
    let order = stored.customer.orders.get(&number).ok_or_else(no_such)?;
    Ok(HttpResponse::Ok().json(told(order)))
}

/// Takes what a person decided about an order or a form that needs one.
#[utoipa::path(
    post,
    path = "/api/v1/orders/{number}/decide",
    tag = "orders",
    params(("number" = String, Path, description = "The number of the order or the form."), What),
    responses(
        (status = 200, description = "The order or the form as it stands now; `closed` when there was nothing but the case.", body = Object, content_type = "application/json"),
        (status = 400, description = "The request cannot be meant.", body = FaultBody),
        (status = 401, description = "Not authorized.", body = FaultBody),
        (status = 404, description = "There is no such order or form.", body = FaultBody),
        (status = 409, description = "It cannot be decided so as it stands.", body = FaultBody),
        (status = 503, description = "The store is not available now.", body = FaultBody),
    ),
    security(("bearer" = []))
)]
async fn decide(
    _: Authorized,
    (state, number): (Data<State>, Path<String>),
    what: Result<Query<What>, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let What { decision, account } = what.map_err(|error| Fault::told(&error))?.into_inner();
    let account = super::reports::account(&state, account.as_deref())?;
    let decision = match decision.as_str() {
        "done" => CaseDecision::Of(Decided::Done),
        "undone" => CaseDecision::Of(Decided::Undone),
        "returned" => CaseDecision::Of(Decided::Returned),
        "seen" => CaseDecision::Seen,
        _ => return Err(Fault::misused("no such decision", "say done, undone, returned or seen")),
    };
    let number = OrderNumber::new(number.into_inner());
    let taken = state.app.decide_case(account, (&number, decision)).await.map_err(|error| Fault::store(&error))?;
    match taken {
        Taken::Order(order) => Ok(HttpResponse::Ok().json(told(&order))),
        Taken::Closed => Ok(HttpResponse::Ok().json(json!({"closed": true}))),
        Taken::NotSo(order) => Err(Fault::new(
            StatusCode::CONFLICT,
            format!("the order stands at {} and cannot be decided so", order.state().as_str()),
            "only an order that needs a person is decided: done, undone, or returned where money of theirs is still here; \
             one that is done and paid for can be called off by undone; seen takes off the list what needs no decision",
        )),
        Taken::Form(form) => Ok(HttpResponse::Ok().json(told_form(&form))),
        Taken::FormNotSo(form, why) => {
            let (cause, mend) = why.told();
            Err(Fault::new(StatusCode::CONFLICT, format!("{cause}: it stands at {}", form.stands().as_str()), mend))
        }
        Taken::GaveBack(GaveBack::OnItsWay) => Ok(HttpResponse::Ok().json(json!({"returning": true}))),
        Taken::GaveBack(GaveBack::Refused(code)) => Err(Fault::new(
            StatusCode::CONFLICT,
            format!("the payment platform does not give it back: {code}"),
            "give it back on the platform's own pages, and decide returned",
        )),
        Taken::GaveBack(GaveBack::NotFromHere) => Err(Fault::new(
            StatusCode::CONFLICT,
            "this account has no merchant, so nothing can be given back from here",
            "set accounts.ID.pay, or give it back on the platform's own pages and decide returned",
        )),
        Taken::Unknown => Err(no_such()),
    }
}

fn no_such() -> Fault {
    Fault::missing(
        "there is no such order, nor a form of this number",
        "see `fuwu order list` for those that wait for a person",
    )
}
