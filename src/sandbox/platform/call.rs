//! One call of the API.

use std::collections::HashMap;

use serde_json::Value;

use super::multipart::{self, Part};
use crate::sandbox::model::{ApiFault, Fresh};
use crate::sandbox::service::Sandbox;

/// What an endpoint gets to see.
pub struct Call<'a> {
    /// The sandbox.
    pub sandbox: &'a Sandbox,
    /// Below the API's base.
    pub path: &'a str,
    /// The caller's address.
    pub ip: String,
    query: HashMap<String, String>,
    content_type: &'a str,
    body: &'a [u8],
}

/// What came over the wire.
pub struct Wire<'a> {
    /// The query string.
    pub query: &'a str,
    /// The caller's address.
    pub ip: String,
    /// `Content-Type`; only multipart bodies need it.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Call<'a> {
    /// A call.
    pub fn new(sandbox: &'a Sandbox, path: &'a str, wire: Wire<'a>) -> Self {
        let Wire { query, ip, content_type, body } = wire;
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { sandbox, path, ip, query, content_type, body }
    }

    /// A parameter of the query string; empty if it is not there.
    pub fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A number of the query string.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.parameter(name).parse().ok()
    }

    /// The body as JSON in raw UTF-8 (platform.md 4.0).
    pub fn json(&self) -> Result<Value, ApiFault> {
        if self.body.is_empty() {
            return Err(ApiFault::new(44002, "empty post data"));
        }
        let text = std::str::from_utf8(self.body).map_err(|_| ApiFault::new(40033, "invalid charset"))?;
        serde_json::from_str(text).map_err(|_| ApiFault::new(47001, "data format error"))
    }

    /// The body as JSON for the calls that store words as they come: escapes are refused.
    pub fn json_without_escapes(&self) -> Result<Value, ApiFault> {
        let escaped = self.body.windows(2).any(|pair| pair == br"\u");
        if escaped {
            let words = "invalid charset. please check your request, if include \\uxxxx will create fail!";
            return Err(ApiFault::new(40033, words));
        }
        self.json()
    }

    /// A part of a form by its name.
    pub fn part(&self, name: &str) -> Option<Part<'a>> {
        multipart::parts(self.content_type, self.body).into_iter().find(|part| part.name == name)
    }

    /// The body as people read it in a log.
    pub fn body_in_words(&self) -> String {
        std::str::from_utf8(self.body).unwrap_or("(binary)").to_owned()
    }
}

/// A request id: three groups of eight hex digits.
pub fn rid(fresh: Fresh) -> String {
    let low = u32::try_from(fresh.random & 0xFFFF_FFFF).unwrap_or(0);
    format!("{:08x}-{low:08x}-{:08x}", fresh.now & 0xFFFF_FFFF, fresh.random >> 32)
}
