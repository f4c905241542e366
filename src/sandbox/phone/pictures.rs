//! Pictures that accounts sent: how a chat shows them, and another phone that scans what is on one.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Json, Path};
use serde::Deserialize;
use serde_json::json;

use super::api::{Answer, set_off};
use super::same_origin::SameOrigin;
use crate::domain::ids::Openid;
use crate::sandbox::SandboxError;
use crate::sandbox::platform::{File, attached};
use crate::sandbox::service::Sandbox;

/// Routes below `/sandbox/api`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/pictures/{media_id}", web::get().to(picture));
}

/// Routes of one customer.
pub fn configure_customer(cfg: &mut web::ServiceConfig) {
    cfg.route("/scan-picture", web::post().to(scan));
}

/// What was uploaded under a media id. A chat keeps what it has shown, also when the id can be sent no more.
async fn picture(sandbox: Data<Sandbox>, media_id: Path<String>) -> HttpResponse {
    match sandbox.picture(&media_id) {
        Some((name, bytes)) => attached(File { name, bytes }),
        None => HttpResponse::NotFound().finish(),
    }
}

#[derive(Deserialize)]
struct Shown {
    media_id: String,
}

async fn scan(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>, shown: Json<Shown>) -> Answer {
    let reading = sandbox.clone();
    let ticket = web::block(move || reading.code_in(&shown.media_id)).await.map_err(|_| SandboxError::NoCodeSeen)??;
    match sandbox.scanning(&openid, &ticket)? {
        Some(act) => set_off(&sandbox, &openid, act),
        None => Ok(HttpResponse::Ok().json(json!({ "follow_next": true }))),
    }
}
