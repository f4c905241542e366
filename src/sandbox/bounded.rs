//! No body is waited for longer, or read further, than anybody's at the phone, the API or the demo system could be.

use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{Error, HttpMessage as _, HttpResponse};
use futures_util::StreamExt as _;
use tokio::time::timeout;

/// As much as the webhook takes; a whole menu is some 20 KiB.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Ten thousand openids, or eight articles of twenty thousand characters.
const MAX_LIST_BYTES: usize = 1024 * 1024;
/// A video and the form around it.
const MAX_UPLOAD_BYTES: usize = 11 * 1024 * 1024;
const BODY_WITHIN: Duration = Duration::from_secs(5);

/// Reads the body before anybody else does, or refuses it and closes the connection.
pub(super) async fn bounded<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let most_bytes = most_bytes(request.path());
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let body = if announced.is_some_and(|bytes: usize| bytes > most_bytes) {
        Err(StatusCode::PAYLOAD_TOO_LARGE)
    } else {
        timeout(BODY_WITHIN, read(request.take_payload(), most_bytes)).await.unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
    };
    match body {
        Ok(body) => {
            request.set_payload(Payload::from(body));
            Ok(next.call(request).await?.map_into_left_body())
        }
        Err(status) => {
            let refusal = HttpResponse::build(status).force_close().finish();
            Ok(request.into_response(refusal).map_into_right_body())
        }
    }
}

/// How much may come to a path.
fn most_bytes(path: &str) -> usize {
    let Some((_, call)) = path.split_once("/sandbox/platform/") else { return MAX_BODY_BYTES };
    match call {
        "cgi-bin/media/upload"
        | "cgi-bin/media/uploadimg"
        | "cgi-bin/material/add_material"
        | "customservice/kfaccount/uploadheadimg" => MAX_UPLOAD_BYTES,
        "cgi-bin/message/mass/send" | "cgi-bin/draft/add" | "cgi-bin/draft/update" => MAX_LIST_BYTES,
        _ => MAX_BODY_BYTES,
    }
}

async fn read(mut payload: Payload, most_bytes: usize) -> Result<Bytes, StatusCode> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
        if body.len() + chunk.len() > most_bytes {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
