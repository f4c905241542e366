//! The browser inside the chat: it opens the account's pages as one customer, with cookies of that customer's own, asks the
//! platform's consent page by itself, and puts a bridge into every page (platform.md 4.18, 6.3).
//!
//! It fetches the pages over HTTP and shows them below `/sandbox/web/OPENID/`, where the phone's page may frame them: what
//! the account itself sends is framed by nobody. Only pages of the account's own server are opened.

mod address;
mod jar;
mod visit;

use actix_web::web;

pub use jar::Jars;

use super::phone::asset;

/// Where the platform's scripts are; the sandbox's stand in for them.
const SDK_HOST: &str = "https://res.wx.qq.com/";

/// Routes below `/sandbox`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/web/{openid}/{path:.*}", web::get().to(visit::page))
        .route(
            "/web-bridge.js",
            web::get().to(|| async { asset("text/javascript", include_str!("../page/bridge.js")) }),
        )
        .route("/open/js/{name}", web::get().to(|| async { asset("text/javascript", include_str!("../page/sdk.js")) }));
}
