//! The platform's time, faults and circumstances, changed while it runs. Everything that is changed here is shown by
//! GET at the same place and taken back by the same call.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::Answer;
use super::same_origin::SameOrigin;
use crate::sandbox::model::{Seat, Template};
use crate::sandbox::service::Sandbox;

/// Routes below `/sandbox/api`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/clock", web::get().to(clock))
        .route("/clock", web::post().to(forward))
        .route("/faults", web::get().to(faults))
        .route("/faults", web::post().to(set_faults))
        .route("/conditions", web::get().to(conditions))
        .route("/conditions", web::post().to(set_conditions))
        .route("/token/replace", web::post().to(replace_token))
        .route("/templates", web::post().to(add_template))
        .route("/notices", web::post().to(add_notice))
        .route("/agents", web::post().to(seat_agent));
}

fn told_time(sandbox: &Sandbox) -> HttpResponse {
    let (offset, waiting) = {
        let state = sandbox.keeper().read();
        (state.clock_offset_secs, state.jobs.len())
    };
    HttpResponse::Ok().json(json!({ "now": sandbox.now(), "forward_secs": offset, "jobs": waiting }))
}

async fn clock(sandbox: Data<Sandbox>) -> HttpResponse {
    told_time(&sandbox)
}

#[derive(Deserialize)]
struct Step {
    forward_secs: i64,
}

/// Answers when everything that fell due has been done and told.
async fn forward(_: SameOrigin, sandbox: Data<Sandbox>, step: Json<Step>) -> Answer {
    sandbox.forward(step.forward_secs)?;
    sandbox.catch_up().await;
    Ok(told_time(&sandbox))
}

async fn faults(sandbox: Data<Sandbox>) -> HttpResponse {
    HttpResponse::Ok().json(&*sandbox.switches())
}

async fn set_faults(_: SameOrigin, sandbox: Data<Sandbox>, change: Json<Value>) -> Answer {
    Ok(HttpResponse::Ok().json(sandbox.switch_faults(&change)?))
}

async fn conditions(sandbox: Data<Sandbox>) -> HttpResponse {
    HttpResponse::Ok().json(&sandbox.keeper().read().conditions)
}

async fn set_conditions(_: SameOrigin, sandbox: Data<Sandbox>, change: Json<Value>) -> Answer {
    let conditions = sandbox.change_conditions(&change)?;
    sandbox.catch_up_soon();
    Ok(HttpResponse::Ok().json(conditions))
}

async fn replace_token(_: SameOrigin, sandbox: Data<Sandbox>) -> Answer {
    sandbox.replace_tokens();
    Ok(HttpResponse::Ok().json(json!({})))
}

#[derive(Deserialize)]
struct NewTemplate {
    title: String,
    content: String,
    /// Of a notice: whether one consent lasts for ever.
    #[serde(default)]
    lasting: bool,
}

impl NewTemplate {
    fn template(self) -> Template {
        let Self { title, content, lasting } = self;
        Template { title, content, lasting: if lasting { 3 } else { 2 } }
    }
}

/// A template of free form, as the test account's page makes them.
async fn add_template(_: SameOrigin, sandbox: Data<Sandbox>, new: Json<NewTemplate>) -> Answer {
    let id = sandbox.keeper().change().templates.add(new.into_inner().template(), sandbox.fresh())?;
    Ok(HttpResponse::Ok().json(json!({ "template_id": id })))
}

async fn add_notice(_: SameOrigin, sandbox: Data<Sandbox>, new: Json<NewTemplate>) -> Answer {
    let id = sandbox.keeper().change().notices.add(new.into_inner().template(), sandbox.fresh())?;
    Ok(HttpResponse::Ok().json(json!({ "template_id": id })))
}

#[derive(Deserialize)]
struct SeatChange {
    kf_account: String,
    online: bool,
}

/// What an agent does in their own app: accepts the invitation, comes, goes.
async fn seat_agent(_: SameOrigin, sandbox: Data<Sandbox>, change: Json<SeatChange>) -> Answer {
    let seat = if change.online { Seat::Taken } else { Seat::Empty };
    sandbox.keeper().change().desk.seat(&change.kf_account, seat)?;
    Ok(HttpResponse::Ok().json(json!({})))
}
