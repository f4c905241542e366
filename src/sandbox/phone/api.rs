//! The JSON behind the phone's page.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, Path, Query};
use actix_web::{HttpResponse, ResponseError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::same_origin::SameOrigin;
use super::{news, pictures, standing, switches};
use crate::domain::ids::Openid;
use crate::sandbox::SandboxError;
use crate::sandbox::acts::words_act;
use crate::sandbox::live::Face;
use crate::sandbox::model::{Act, Audience, Customer, PageConfig, Place, Usable};
use crate::sandbox::service::Sandbox;

/// Routes below `/sandbox/api`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.app_data(web::JsonConfig::default().limit(16 * 1024))
        .route("/state", web::get().to(state))
        .route("/events", web::get().to(news::events))
        .route("/codes", web::get().to(codes))
        .route("/page-config", web::post().to(page_config))
        .route("/customers", web::post().to(add))
        .configure(switches::configure)
        .configure(pictures::configure)
        .service(
            web::scope("/customers/{openid}")
                .route("/history", web::get().to(history))
                .route("/follow", web::post().to(follow))
                .route("/unfollow", web::post().to(unfollow))
                .route("/say", web::post().to(say))
                .route("/tap", web::post().to(tap))
                .route("/scan", web::post().to(scan))
                .route("/share", web::post().to(share))
                .configure(standing::configure)
                .configure(pictures::configure_customer)
                .route("/agent", web::post().to(agent))
                .route("/agent/leave", web::post().to(agent_leave)),
        );
}

pub(super) type Answer = Result<HttpResponse, SandboxError>;

impl ResponseError for SandboxError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoSuchCustomer | Self::NoSuchCode | Self::NoCodeSeen | Self::NoSuchButton(_) => StatusCode::NOT_FOUND,
            Self::BadWords | Self::BadNickname | Self::BadStep | Self::BadSwitch(_) => StatusCode::BAD_REQUEST,
            Self::Unreadable { .. } | Self::Unwritable { .. } | Self::BadAccount(_) | Self::Client(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            _ => StatusCode::CONFLICT,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(json!({ "error": self.to_string() }))
    }
}

async fn state(sandbox: Data<Sandbox>) -> HttpResponse {
    let now = sandbox.now();
    let state = sandbox.keeper().read();
    let mut shown: Vec<&Customer> = state.customers.values().filter(|c| c.audience == Audience::Phone).collect();
    shown.sort_by_key(|c| c.number);
    let crowd = state.customers.len() - shown.len();
    let faces: Vec<Face> = shown.into_iter().map(|c| Face::of(c, &state, now)).collect();
    HttpResponse::Ok().json(json!({
        "account": { "name": sandbox.spec().display_name, "id": sandbox.spec().account, "sites": sites(&sandbox) },
        "now": now,
        "customers": faces,
        "crowd": crowd,
        "button": state.menu.as_ref().map_or(&Value::Null, |menu| &menu.button),
        "business": sandbox.telecom().mode(),
    }))
}

/// How the account's links call its own server, each with a slash at the end.
fn sites(sandbox: &Sandbox) -> Vec<String> {
    let here = sandbox.webhook_url().map(|url| format!("{}/", url.origin().ascii_serialization()));
    let site = sandbox.spec().site.as_ref().map(|site| format!("{}/", site.as_str().trim_end_matches('/')));
    here.into_iter().chain(site).collect()
}

#[derive(Deserialize)]
struct PageSigned {
    address: String,
    config: PageConfig,
}

/// What `wx.config` asks the platform: 403 for a page that was not signed for its address.
async fn page_config(_: SameOrigin, sandbox: Data<Sandbox>, signed: Json<PageSigned>) -> HttpResponse {
    let PageSigned { address, config } = signed.into_inner();
    let app_id = sandbox.spec().app_id.as_str();
    match sandbox.keeper().read().grants.signs((app_id, &config), &address, sandbox.now()) {
        true => HttpResponse::Ok().json(json!({})),
        false => HttpResponse::Forbidden().json(json!({ "error": "invalid signature" })),
    }
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn history(sandbox: Data<Sandbox>, openid: Path<Openid>, query: Query<After>) -> Answer {
    let entries = sandbox.history(&openid, query.after)?;
    Ok(HttpResponse::Ok().json(json!({ "entries": entries })))
}

async fn codes(sandbox: Data<Sandbox>) -> HttpResponse {
    let now = sandbox.now();
    let state = sandbox.keeper().read();
    let mut codes: Vec<_> = state.codes.values().filter(|c| c.usable(now) == Usable::Yes).collect();
    // What hangs somewhere, then what the API made, then friends.
    codes.sort_by_key(|c| (c.label.is_empty(), c.scene.as_str().starts_with("friend:"), c.created_at));
    let codes: Vec<Value> = codes
        .into_iter()
        .map(|c| json!({ "ticket": c.ticket, "scene": c.scene, "label": c.label, "expires_at": c.expires_at }))
        .collect();
    HttpResponse::Ok().json(json!({ "codes": codes }))
}

#[derive(Deserialize)]
struct NewCustomer {
    nickname: String,
}

async fn add(_: SameOrigin, sandbox: Data<Sandbox>, body: Json<NewCustomer>) -> Answer {
    let openid = sandbox.add_customer(&body.nickname)?;
    Ok(HttpResponse::Ok().json(json!({ "openid": openid })))
}

/// The act is taken at once; its answer reaches the page as news.
pub(super) fn set_off(sandbox: &Sandbox, openid: &Openid, act: Act) -> Answer {
    sandbox.set_off(openid, act)?;
    Ok(HttpResponse::Accepted().json(json!({})))
}

async fn follow(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>) -> Answer {
    let act = sandbox.following(&openid)?;
    set_off(&sandbox, &openid, act)
}

async fn unfollow(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>) -> Answer {
    set_off(&sandbox, &openid, Act::Unfollow)
}

#[derive(Deserialize)]
struct Words {
    text: String,
    menu_id: Option<String>,
}

async fn say(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>, body: Json<Words>) -> Answer {
    let Words { text, menu_id } = body.into_inner();
    set_off(&sandbox, &openid, words_act(&text, menu_id)?)
}

#[derive(Deserialize)]
struct Target {
    target: String,
}

async fn tap(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>, body: Json<Target>) -> Answer {
    let act = sandbox.tapping(&openid, &body.target)?;
    set_off(&sandbox, &openid, act)
}

async fn scan(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>, body: Json<Target>) -> Answer {
    match sandbox.scanning(&openid, &body.target)? {
        Some(act) => set_off(&sandbox, &openid, act),
        None => Ok(HttpResponse::Ok().json(json!({ "follow_next": true }))),
    }
}

/// What the ＋ panel can send.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Share {
    Image,
    Voice { words: String },
    Place { label: String },
    Sticker,
}

async fn share(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>, body: Json<Share>) -> Answer {
    let act = match body.into_inner() {
        Share::Image => Act::Image,
        Share::Sticker => Act::Sticker,
        Share::Voice { words } => Act::Voice { words: words.chars().take(200).collect() },
        Share::Place { label } => {
            let label = label.chars().take(100).collect();
            Act::Location(Place { latitude: 32.041_544, longitude: 118.767_413, label })
        }
    };
    set_off(&sandbox, &openid, act)
}

async fn agent(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>, body: Json<Words>) -> Answer {
    sandbox.agent_says(&openid, &body.text).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

async fn agent_leave(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>) -> Answer {
    sandbox.agent_leaves(&openid).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}
