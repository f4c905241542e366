//! The platform's error envelope (platform.md 4.0).

use std::borrow::Cow;

use serde_json::{Value, json};

/// `errcode` and `errmsg` of a refused call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiFault {
    /// The platform's number.
    pub errcode: i32,
    /// Its words, still without the request id.
    pub errmsg: Cow<'static, str>,
    /// What a few refusals carry besides: the earlier `msg_id` of a mass message sent twice.
    pub also: Option<(&'static str, u64)>,
}

impl ApiFault {
    /// A refusal.
    pub fn new(errcode: i32, errmsg: impl Into<Cow<'static, str>>) -> Self {
        Self { errcode, errmsg: errmsg.into(), also: None }
    }

    /// The same refusal with a number beside it.
    #[must_use]
    pub fn with(mut self, name: &'static str, number: u64) -> Self {
        self.also = Some((name, number));
        self
    }

    /// An openid that is not this account's, or follows nobody where a follower is needed.
    pub fn openid() -> Self {
        Self::new(40003, "invalid openid")
    }

    /// A media id that is none, or has expired.
    pub fn media() -> Self {
        Self::new(40007, "invalid media_id")
    }

    /// A parameter that is missing or out of range; `which` is in the words.
    pub fn parameter(which: &str) -> Self {
        Self::new(40035, format!("invalid parameter: {which}"))
    }

    /// A call whose daily count is used up.
    pub fn daily_quota() -> Self {
        Self::new(45009, "reach max api daily quota limit")
    }

    /// A call made too often within a minute.
    pub fn minute_quota() -> Self {
        Self::new(45011, "api minute-quota reach limit, must slower, retry next minute")
    }

    /// A token that is not the latest.
    pub fn stale_token() -> Self {
        Self::new(40001, "invalid credential, access_token is invalid or not latest")
    }

    /// A call the account has no right to (platform.md part 5).
    pub fn unauthorised() -> Self {
        Self::new(48001, "api unauthorized")
    }

    /// The body that is answered; `rid` is what support asks for.
    pub fn body(&self, rid: &str) -> Value {
        let mut body = json!({ "errcode": self.errcode, "errmsg": format!("{} rid: {rid}", self.errmsg) });
        if let (Some((name, number)), Some(fields)) = (self.also, body.as_object_mut()) {
            fields.insert(name.to_owned(), number.into());
        }
        body
    }
}
