//! The webhook: `/wechat/{account}` (contract.md "HTTP", platform.md part 1).
//!
//! Authentication lives in the extractor [`Verified`]: a handler cannot be reached by an unverified delivery.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, http::StatusCode};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::State;
use super::observe::{ANSWER_SECONDS, DELIVERIES, NOT_NOW, QUARANTINED, REFUSED, SHED};
use crate::app::{NotNow, Received, ServedAccount};
use crate::channel::official::{Clear, Opened, Query, Refusal, ReplyTo, Unusable, open, seal, verify_url};
use crate::domain::inbound::Inbound;
use crate::domain::recent::Earned;
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;

/// A delivery is a few KiB; the contract allows 64.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// A body that drips in slower than this is not the platform's.
const BODY_WITHIN: Duration = Duration::from_secs(5);

/// A delivery whose sender has proved to be the platform.
pub struct Verified {
    account: Arc<ServedAccount>,
    delivery: Result<Inbound, Unusable>,
    reply_to: ReplyTo,
    clear: Clear,
}

/// Not a delivery. The answer tells nothing; the metric tells the operator which.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a delivery")]
pub enum NotADelivery {
    /// No such account.
    NoAccount,
    /// A query that no platform sends, or a second parameter of one name.
    Malformed,
    /// A signature, key or AppID that does not fit.
    Forbidden,
    /// Rightly signed, but too long ago or ahead of our clock.
    Stale,
    /// Over 64 KiB.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// The body is compressed, or broke off.
    Unreadable,
}

impl NotADelivery {
    fn label(self) -> &'static str {
        match self {
            Self::NoAccount => "no_account",
            Self::Malformed => "malformed",
            Self::Forbidden => "forbidden",
            Self::Stale => "stale",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Unreadable => "unreadable",
        }
    }
}

impl From<Refusal> for NotADelivery {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed => Self::Malformed,
            Refusal::Forbidden => Self::Forbidden,
        }
    }
}

impl ResponseError for NotADelivery {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoAccount => StatusCode::NOT_FOUND,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Forbidden | Self::Stale => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Unreadable => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        metrics::counter!(REFUSED, "reason" => self.label()).increment(1);
        let mut answer = HttpResponseBuilder::new(self.status_code());
        if matches!(self, Self::TooLarge | Self::TooSlow) {
            answer.force_close();
        }
        answer.finish()
    }
}

impl FromRequest for Verified {
    type Error = NotADelivery;
    type Future = Pin<Box<dyn Future<Output = Result<Self, NotADelivery>>>>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let account = account_of(request);
        let now = now_at(request);
        let query = Query::parse(request.query_string());
        let encoded = request.headers().get_all(CONTENT_ENCODING).any(|e| e != HeaderValue::from_static("identity"));
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let payload = Payload::from_request(request, payload).into_inner();
        Box::pin(async move {
            let account = account.ok_or(NotADelivery::NoAccount)?;
            let query = query?;
            if encoded {
                return Err(NotADelivery::Unreadable);
            }
            // Not a byte is waited for that would be refused.
            if announced.is_some_and(|bytes: usize| bytes > MAX_BODY_BYTES) {
                return Err(NotADelivery::TooLarge);
            }
            let payload = payload.map_err(|_| NotADelivery::Unreadable)?;
            let body = timeout(BODY_WITHIN, read(payload)).await.map_err(|_| NotADelivery::TooSlow)??;
            let Opened { delivery, reply_to, clear } = open(&account.channel, &query, &body)?;
            check_fresh(&account, &query, now)?;
            Ok(Self { account, delivery, reply_to, clear })
        })
    }
}

/// Looked at last, so that an operator whose clock is wrong sees that deliveries were the platform's.
fn check_fresh(account: &ServedAccount, query: &Query, now: UnixSecs) -> Result<(), NotADelivery> {
    if account.channel.is_fresh(query, now) { Ok(()) } else { Err(NotADelivery::Stale) }
}

fn now_at(request: &HttpRequest) -> UnixSecs {
    request.app_data::<Data<State>>().map_or(UnixSecs(0), |state| state.app.clock().now())
}

async fn read(mut payload: Payload) -> Result<Vec<u8>, NotADelivery> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| NotADelivery::Unreadable)?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(NotADelivery::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn account_of(request: &HttpRequest) -> Option<Arc<ServedAccount>> {
    let state = request.app_data::<Data<State>>()?;
    state.app.account(request.match_info().get("account")?).cloned()
}

/// The platform's verification of the address (platform.md 1.2).
pub async fn verify(request: HttpRequest) -> Result<HttpResponse, NotADelivery> {
    let account = account_of(&request).ok_or(NotADelivery::NoAccount)?;
    let query = Query::parse(request.query_string())?;
    let echo = verify_url(&account.channel, &query)?;
    check_fresh(&account, &query, now_at(&request))?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(echo))
}

/// A delivery: decided, committed, answered.
pub async fn deliver(state: Data<State>, verified: Verified) -> HttpResponse {
    let Verified { account, delivery, reply_to, clear } = verified;
    let inbound = match delivery {
        Ok(inbound) => inbound,
        Err(unusable) => return set_aside(&state, &account, unusable).await,
    };
    metrics::counter!(DELIVERIES, "account" => account.id().to_string(), "what" => inbound.what.name()).increment(1);
    let began = Instant::now();
    let answer = state.app.handle(&account, Received { inbound, clear }).await;
    metrics::histogram!(ANSWER_SECONDS).record(began.elapsed().as_secs_f64());
    match answer {
        Ok(earned) => answered(&account, &reply_to, earned),
        Err(NotNow::Late) => not_now(),
        Err(NotNow::Crowded(class)) => {
            metrics::counter!(SHED, "class" => class.name()).increment(1);
            not_now()
        }
    }
}

/// Kept with its reason, and acknowledged: what we cannot use must not become an error line in the customer's chat.
async fn set_aside(state: &State, account: &ServedAccount, unusable: Unusable) -> HttpResponse {
    let reason = unusable.reason.as_str();
    metrics::counter!(QUARANTINED, "reason" => reason).increment(1);
    tracing::warn!(account = %account.id(), reason, "a verified delivery could not be used; it is kept in quarantine");
    match state.app.set_aside(account, unusable).await {
        Ok(()) => HttpResponse::Ok().body("success"),
        Err(_) => not_now(),
    }
}

fn answered(account: &ServedAccount, reply_to: &ReplyTo, earned: Earned) -> HttpResponse {
    let earned = Earned { reply: earned.reply.reachable_at(&account.site, account.id()), ..earned };
    let content_type =
        if earned.reply == Reply::Silent { "text/plain; charset=utf-8" } else { "text/xml; charset=utf-8" };
    HttpResponse::Ok().content_type(content_type).body(seal(&account.channel, reply_to, &earned))
}

/// Nothing that can be kept durably now: the platform delivers again, and joins what is still running.
fn not_now() -> HttpResponse {
    metrics::counter!(NOT_NOW).increment(1);
    HttpResponse::ServiceUnavailable().finish()
}
