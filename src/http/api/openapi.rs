//! The API, described by itself. The description is no secret, so whoever reaches the server may read it.

use actix_web::HttpResponse;
use actix_web::web::Data;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder, Paths};

use super::Api;

/// Where the description is.
pub const ADDRESS: &str = "/api/v1/openapi.json";

/// The whole description.
pub struct Description(OpenApi);

pub(super) fn add(api: &mut Api) {
    api.route(__path_openapi, openapi);
}

pub(super) fn description(paths: Paths, mut components: Components) -> Description {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The token that is printed at start (`console.api_token`)."))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKeyValue::with_description("fuwu_console", "What a browser holds after it entered the console.");
    components.add_security_scheme("console", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let info = InfoBuilder::new()
        .title("fuwu")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The numbers of an official account, exact to the last digit. Days are business days, cut at 0:00 in \
             China (+08:00). Every error is `{\"error\", \"mend\"}`: the cause, and what would work.",
        ))
        .build();
    Description(OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build())
}

/// This description.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "description",
    responses((status = 200, description = "An OpenAPI document; no authorization is needed.", content_type = "application/json"))
)]
async fn openapi(description: Data<Description>) -> HttpResponse {
    HttpResponse::Ok().json(&description.0)
}
