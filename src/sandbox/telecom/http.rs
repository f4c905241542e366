//! The demo business system over HTTP.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::header::ContentType;
use actix_web::web::{self, Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::applications::Applications;
use super::ledger::{Ledger, Order, Outcome, Question};
use super::numbers;
use crate::domain::time::UnixSecs;
use crate::sandbox::SandboxError;
use crate::sandbox::live::Live;
use crate::sandbox::phone::SameOrigin;
use crate::sandbox::service::Sandbox;

const LONGEST_DELAY_MS: u64 = 60_000;

/// The system and its mood.
pub struct Telecom {
    ledger: Ledger,
    applications: Applications,
    mode: Mutex<Mode>,
}

/// How it behaves now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mode {
    /// Every answer is this much later.
    pub delay_ms: u64,
    /// Nothing is answered but 503.
    pub out: bool,
}

impl Telecom {
    /// The system with its fixtures.
    pub fn new() -> Result<Self, SandboxError> {
        let ledger = Ledger::read(
            include_str!("../../../fixtures/telecom/customers.json"),
            include_str!("../../../fixtures/telecom/catalog.json"),
        );
        let ledger = ledger.map_err(|fault| SandboxError::BadAccount(format!("fixtures/telecom: {fault}")))?;
        Ok(Self { ledger, applications: Applications::default(), mode: Mutex::new(Mode::default()) })
    }

    /// How it behaves now.
    pub fn mode(&self) -> Mode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what `change` names and leaves the rest.
    pub fn set_mode(&self, change: &Value) -> Mode {
        let mut mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(delay_ms) = change.get("delay_ms").and_then(Value::as_u64) {
            mode.delay_ms = delay_ms.min(LONGEST_DELAY_MS);
        }
        if let Some(out) = change.get("out").and_then(Value::as_bool) {
            mode.out = out;
        }
        *mode
    }
}

/// Routes below `/sandbox/telecom`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/plan", web::get().to(|s, q| ask(s, q, Question::Plan)))
        .route("/data", web::get().to(|s, q| ask(s, q, Question::Data)))
        .route("/balance", web::get().to(|s, q| ask(s, q, Question::Balance)))
        .route("/points", web::get().to(|s, q| ask(s, q, Question::Points)))
        .route("/orders", web::get().to(|s, q| ask(s, q, Question::Orders)))
        .route("/orders", web::post().to(order))
        .route("/days/{day}", web::get().to(day_book))
        .route("/orders/{key}", web::get().to(standing))
        .route("/bills", web::get().to(|s, q| ask(s, q, Question::Bills)))
        .configure(numbers::configure)
        .route("/applications", web::post().to(apply))
        .route("/mode", web::get().to(mode))
        .route("/mode", web::post().to(set_mode));
}

type Parameters = Query<HashMap<String, String>>;

async fn ask(sandbox: Data<Sandbox>, query: Parameters, question: Question) -> HttpResponse {
    if sandbox.telecom().mode().out {
        return out_of_service();
    }
    let named = |name: &str| query.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let (number, openid) = (named("number"), named("openid"));
    let answer = {
        let books = &sandbox.keeper().read().books;
        let Some(who) = number.map(|number| books.codes.owner(number)).or(openid) else {
            return wrong("OPENID_MISSING", "缺少 openid 或 number");
        };
        sandbox.telecom().ledger.ask(books, (who, question), sandbox.now())
    };
    delayed(&sandbox, Outcome { answer: answer.to_string(), after_ms: 0 }).await
}

/// Everything that was done on a day, for whoever holds it against books of their own.
async fn day_book(sandbox: Data<Sandbox>, day: web::Path<String>, query: Parameters) -> HttpResponse {
    if sandbox.telecom().mode().out {
        return out_of_service();
    }
    let page = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let answer = sandbox.telecom().ledger.day_book(&sandbox.keeper().read().books, (&day, page));
    delayed(&sandbox, Outcome { answer: answer.to_string(), after_ms: 0 }).await
}

async fn order(sandbox: Data<Sandbox>, req: HttpRequest, body: Bytes) -> HttpResponse {
    if sandbox.telecom().mode().out {
        return out_of_service();
    }
    let Some(key) = key_of(&req) else { return wrong("KEY_MISSING", "缺少 Idempotency-Key") };
    let Some(order) = read_order(key, &body) else { return wrong("BODY_UNREADABLE", "订单内容不完整") };
    let outcome = take(&sandbox, order);
    delayed(&sandbox, outcome).await
}

/// What was answered to an order.
async fn standing(sandbox: Data<Sandbox>, key: web::Path<String>) -> HttpResponse {
    if sandbox.telecom().mode().out {
        return out_of_service();
    }
    let answer = sandbox.telecom().ledger.standing(&sandbox.keeper().read().books, &key);
    delayed(&sandbox, Outcome { answer, after_ms: 0 }).await
}

pub(super) fn key_of(req: &HttpRequest) -> Option<&str> {
    req.headers().get("Idempotency-Key").and_then(|value| value.to_str().ok()).filter(|key| !key.is_empty())
}

