//! What a person does at the payment platform: pays, looks at the books, switches faults. Below `/sandbox/api/pay`.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::Act;
use super::platform::Pay;
use crate::sandbox::SandboxError;
use crate::sandbox::phone::SameOrigin;

/// Routes below `/sandbox/api/pay`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/books", web::get().to(books))
        .route("/merchant", web::get().to(merchant))
        .route("/faults", web::get().to(faults))
        .route("/faults", web::post().to(set_faults))
        .route("/rotate", web::post().to(rotate))
        .route("/sheet", web::post().to(sheet))
        .route("/act", web::post().to(act));
}

async fn books(pay: Data<Pay>) -> HttpResponse {
    let books = pay.books();
    HttpResponse::Ok().json(json!({
        "orders": books.orders, "refunds": books.refunds, "balance_fen": books.balance_fen(), "flows": books.flows,
        "notices": books.on_their_way(), "faults": books.faults(),
    }))
}

/// What is no secret.
async fn merchant(pay: Data<Pay>) -> Result<HttpResponse, SandboxError> {
    let own = pay.credentials()?;
    Ok(HttpResponse::Ok().json(json!({
        "mchid": own.mchid, "serial": own.serial, "public_key_id": own.public_key_id,
        "public_key": own.public_key_pem,
    })))
}

async fn faults(pay: Data<Pay>) -> HttpResponse {
    HttpResponse::Ok().json(&*pay.switches())
}

async fn set_faults(_: SameOrigin, pay: Data<Pay>, change: Json<Value>) -> Result<HttpResponse, SandboxError> {
    Ok(HttpResponse::Ok().json(pay.switch_faults(&change)?))
}

async fn rotate(_: SameOrigin, pay: Data<Pay>) -> Result<HttpResponse, SandboxError> {
    Ok(HttpResponse::Ok().json(json!({ "serial": pay.rotate()? })))
}

#[derive(Deserialize)]
struct Shown {
    openid: String,
    /// What the pay page hands to `getBrandWCPayRequest` or `chooseWXPay`.
    page: Value,
}

/// What the phone shows before it is paid; or `error`, in words.
async fn sheet(_: SameOrigin, pay: Data<Pay>, shown: Json<Shown>) -> HttpResponse {
    match pay.sheet(&shown.openid, &shown.page) {
        Ok((description, total_fen)) => {
            HttpResponse::Ok().json(json!({ "description": description, "total_fen": total_fen }))
        }
        Err(words) => HttpResponse::Conflict().json(json!({ "error": words })),
    }
}

#[derive(Deserialize)]
struct Acted {
    openid: String,
    /// What the pay page hands to `getBrandWCPayRequest` or `chooseWXPay`.
    page: Value,
    act: Act,
}

/// What the page hears is `state`; or `error`, in words.
async fn act(_: SameOrigin, pay: Data<Pay>, acted: Json<Acted>) -> HttpResponse {
    let done = pay.act(&acted.openid, &acted.page, acted.act);
    pay.catch_up_soon();
    match done {
        Ok(state) => HttpResponse::Ok().json(json!({ "state": state })),
        Err(words) => HttpResponse::Conflict().json(json!({ "error": words })),
    }
}
