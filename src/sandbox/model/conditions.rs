//! The circumstances an account lives in: what it is, who may call, and the platform's oddities. Each can be changed
//! while the sandbox runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::capability::Kind;
use super::change::changed;
use super::token_rules::TokenRules;

/// The circumstances; the default is a certified service account without oddities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// What kind of account.
    pub kind: Kind,
    /// Whether it is certified; a test account need not be.
    pub certified: bool,
    /// Addresses that may call; `None` lets everybody.
    pub ip_white_list: Option<Vec<String>>,
    /// Every number of an answer is written as a string.
    pub numbers_as_strings: bool,
    /// Answers call themselves `text/plain`.
    pub text_plain: bool,
    /// Openids on one page of a list; the platform's is 10 000.
    pub page_rows: usize,
    /// Permanent codes the account may have; the platform's is 100 000.
    pub permanent_codes: usize,
    /// The `Date` of an answer is this much later than the caller's clock.
    pub date_off_secs: i64,
    /// Words that `msg_sec_check` finds risky.
    pub risky_words: Vec<String>,
    /// From a mass, template or publish call to its result.
    pub job_delay_secs: i64,
    /// `publish_status` of the next publications: 0 succeeds, 2 to 4 fail (platform.md 2.3).
    pub publish_status: u8,
    /// `Status` of the next mass messages: `send success` or why not (platform.md 2.3).
    pub mass_status: String,
    /// The one domain that web authorization may lead back to; `None` allows every domain.
    pub authorization_domain: Option<String>,
    /// Daily limits that differ from the platform's, by path (`cgi-bin/menu/create`).
    pub daily_limits: BTreeMap<String, u64>,
    /// Limits a minute that differ from the platform's, by path.
    pub minute_limits: BTreeMap<String, u64>,
    /// How long an access token lives; the platform's is 7200.
    pub token_life_secs: i64,
    /// How long a replaced one works on; the platform's is 300, and 0 kills it at once.
    pub token_grace_secs: i64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            kind: Kind::Service,
            certified: true,
            ip_white_list: None,
            numbers_as_strings: false,
            text_plain: false,
            page_rows: 10_000,
            permanent_codes: 100_000,
            date_off_secs: 0,
            risky_words: Vec::new(),
            job_delay_secs: 2,
            publish_status: 0,
            mass_status: "send success".to_owned(),
            authorization_domain: None,
            daily_limits: BTreeMap::new(),
            minute_limits: BTreeMap::new(),
            token_life_secs: TokenRules::default().life_secs,
            token_grace_secs: TokenRules::default().grace_secs,
        }
    }
}

impl Conditions {
    /// How long tokens live.
    pub fn token_rules(&self) -> TokenRules {
        TokenRules { life_secs: self.token_life_secs.clamp(2, 7200), grace_secs: self.token_grace_secs.clamp(0, 300) }
    }

    /// Those of an account of this kind, certified and without oddities.
    pub fn of(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// The circumstances with what `change` names changed; `null` takes a change back to what holds for an account that
    /// was opened as `kind`.
    ///
    /// # Errors
    /// In words, what `change` holds that is no circumstance.
    pub fn changed(&self, kind: Kind, change: &Value) -> Result<Self, String> {
        let changed = changed(self, &Self::of(kind), change)?;
        Ok(Self { page_rows: changed.page_rows.clamp(1, 10_000), ..changed })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_names_what_it_changes_and_null_takes_it_back() {
        let change = json!({ "kind": "subscription", "certified": false, "page_rows": 0 });
        let changed = Conditions::default().changed(Kind::Service, &change).unwrap();
        assert_eq!((changed.kind, changed.certified, changed.page_rows), (Kind::Subscription, false, 1));
        assert_eq!(changed.job_delay_secs, 2);
        let back = changed.changed(Kind::Test, &json!({ "kind": null, "certified": null, "page_rows": null })).unwrap();
        assert_eq!(back, Conditions::of(Kind::Test));
    }

    #[test]
    fn what_is_no_circumstance_is_refused_by_name() {
        assert!(Conditions::default().changed(Kind::Service, &json!({ "kinds": 1 })).unwrap_err().contains("kinds"));
        assert!(Conditions::default().changed(Kind::Service, &json!({ "kind": "other" })).is_err());
        assert!(Conditions::default().changed(Kind::Service, &json!([])).is_err());
    }
}
