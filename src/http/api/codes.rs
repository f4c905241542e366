//! Permanent codes of channels (platform.md 4.6).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::super::State;
use super::super::guard::Authorized;
use super::{Api, Fault, FaultBody};
use crate::app::{ChannelCode, CodeFault, channel_code};
use crate::channel::official::api::ApiError;
use crate::domain::ids::Scene;

pub(super) fn add(api: &mut Api) {
    api.route(__path_make, make);
}

/// Of which scene.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Of {
    /// What the code carries: 1 to 64 characters; letters, digits and `_-:` survive everywhere.
    scene: String,
    /// The account; may be left out when one is configured.
    account: Option<String>,
}

/// The permanent code of a scene: made by the platform, unless it was made before. An account has 100,000 and can delete
/// none.
#[utoipa::path(
    post,
    path = "/api/v1/codes",
    tag = "codes",
    params(Of),
    responses(
        (status = 200, description = "`scene`, `ticket`, `url` (the text inside the code) and whether it `is_new`.", body = Object, content_type = "application/json"),
        (status = 400, description = "The request cannot be meant.", body = FaultBody),
        (status = 401, description = "Not authorized.", body = FaultBody),
        (status = 404, description = "There is no such account.", body = FaultBody),
        (status = 409, description = "The platform does not make it.", body = FaultBody),
        (status = 503, description = "The store or the platform is not available now.", body = FaultBody),
    ),
    security(("bearer" = []))
)]
async fn make(
    _: Authorized,
    state: Data<State>,
    of: Result<Query<Of>, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let Of { scene, account } = of.map_err(|error| Fault::told(&error))?.into_inner();
    let account = super::reports::account(&state, account.as_deref())?;
    let scene = Scene::new(scene);
    let made = channel_code((state.app.store().as_ref(), &account.platform), account.id(), &scene).await;
    match made {
        Ok(ChannelCode { ticket, url, is_new }) => {
            Ok(HttpResponse::Ok().json(json!({"scene": scene, "ticket": ticket, "url": url, "is_new": is_new})))
        }
        Err(CodeFault::Store(error)) => Err(Fault::store(&error)),
        Err(CodeFault::Platform(ApiError::Invalid(invalid))) => Err(Fault::misused(
            invalid.to_string(),
            "a scene has 1 to 64 characters; letters, digits and _-: survive everywhere",
        )),
        Err(CodeFault::Platform(error)) => {
            tracing::warn!(account = %account.id(), %error, "a permanent code was not made");
            let status = match error.is_passing() {
                true => StatusCode::SERVICE_UNAVAILABLE,
                false => StatusCode::CONFLICT,
            };
            Err(Fault::new(status, error.to_string(), error.in_words()))
        }
    }
}
