//! What the API answers when it cannot do what was asked: the cause, and what would work.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::ADDRESS;

/// The body of every answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FaultBody {
    /// What is wrong.
    #[schema(example = "the period ends (2026-03-01) before it begins (2026-03-02)")]
    pub error: String,
    /// What would work.
    #[schema(example = "try from 2026-03-01 to 2026-03-02")]
    pub mend: String,
}

/// An answer that is an error.
#[derive(Debug)]
pub struct Fault {
    status: StatusCode,
    body: FaultBody,
}

impl Fault {
    pub(super) fn new(status: StatusCode, error: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { status, body: FaultBody { error: error.into(), mend: mend.into() } }
    }

    /// 400: the request cannot be meant.
    pub fn misused(error: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, mend)
    }

    /// 401: the request brings no proof that it may.
    pub fn unauthorized() -> Self {
        let mend = "send `Authorization: Bearer TOKEN` with the token that was printed at start (`console.api_token`)";
        Self::new(StatusCode::UNAUTHORIZED, "not authorized", mend)
    }

    /// 404: what the request is about is not there.
    pub fn missing(error: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error, mend)
    }

    /// 503: the store does not answer now; its own words go to the log.
    pub fn store(error: &dyn fmt::Display) -> Self {
        tracing::error!(%error, "the API could not read the store");
        let (error, mend) = ("the store is not available now", "try again in a moment");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error, mend)
    }

    /// 500: a report that cannot be written, which no table of ours should be.
    pub fn broken(error: &dyn fmt::Display) -> Self {
        tracing::error!(%error, "a report could not be written");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the report could not be written", "the log says why")
    }

    /// The same, about something that is not there: 404.
    pub fn of_missing(self) -> Self {
        Self { status: StatusCode::NOT_FOUND, ..self }
    }

    /// From words that say the cause, then what would work.
    pub fn told(said: &impl fmt::Display) -> Self {
        let said = said.to_string();
        let (error, mend) = said.split_once("; ").unwrap_or((&said, ""));
        if mend.is_empty() { Self::misused(error, format!("see {ADDRESS}")) } else { Self::misused(error, mend) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.body.error, self.body.mend)
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header(("Cache-Control", "no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header(("WWW-Authenticate", "Bearer"));
        }
        answer.json(&self.body)
    }
}

/// For whatever is no address of the API.
pub async fn no_such_address(request: HttpRequest) -> Result<HttpResponse, Fault> {
    Err(Fault::missing(format!("there is no {}", request.path()), format!("{ADDRESS} names every address")))
}

/// For an address of the API that is asked in a way it does not know. It is told as the description has it: the one that
/// was asked may name a customer, and errors end in logs.
pub async fn wrong_method(request: HttpRequest) -> Result<HttpResponse, Fault> {
    let address = request.match_pattern().unwrap_or_else(|| "this address".to_owned());
    let error = format!("{address} does not take {}", request.method());
    Err(Fault::new(StatusCode::METHOD_NOT_ALLOWED, error, format!("{ADDRESS} names what it takes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_a_cure_are_taken_apart_at_it() {
        let fault = Fault::told(&"it ends before it begins; try the other way; really");
        assert_eq!(fault.body.error, "it ends before it begins");
        assert_eq!(fault.body.mend, "try the other way; really");
        assert_eq!(Fault::told(&"no").body, FaultBody { error: "no".into(), mend: format!("see {ADDRESS}") });
        assert_eq!(fault.status_code(), 400);
    }
}
