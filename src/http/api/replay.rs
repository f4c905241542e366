//! `POST /api/v1/replay`: a chunk of a replay file, applied beside live traffic (`fuwu replay`).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload, Query};
use futures_util::StreamExt as _;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::State;
use super::super::guard::Authorized;
use super::{Api, Fault, FaultBody};
use crate::app::replay::{Beginning, Chunk, MAX_LINE_BYTES, ReplayFault};

pub(super) fn add(api: &mut Api) {
    api.route(__path_apply, apply);
}

/// A larger chunk is refused. `fuwu replay` sends less than half of it.
pub const MAX_CHUNK_BYTES: usize = 16 * MAX_LINE_BYTES;

/// Which part of which file the lines are.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Place {
    /// The file, by a hash of its head.
    file: String,
    /// The first byte of the lines in the file.
    from: u64,
    /// The first byte after them.
    to: u64,
    /// A hash of what stands in the file just before `to`.
    before: String,
}

/// Applies a chunk of a replay file; the answer is how far the file was applied and what came of it.
#[utoipa::path(
    post,
    path = "/api/v1/replay",
    tag = "operations",
    params(Place),
    request_body(content = String, content_type = "application/x-ndjson", description = "Whole lines of the file."),
    responses(
        (status = 200, description = "How far the file was applied, and what came of it.", body = Object, content_type = "application/json"),
        (status = 400, description = "The request cannot be meant.", body = FaultBody),
        (status = 401, description = "Not authorized.", body = FaultBody),
        (status = 409, description = "The file was applied up to another place.", body = FaultBody),
        (status = 413, description = "The chunk is too large.", body = FaultBody),
        (status = 503, description = "The store is not available now.", body = FaultBody),
    ),
    security(("bearer" = []))
)]
async fn apply(
    _: Authorized,
    state: Data<State>,
    place: Result<Query<Place>, actix_web::Error>,
    body: Payload,
) -> Result<HttpResponse, Fault> {
    let Place { file, from, to, before } = place.map_err(|error| Fault::told(&error))?.into_inner();
    let file: Beginning = file.parse().map_err(|error| Fault::told(&error))?;
    let lines = read(body).await?;
    let Some(length) = to.checked_sub(from).filter(|length| *length >= lines.len() as u64 && *length > 0) else {
        return Err(Fault::told(&"`to` must be where the lines end in the file"));
    };
    tracing::info!(file = %file, from, bytes = length, "replaying a part of a file");
    match state.app.replay_chunk(Chunk { file, from, to, before, lines }).await {
        Ok(progress) => Ok(HttpResponse::Ok().json(progress)),
        Err(fault @ ReplayFault::Elsewhere(_)) => {
            Err(Fault::new(StatusCode::CONFLICT, fault.to_string(), "run `fuwu replay` again: it goes on from there"))
        }
        Err(fault) => Err(Fault::store(&fault)),
    }
}

async fn read(mut body: Payload) -> Result<Vec<u8>, Fault> {
    let mut lines = Vec::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| Fault::told(&error))?;
        if lines.len() + part.len() > MAX_CHUNK_BYTES {
            let cause = format!("a chunk is at most {MAX_CHUNK_BYTES} bytes");
            return Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, cause, "send fewer lines at once"));
        }
        lines.extend_from_slice(&part);
    }
    Ok(lines)
}
