//! The client of one account.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use super::call::{Call, Came, Lost};
use super::custom::{CustomMessage, Signed};
use super::error::ApiError;
use super::http::Http;
use super::keeper::{Keeper, Kind};
use super::message::custom_message;
use super::quota::Quotas;
use super::rights::Rights;
use super::vault::{ProcessVault, TokenVault};
use crate::domain::ids::Openid;
use crate::domain::reply::Reply;
use crate::domain::taps::{Menu, menu};
use crate::domain::time::UnixSecs;

/// Tells the time.
pub type ApiClock = Arc<dyn Fn() -> UnixSecs + Send + Sync>;

/// The platform's addresses, the usual one first; the others have the same paths.
pub const HOSTS: [&str; 5] = [
    "https://api.weixin.qq.com/",
    "https://api2.weixin.qq.com/",
    "https://sh.api.weixin.qq.com/",
    "https://sz.api.weixin.qq.com/",
    "https://hk.api.weixin.qq.com/",
];

/// What a client is made of.
pub struct ClientSpec {
    /// Where the platform is: its addresses, best first, or the sandbox's alone.
    pub hosts: Vec<Url>,
    /// AppID.
    pub app_id: String,
    /// AppSecret.
    pub app_secret: String,
    /// Follows no redirects.
    pub http: reqwest::Client,
    /// Where its tokens are kept.
    pub vault: Arc<dyn TokenVault>,
    /// Its clock.
    pub clock: ApiClock,
}

/// The platform's API for one account. Cheap to clone; clones share tokens and quotas.
#[derive(Clone)]
pub struct Client(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) carrier: Box<dyn Carrier>,
    pub(super) app_id: String,
    pub(super) app_secret: String,
    pub(super) access: Keeper,
    pub(super) ticket: Keeper,
    pub(super) quotas: Quotas,
    pub(super) rights: Rights,
    pub(super) clock: ApiClock,
    /// Where customers are asked who they are, when that is not the platform's own page.
    pub(super) consent_page: Option<Url>,
}

/// Takes a call to the platform and brings back its answer. Errors of the HTTP client carry the address and with it the
/// token: they are never passed on.
#[async_trait]
pub(crate) trait Carrier: Send + Sync {
    /// Makes the call; a later attempt goes to another address, if there is one.
    async fn carry(&self, call: &Call, token: Option<&str>, attempt: usize) -> Result<Came, Lost>;

    /// How many addresses there are.
    fn addresses(&self) -> usize {
        1
    }
}

impl Client {
    /// A client that calls `base`: the platform's address, or the sandbox's. Its tokens are its own.
    pub fn new(base: Url, app_id: impl Into<String>, app_secret: impl Into<String>, http: reqwest::Client) -> Self {
        let (app_id, app_secret) = (app_id.into(), app_secret.into());
        let vault = Arc::<ProcessVault>::default();
        Self::of(ClientSpec { hosts: vec![base], app_id, app_secret, http, vault, clock: system_clock() })
    }

    /// A client as the specification has it.
    pub fn of(spec: ClientSpec) -> Self {
        let ClientSpec { hosts, app_id, app_secret, http, vault, clock } = spec;
        Self::made((Box::new(Http::new(hosts, http)), vault), (app_id, app_secret), clock)
    }

    /// A client whose calls go where `carrier` takes them.
    #[cfg(test)]
    pub(crate) fn carried_by(carrier: Box<dyn Carrier>, credentials: (String, String)) -> Self {
        Self::made((carrier, Arc::<ProcessVault>::default()), credentials, system_clock())
    }

    fn made(
        (carrier, vault): (Box<dyn Carrier>, Arc<dyn TokenVault>),
        (app_id, app_secret): (String, String),
        clock: ApiClock,
    ) -> Self {
        let access = Keeper::new(Kind::Access, Arc::clone(&vault));
        let ticket = Keeper::new(Kind::JsTicket, vault);
        let (quotas, rights) = (Quotas::default(), Rights::default());
        let consent_page = None;
        Self(Arc::new(Inner { carrier, app_id, app_secret, access, ticket, quotas, rights, clock, consent_page }))
    }

    /// The same, asking customers who they are at this page: the sandbox's. For a client that has no clones yet.
    pub fn asking_consent_at(mut self, page: Url) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.consent_page = Some(page);
        }
        self
    }

    /// The account's AppID.
    pub fn app_id(&self) -> &str {
        &self.0.app_id
    }

    /// Sends a reply as a customer-service message (platform.md 4.9); a question as a menu to tap, where the account may
    /// send one and the platform takes it, else as words. It is never sent twice by itself: the platform would show it
    /// twice.
    ///
    /// # Errors
    /// [`ApiError`]; after [`ApiError::Busy`] the message may have arrived all the same.
    pub async fn send(&self, openid: &Openid, reply: &Reply) -> Result<(), ApiError> {
        if let Reply::Text(words) = reply
            && let Some(Menu { head, items, tail }) = menu(words)
        {
            let menu = CustomMessage::Menu { head, items, tail };
            match self.send_message(openid, &menu, Signed::default()).await {
                Err(error) if error.is_about_the_type() => {
                    tracing::info!(%error, "a question is sent as words: the platform does not take it as a menu");
                }
                said => return said,
            }
        }
        let body = custom_message(openid, reply).ok_or(ApiError::Unsendable)?;
        self.ask(Call::post("cgi-bin/message/custom/send", body).once()).await.map(drop)
    }

    /// Waits until there is an access token, as the next call would. Whoever writes down first that they are about to make
    /// a call asks this before, so that nothing is written down that cannot leave.
    ///
    /// # Errors
    /// [`ApiError`], when there is none; nothing was called for.
    pub async fn ready(&self) -> Result<(), ApiError> {
        self.held(Kind::Access, None).await.map(drop)
    }

    pub(super) fn now(&self) -> UnixSecs {
        (self.0.clock)()
    }

    /// Makes a call and reads its answer.
    pub(super) async fn read<T: serde::de::DeserializeOwned>(&self, call: Call) -> Result<T, ApiError> {
        let path = call.path.clone();
        parsed(&path, self.ask(call).await?)
    }
}

/// What an answer says. One that is understood in half is not.
pub(super) fn parsed<T: serde::de::DeserializeOwned>(path: &str, answer: Value) -> Result<T, ApiError> {
    serde_json::from_value(answer).map_err(|_| {
        // The reader's own words may repeat the answer.
        tracing::warn!(path, "an answer of the platform cannot be understood");
        ApiError::Busy
    })
}

fn system_clock() -> ApiClock {
    Arc::new(|| UnixSecs(chrono::Utc::now().timestamp()))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("app_id", &self.0.app_id).finish_non_exhaustive()
    }
}
