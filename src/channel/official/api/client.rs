//! The client of one account.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Value, json};
use url::Url;

use super::error::{ApiError, number};
use super::message::custom_message;
use super::token::{Token, Tokens, Turn};
use crate::domain::ids::Openid;
use crate::domain::reply::Reply;

/// A call that takes longer is given up; the platform answers within a second or two.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// An answer is a few hundred bytes; a whole menu a few kilobytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The platform's API for one account. Cheap to clone; clones share the token.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    carrier: Box<dyn Carrier>,
    app_id: String,
    app_secret: String,
    tokens: Tokens,
}

/// Takes a call to the platform and brings back the body of its answer, if that is an object of JSON. Errors of the HTTP
/// client carry the address and with it the token: they are never passed on.
#[async_trait]
pub(crate) trait Carrier: Send + Sync {
    async fn carry(&self, path: &str, token: Option<&str>, body: Option<&Value>) -> Option<Value>;
}

/// Over HTTP to the platform's address.
struct Http {
    base: Url,
    http: reqwest::Client,
}

impl Client {
    /// A client that calls `base`: the platform's address, or the sandbox's.
    pub fn new(base: Url, app_id: impl Into<String>, app_secret: impl Into<String>, http: reqwest::Client) -> Self {
        Self::carried_by(Box::new(Http { base, http }), (app_id.into(), app_secret.into()))
    }

    /// A client whose calls go where `carrier` takes them.
    pub(crate) fn carried_by(carrier: Box<dyn Carrier>, (app_id, app_secret): (String, String)) -> Self {
        Self(Arc::new(Inner { carrier, app_id, app_secret, tokens: Tokens::default() }))
    }

    /// Sends a customer-service message (platform.md 4.9).
    ///
    /// # Errors
    /// [`ApiError`]; after [`ApiError::Busy`] the message may have arrived all the same.
    pub async fn send(&self, openid: &Openid, reply: &Reply) -> Result<(), ApiError> {
        let body = custom_message(openid, reply).ok_or(ApiError::Unsendable)?;
        self.call("cgi-bin/message/custom/send", Some(&body)).await.map(drop)
    }

    /// Puts the default menu on the account (platform.md 4.5).
    ///
    /// # Errors
    /// [`ApiError::Refused`] with the platform's code if it does not take the menu.
    pub async fn create_menu(&self, menu: &Value) -> Result<(), ApiError> {
        self.call("cgi-bin/menu/create", Some(menu)).await.map(drop)
    }

    /// Takes every menu off the account, the default one and those for some customers only (platform.md 4.5).
    ///
    /// # Errors
    /// [`ApiError`]; an account without a menu is none.
    pub async fn delete_menu(&self) -> Result<(), ApiError> {
        self.call("cgi-bin/menu/delete", None).await.map(drop)
    }

    /// Calls with a token, posting `body` if there is one; once more with a fresh one if the platform refuses the
    /// first.
    pub(super) async fn call(&self, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let token = self.token(None).await?;
        match self.ask(path, Some(&token), body).await {
            Err(error) if error.is_about_the_token() => {
                let fresh = self.token(Some(&token)).await?;
                self.ask(path, Some(&fresh), body).await
            }
            answer => answer,
        }
    }

    async fn token(&self, rejected: Option<&str>) -> Result<String, ApiError> {
        match self.0.tokens.turn(Instant::now(), rejected).await {
            Turn::Use(token) => Ok(token),
            Turn::Fetch(_guard, fallback) => match self.fetch_token().await {
                Ok(token) => {
                    let text = token.text.clone();
                    self.0.tokens.store(token);
                    Ok(text)
                }
                Err(error) => fallback.ok_or(error),
            },
        }
    }

    /// The stable token: every caller gets the same one while it lives, so several processes do not take each other's
    /// away (platform.md 4.1).
    async fn fetch_token(&self) -> Result<Token, ApiError> {
        let Inner { app_id, app_secret, .. } = &*self.0;
        let body = json!({"grant_type": "client_credential", "appid": app_id, "secret": app_secret});
        let asked_at = Instant::now();
        let answer = self.ask("cgi-bin/stable_token", None, Some(&body)).await?;
        let text = answer.get("access_token").and_then(Value::as_str).filter(|text| !text.is_empty());
        let expires_in = answer.get("expires_in").and_then(number).and_then(|secs| u64::try_from(secs).ok());
        match (text, expires_in) {
            (Some(text), Some(expires_in)) => Ok(Token::new(text.to_owned(), expires_in, asked_at)),
            _ => Err(ApiError::Busy),
        }
    }

    async fn ask(&self, path: &str, token: Option<&str>, body: Option<&Value>) -> Result<Value, ApiError> {
        let answer = self.0.carrier.carry(path, token, body).await.ok_or(ApiError::Busy)?;
        ApiError::check(&answer).map(|()| answer)
    }
}

#[async_trait]
impl Carrier for Http {
    async fn carry(&self, path: &str, token: Option<&str>, body: Option<&Value>) -> Option<Value> {
        let mut url = self.base.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(path.split('/'));
        let request = match body {
            Some(body) => self.http.post(url).json(body),
            None => self.http.get(url),
        };
        let mut request = request.timeout(CALL_TIMEOUT);
        if let Some(token) = token {
            request = request.query(&[("access_token", token)]);
        }
        let mut response = request.send().await.ok()?;
        if response.status().is_server_error() {
            return None;
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            if answer.len() + chunk.len() > MAX_ANSWER_BYTES {
                return None;
            }
            answer.extend_from_slice(&chunk);
        }
        // Otherwise the status is 200 even for errors and the content type varies: only the body tells (platform.md 4.0).
        serde_json::from_slice(&answer).ok().filter(Value::is_object)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("app_id", &self.0.app_id).finish_non_exhaustive()
    }
}
