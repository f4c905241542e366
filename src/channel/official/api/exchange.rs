//! How a call is made: with a token, within its quota, again where that is safe.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::breaker::backoff;
use super::call::{Call, Came, Lost, Repeat};
use super::client::Client;
use super::error::{ApiError, code_of, number};
use super::keeper::{Held, Issuer, Kind, Rejected};
use super::quota::Leave;
use super::reaction::{Reaction, reaction};
use super::token::{Ask, Token};
use crate::domain::time::UnixSecs;

/// A call that may be repeated is made so often at most.
const MOST_ATTEMPTS: usize = 3;
/// Before the second attempt; then twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// So many tokens are tried that others have fetched meanwhile.
const MOST_REPLACED: usize = 3;
/// The account has no right to the interface.
const NO_RIGHT: i64 = 48001;
/// No interface of this name: the platform's code, and ours for an answer of status 404.
const NO_SUCH_INTERFACE: i64 = 40066;

/// What a call came to.
pub(super) enum Answer {
    /// An object of JSON, and no error.
    Json(Value),
    /// Anything else.
    Raw(Came),
}

impl Client {
    /// Makes a call that is answered by JSON.
    pub(super) async fn ask(&self, call: Call) -> Result<Value, ApiError> {
        match self.exchange(&call).await? {
            Answer::Json(answer) => Ok(answer),
            Answer::Raw(_) => Err(ApiError::Busy),
        }
    }

    /// Makes a call. A token the platform refuses is replaced and the call made again: with the one that is kept
    /// meanwhile, if that is another; with one fetched because of it; and if that one is refused as well, with one fetched
    /// by force, as far as the platform allows it. Then no more.
    pub(super) async fn exchange(&self, call: &Call) -> Result<Answer, ApiError> {
        if !call.needs_token {
            return self.attempts(call, None).await;
        }
        let mut held = self.held(Kind::Access, None).await?;
        let mut renewed = false;
        for _ in 0..MOST_REPLACED {
            let refused = match self.with_token(call, &held.text).await {
                Err(error) if error.is_about_the_token() => error,
                answer => return answer,
            };
            let rejected = Rejected { text: &held.text, is_just_got: renewed };
            let next = self.held(Kind::Access, Some(rejected)).await?;
            if renewed {
                let is_another = next.text != held.text;
                return if is_another { self.with_token(call, &next.text).await } else { Err(refused) };
            }
            renewed = next.is_fresh || next.text == held.text;
            held = next;
        }
        self.with_token(call, &held.text).await
    }

    /// Makes a call with this token, unless the platform said lately that the account has no right to it.
    async fn with_token(&self, call: &Call, token: &str) -> Result<Answer, ApiError> {
        let rights = &self.0.rights;
        if rights.lacks(call.right(), token, self.now()) {
            return Err(ApiError::Refused { code: NO_RIGHT, rid: None });
        }
        let answer = self.attempts(call, Some(token)).await;
        if answer.as_ref().is_err_and(|error| error.code() == Some(NO_RIGHT)) {
            rights.learn(call.right(), token, self.now());
        }
        answer
    }

