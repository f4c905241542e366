//! The platform's API below `/sandbox/platform` (platform.md part 4): an API base like any other.

mod account;
mod call;
mod code;
mod datacube;
mod menu;
mod message;
mod user;

use actix_web::http::Method;
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use self::call::Call;
use super::model::ApiFault;
use super::service::Sandbox;

/// Routes below `/sandbox/platform/cgi-bin`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/showqrcode", web::get().to(code::picture)).default_service(web::to(answer));
}

/// Routes below `/sandbox/platform/datacube`.
pub fn configure_statistics(cfg: &mut web::ServiceConfig) {
    cfg.default_service(web::to(answer));
}

type Endpoint = fn(&Call<'_>) -> Result<Value, ApiFault>;

/// How a call is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Get,
    Post,
    Either,
}

fn endpoint(path: &str) -> Option<(By, Endpoint)> {
    Some(match path {
        "token" => (By::Either, account::token),
        "stable_token" => (By::Post, account::stable_token),
        "get_api_domain_ip" | "getcallbackip" => (By::Either, account::addresses),
        "clear_quota" => (By::Post, account::clear_quota),
        "message/custom/send" => (By::Post, message::send),
        "message/custom/typing" => (By::Post, message::typing),
        "menu/create" => (By::Post, menu::create),
        "menu/get" => (By::Get, menu::get),
        "menu/delete" => (By::Get, menu::delete),
        "qrcode/create" => (By::Post, code::create),
        "user/info" => (By::Get, user::info),
        "user/get" => (By::Get, user::list),
        _ => return None,
    })
}

fn statistics(path: &str) -> Option<(By, Endpoint)> {
    let endpoint: Endpoint = match path {
        "getusersummary" => datacube::user_summary,
        "getusercumulate" => datacube::user_cumulate,
        "getupstreammsg" => datacube::upstream_messages,
        _ => return None,
    };
    Some((By::Post, endpoint))
}

/// Answers any call with HTTP 200 and JSON, as the platform does (platform.md 4.0).
async fn answer(sandbox: Data<Sandbox>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let path = req.path().split_once("/platform/").map(|(_, path)| path).unwrap_or_default();
    let asked = path.strip_prefix("cgi-bin/").and_then(endpoint);
    let asked = asked.or_else(|| path.strip_prefix("datacube/").and_then(statistics));
    let call = Call::new(&sandbox, req.query_string(), &body);
    let answer = match asked {
        None => Err(ApiFault::new(40066, "invalid url")),
        Some((By::Post, _)) if req.method() != Method::POST => Err(ApiFault::new(43002, "require POST method")),
        Some((By::Get, _)) if req.method() != Method::GET => Err(ApiFault::new(43001, "require GET method")),
        Some((_, endpoint)) => endpoint(&call),
    };
    let json = answer.unwrap_or_else(|fault| {
        tracing::info!(path, errcode = fault.errcode, "the platform refused a call");
        fault.body(&call::rid(sandbox.fresh()))
    });
    HttpResponse::Ok().content_type("application/json; encoding=utf-8").body(json.to_string())
}
