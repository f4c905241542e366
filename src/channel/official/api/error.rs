//! What the platform says when it does not do what it was asked (platform.md 4.0).

use serde_json::Value;

use super::limits::Invalid;
use super::reaction::{Reaction, Reason, meaning, reaction};
use super::rid::{about, rid};
use crate::domain::time::UnixSecs;

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
    /// The platform is busy (-1, a status of 5xx) or its answer was lost. Whether the call was done is not known: of -1
    /// the table says that a send is repeated only under a mark of ours (platform.md 4.0), so it may have had its effect,
    /// and what stands behind a 5xx may have gone on. Every other code of the table says that nothing was done; those
    /// that pass (45009, 45011, 45066, 65414, 65415) are [`ApiError::NotBefore`].
    #[error("the platform is busy or cannot be reached: try again later")]
    Busy,
    /// The call did not leave: nobody is there, or there is no token for it. It was not done, surely.
    #[error("the platform was not reached: the call was not made; try again later")]
    Unreached,
    /// Not done, and not to be asked again before this moment: the day's or the minute's quota is used up (45009,
    /// 45011), a repetition came too soon (45066), an agent is busy (65414, 65415).
    #[error("not before {} (Unix seconds): the platform refuses with {code} until then (rid {})", at.0, shown(rid))]
    NotBefore {
        /// The platform's code.
        code: i64,
        /// From then on.
        at: UnixSecs,
        /// The request id; `None` when the call was not even made.
        rid: Option<String>,
    },
    /// Not asked at all, because the platform would refuse it.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Anything else: asking again will not help.
    #[error("the platform refuses with {code} (rid {})", shown(rid))]
    Refused {
        /// The platform's code.
        code: i64,
        /// The request id to quote to its support.
        rid: Option<String>,
    },
    /// As [`ApiError::Refused`], and the platform says what it is about: our address (40164), or the field of a
    /// template (47003).
    #[error("the platform refuses with {code} because of {about} (rid {})", shown(rid))]
    RefusedFor {
        /// The platform's code.
        code: i64,
        /// An IP address, or the name of a field.
        about: String,
        /// The request id to quote to its support.
        rid: Option<String>,
    },
    /// This reply cannot be a customer-service message: silence and a hand-over are only ever passive.
    #[error("this reply cannot be sent as a customer-service message")]
    Unsendable,
}

fn shown(rid: &Option<String>) -> &str {
    rid.as_deref().unwrap_or("unknown")
}

impl ApiError {
    /// What a body says at `now`; `Ok` when it is a success, also one that was none of ours (45065, 46003). A missing
    /// `errcode` is 0, and it may be a text.
    pub(super) fn check(body: &Value, now: UnixSecs) -> Result<(), Self> {
        let code = code_of(body).ok_or(Self::Busy)?;
        if code == 0 {
            return Ok(());
        }
        let message = body.get("errmsg").and_then(Value::as_str).unwrap_or_default();
        let rid = rid(message);
        match (reaction(code), code) {
            (Reaction::AlreadyDone | Reaction::Ignore, _) => Ok(()),
            (Reaction::RetrySoon, _) => Err(Self::Busy),
            (Reaction::WaitSecs(secs), _) => Err(Self::NotBefore { code, at: now.plus_secs(secs.into()), rid }),
            (Reaction::UntilQuotaReset, _) => Err(Self::NotBefore { code, at: midnight(now), rid }),
            (_, 45015) => Err(Self::NoWindow),
            (_, 45047) => Err(Self::CountUsedUp),
            (_, 40003 | 43004 | 43019 | 48002 | 50005) => Err(Self::NotFollowing(code)),
            _ => Err(match about(code, message) {
                Some(about) => Self::RefusedFor { code, about, rid },
                None => Self::Refused { code, rid },
            }),
        }
    }