    /// A token of the kind. Nobody waits while one lives: the next one is seen to beside the calls.
    pub(super) async fn held(&self, kind: Kind, rejected: Option<Rejected<'_>>) -> Result<Held, ApiError> {
        let keeper = if kind == Kind::Access { &self.0.access } else { &self.0.ticket };
        let now = self.now();
        let Some(text) = keeper.at_hand(now, rejected) else { return keeper.get(self, rejected).await };
        if keeper.is_due(now) {
            let client = self.clone();
            let renewal: BoxFuture<'static, ()> = async move {
                let keeper = if kind == Kind::Access { &client.0.access } else { &client.0.ticket };
                keeper.renew(&client).await;
            }
            .boxed();
            tokio::spawn(renewal);
        }
        Ok(Held { text, is_fresh: false })
    }

    async fn attempts(&self, call: &Call, token: Option<&str>) -> Result<Answer, ApiError> {
        let elsewhere = self.0.carrier.addresses() > 1;
        let mut worst = ApiError::Unreached;
        for attempt in 0..MOST_ATTEMPTS {
            if attempt > 0 {
                let times = u32::try_from(attempt - 1).unwrap_or(0);
                sleep(backoff(FIRST_PAUSE, times, rand::random())).await;
            }
            self.count(call).await?;
            let error = match self.0.carrier.carry(call, token, attempt).await {
                Ok(came) => match self.judge(call, came) {
                    Err(ApiError::Busy) => ApiError::Busy,
                    answer => return answer,
                },
                Err(Lost::Unknown) => ApiError::Busy,
                Err(Lost::NotSent) => ApiError::Unreached,
            };
            let again = match error {
                // What did not leave may go another way, whatever it is.
                ApiError::Unreached => elsewhere || call.repeat == Repeat::Safe,
                _ => call.repeat == Repeat::Safe,
            };
            if error == ApiError::Busy {
                worst = ApiError::Busy;
            }
            if !again {
                break;
            }
        }
        Err(worst)
    }

    /// Counts the call against its quota, and asks the platform what is left when that may be little.
    async fn count(&self, call: &Call) -> Result<(), ApiError> {
        let leave = self.0.quotas.take(call.tally(), self.now())?;
        if leave != Leave::Granted && call.needs_token {
            self.ask_for_quota(&call.path).await;
        }
        // What the platform said may hold this call.
        match leave {
            Leave::AskFirst if call.needs_token => self.0.quotas.take(call.tally(), self.now()).map(drop),
            Leave::AskWhetherOpen => self.0.quotas.take(call.tally(), self.now()).map(drop),
            Leave::Granted | Leave::AskFirst => Ok(()),
        }
    }

    /// Without an answer things go on as before: at worst the platform refuses.
    fn ask_for_quota<'a>(&'a self, path: &'a str) -> BoxFuture<'a, ()> {
        self.quota(path).map(drop).boxed()
    }

    /// What an answer says. The content type varies and the status is 200 even for errors: only the body tells
    /// (platform.md 4.0, 9.8).
    fn judge(&self, call: &Call, came: Came) -> Result<Answer, ApiError> {
        let is_object = came.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let object = if is_object { serde_json::from_slice::<Value>(&came.body).ok() } else { None };
        let Some(answer) = object else {
            return match came.status {
                404 => Err(ApiError::Refused { code: NO_SUCH_INTERFACE, rid: None }),
                200 if call.takes_files => Ok(Answer::Raw(came)),
                _ => Err(ApiError::Busy),
            };
        };
        // The platform answers 200 (platform.md 4.0): somebody in between speaks here, and what became of the call he
        // does not say.
        if came.status != 200 && answer.get("errcode").is_none() {
            return Err(ApiError::Busy);
        }
        let now = self.now();
        let code = code_of(&answer).unwrap_or_default();
        let mut checked = ApiError::check(&answer, now);
        if let Err(error) = &mut checked {
            let (path, rid) = (call.path.as_ref(), error.rid().unwrap_or("unknown"));
            match reaction(code) {
                Reaction::Alert(_) | Reaction::UntilQuotaReset => {
                    tracing::warn!(path, code, rid, "the platform refuses")
                }
                _ => tracing::debug!(path, code, rid, "the platform refuses"),
            }
            if let ApiError::NotBefore { code: 45009 | 45011, at, .. } = error {
                *at = self.0.quotas.close(call.tally(), (code, *at), now);
            }
        }
        checked.map(|()| Answer::Json(answer))
    }

    /// The stable token: every caller gets the same one while it lives, so several processes do not take each other's
    /// away (platform.md 4.1). An account that does not have it yet is given the plain one.
    async fn issue_access(&self, ask: Ask) -> Result<Token, ApiError> {
        const GRANT: &str = "client_credential";
        let (id, secret) = (&self.0.app_id, &self.0.app_secret);
        let stable = |body| Call::post("cgi-bin/stable_token", body).without_token();
        let stable = match ask {
            Ask::Usual => stable(json!({"grant_type": GRANT, "appid": id, "secret": secret})),
            Ask::Forced => {
                tracing::warn!("the platform refuses a token that it has just handed out; another one is forced");
                let body = json!({"grant_type": GRANT, "appid": id, "secret": secret, "force_refresh": true});
                // Of these there are few: sent again it would be another one.
                stable(body).once().counted_as("cgi-bin/stable_token force_refresh")
            }
        };
        let answer = match self.attempts(&stable, None).await {
            Err(error) if matches!(error.code(), Some(NO_RIGHT | NO_SUCH_INTERFACE)) => {
                tracing::info!("the account has no stable token; the plain one is used");
                let plain = Call::get("cgi-bin/token").without_token();
                let plain = plain.with("grant_type", GRANT).with("appid", id).with("secret", secret);
                self.attempts(&plain, None).await?
            }
            answer => answer?,
        };
        issued(answer, "access_token", self.now())
    }

    async fn issue_ticket(&self) -> Result<Token, ApiError> {
        let call = Call::get("cgi-bin/ticket/getticket").with("type", "jsapi");
        issued(self.exchange(&call).await?, "ticket", self.now())
    }
}

impl Issuer for Client {
    fn issue(&self, kind: Kind, ask: Ask) -> BoxFuture<'_, Result<Token, ApiError>> {
        match kind {
            Kind::Access => self.issue_access(ask).boxed(),
            Kind::JsTicket => self.issue_ticket().boxed(),
        }
    }

    fn now(&self) -> UnixSecs {
        Client::now(self)
    }
}

fn issued(answer: Answer, field: &str, now: UnixSecs) -> Result<Token, ApiError> {
    let Answer::Json(answer) = answer else { return Err(ApiError::Busy) };
    let text = answer.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let expires_in = answer.get("expires_in").and_then(number).filter(|secs| *secs > 0);
    match (text, expires_in) {
        (Some(text), Some(expires_in)) => Ok(Token::new(text.to_owned(), expires_in, now)),
        _ => Err(ApiError::Busy),
    }
}
