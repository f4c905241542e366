//! Which playbook serves.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::{Map, Value, json};

use super::super::State;
use super::super::guard::Authorized;
use super::{Api, FaultBody};

pub(super) fn add(api: &mut Api) {
    api.route(__path_playbook, playbook);
}

/// Which playbook serves each account, and what is wrong with an edit that does not.
#[utoipa::path(
    get,
    path = "/api/v1/playbook",
    tag = "operations",
    responses(
        (status = 200, description = "By account: the version that serves, since when (Unix seconds), and the findings \
            of the last edit.", body = Object, content_type = "application/json"),
        (status = 401, description = "Not authorized.", body = FaultBody),
    ),
    security(("bearer" = []), ("console" = []))
)]
async fn playbook(_: Authorized, state: Data<State>) -> HttpResponse {
    let accounts: Map<String, Value> = state
        .app
        .accounts()
        .map(|account| {
            let status = account.playbook.status();
            let told = json!({
                "playbook": status.version,
                "since": status.since,
                "findings": status.findings,
            });
            (account.id().to_string(), told)
        })
        .collect();
    HttpResponse::Ok().json(accounts)
}
