//! The customer's own order, in the chat's browser: how it stands, and how it is paid.
//!
//! Below `/orders`. Who looks is asked of the platform (`enter`); what is shown is what the store knows (`view`). The page
//! pays through the bridge that the chat's browser puts into it, which needs no script of anybody's; only where there is no
//! bridge it loads the platform's own ([`SDK`]). Nothing else comes from another host, and nothing is inline.

mod enter;
mod page;
mod steps;
mod view;
mod words;

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, resource};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use maud::Markup;

use super::State;
use crate::app::ServedAccount;
use crate::domain::ids::OrderNumber;

/// The platform's script (JS-SDK, platform.md 4.17), of the version that its manual names.
const SDK: &str = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js";
/// `weixin:` is how older clients call the bridge from a frame of their own (unconfirmed).
const CSP: &str = "default-src 'none'; script-src 'self' https://res.wx.qq.com; style-src 'self'; img-src 'self' data:; \
                   connect-src 'self'; frame-src weixin:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Routes below `/orders`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/orders/order.css", get().to(style))
        .route("/orders/order.js", get().to(script))
        .service(resource("/orders/{account}/{number}/state").route(get().to(view::state)))
        .service(resource("/orders/{account}/{number}").route(get().to(view::order)));
}

async fn style() -> HttpResponse {
    asset("text/css", include_str!("order.css"))
}

async fn script() -> HttpResponse {
    asset("text/javascript", include_str!("order.js"))
}

fn asset(kind: &str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(format!("{kind}; charset=utf-8"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Cache-Control", "no-cache"))
        .body(body)
}

/// An answer that is nobody else's: not kept on the way, not framed, its address told to nobody.
fn private(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header(("Content-Security-Policy", CSP))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("X-Frame-Options", "DENY"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .insert_header(("X-Robots-Tag", "noindex"))
        .insert_header(("Cache-Control", "no-store"));
    answer
}

fn shown(status: StatusCode, page: Markup) -> HttpResponse {
    private(status).content_type("text/html; charset=utf-8").body(page.into_string())
}

/// Which order of which account a path names.
struct Asked<'a> {
    account: &'a ServedAccount,
    number: OrderNumber,
}

impl<'a> Asked<'a> {
    /// `None` when no order can have that address.
    fn of(state: &'a Data<State>, request: &HttpRequest) -> Option<Self> {
        let segment = |name| request.match_info().get(name).unwrap_or_default();
        let number = segment("number");
        let is_number = (6..=32).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_alphanumeric());
        let account = state.app.account(segment("account"))?;
        is_number.then(|| Self { account, number: OrderNumber::from(number) })
    }

    /// The page's path, as customers reach it.
    fn path(&self) -> String {
        format!("/orders/{}/{}", self.account.id(), self.number)
    }
}
