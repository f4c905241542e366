//! The phone's page: one document, one stylesheet, one script, nothing from elsewhere.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpResponse, web};

/// No inline script or style, nothing from another place, framed by nobody but itself.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                          connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; \
                          frame-ancestors 'self'";

/// Routes below `/sandbox` that serve the page.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("", web::get().to(page))
        .route("/", web::get().to(page))
        .route("/page.css", web::get().to(|| async { asset("text/css", include_str!("../page/page.css")) }))
        .route("/page.js", web::get().to(script))
        .route(
            "/pictures/photo.svg",
            web::get().to(|| async { asset("image/svg+xml", include_str!("../page/photo.svg")) }),
        );
}

async fn page() -> HttpResponse {
    asset("text/html", include_str!("../page/phone.html"))
}

async fn script() -> HttpResponse {
    let script = concat!(
        include_str!("../page/words.js"),
        include_str!("../page/entries.js"),
        include_str!("../page/dialogs.js"),
        include_str!("../page/browser.js"),
        include_str!("../page/phone.js"),
        include_str!("../page/page.js"),
    );
    asset("text/javascript", script)
}

/// A file of the page with the headers every one of them carries.
pub(in crate::sandbox) fn asset(kind: &str, body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(format!("{kind}; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(body.into())
}
