//! Parametric QR codes and short keys (platform.md 4.6).

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use qrcode::QrCode;
use qrcode::render::svg;
use serde_json::{Value, json};

use super::api::{Api, post};
use super::call::Call;
use crate::sandbox::model::{ApiFault, Capability, CodeRequest};
use crate::sandbox::phone::asset;
use crate::sandbox::service::Sandbox;

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/qrcode/create", create).needs(Capability::Codes).daily(100_000, 10_000),
    post("cgi-bin/shorten/gen", shorten).needs(Capability::Codes),
    post("cgi-bin/shorten/fetch", lengthen).needs(Capability::Codes),
];

fn create(call: &Call<'_>) -> Result<Value, ApiFault> {
    let sandbox = call.sandbox;
    let wanted = CodeRequest::parse(&call.json()?)?;
    let life_secs = wanted.life_secs;
    let code = sandbox.keeper().change().create_code(wanted, sandbox.fresh())?;
    let mut answer = json!({ "ticket": code.ticket, "url": code.url });
    if let (Some(secs), Some(fields)) = (life_secs, answer.as_object_mut()) {
        fields.insert("expire_seconds".to_owned(), secs.into());
    }
    Ok(answer)
}

fn shorten(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    call.sandbox.keeper().change().short_keys.make(&body, call.sandbox.fresh())
}

fn lengthen(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    call.sandbox.keeper().read().short_keys.fetch(&body, call.sandbox.now())
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
