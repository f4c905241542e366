//! Parametric QR codes (platform.md 4.6).

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use qrcode::QrCode;
use qrcode::render::svg;
use serde_json::{Value, json};

use super::call::Call;
use crate::sandbox::model::{ApiFault, CodeRequest};
use crate::sandbox::phone::asset;
use crate::sandbox::service::Sandbox;

/// `POST /cgi-bin/qrcode/create`.
pub fn create(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.authorised()?;
    let wanted = CodeRequest::parse(&call.json()?)?;
    let life_secs = wanted.life_secs;
    let code = sandbox.keeper().change().add_code(wanted, "", sandbox.fresh());
    let mut answer = json!({ "ticket": code.ticket, "url": code.url });
    if let (Some(secs), Some(fields)) = (life_secs, answer.as_object_mut()) {
        fields.insert("expire_seconds".to_owned(), secs.into());
    }
    Ok(answer)
}

/// `GET /cgi-bin/showqrcode?ticket=`: no token needed, 404 for a ticket that is none. The platform answers a JPEG;
/// this is an SVG of the same code.
pub async fn picture(sandbox: Data<Sandbox>, query: Query<HashMap<String, String>>) -> HttpResponse {
    let ticket = query.get("ticket").map(String::as_str).unwrap_or_default();
    let url = sandbox.keeper().read().codes.get(ticket).map(|code| code.url.clone());
    match url.and_then(|url| QrCode::new(url).ok()) {
        Some(code) => asset("image/svg+xml", code.render::<svg::Color<'_>>().min_dimensions(240, 240).build()),
        None => HttpResponse::NotFound().finish(),
    }
}
