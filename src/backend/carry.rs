//! The way of a request there and back.

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode};

use super::guard::Forbidden;
use super::request::Request;

/// A longer answer cannot be used.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;

/// What came back.
#[derive(Clone, Debug)]
pub(crate) enum Came {
    /// A status, and a body if it can be read.
    Answered(StatusCode, Result<serde_json::Value, Unreadable>),
    /// Nothing was sent.
    Unsent,
    /// Nothing was sent: nobody may be asked there.
    Forbidden(std::net::IpAddr),
    /// The connection broke after something may have been sent.
    Lost,
    /// Nothing within the time.
    Late,
}

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Longer than it may be.
    #[error("超过 {} KB", Self::KIB)]
    TooLong,
    /// A page for people.
    #[error("是网页（HTML），不是 JSON")]
    Html,
    /// Nothing.
    #[error("是空的")]
    Empty,
    /// Not UTF-8.
    #[error("不是 UTF-8 编码")]
    Charset,
    /// Nested deeper than anybody needs.
    #[error("嵌套太深")]
    TooDeep,
    /// Something else.
    #[error("不是 JSON")]
    NotJson,
}

/// Takes a request to the business system and brings back what came of it, in its own time: whoever asks sets the limit.
#[async_trait]
pub(crate) trait Carrier: Send + Sync {
    async fn carry(&self, request: Request) -> Came;
}

#[async_trait]
impl Carrier for Client {
    async fn carry(&self, request: Request) -> Came {
        let mut builder = self.request(request.method, request.url).headers(request.headers);
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
                    Err(Broken) => Came::Lost,
                }
            }
            Err(error) => match Forbidden::in_error(&error) {
                Some(Forbidden(address)) => Came::Forbidden(address),
                None if error.is_connect() || error.is_builder() => Came::Unsent,
                None => Came::Lost,
            },
        }
    }
}

struct Broken;

async fn read(mut response: Response) -> Result<Result<serde_json::Value, Unreadable>, Broken> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Broken)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Ok(Err(Unreadable::TooLong));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(parse(&body))
}

/// Reads a body as JSON, or tells what it is instead.
fn parse(body: &[u8]) -> Result<serde_json::Value, Unreadable> {
    let Ok(text) = std::str::from_utf8(body) else { return Err(Unreadable::Charset) };
    let text = text.trim_start_matches('\u{feff}').trim();
    serde_json::from_str(text).map_err(|error| match text.chars().next() {
        None => Unreadable::Empty,
        Some('<') if text.get(..5).is_none_or(|head| !head.eq_ignore_ascii_case("<?xml")) => Unreadable::Html,
        // serde_json stops at 128 levels and says so in words only.
        _ if error.to_string().starts_with("recursion limit") => Unreadable::TooDeep,
        _ => Unreadable::NotJson,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_json_is_known_for_what_it_is() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        let cases: [(&[u8], Unreadable); 9] = [
            (b"", Unreadable::Empty),
            (b" \r\n", Unreadable::Empty),
            (b"<!DOCTYPE html><p>login", Unreadable::Html),
            (b"<html>", Unreadable::Html),
            (b"<?xml version=\"1.0\"?><a/>", Unreadable::NotJson),
            (deep.as_bytes(), Unreadable::TooDeep),
            (b"{\"name\":\"\xc7\xe0\xba\xcc\"}", Unreadable::Charset),
            (b"{\"a\":1", Unreadable::NotJson),
            (b"ok", Unreadable::NotJson),
        ];
        for (body, expected) in cases {
            assert_eq!(parse(body), Err(expected), "{}", String::from_utf8_lossy(body.get(..20).unwrap_or(body)));
        }
        assert_eq!(
            parse("\u{feff}{\"a\":1}".as_bytes()),
            Ok(serde_json::json!({"a": 1})),
            "a byte order mark is no fault"
        );
    }
}
