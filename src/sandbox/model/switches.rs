//! Faults that can be switched on and off while the sandbox runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::change::changed;
use super::fault::ApiFault;

const LONGEST_MS: u64 = 60_000;
const MOST_DUPLICATES: u8 = 10;
/// Tokens remembered as refused once.
const REMEMBERED: usize = 200;

/// How the platform misbehaves now; the default is not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Every answer of the API is this much later.
    pub slow_ms: u64,
    /// The API does not answer.
    pub down: Option<Down>,
    /// The API refuses tokens with 40001.
    pub wrong_token: Option<WrongToken>,
    /// Paths (`cgi-bin/menu/create`) whose daily count is used up; `*` is every one.
    pub quota_reached: Vec<String>,
    /// The next calls of a path (`*` is every one) are refused.
    pub errcodes: BTreeMap<String, Refusal>,
    /// Every delivery comes this many times more, on connections of their own.
    pub duplicate: u8,
    /// Of two deliveries the first waits for the second, at most this long.
    pub reorder_ms: u64,
    /// Every delivery is this much later.
    pub late_ms: u64,
    /// Every delivery is wrong in this way.
    pub spoil: Option<Spoil>,
    #[serde(skip)]
    refused: Vec<String>,
}

/// How the API does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Down {
    /// With HTTP 502.
    BadGateway,
    /// With HTTP 503.
    Unavailable,
    /// The connection breaks without an answer.
    Reset,
    /// Nothing comes for a minute.
    Silent,
}

/// What is wrong with a delivery (platform.md 1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spoil {
    /// Signed with another token.
    Signature,
    /// Encrypted for another AppID.
    AppId,
    /// The message ends in the middle.
    BrokenXml,
    /// The message names a file of the reader's machine as an entity.
    Doctype,
    /// A type nobody knows.
    UnknownType,
}

impl Spoil {
    /// The message as it is then.
    pub fn message(self, xml: &str) -> String {
        match self {
            Self::Signature | Self::AppId => xml.to_owned(),
            Self::BrokenXml => xml.chars().take(xml.chars().count() / 2).collect(),
            Self::Doctype => format!("<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>{xml}"),
            Self::UnknownType => xml.replace("<MsgType><![CDATA[", "<MsgType><![CDATA[new_"),
        }
    }
}

/// How often a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WrongToken {
    /// Each token the first time it is used.
    Once,
    /// Every time.
    Always,
}

/// A refusal for some calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Its number.
    pub errcode: i32,
    /// Its words.
    #[serde(default)]
    pub errmsg: String,
    /// How many calls are still to be refused.
    #[serde(default = "one")]
    pub times: u32,
}

fn one() -> u32 {
    1
}

impl Switches {
    /// The switches with what `change` names changed; 0, an empty list or `null` takes a fault back.
    ///
    /// # Errors
    /// In words, what `change` holds that is no switch.
    pub fn changed(&self, change: &Value) -> Result<Self, String> {
        let mut changed = changed(self, &Self::default(), change)?;
        for wait in [&mut changed.slow_ms, &mut changed.reorder_ms, &mut changed.late_ms] {
            *wait = (*wait).min(LONGEST_MS);
        }
        changed.duplicate = changed.duplicate.min(MOST_DUPLICATES);
        changed.errcodes.retain(|_, refusal| refusal.times > 0);
        if changed.wrong_token == self.wrong_token {
            changed.refused.clone_from(&self.refused);
        }
        Ok(changed)
    }

    /// Refuses a token that would do.
    pub fn token(&mut self, token: &str) -> Result<(), ApiFault> {
        match self.wrong_token {
            None => return Ok(()),
            Some(WrongToken::Once) if self.refused.iter().any(|own| own == token) => return Ok(()),
            Some(WrongToken::Once) => {
                if self.refused.len() >= REMEMBERED {
                    self.refused.remove(0);
                }
                self.refused.push(token.to_owned());
            }
            Some(WrongToken::Always) => {}
        }
        Err(ApiFault::stale_token())
    }

    /// Refuses a call that would do.
    pub fn call(&mut self, path: &str) -> Result<(), ApiFault> {
        if self.quota_reached.iter().any(|own| own == path || own == "*") {
            return Err(ApiFault::daily_quota());
        }
        let name = if self.errcodes.contains_key(path) { path } else { "*" };
        let Some(refusal) = self.errcodes.get_mut(name) else { return Ok(()) };
        let words = if refusal.errmsg.is_empty() { "system error".to_owned() } else { refusal.errmsg.clone() };
        let fault = ApiFault::new(refusal.errcode, words);
        refusal.times -= 1;
        if refusal.times == 0 {
            self.errcodes.remove(name);
        }
        Err(fault)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(result: Result<(), ApiFault>) -> i32 {
        result.map_or_else(|fault| fault.errcode, |()| 0)
    }

    #[test]
    fn the_same_call_takes_a_fault_back() {
        let on = json!({ "slow_ms": 999_999, "down": "reset", "quota_reached": ["cgi-bin/menu/get"], "duplicate": 99 });
        let changed = Switches::default().changed(&on).unwrap();
        assert_eq!((changed.slow_ms, changed.down, changed.duplicate), (60_000, Some(Down::Reset), 10));
        let off = json!({ "slow_ms": 0, "down": null, "quota_reached": [], "duplicate": 0 });
        assert_eq!(changed.changed(&off).unwrap(), Switches::default());
        assert!(Switches::default().changed(&json!({ "up": true })).unwrap_err().contains("up"));
    }

    #[test]
    fn a_spoiled_message_is_no_longer_what_it_was() {
        let xml = "<xml><MsgType><![CDATA[text]]></MsgType></xml>";
        assert_eq!(Spoil::Signature.message(xml), xml);
        assert_eq!(Spoil::BrokenXml.message(xml), "<xml><MsgType><![CDATA[");
        assert!(Spoil::Doctype.message(xml).starts_with("<!DOCTYPE xml") && Spoil::Doctype.message(xml).ends_with(xml));
        assert!(Spoil::UnknownType.message(xml).contains("[new_text]"));
    }

    #[test]
    fn a_token_is_refused_once_or_always() {
        let mut once = Switches::default().changed(&json!({ "wrong_token": "once" })).unwrap();
        assert_eq!(["a", "a", "b", "a"].map(|token| code(once.token(token))), [40001, 0, 40001, 0]);
        let mut always = once.changed(&json!({ "wrong_token": "always" })).unwrap();
        assert_eq!(["a", "a"].map(|token| code(always.token(token))), [40001, 40001]);
    }

    #[test]
    fn the_next_calls_of_a_path_are_refused() {
        let mut switches = Switches::default();
        assert_eq!(code(switches.call("x")), 0);
        let on = json!({ "errcodes": { "x": { "errcode": -1, "times": 2 }, "*": { "errcode": 45009 } } });
        switches = switches.changed(&on).unwrap();
        assert_eq!(["x", "y", "y", "x", "x"].map(|path| code(switches.call(path))), [-1, 45009, 0, -1, 0]);
        switches = switches.changed(&json!({ "quota_reached": ["x"] })).unwrap();
        assert_eq!((code(switches.call("x")), code(switches.call("y"))), (45009, 0));
    }
}
