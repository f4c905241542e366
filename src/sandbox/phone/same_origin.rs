//! Only the phone's own page may change anything: another site open in the same browser cannot.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::ErrorForbidden;
use actix_web::http::header::{CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use actix_web::{Error, FromRequest, HttpRequest};

/// Proof that a request came from the phone's own page, or from no browser at all.
///
/// JSON as content type cannot be sent across sites without asking first, and nobody is ever allowed; what browsers
/// say of the origin is checked as well.
pub struct SameOrigin;

impl FromRequest for SameOrigin {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let allowed = is_same_origin(req.headers());
        ready(if allowed { Ok(Self) } else { Err(ErrorForbidden("not from this page")) })
    }
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let json = text(CONTENT_TYPE).is_some_and(|t| t.split(';').next().unwrap_or_default().trim() == "application/json");
    let site = headers.get("sec-fetch-site").is_none_or(|v| v == "same-origin" || v == "none");
    let origin = match (text(ORIGIN), text(HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, authority)| authority == host),
        (Some(_), None) => false,
    };
    json && site && origin
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn allowed(headers: &[(&'static str, &'static str)]) -> bool {
        let request = headers.iter().fold(TestRequest::post(), |r, header| r.insert_header(*header));
        is_same_origin(request.to_http_request().headers())
    }

    #[test]
    fn another_site_cannot_act_at_the_phone() {
        let json = ("content-type", "application/json; charset=utf-8");
        let host = ("host", "127.0.0.1:8080");
        assert!(allowed(&[json, host]));
        assert!(allowed(&[json, host, ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")]));
        assert!(!allowed(&[("content-type", "text/plain"), host]));
        assert!(!allowed(&[host]));
        assert!(!allowed(&[json, host, ("origin", "http://evil.example")]));
        assert!(!allowed(&[json, host, ("origin", "null")]));
        assert!(!allowed(&[json, host, ("sec-fetch-site", "cross-site")]));
    }
}
