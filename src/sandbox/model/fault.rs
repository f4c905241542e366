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
}

impl ApiFault {
    /// A refusal.
    pub fn new(errcode: i32, errmsg: impl Into<Cow<'static, str>>) -> Self {
        Self { errcode, errmsg: errmsg.into() }
    }

    /// The body that is answered; `rid` is what support asks for.
    pub fn body(&self, rid: &str) -> Value {
        json!({ "errcode": self.errcode, "errmsg": format!("{} rid: {rid}", self.errmsg) })
    }
}
