//! One configured account.

use std::fmt;

use serde::Deserialize;

use super::key::AesKey;
use super::query::Query;
use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;

/// How deliveries travel (platform.md 1.1). A delivery weaker than the account's mode is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// In clear; encrypted ones are taken too where a key is configured.
    Plain,
    /// In clear and encrypted at once: only the encrypted part counts.
    Compatible,
    /// Encrypted.
    Safe,
}

/// An account as it is configured. Tokens and keys are lists while they rotate, newest first.
#[derive(Clone)]
pub struct AccountSpec {
    /// Our name of it.
    pub id: AccountId,
    /// The AppID.
    pub app_id: String,
    /// The original id, `gh_…`; empty if it is not known.
    pub original_id: String,
    /// The tokens that sign.
    pub tokens: Vec<String>,
    /// The EncodingAESKeys, 43 characters each.
    pub aes_keys: Vec<String>,
    /// How deliveries travel.
    pub mode: Mode,
}

/// One account, ready to verify, open and seal.
pub struct Account {
    pub(super) id: AccountId,
    pub(super) app_id: String,
    pub(super) original_id: String,
    pub(super) tokens: Vec<String>,
    pub(super) keys: Vec<AesKey>,
    pub(super) mode: Mode,
    /// How far a delivery's timestamp may be from our clock; `None`: any distance.
    stamp_window_secs: Option<i64>,
}

/// Why an account cannot be used as it is configured. Positions count from 1; the secrets themselves are not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountFault {
    /// Nothing could be verified.
    #[error("no token: copy it from the platform's 服务器配置 page into `token`")]
    NoToken,
    /// An empty token would let anybody sign.
    #[error("token {0} is empty: remove it, or copy it from the platform's 服务器配置 page")]
    EmptyToken(usize),
    /// The mode needs a key.
    #[error("mode {0:?} needs the EncodingAESKey: set `aes_key`, or `mode = \"plain\"`")]
    NoKey(Mode),
    /// Not a key.
    #[error("aes_key {0} is not an EncodingAESKey: it has exactly 43 letters and digits")]
    BadKey(usize),
    /// Without the AppID an encrypted delivery for another account could not be told apart.
    #[error("no app_id: an encrypted delivery cannot be checked without it")]
    NoAppId,
}

impl Account {
    /// Prepares an account.
    ///
    /// # Errors
    /// When the settings do not allow a delivery to be verified as the mode demands.
    pub fn new(spec: AccountSpec) -> Result<Self, AccountFault> {
        let AccountSpec { id, app_id, original_id, tokens, aes_keys, mode } = spec;
        if tokens.is_empty() {
            return Err(AccountFault::NoToken);
        }
        if let Some(empty) = tokens.iter().position(String::is_empty) {
            return Err(AccountFault::EmptyToken(empty + 1));
        }
        let mut keys = Vec::with_capacity(aes_keys.len());
        for (index, encoded) in aes_keys.iter().enumerate() {
            keys.push(AesKey::decode(encoded).ok_or(AccountFault::BadKey(index + 1))?);
        }
        if keys.is_empty() && mode != Mode::Plain {
            return Err(AccountFault::NoKey(mode));
        }
        if app_id.is_empty() && !keys.is_empty() {
            return Err(AccountFault::NoAppId);
        }
        Ok(Self { id, app_id, original_id, tokens, keys, mode, stamp_window_secs: None })
    }

    /// The same account, taking only what was signed at most so long ago, or ahead of our clock. The platform may
    /// repeat a delivery under its first timestamp, and clocks drift: so this is off unless it is asked for, and should
    /// be generous (platform.md 1.3).
    pub fn within(self, stamp_window_secs: Option<i64>) -> Self {
        Self { stamp_window_secs, ..self }
    }

    /// Whether a request was signed lately enough for this account.
    pub fn is_fresh(&self, query: &Query, now: UnixSecs) -> bool {
        self.stamp_window_secs.is_none_or(|window| {
            query.sent_at().is_some_and(|sent| u64::try_from(window).is_ok_and(|w| sent.0.abs_diff(now.0) <= w))
        })
    }

    /// Our name of it.
    pub fn id(&self) -> &AccountId {
        &self.id
    }
}

impl fmt::Debug for AccountSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountSpec").field("id", &self.id).field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).field("mode", &self.mode).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(tokens: &[&str], keys: &[&str], mode: Mode) -> AccountSpec {
        AccountSpec {
            id: "demo".into(),
            app_id: "wx1".into(),
            original_id: String::new(),
            tokens: tokens.iter().map(|t| (*t).to_owned()).collect(),
            aes_keys: keys.iter().map(|k| (*k).to_owned()).collect(),
            mode,
        }
    }

    #[test]
    fn an_account_that_could_not_verify_is_refused() {
        let fault = |spec| Account::new(spec).err();
        let key = "A".repeat(43);
        assert_eq!(fault(spec(&[], &[], Mode::Plain)), Some(AccountFault::NoToken));
        assert_eq!(fault(spec(&["t", ""], &[], Mode::Plain)), Some(AccountFault::EmptyToken(2)));
        assert_eq!(fault(spec(&["t"], &[], Mode::Safe)), Some(AccountFault::NoKey(Mode::Safe)));
        assert_eq!(fault(spec(&["t"], &[&key, "x"], Mode::Safe)), Some(AccountFault::BadKey(2)));
        assert_eq!(
            fault(AccountSpec { app_id: String::new(), ..spec(&["t"], &[&key], Mode::Plain) }),
            Some(AccountFault::NoAppId)
        );
        assert_eq!(fault(spec(&["t"], &[], Mode::Plain)), None);
    }

    #[test]
    fn a_window_refuses_what_was_signed_too_long_ago_or_ahead_and_without_one_nothing_is() {
        let open = Account::new(spec(&["t"], &[], Mode::Plain)).unwrap();
        let asked = |timestamp: &str| Query::parse(&format!("timestamp={timestamp}")).unwrap();
        let now = UnixSecs(1_735_689_600);
        for any in ["0", "1735689600", "999999999999"] {
            assert!(open.is_fresh(&asked(any), now), "{any}");
        }
        let strict = open.within(Some(300));
        for (timestamp, fresh) in [
            ("1735689600", true),
            ("1735689300", true),
            ("1735689299", false),
            ("1735689900", true),
            ("1735689901", false),
            ("0", false),
            ("999999999999", false),
        ] {
            assert_eq!(strict.is_fresh(&asked(timestamp), now), fresh, "{timestamp}");
        }
        assert!(!strict.is_fresh(&Query::parse("").unwrap(), now));
    }

    #[test]
    fn secrets_are_never_printed() {
        let spec = spec(&["topsecret"], &[&"K".repeat(43)], Mode::Safe);
        let printed = format!("{spec:?} {:?}", Account::new(spec.clone()).unwrap());
        assert!(!printed.contains("topsecret") && !printed.contains("KKK"), "{printed}");
    }
}
