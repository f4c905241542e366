//! What the platform says when it does not do what it was asked (platform.md 4.0).

use serde_json::Value;

/// Why a call was not done. Closed; never holds a token, a secret or an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// 45015: no interaction window is open, or the customer left.
    #[error("no interaction window is open (45015)")]
    NoWindow,
    /// 45047: the open window carries no more messages.
    #[error("the interaction window carries no more messages (45047)")]
    CountUsedUp,
    /// 40003, 43004, 43019, 48002, 50005: the customer does not follow, or refuses messages.
    #[error("the customer does not follow or refuses messages ({0})")]
    NotFollowing(i64),
    /// The platform is busy or cannot be reached. Whether the call was done is not known.
    #[error("the platform is busy or cannot be reached: try again later")]
    Busy,
    /// Anything else: asking again will not help.
    #[error("the platform refuses with {code} (rid {})", rid.as_deref().unwrap_or("unknown"))]
    Refused {
        /// The platform's code.
        code: i64,
        /// The request id to quote to its support.
        rid: Option<String>,
    },
    /// This reply cannot be a customer-service message: silence and a hand-over are only ever passive.
    #[error("this reply cannot be sent as a customer-service message")]
    Unsendable,
}

impl ApiError {
    /// What a body says; `Ok` when it is a success. A missing `errcode` is 0, and it may be a text.
    pub(super) fn check(body: &Value) -> Result<(), Self> {
        let code = match body.get("errcode") {
            None => 0,
            Some(code) => number(code).ok_or(Self::Busy)?,
        };
        let rid = || body.get("errmsg").and_then(Value::as_str).and_then(rid);
        match code {
            0 => Ok(()),
            -1 | 45011 => Err(Self::Busy),
            45015 => Err(Self::NoWindow),
            45047 => Err(Self::CountUsedUp),
            40003 | 43004 | 43019 | 48002 | 50005 => Err(Self::NotFollowing(code)),
            code => Err(Self::Refused { code, rid: rid() }),
        }
    }

    /// 61503: the statistics of that day are not there yet (platform.md 4.16).
    pub fn is_not_ready(&self) -> bool {
        matches!(self, Self::Refused { code: 61503, .. })
    }

    /// 48001: the account has no right to this call, and asking again does not give it one (platform.md part 5).
    pub fn is_no_right(&self) -> bool {
        matches!(self, Self::Refused { code: 48001, .. })
    }

    /// Whether the token is no good (platform.md 4.0).
    pub(super) fn is_about_the_token(&self) -> bool {
        matches!(self, Self::Refused { code: 40001 | 40014 | 42001, .. })
    }
}

/// A number, or a number written as text.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The request id: three groups of hex digits after `rid:`. The rest of the message changes from year to year
/// (platform.md 9.10).
fn rid(message: &str) -> Option<String> {
    let (_, after) = message.rsplit_once("rid:")?;
    let rid: String = after.trim_start().chars().take_while(|c| c.is_ascii_hexdigit() || *c == '-').take(64).collect();
    (!rid.is_empty()).then_some(rid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn codes_mean_what_the_platform_says() {
        for (body, expected) in [
            (json!({}), Ok(())),
            (json!({"errcode": 0, "errmsg": "ok"}), Ok(())),
            (json!({"errcode": "0"}), Ok(())),
            (json!({"errcode": -1}), Err(ApiError::Busy)),
            (json!({"errcode": 45011}), Err(ApiError::Busy)),
            (json!({"errcode": 45015}), Err(ApiError::NoWindow)),
            (json!({"errcode": "45047"}), Err(ApiError::CountUsedUp)),
            (json!({"errcode": 43004}), Err(ApiError::NotFollowing(43004))),
            (json!({"errcode": 48002}), Err(ApiError::NotFollowing(48002))),
            (json!({"errcode": 40164, "errmsg": "invalid ip"}), Err(ApiError::Refused { code: 40164, rid: None })),
            (json!({"errcode": {}}), Err(ApiError::Busy)),
        ] {
            assert_eq!(ApiError::check(&body), expected, "{body}");
        }
    }

    #[test]
    fn the_request_id_is_found_wherever_it_stands() {
        let message = "invalid credential, more details at https://mmbizurl.cn/x rid: 65a1b2c3-0d1e2f30-4a5b6c7d";
        assert_eq!(rid(message).as_deref(), Some("65a1b2c3-0d1e2f30-4a5b6c7d"));
        assert_eq!(rid("hint: [abc]"), None);
    }
}
