//! Who looks: asked of the platform silently (snsapi_base, platform.md 4.18), then known by a cookie for an hour.
//!
//! The state that goes along is drawn for this visit and kept in this browser alone, so nobody can put a visit of theirs
//! into somebody else's browser. What comes back leads to the page that was asked for and nowhere else, and a code is worth
//! nothing to a browser that is known already.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use url::Url;

use super::{Asked, page, private, shown};
use crate::app::VISIT_SECS;
use crate::channel::official::api::{ApiError, Reaction, Reason, WebScope, WebVisitor};
use crate::domain::ids::Openid;
use crate::http::State;

/// Who was named by the platform.
const VISIT: &str = "fuwu_visit";
/// What must come back with who looks.
const STATE: &str = "fuwu_state";
/// So long somebody may take on the way.
const STATE_SECS: i64 = 600;
/// So many codes are exchanged at once: anybody can make up one, and must not use up the account's calls or our connections.
static EXCHANGES: Semaphore = Semaphore::const_new(32);

/// What the platform brings back.
#[derive(Debug, Default, Deserialize)]
pub struct Back {
    code: Option<String>,
    state: Option<String>,
    /// Set on the second try, after which there is no third.
    again: Option<String>,
}

impl Back {
    /// What a request brings; nothing when it cannot be read.
    fn of(request: &HttpRequest) -> Self {
        Query::from_query(request.query_string()).map(Query::into_inner).unwrap_or_default()
    }

    fn is_there(&self) -> bool {
        self.code.is_some() || self.state.is_some() || self.again.is_some()
    }
}

/// Who this browser is known as.
pub fn visitor(state: &State, (asked, request): (&Asked<'_>, &HttpRequest)) -> Option<Openid> {
    let cookies = request.cookies().ok()?;
    // Of several cookies by one name a foreign one may come first.
    let own = cookies.iter().filter(|cookie| cookie.name() == VISIT);
    own.filter_map(|cookie| state.app.open_visit(asked.account.id(), cookie.value())).next()
}

/// Who looks, or where they go first.
pub async fn known(state: &Data<State>, (asked, request): (&Asked<'_>, &HttpRequest)) -> Result<Openid, HttpResponse> {
    let back = Back::of(request);
    match (visitor(state, (asked, request)), back.code.as_deref().zip(back.state.as_deref())) {
        (Some(_), _) if back.is_there() => Err(clean(asked).finish()),
        (Some(openid), _) => Ok(openid),
        (None, Some((code, told))) => Err(come_back(state, (asked, request), (code, told), &back).await),
        (None, None) if back.state.is_some() => Err(shown(StatusCode::FORBIDDEN, page::unknown_visitor())),
        (None, None) => Err(ask(asked, Try::First)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Try {
    First,
    Last,
}

/// Sends the browser to the platform.
fn ask(asked: &Asked<'_>, which: Try) -> HttpResponse {
    let drawn = format!("{:032x}", rand::random::<u128>());
    let again = if which == Try::Last { "?again=1" } else { "" };
    let back = Url::parse(&format!("{}{}{again}", asked.account.site, asked.path()));
    let there = back.ok().and_then(|back| asked.account.platform.authorize_url(&back, (WebScope::Base, &drawn)).ok());
    let Some(there) = there else { return shown(StatusCode::INTERNAL_SERVER_ERROR, page::not_now()) };
    private(StatusCode::FOUND)
        .insert_header(("Location", there.as_str()))
        .cookie(cookie(asked, (STATE, drawn), STATE_SECS))
        .finish()
}

/// The browser comes back.
async fn come_back(
    state: &Data<State>,
    (asked, request): (&Asked<'_>, &HttpRequest),
    (code, told): (&str, &str),
    back: &Back,
) -> HttpResponse {
    let once_more = || match back.again {
        None => ask(asked, Try::Last),
        Some(_) => shown(StatusCode::FORBIDDEN, page::unknown_visitor()),
    };
    let is_ours = |kept: &Cookie<'_>| !told.is_empty() && bool::from(kept.value().as_bytes().ct_eq(told.as_bytes()));
    let kept = request.cookies().is_ok_and(|all| all.iter().any(|kept| kept.name() == STATE && is_ours(kept)));
    if !kept {
        return once_more();
    }
    match exchange(asked, code).await {
        Ok(WebVisitor::Known(grant)) => match state.app.seal_visit(asked.account.id(), &grant.openid) {
            Some(sealed) => clean(asked)
                .cookie(cookie(asked, (VISIT, sealed), VISIT_SECS))
                .cookie(cookie(asked, (STATE, String::new()), 0))
                .finish(),
            None => shown(StatusCode::INTERNAL_SERVER_ERROR, page::not_now()),
        },
        Ok(WebVisitor::Snapshot) => shown(StatusCode::FORBIDDEN, page::snapshot()),
        // Somebody went back to a page whose code is used up.
        Err(fault) if fault.reaction() == Reaction::GiveUp(Reason::Authorization) => once_more(),
        Err(fault) => {
            tracing::warn!(account = %asked.account.id(), fault = %fault.in_words(), "who looks at a page was not heard");
            shown(StatusCode::SERVICE_UNAVAILABLE, page::not_now())
        }
    }
}

async fn exchange(asked: &Asked<'_>, code: &str) -> Result<WebVisitor, ApiError> {
    let _place = EXCHANGES.try_acquire().map_err(|_| ApiError::Busy)?;
    asked.account.platform.exchange_code(code).await
}

/// To the page itself, without what the platform brought. Relative, so that it also leads there below a prefix of somebody's
/// proxy.
fn clean(asked: &Asked<'_>) -> actix_web::HttpResponseBuilder {
    let mut answer = private(StatusCode::SEE_OTHER);
    answer.insert_header(("Location", asked.number.as_str()));
    answer
}

/// A cookie of this account's pages; the state is one page's alone, so that two tabs do not take it from each other.
fn cookie(asked: &Asked<'_>, (name, value): (&'static str, String), secs: i64) -> Cookie<'static> {
    let site = Url::parse(&asked.account.site).ok();
    let prefix = site.as_ref().map_or("", Url::path).trim_end_matches('/').to_owned();
    let path = match name {
        STATE => format!("{prefix}{}", asked.path()),
        _ => format!("{prefix}/orders/{}", asked.account.id()),
    };
    Cookie::build(name, value)
        .path(path)
        .http_only(true)
        // The platform's page, another site, leads back here.
        .same_site(SameSite::Lax)
        .secure(site.is_some_and(|site| site.scheme() == "https"))
        .max_age(Duration::seconds(secs))
        .finish()
}