    /// Whether the platform does not take a message of this type from this account, or not with this in it: it was not
    /// sent, and another type may be.
    pub fn is_about_the_type(&self) -> bool {
        let codes = [40008, 40035, 45002, 45098, 45099, 48001, 48008];
        matches!(self, Self::Invalid(_)) || self.code().is_some_and(|code| codes.contains(&code))
    }

    /// The platform's code; `None` when it said none.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::NoWindow => Some(45015),
            Self::CountUsedUp => Some(45047),
            Self::NotFollowing(code)
            | Self::NotBefore { code, .. }
            | Self::Refused { code, .. }
            | Self::RefusedFor { code, .. } => Some(*code),
            Self::Busy | Self::Unreached | Self::Invalid(_) | Self::Unsendable => None,
        }
    }

    /// The request id to quote to the platform's support, where it is kept; every other one is in the log.
    pub fn rid(&self) -> Option<&str> {
        match self {
            Self::NotBefore { rid, .. } | Self::Refused { rid, .. } | Self::RefusedFor { rid, .. } => rid.as_deref(),
            _ => None,
        }
    }

    /// What is to be done about it.
    pub fn reaction(&self) -> Reaction {
        match (self, self.code()) {
            (_, Some(code)) => reaction(code),
            (Self::Invalid(_) | Self::Unsendable, None) => Reaction::GiveUp(Reason::Content),
            _ => Reaction::RetrySoon,
        }
    }

    /// Whether the same call may do later: the platform is busy, away, or wants to be left alone for a while.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Busy | Self::Unreached | Self::NotBefore { .. })
    }

    /// Whether the call may have been done all the same. Of every other error it is sure that it was not.
    pub fn may_be_done(&self) -> bool {
        matches!(self, Self::Busy)
    }

    /// Cause and mend in the words of an operator.
    pub fn in_words(&self) -> String {
        let words = match (self, self.code()) {
            (Self::Invalid(invalid), _) => return invalid.to_string(),
            (Self::Unsendable, _) => "这种回复只能当场回给用户，不能作为客服消息发送".to_owned(),
            (Self::Unreached, _) => "连不上微信平台，请求没有发出".to_owned(),
            (_, None) => "微信平台繁忙或没有回应，请稍后再试".to_owned(),
            (_, Some(code)) => match meaning(code) {
                Some(words) => format!("{words}（{code}）"),
                None => format!("平台拒绝了请求（{code}）"),
            },
        };
        let about = if let Self::RefusedFor { about, .. } = self { format!("：{about}") } else { String::new() };
        let rid = self.rid().map(|rid| format!("，rid {rid}")).unwrap_or_default();
        format!("{words}{about}{rid}")
    }

    /// 61503: the statistics of that day are not there yet (platform.md 4.16).
    pub fn is_not_ready(&self) -> bool {
        self.code() == Some(61503)
    }

    /// 48001: the account has no right to this call, and asking again does not give it one (platform.md part 5).
    pub fn is_no_right(&self) -> bool {
        self.code() == Some(48001)
    }

    /// Whether the platform refuses the account or this machine and not what was asked ([`Reason::Account`]).
    pub fn is_about_the_account(&self) -> bool {
        self.reaction() == Reaction::Alert(Reason::Account)
    }

    /// 43101: the customer did not consent to this notice, or the consent is used up (platform.md 4.11).
    pub fn is_no_consent(&self) -> bool {
        self.code() == Some(43101)
    }

    /// Whether the token is no good (platform.md 4.0).
    pub(super) fn is_about_the_token(&self) -> bool {
        self.code().is_some_and(|code| reaction(code) == Reaction::Refresh)
    }
}

/// When the day's quotas begin anew (platform.md 4.2).
pub(super) fn midnight(now: UnixSecs) -> UnixSecs {
    now.business_day().plus_days(1).start()
}

/// The code of a body; `None` when it has one that is no number.
pub(super) fn code_of(body: &Value) -> Option<i64> {
    body.get("errcode").map_or(Some(0), number)
}

