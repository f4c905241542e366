//! How a call is answered: HTTP 200 and JSON whatever happens, as the platform does (platform.md 4.0), unless a fault
//! is switched on.

use std::time::{Duration, SystemTime};

use actix_web::error::ErrorBadGateway;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, DATE, HttpDate, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use futures_util::stream;
use serde_json::Value;

use super::api::{Answer, File};
use super::call::{self, Call, Wire};
use super::{api, gate};
use crate::sandbox::model::{ApiFault, Down, Request};
use crate::sandbox::service::Sandbox;

/// The largest body: a video and the form around it.
pub const MOST_BYTES: usize = 11 * 1024 * 1024;
/// How long nothing comes while the API is silent.
const SILENCE: Duration = Duration::from_secs(60);

/// Answers any call.
pub async fn answer(sandbox: Data<Sandbox>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let (slow_ms, down) = {
        let switches = sandbox.switches();
        (switches.slow_ms, switches.down)
    };
    wait(&sandbox, Duration::from_millis(slow_ms)).await;
    match down {
        Some(Down::BadGateway) => return HttpResponse::BadGateway().finish(),
        Some(Down::Unavailable) => return HttpResponse::ServiceUnavailable().finish(),
        Some(Down::Reset) => return broken(),
        Some(Down::Silent) => {
            wait(&sandbox, SILENCE).await;
            return broken();
        }
        None => {}
    }
    let path = req.path().split_once("/platform/").map(|(_, path)| path).unwrap_or_default();
    let content_type = req.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let ip = req.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default();
    let call = Call::new(&sandbox, path, Wire { query: req.query_string(), ip, content_type, body: &body });
    let done = match api(path) {
        None => Err(ApiFault::new(40066, "invalid url")),
        Some(api) => api.check_method(req.method()).and_then(|()| gate::pass(&call, api)),
    };
    sandbox.catch_up_soon();
    match done {
        Ok(Answer::Json(json)) => shown(&sandbox, json),
        Ok(Answer::File(file)) => attached(file),
        Err(fault) => refused(&call, &fault),
    }
}

async fn wait(sandbox: &Sandbox, time: Duration) {
    if !time.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = sandbox.closing() => {}
        }
    }
}

fn refused(call: &Call<'_>, fault: &ApiFault) -> HttpResponse {
    tracing::info!(path = call.path, errcode = fault.errcode, "the platform refused a call");
    let fresh = call.sandbox.fresh();
    let rid = call::rid(fresh);
    let body = fault.body(&rid);
    call.sandbox.keeper().change().request_log.keep(Request {
        rid,
        at: fresh.now,
        url: format!("/{}", call.path),
        asked: call.body_in_words(),
        answered: body.to_string(),
        ip: call.ip.clone(),
    });
    shown(call.sandbox, body)
}

fn shown(sandbox: &Sandbox, mut json: Value) -> HttpResponse {
    let (as_strings, text_plain, date_off_secs) = {
        let conditions = &sandbox.keeper().read().conditions;
        (conditions.numbers_as_strings, conditions.text_plain, conditions.date_off_secs)
    };
    if as_strings {
        numbers_as_strings(&mut json);
    }
    let kind = if text_plain { "text/plain" } else { "application/json; encoding=utf-8" };
    let mut answer = HttpResponse::Ok();
    // Otherwise the server tells the caller's own time.
    if date_off_secs != 0 {
        answer.insert_header((DATE, told_date(date_off_secs)));
    }
    answer.content_type(kind).body(json.to_string())
}

/// The `Date` of a clock that is so far ahead of the caller's.
fn told_date(off_secs: i64) -> HttpDate {
    let off = Duration::from_secs(off_secs.unsigned_abs());
    let now = SystemTime::now();
    let then = if off_secs < 0 { now.checked_sub(off) } else { now.checked_add(off) };
    then.unwrap_or(now).into()
}

fn numbers_as_strings(json: &mut Value) {
    match json {
        Value::Number(number) => *json = Value::String(number.to_string()),
        Value::Array(list) => list.iter_mut().for_each(numbers_as_strings),
        Value::Object(fields) => fields.values_mut().for_each(numbers_as_strings),
        _ => {}
    }
}

/// A file that somebody uploaded: never a page of ours.
pub fn attached(file: File) -> HttpResponse {
    let File { name, bytes } = file;
    let safe: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
    let kind = match safe.rsplit('.').next().unwrap_or_default() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "mp3" => "audio/mp3",
        "amr" => "audio/amr",
        _ => "application/octet-stream",
    };
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{safe}\"")))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(bytes)
}

/// The connection breaks before an answer is complete.
fn broken() -> HttpResponse {
    let nothing = stream::once(async { Err::<Bytes, Error>(ErrorBadGateway("broken")) });
    HttpResponse::build(StatusCode::OK).no_chunking(1).streaming(nothing)
}
