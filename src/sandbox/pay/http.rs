//! The payment platform's API below `/sandbox/pay`: every call is verified and every answer signed (platform.md 6.2).

use std::time::Duration;

use actix_web::error::ErrorBadGateway;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, USER_AGENT};
use actix_web::web::{self, Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use futures_util::stream;

use super::calls::{self, Answer, Asked};
use super::keys::By;
use super::model::{Fault, take};
use super::platform::Pay;

/// A request that was signed so long ago, or so far ahead, is refused.
const WINDOW_SECS: i64 = 300;
/// How long nothing comes while an answer is silent.
const SILENCE: Duration = Duration::from_secs(60);
const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048 ";

/// Routes below `/sandbox/pay`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.default_service(web::to(answer));
}

async fn answer(pay: Data<Pay>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let target = req.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let checked = verified(&pay, (&req, &target), &body);
    let done = match checked {
        Err(fault) => Err(fault),
        Ok(()) if take(&mut pay.switches().system_error) => Err(Fault::system()),
        Ok(()) => {
            let origin = origin(req.headers());
            let asked = Asked { method: req.method().as_str(), target: &target, origin: &origin, body: &body };
            let done = calls::call(&pay, &asked);
            let (is_failing, is_lost, is_silent) = {
                let mut switches = pay.switches();
                let lost = take(&mut switches.lost_answers);
                (take(&mut switches.system_error_after), lost, take(&mut switches.silent_answers))
            };
            pay.catch_up_soon();
            if is_silent {
                let _ = tokio::time::timeout(SILENCE, pay.closing()).await;
            }
            if is_lost || is_silent {
                return broken();
            }
            if is_failing { Err(Fault::system()) } else { done }
        }
    };
    let (status, body) = match done {
        Ok(Answer::Json(json)) => (StatusCode::OK, json.to_string()),
        Ok(Answer::Nothing) => (StatusCode::NO_CONTENT, String::new()),
        Ok(Answer::File(text)) => {
            let is_spoiled = take(&mut pay.switches().spoiled_bills);
            let text = if is_spoiled { text.replacen("JSAPI", "NATIVE", 1) } else { text };
            return HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text);
        }
        Err(fault) => {
            tracing::info!(code = fault.code, "the payment platform refused a call");
            (StatusCode::from_u16(fault.status).unwrap_or(StatusCode::BAD_REQUEST), fault.body().to_string())
        }
    };
    signed(&pay, req.headers(), (status, body)).unwrap_or_else(|| HttpResponse::InternalServerError().finish())
}

/// The answer with its signature: by the public key for whoever names it, else by the newest certificate.
fn signed(pay: &Pay, asked: &HeaderMap, (status, body): (StatusCode, String)) -> Option<HttpResponse> {
    let is_forged = take(&mut pay.switches().forged_answers);
    let keys = pay.keys().ok()?;
    let by = if asked.contains_key("Wechatpay-Serial") { By::PublicKey } else { By::Certificate };
    let (serial, pair) = keys.signs(by);
    let (timestamp, nonce) = (pay.now(), format!("{:032x}", rand::random::<u128>()));
    let message = format!("{timestamp}\n{nonce}\n{body}\n");
    let pair = if is_forged { &keys.merchant } else { pair };
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header(("Wechatpay-Timestamp", timestamp.to_string()))
        .insert_header(("Wechatpay-Nonce", nonce))
        .insert_header(("Wechatpay-Signature", pair.sign(message.as_bytes()).ok()?))
        .insert_header(("Wechatpay-Serial", serial))
        .insert_header(("Request-ID", format!("{:032X}", rand::random::<u128>())));
    Some(if body.is_empty() { answer.finish() } else { answer.content_type("application/json").body(body) })
}

fn text(headers: &HeaderMap, name: impl actix_web::http::header::AsHeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn origin(headers: &HeaderMap) -> String {
    format!("http://{}", text(headers, HOST))
}

/// Whether the merchant signed this, now.
fn verified(pay: &Pay, (req, target): (&HttpRequest, &str), body: &[u8]) -> Result<(), Fault> {
    let headers = req.headers();
    if text(headers, USER_AGENT).is_empty() {
        return Err(Fault::parameter("缺少 User-Agent"));
    }
    if !text(headers, ACCEPT).contains("application/json") && !text(headers, ACCEPT).contains("*/*") {
        return Err(Fault::parameter("缺少 Accept: application/json"));
    }
    if !body.is_empty() && !text(headers, CONTENT_TYPE).starts_with("application/json") {
        return Err(Fault::parameter("Content-Type 要是 application/json"));
    }
    let wrong = |message| Fault::new(401, "SIGN_ERROR", message);
    let given = text(headers, AUTHORIZATION).strip_prefix(SCHEME).ok_or(wrong("Authorization 的类型不对"))?;
    let field = |name: &str| {
        let found = given.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix("=\""));
        found.and_then(|value| value.strip_suffix('"')).unwrap_or_default()
    };
    let keys = pay.keys().map_err(|_| Fault::system())?;
    if field("mchid") != keys.mchid || !field("serial_no").eq_ignore_ascii_case(&keys.serial) {
        return Err(wrong("商户号与证书序列号不匹配"));
    }
    let (timestamp, nonce) = (field("timestamp"), field("nonce_str"));
    let at: i64 = timestamp.parse().map_err(|_| wrong("timestamp 不是时间"))?;
    if (pay.now() - at).abs() >= WINDOW_SECS {
        return Err(wrong("timestamp 与平台时间相差 5 分钟以上"));
    }
    let head = format!("{}\n{target}\n{timestamp}\n{nonce}\n", req.method());
    let message = [head.as_bytes(), body, b"\n"].concat();
    if nonce.is_empty() || !keys.merchant.verifies(&message, field("signature")) {
        return Err(wrong("签名错误"));
    }
    let serial = text(headers, "Wechatpay-Serial");
    if !serial.is_empty() && serial != keys.public_id {
        return Err(Fault::parameter("Wechatpay-Serial 不是平台的公钥 ID"));
    }
    Ok(())
}

/// The connection breaks before an answer is complete.
fn broken() -> HttpResponse {
    let nothing = stream::once(async { Err::<Bytes, Error>(ErrorBadGateway("broken")) });
    HttpResponse::build(StatusCode::OK).no_chunking(1).streaming(nothing)
}
