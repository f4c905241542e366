//! Who may read numbers: the bearer of the API token, or a browser that entered the console with it.

use std::future::{Ready, ready};

use actix_web::cookie::{Cookie, SameSite};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, http::StatusCode};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::State;
use super::api::{self, Fault};

const COOKIE: &str = "fuwu_console";

/// The API token (`console.api_token`), kept as its hash.
#[derive(Clone)]
pub struct ApiToken {
    hash: [u8; 32],
    /// Whether its cookie travels over TLS only.
    secure: bool,
}

impl ApiToken {
    /// Of the token in clear.
    pub fn new(token: &str) -> Self {
        Self { hash: Sha256::digest(token.as_bytes()).into(), secure: false }
    }

    /// The same for a site at this address: where it is reached by `https`, the cookie goes no other way.
    pub fn for_site(self, site: &Url) -> Self {
        Self { secure: site.scheme() == "https", ..self }
    }

    /// Compares in constant time.
    pub fn fits(&self, token: &str) -> bool {
        Self::new(token).hash.ct_eq(&self.hash).into()
    }

    /// What the console's cookie holds: proof of the token, but not the token.
    fn session(&self) -> String {
        let mut proof = Sha256::new();
        proof.update(b"fuwu console session 1");
        proof.update(self.hash);
        proof.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn fits_session(&self, session: &str) -> bool {
        self.session().as_bytes().ct_eq(session.as_bytes()).into()
    }

    /// The cookie that lets a browser in until it is closed.
    pub fn cookie(&self) -> Cookie<'static> {
        Cookie::build(COOKIE, self.session())
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(self.secure)
            .finish()
    }
}

/// Proof that the request may read numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorized {
    /// Who asks.
    pub caller: Caller,
}

/// Who asks for numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Something that sends the API token.
    Program,
    /// A person's browser that entered the console.
    Browser,
}

/// The request may not.
#[derive(Debug, thiserror::Error)]
#[error("not authorized")]
pub struct Unauthorized;

impl ResponseError for Unauthorized {
    fn status_code(&self) -> StatusCode {
        StatusCode::UNAUTHORIZED
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::Unauthorized()
            .insert_header(("WWW-Authenticate", "Bearer"))
            .content_type("text/plain; charset=utf-8")
            .body("请使用启动时打印的控制台地址，或带上 API 令牌。\nUse the console address printed at start, or send the API token.\n")
    }
}

impl FromRequest for Authorized {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let refused =
            || if request.path().starts_with(api::BASE) { Fault::unauthorized().into() } else { Unauthorized.into() };
        ready(caller(request).map(|caller| Self { caller }).ok_or_else(refused))
    }
}

fn caller(request: &HttpRequest) -> Option<Caller> {
    let state = request.app_data::<Data<State>>()?;
    let header = request.headers().get("Authorization").and_then(|h| h.to_str().ok());
    let bearer = header.and_then(|h| h.strip_prefix("Bearer "));
    let session = request.cookie(COOKIE);
    if bearer.is_some_and(|token| state.api_token.fits(token)) {
        Some(Caller::Program)
    } else {
        session.filter(|cookie| state.api_token.fits_session(cookie.value())).map(|_| Caller::Browser)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_opens() {
        let token = ApiToken::new("s3cret");
        assert!(token.fits("s3cret"));
        assert!(!token.fits("S3cret") && !token.fits("") && !token.fits("s3cret "));
        assert!(token.fits_session(token.cookie().value()));
        assert!(!token.fits_session("s3cret"));
        assert!(!ApiToken::new("other").fits_session(token.cookie().value()));
    }
    #[test]
    fn the_cookie_of_an_https_site_travels_over_tls_only() {
        let secure = |site: &str| ApiToken::new("s3cret").for_site(&site.parse().unwrap()).cookie().secure();
        assert_eq!(secure("https://fuwu.example.com/"), Some(true));
        assert_eq!(secure("http://127.0.0.1:8080/"), Some(false));
    }
}
