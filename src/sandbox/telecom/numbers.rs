//! Numbers over HTTP: codes sent to them and checked, and the messages that arrive there.

use std::collections::HashMap;

use actix_web::http::header::ContentType;
use actix_web::web::{self, Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::codes::Try;
use super::http::{delayed, key_of, out_of_service, wrong};
use super::ledger::Outcome;
use crate::sandbox::live::Live;
use crate::sandbox::service::Sandbox;

/// Routes below `/sandbox/telecom`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/codes", web::post().to(send))
        .route("/codes/check", web::post().to(check))
        .route("/messages", web::get().to(messages));
}

fn field<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn is_mobile(number: &str) -> bool {
    number.len() == 11 && number.starts_with('1') && number.bytes().all(|byte| byte.is_ascii_digit())
}

async fn send(sandbox: Data<Sandbox>, req: HttpRequest, body: Bytes) -> HttpResponse {
    if sandbox.telecom().mode().out {
        return out_of_service();
    }
    let Some(key) = key_of(&req) else { return wrong("KEY_MISSING", "缺少 Idempotency-Key") };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(number) = field(&body, "number").filter(|number| is_mobile(number)) else {
        return wrong("BAD_NUMBER", "不是手机号");
    };
    let fresh = format!("{:06}", rand::random_range(0..1_000_000_u32));
    let now = sandbox.now();
    let (answer, message) = sandbox.keeper().change().books.codes.send(key, (number, &fresh), now);
    if let Some(message) = message {
        sandbox.tell(Live::Sms { message });
    }
    delayed(&sandbox, Outcome { answer, after_ms: 0 }).await
}

async fn check(sandbox: Data<Sandbox>, req: HttpRequest, body: Bytes) -> HttpResponse {
    if sandbox.telecom().mode().out {
        return out_of_service();
    }
    let Some(key) = key_of(&req) else { return wrong("KEY_MISSING", "缺少 Idempotency-Key") };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (Some(number), Some(code), Some(openid)) =
        (field(&body, "number"), field(&body, "code"), field(&body, "openid"))
    else {
        return wrong("BODY_UNREADABLE", "要有 number、code 和 openid");
    };
    let tried = Try { number, code, openid };
    let answer = sandbox.keeper().change().books.codes.check(key, tried, sandbox.now());
    delayed(&sandbox, Outcome { answer, after_ms: 0 }).await
}

/// What the phone of a number shows.
async fn messages(sandbox: Data<Sandbox>, query: Query<HashMap<String, String>>) -> HttpResponse {
    let state = sandbox.keeper().read();
    let messages = state.books.codes.messages(query.get("number").map(String::as_str));
    HttpResponse::Ok().insert_header(ContentType::json()).json(json!({ "messages": messages }))
}
