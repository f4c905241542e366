//! The platform's API below `/sandbox/platform` (platform.md part 4): an API base like any other.

mod account;
mod api;
mod authorize;
mod blacklist;
mod call;
mod code;
mod conditional;
mod datacube;
mod desk;
mod draft;
mod gate;
mod mass;
mod material;
mod media;
mod menu;
mod message;
mod multipart;
mod notice;
mod page;
mod publish;
mod quota;
mod safety;
mod served;
mod session;
mod sns;
mod tag;
mod template;
mod user;

use actix_web::web;

use self::api::Api;
pub(super) use self::api::File;
pub(super) use self::authorize::agree;
pub(super) use self::served::attached;

/// Routes below `/sandbox/platform`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.app_data(web::PayloadConfig::new(served::MOST_BYTES))
        .route("/cgi-bin/showqrcode", web::get().to(code::picture))
        .route("/connect/oauth2/authorize", web::get().to(authorize::page))
        .route("/media/{id}", web::get().to(media::file))
        .default_service(web::to(served::answer));
}

/// Every family of calls.
const FAMILIES: [&[Api]; 21] = [
    account::APIS,
    blacklist::APIS,
    code::APIS,
    conditional::APIS,
    datacube::APIS,
    desk::APIS,
    draft::APIS,
    mass::APIS,
    material::APIS,
    media::APIS,
    menu::APIS,
    message::APIS,
    notice::APIS,
    publish::APIS,
    quota::APIS,
    safety::APIS,
    session::APIS,
    sns::APIS,
    tag::APIS,
    template::APIS,
    user::APIS,
];

/// A call by its path.
fn api(path: &str) -> Option<&'static Api> {
    FAMILIES.iter().copied().flatten().find(|api| api.path == path)
}
