//! The way of a request there and back.

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode};

use super::request::Request;

/// A longer answer cannot be used.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;

/// What came back.
#[derive(Clone, Debug)]
pub(crate) enum Came {
    /// A status, and a body if it is JSON of a fitting length.
    Answered(StatusCode, Option<serde_json::Value>),
    /// Nothing was sent.
    Unsent,
    /// The connection broke after something may have been sent.
    Lost,
    /// Nothing within the time.
    Late,
}

/// Takes a request to the business system and brings back what came of it, in its own time: whoever asks sets the limit.
#[async_trait]
pub(crate) trait Carrier: Send + Sync {
    async fn carry(&self, request: Request) -> Came;
}

#[async_trait]
impl Carrier for Client {
    async fn carry(&self, request: Request) -> Came {
        let mut builder = self.request(request.method, request.url);
        if let Some((name, key)) = request.idempotency {
            builder = builder.header(name, key);
        }
        if let Some(body) = request.body {
            builder = builder.json(&body);
        }
        match builder.send().await {
            Ok(response) => {
                let status = response.status();
                match read(response).await {
                    Ok(body) => Came::Answered(status, body),
                    Err(Unread::TooLong) => Came::Answered(status, None),
                    Err(Unread::Broken) => Came::Lost,
                }
            }
            Err(error) if error.is_connect() || error.is_builder() => Came::Unsent,
            Err(_) => Came::Lost,
        }
    }
}

enum Unread {
    TooLong,
    Broken,
}

async fn read(mut response: Response) -> Result<Option<serde_json::Value>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Unread::Broken)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(serde_json::from_slice(&body).ok())
}