/// A number, or a number written as text.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOON: UnixSecs = UnixSecs(1_772_424_000); // 2026-03-02 12:00 in +08:00

    #[test]
    fn codes_mean_what_the_platform_says() {
        let wait = |code, secs| Err(ApiError::NotBefore { code, at: NOON.plus_secs(secs), rid: None });
        for (body, expected) in [
            (json!({}), Ok(())),
            (json!({"errcode": 0, "errmsg": "ok"}), Ok(())),
            (json!({"errcode": "0"}), Ok(())),
            (json!({"errcode": 45065, "msg_id": 1}), Ok(())),
            (json!({"errcode": 46003}), Ok(())),
            (json!({"errcode": 45081}), Ok(())),
            (json!({"errcode": -1}), Err(ApiError::Busy)),
            (json!({"errcode": 45011}), wait(45011, 60)),
            (json!({"errcode": "45009"}), wait(45009, 12 * 3600)),
            (json!({"errcode": 45015}), Err(ApiError::NoWindow)),
            (json!({"errcode": "45047"}), Err(ApiError::CountUsedUp)),
            (json!({"errcode": 43004}), Err(ApiError::NotFollowing(43004))),
            (json!({"errcode": 48002}), Err(ApiError::NotFollowing(48002))),
            (json!({"errcode": 40164, "errmsg": "invalid ip"}), Err(ApiError::Refused { code: 40164, rid: None })),
            (json!({"errcode": {}}), Err(ApiError::Busy)),
        ] {
            assert_eq!(ApiError::check(&body, NOON), expected, "{body}");
        }
    }

    #[test]
    fn an_operator_reads_cause_code_and_request_id() {
        let message = "invalid ip 10.0.0.7 ipv6 ::ffff:10.0.0.7, not in whitelist rid: 65a1b2c3-0d1e2f30-4a5b6c7d";
        let error = ApiError::check(&json!({"errcode": 40164, "errmsg": message}), NOON).unwrap_err();
        let words =
            "本机出口 IP 不在公众号的 IP 白名单里，请在后台加上（40164）：10.0.0.7，rid 65a1b2c3-0d1e2f30-4a5b6c7d";
        assert_eq!(error.in_words(), words);
        assert_eq!(error.reaction(), Reaction::Alert(Reason::Account));
        assert_eq!(ApiError::Refused { code: 77, rid: None }.in_words(), "平台拒绝了请求（77）");
        assert_eq!(ApiError::Busy.in_words(), "微信平台繁忙或没有回应，请稍后再试");
    }

    /// Whoever takes a refusal for a lost answer gives up what could be sent again; the other way round it is sent twice.
    #[test]
    fn of_all_codes_only_minus_one_leaves_it_open_whether_the_call_was_done() {
        let codes = super::super::codes::MEANINGS.iter().flat_map(|(codes, ..)| codes.clone());
        let open = codes.filter(|code| match ApiError::check(&json!({ "errcode": code }), NOON) {
            Err(error) => error.may_be_done(),
            Ok(()) => false,
        });
        assert_eq!(open.collect::<Vec<_>>(), [-1]);
        for code in [45009, 45011, 45066, 65414, 65415] {
            let error = ApiError::check(&json!({ "errcode": code }), NOON).unwrap_err();
            assert!(matches!(error, ApiError::NotBefore { .. }), "{code}");
        }
    }

    #[test]
    fn only_a_lost_answer_leaves_it_open_whether_a_call_was_done() {
        let later = ApiError::NotBefore { code: 45009, at: NOON, rid: None };
        let refused = ApiError::Refused { code: 40007, rid: None };
        let told = [ApiError::Busy, ApiError::Unreached, later, refused, ApiError::NoWindow];
        assert_eq!(told.each_ref().map(ApiError::may_be_done), [true, false, false, false, false]);
        assert_eq!(told.each_ref().map(ApiError::is_passing), [true, true, true, false, false]);
    }
}
