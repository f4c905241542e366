//! What the payment platform tells: `/pay/{account}/notify` (platform.md 6.4).

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use actix_web::web::{Data, Payload};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::time::timeout;

use super::State;
use crate::app::NotTaken;

/// A notification is a few KiB.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// A body that drips in slower than this is not the platform's.
const BODY_WITHIN: Duration = Duration::from_secs(5);

/// A notification: 200 once what it says is kept, also when it was known or is none of ours; 401 when its signature or
/// seal does not hold; 503 when it cannot be kept now, so that it comes again.
pub async fn hear(state: Data<State>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let account = request.match_info().get("account").and_then(|id| state.app.account(id));
    let Some(account) = account.map(Arc::clone) else { return HttpResponse::NotFound().finish() };
    let is_encoded = request.headers().get_all(CONTENT_ENCODING).any(|e| e != HeaderValue::from_static("identity"));
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if is_encoded {
        return failed(HttpResponse::UnsupportedMediaType());
    }
    if announced.is_some_and(|bytes: usize| bytes > MAX_BODY_BYTES) {
        return too_large();
    }
    let body = match timeout(BODY_WITHIN, read(payload)).await {
        Ok(Ok(body)) => body,
        Ok(Err(Unread::TooLarge)) => return too_large(),
        Ok(Err(Unread::Broken)) => return failed(HttpResponse::BadRequest()),
        Err(_) => return failed(HttpResponse::RequestTimeout()),
    };
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    match state.app.payment_heard(&account, (headers, body)).await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(NotTaken::NoMerchant) => HttpResponse::NotFound().finish(),
        Err(NotTaken::Refused) => failed(HttpResponse::Unauthorized()),
        Err(NotTaken::NotNow) => failed(HttpResponse::ServiceUnavailable()),
    }
}

enum Unread {
    TooLarge,
    Broken,
}

async fn read(mut payload: Payload) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Unread::Broken)?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn too_large() -> HttpResponse {
    let mut answer = HttpResponse::PayloadTooLarge();
    answer.force_close();
    failed(answer)
}

/// Without a word why: the platform knows, and nobody else needs to.
fn failed(mut answer: actix_web::HttpResponseBuilder) -> HttpResponse {
    answer.json(json!({ "code": "FAIL", "message": "" }))
}
