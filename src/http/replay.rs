//! `POST /api/v1/replay`: a chunk of a replay file, applied beside live traffic (`fuwu replay`).

use actix_web::HttpResponse;
use actix_web::web::{Data, Payload, Query};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;

use super::State;
use super::guard::Authorized;
use crate::app::replay::{Beginning, Chunk, MAX_LINE_BYTES, ReplayFault};

/// A larger chunk is refused. `fuwu replay` sends less than half of it.
pub const MAX_CHUNK_BYTES: usize = 16 * MAX_LINE_BYTES;

/// Which part of which file the lines are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    file: String,
    from: u64,
    to: u64,
    before: String,
}

/// Applies the lines of the body; the answer is how far the file was applied and what came of it.
pub async fn apply(
    _: Authorized,
    state: Data<State>,
    place: Result<Query<Place>, actix_web::Error>,
    body: Payload,
) -> HttpResponse {
    let Place { file, from, to, before } = match place {
        Ok(place) => place.into_inner(),
        Err(error) => return wrong(&error),
    };
    let file: Beginning = match file.parse() {
        Ok(file) => file,
        Err(error) => return wrong(&error),
    };
    let lines = match read(body).await {
        Ok(lines) => lines,
        Err(refused) => return refused,
    };
    let Some(length) = to.checked_sub(from).filter(|length| *length >= lines.len() as u64 && *length > 0) else {
        return wrong(&"`to` must be where the lines end in the file");
    };
    tracing::info!(file = %file, from, bytes = length, "replaying a part of a file");
    match state.app.replay_chunk(Chunk { file, from, to, before, lines }).await {
        Ok(progress) => HttpResponse::Ok().json(progress),
        Err(fault @ ReplayFault::Elsewhere(_)) => HttpResponse::Conflict().json(json!({ "error": fault.to_string() })),
        Err(fault) => {
            tracing::error!(%fault, "a part of a replay file was not applied");
            HttpResponse::ServiceUnavailable().json(json!({ "error": fault.to_string() }))
        }
    }
}

async fn read(mut body: Payload) -> Result<Vec<u8>, HttpResponse> {
    let mut lines = Vec::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| wrong(&error))?;
        if lines.len() + part.len() > MAX_CHUNK_BYTES {
            let cause = format!("a chunk is at most {MAX_CHUNK_BYTES} bytes; send fewer lines at once");
            return Err(HttpResponse::PayloadTooLarge().force_close().json(json!({ "error": cause })));
        }
        lines.extend_from_slice(&part);
    }
    Ok(lines)
}

fn wrong(cause: &impl std::fmt::Display) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({ "error": cause.to_string() }))
}
