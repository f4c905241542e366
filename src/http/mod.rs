//! HTTP: every route on one screen. Only this room (and the sandbox, a program of its own) knows actix.

mod api;
mod console;
mod guard;
mod health;
mod observe;
mod orders;
mod pay_notice;
mod server;
mod unread;
mod webhook;

pub use guard::ApiToken;
pub use observe::Observatory;
pub use server::{Front, Served, State, serve};

use actix_web::web::{ServiceConfig, get, post, resource, scope};

/// Every route.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/wechat/{account}").route(get().to(webhook::verify)).route(post().to(webhook::deliver)))
        .service(resource("/pay/{account}/notify").route(post().to(pay_notice::hear)))
        .route("/", get().to(console::front))
        .route("/healthz", get().to(health::alive))
        .route("/readyz", get().to(health::ready))
        .route("/metrics", get().to(observe::metrics))
        .service(api::scope())
        .configure(orders::routes)
        .service(
            scope("/console")
                .route("", get().to(console::enter))
                .route("/", get().to(console::home))
                .route("/console.css", get().to(console::style)),
        );
}
