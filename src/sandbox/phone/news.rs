//! Live updates for an open page, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, Data};
use futures_util::stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::sandbox::live::Live;
use crate::sandbox::service::Sandbox;

/// Silence longer than this is broken, so that a page notices when the line is dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Streams news until the page goes, falls too far behind, or the sandbox closes; the page then comes back and asks
/// for everything again.
pub async fn events(sandbox: Data<Sandbox>) -> HttpResponse {
    let opening = Bytes::from_static(b"retry: 1000\n\n");
    let stream = stream::unfold((sandbox.watch(), Some(opening)), |(mut news, opening)| async move {
        let chunk = match opening {
            Some(opening) => opening,
            None => next(&mut news).await?,
        };
        Some((Ok::<_, Infallible>(chunk), (news, None)))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream)
}

async fn next(news: &mut Receiver<Live>) -> Option<Bytes> {
    match tokio::time::timeout(HEARTBEAT, news.recv()).await {
        Err(_) => Some(Bytes::from_static(b": still here\n\n")),
        Ok(Ok(Live::Closing) | Err(RecvError::Lagged(_) | RecvError::Closed)) => None,
        Ok(Ok(live)) => serde_json::to_string(&live).ok().map(|json| Bytes::from(format!("data: {json}\n\n"))),
    }
}
