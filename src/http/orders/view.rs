//! What is shown: the order as the store knows it.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::page::{self, Seen};
use super::{Asked, enter, private, shown};
use crate::app::is_payable;
use crate::http::State;

/// `GET /orders/{account}/{number}`: the page.
pub async fn order(state: Data<State>, request: HttpRequest) -> HttpResponse {
    let Some(asked) = Asked::of(&state, &request) else { return missing() };
    let openid = match enter::known(&state, (&asked, &request)).await {
        Ok(openid) => openid,
        Err(elsewhere) => return elsewhere,
    };
    match state.app.order_of(asked.account, (&openid, &asked.number)).await {
        Ok(Some(order)) => {
            let address = address(&asked, &request);
            let ways = state.app.pay_ways(asked.account, (&order, &address)).await;
            let is_payable = is_payable(&order, state.app.clock().now());
            shown(StatusCode::OK, page::order(&Seen { order: &order, ways: ways.as_ref(), is_payable }))
        }
        Ok(None) => missing(),
        Err(error) => {
            tracing::error!(account = %asked.account.id(), %error, "an order cannot be read");
            shown(StatusCode::SERVICE_UNAVAILABLE, page::not_now())
        }
    }
}

/// `GET /orders/{account}/{number}/state`: how it stands, for the page to ask again and again. Without a visit it is 401:
/// the page loads itself anew.
pub async fn state(state: Data<State>, request: HttpRequest) -> HttpResponse {
    let Some(asked) = Asked::of(&state, &request) else { return told(StatusCode::NOT_FOUND, &json!({})) };
    let Some(openid) = enter::visitor(&state, (&asked, &request)) else {
        return told(StatusCode::UNAUTHORIZED, &json!({}));
    };
    match state.app.order_of(asked.account, (&openid, &asked.number)).await {
        Ok(Some(order)) => {
            let is_payable = is_payable(&order, state.app.clock().now());
            let paid = order.paid().is_some();
            told(StatusCode::OK, &json!({ "state": order.state().as_str(), "payable": is_payable, "paid": paid }))
        }
        Ok(None) => told(StatusCode::NOT_FOUND, &json!({})),
        Err(_) => told(StatusCode::SERVICE_UNAVAILABLE, &json!({})),
    }
}

fn missing() -> HttpResponse {
    shown(StatusCode::NOT_FOUND, page::missing())
}

fn told(status: StatusCode, body: &serde_json::Value) -> HttpResponse {
    private(status).json(body)
}

/// The page's address as its browser shows it.
fn address(asked: &Asked<'_>, request: &HttpRequest) -> String {
    let query = request.query_string();
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{}{}{query}", asked.account.site, asked.path())
}