async fn apply(sandbox: Data<Sandbox>, req: HttpRequest, body: Bytes) -> HttpResponse {
    if sandbox.telecom().mode().out {
        return out_of_service();
    }
    let Some(key) = key_of(&req) else { return wrong("KEY_MISSING", "缺少 Idempotency-Key") };
    let Ok(body) = serde_json::from_slice(&body) else { return wrong("BODY_UNREADABLE", "申请内容不完整") };
    let answer = sandbox.telecom().applications.take((key, &body), UnixSecs(sandbox.now()).business_day());
    delayed(&sandbox, Outcome { answer: answer.to_string(), after_ms: 0 }).await
}

fn take(sandbox: &Sandbox, order: Order) -> Outcome {
    sandbox.telecom().ledger.order(&mut sandbox.keeper().change().books, order, sandbox.now())
}

fn read_order(key: &str, body: &[u8]) -> Option<Order> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |field: &str| body.get(field).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let integer = |field: &str| {
        let value = body.get(field)?;
        value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
    };
    // What it costs is said, in money or in points.
    let (amount_fen, points) = match (body.get("amount_fen"), body.get("points")) {
        (None, Some(_)) => (0, integer("points")?),
        (_, None) => (integer("amount_fen")?, 0),
        (Some(_), Some(_)) => (integer("amount_fen")?, integer("points")?),
    };
    Some(Order { key: key.to_owned(), openid: text("openid")?, code: text("code")?, amount_fen, points })
}

async fn mode(sandbox: Data<Sandbox>) -> HttpResponse {
    HttpResponse::Ok().json(sandbox.telecom().mode())
}

async fn set_mode(_: SameOrigin, sandbox: Data<Sandbox>, change: web::Json<Value>) -> HttpResponse {
    let mode = sandbox.telecom().set_mode(&change);
    sandbox.tell(Live::Business { mode: json!(mode) });
    HttpResponse::Ok().json(mode)
}

/// The outcome was decided and kept before; a caller who gives up learns it by asking again. A stop waits for nobody's
/// slowness.
pub(super) async fn delayed(sandbox: &Sandbox, outcome: Outcome) -> HttpResponse {
    let wait_ms = sandbox.telecom().mode().delay_ms.saturating_add(outcome.after_ms);
    if wait_ms > 0 {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            () = sandbox.closing() => {}
        }
    }
    HttpResponse::Ok().content_type(ContentType::json()).body(outcome.answer)
}

pub(super) fn out_of_service() -> HttpResponse {
    HttpResponse::ServiceUnavailable().json(json!({ "code": "OUT_OF_SERVICE", "message": "业务系统维护中" }))
}

pub(super) fn wrong(code: &str, message: &str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({ "code": code, "message": message }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sandbox::SandboxSpec;

    fn open(file: &Path) -> Sandbox {
        Sandbox::open(SandboxSpec::sample(Some(file.to_owned()))).unwrap()
    }

    fn balance_fen(sandbox: &Sandbox) -> i64 {
        let books = &sandbox.keeper().read().books;
        let answer = sandbox.telecom().ledger.ask(books, ("o1", Question::Balance), sandbox.now());
        answer["balance"]["balance_fen"].as_i64().unwrap()
    }

    #[test]
    fn what_was_bought_is_still_paid_after_a_restart_and_never_charged_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sandbox.json");
        let order = Order { key: "K".into(), openid: "o1".into(), code: "D1G".into(), amount_fen: 500, points: 0 };
        let sandbox = open(&file);
        let before = balance_fen(&sandbox);
        let first = take(&sandbox, order.clone());
        assert_eq!(balance_fen(&sandbox), before - 500);
        sandbox.close().unwrap();

        let sandbox = open(&file);
        assert_eq!(balance_fen(&sandbox), before - 500);
        assert_eq!(take(&sandbox, order).answer, first.answer);
        assert_eq!(balance_fen(&sandbox), before - 500);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_slow_answer_once_the_sandbox_closes() {
        let sandbox = Sandbox::open(SandboxSpec::sample(None)).unwrap();
        sandbox.telecom().set_mode(&json!({ "delay_ms": LONGEST_DELAY_MS }));
        let asked = delayed(&sandbox, Outcome { answer: "late".into(), after_ms: 0 });
        let stopped = async { tokio::join!(asked, async { sandbox.close().unwrap() }) };
        let (answer, ()) = tokio::time::timeout(Duration::from_secs(10), stopped).await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    #[test]
    fn a_state_saved_without_books_still_opens() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sandbox.json");
        let customers = {
            let sandbox = open(&file);
            sandbox.close().unwrap();
            sandbox.keeper().read().customers.clone()
        };
        let mut saved: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert!(saved.as_object_mut().unwrap().remove("books").is_some());
        std::fs::write(&file, saved.to_string()).unwrap();
        assert_eq!(open(&file).keeper().read().customers, customers);
    }
}
