//! Web authorization and tickets for pages (platform.md 4.17, 4.18).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::account::Fresh;
use super::fault::ApiFault;
use crate::domain::ids::Openid;

const CODE_SECS: i64 = 300;
const TOKEN_SECS: i64 = 7200;
const REFRESH_SECS: i64 = 30 * 86_400;
const KEPT: usize = 2000;

/// What a customer lets an account know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// The openid.
    #[serde(rename = "snsapi_base")]
    Base,
    /// Name and picture too.
    #[serde(rename = "snsapi_userinfo")]
    UserInfo,
}

/// Everything given out, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    codes: VecDeque<Code>,
    tokens: VecDeque<Token>,
    tickets: Vec<(String, String, i64)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Code {
    code: String,
    at: i64,
    used: bool,
    consent: Consent,
}

/// Who agreed to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Who; of a snapshot user an openid that is nobody's.
    pub openid: Openid,
    /// To what.
    pub scope: Scope,
    /// Whether it is an anonymous snapshot user.
    pub snapshot: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Token {
    access: String,
    refresh: String,
    expires_at: i64,
    refresh_until: i64,
    consent: Consent,
}

impl Scope {
    /// As the address names it.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "snsapi_base" => Some(Self::Base),
            "snsapi_userinfo" => Some(Self::UserInfo),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        if self == Self::Base { "snsapi_base" } else { "snsapi_userinfo" }
    }
}

impl Grants {
    /// A code that is worth one token within five minutes.
    pub fn agree(&mut self, consent: Consent, fresh: Fresh) -> String {
        let code = format!("0{:016x}{:015x}", fresh.random, fresh.now);
        push(&mut self.codes, Code { code: code.clone(), at: fresh.now, used: false, consent });
        code
    }

    /// What `sns/oauth2/access_token` answers.
    pub fn redeem(&mut self, code: &str, fresh: Fresh) -> Result<Value, ApiFault> {
        let found = self.codes.iter_mut().find(|own| own.code == code);
        let found = found.ok_or_else(|| ApiFault::new(40029, "invalid code"))?;
        if found.used {
            return Err(ApiFault::new(40163, "code been used"));
        }
        if fresh.now - found.at >= CODE_SECS {
            return Err(ApiFault::new(42003, "code expired"));
        }
        found.used = true;
        let consent = found.consent.clone();
        let token = Token {
            access: format!("91_{:016x}{:012x}a", fresh.random, fresh.now),
            refresh: format!("91_{:016x}{:012x}r", fresh.random.rotate_left(32), fresh.now),
            expires_at: fresh.now + TOKEN_SECS,
            refresh_until: fresh.now + REFRESH_SECS,
            consent,
        };
        let answer = token.answer();
        push(&mut self.tokens, token);
        Ok(answer)
    }

    /// What `sns/oauth2/refresh_token` answers.
    pub fn refresh(&mut self, refresh: &str, fresh: Fresh) -> Result<Value, ApiFault> {
        let found = self.tokens.iter_mut().find(|own| own.refresh == refresh);
        let found = found.ok_or_else(|| ApiFault::new(40030, "invalid refresh_token"))?;
        if fresh.now >= found.refresh_until {
            return Err(ApiFault::new(42002, "refresh_token expired"));
        }
        if fresh.now >= found.expires_at {
            found.access = format!("91_{:016x}{:012x}a", fresh.random, fresh.now);
        }
        found.expires_at = fresh.now + TOKEN_SECS;
        Ok(found.answer())
    }

    /// The consent behind a customer's token.
    pub fn check(&self, access: &str, openid: &str, now: i64) -> Result<&Consent, ApiFault> {
        let found = self.tokens.iter().find(|own| own.access == access).ok_or_else(ApiFault::stale_token)?;
        if now >= found.expires_at {
            return Err(ApiFault::new(42001, "access_token expired"));
        }
        if found.consent.openid.as_str() == openid { Ok(&found.consent) } else { Err(ApiFault::openid()) }
    }

    /// What `ticket/getticket` answers: the same ticket while it lives.
    pub fn ticket(&mut self, kind: &str, fresh: Fresh) -> Result<Value, ApiFault> {
        if !["jsapi", "wx_card"].contains(&kind) {
            return Err(ApiFault::new(40097, "invalid args"));
        }
        self.tickets.retain(|(_, _, until)| *until > fresh.now);
        let living = self.tickets.iter().find(|(own, ..)| own == kind);
        let (ticket, until) = match living {
            Some((_, ticket, until)) => (ticket.clone(), *until),
            None => {
                let ticket = format!("{kind}-{:016x}{:048x}", fresh.random, fresh.now);
                self.tickets.push((kind.to_owned(), ticket.clone(), fresh.now + TOKEN_SECS));
                (ticket, fresh.now + TOKEN_SECS)
            }
        };
        Ok(json!({ "errcode": 0, "errmsg": "ok", "ticket": ticket, "expires_in": until - fresh.now }))
    }
}

/// What a page hands to `wx.config`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PageConfig {
    app_id: String,
    /// A number, or its digits.
    timestamp: Value,
    nonce_str: String,
    signature: String,
}

impl Grants {
    /// Whether a page at this address may use the scripts: signed with a ticket that lives (platform.md 4.17).
    pub fn signs(&self, (app_id, config): (&str, &PageConfig), address: &str, now: i64) -> bool {
        let timestamp = config.timestamp.as_str().map_or_else(|| config.timestamp.to_string(), str::to_owned);
        let address = address.split('#').next().unwrap_or_default();
        let signed = |ticket: &str| {
            let text =
                format!("jsapi_ticket={ticket}&noncestr={}&timestamp={timestamp}&url={address}", config.nonce_str);
            let hex: String = Sha1::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            hex == config.signature
        };
        let mut living = self.tickets.iter().filter(|(kind, _, until)| kind == "jsapi" && *until > now);
        config.app_id == app_id && living.any(|(_, ticket, _)| signed(ticket))
    }
}

impl Token {
    fn answer(&self) -> Value {
        let Consent { openid, scope, snapshot } = &self.consent;
        let mut answer = json!({
            "access_token": self.access,
            "expires_in": TOKEN_SECS,
            "refresh_token": self.refresh,
            "openid": openid,
            "scope": scope.name(),
        });
        if let Some(fields) = answer.as_object_mut().filter(|_| *snapshot) {
            fields.insert("is_snapshotuser".to_owned(), 1.into());
        }
        answer
    }
}

fn push<T>(queue: &mut VecDeque<T>, one: T) {
    if queue.len() >= KEPT {
        queue.pop_front();
    }
    queue.push_back(one);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(now: i64) -> Fresh {
        Fresh { now, random: 0xABCD_0000 + now.unsigned_abs() }
    }

    fn code<T>(result: Result<T, ApiFault>) -> i32 {
        result.map_or_else(|fault| fault.errcode, |_| 0)
    }

    fn consent(snapshot: bool) -> Consent {
        Consent { openid: Openid::from("oA"), scope: Scope::Base, snapshot }
    }

    #[test]
    fn a_code_is_used_once_within_five_minutes() {
        let mut grants = Grants::default();
        let (one, two) = (grants.agree(consent(false), at(0)), grants.agree(consent(true), at(1)));
        assert_eq!((code(grants.redeem("x", at(1))), code(grants.redeem(&one, at(300)))), (40029, 42003));
        let answer = grants.redeem(&two, at(300)).unwrap();
        assert_eq!((&answer["is_snapshotuser"], &answer["scope"]), (&json!(1), &json!("snsapi_base")));
        assert_eq!(code(grants.redeem(&two, at(301))), 40163);
    }

    #[test]
    fn a_token_ends_and_is_refreshed_for_thirty_days() {
        let mut grants = Grants::default();
        let one = grants.agree(consent(false), at(0));
        let answer = grants.redeem(&one, at(0)).unwrap();
        let (access, refresh) = (answer["access_token"].as_str().unwrap(), answer["refresh_token"].as_str().unwrap());
        assert_eq!((code(grants.check(access, "oA", 7199)), code(grants.check(access, "oA", 7200))), (0, 42001));
        assert_eq!((code(grants.check(access, "oB", 0)), code(grants.check("x", "oA", 0))), (40003, 40001));
        let renewed = grants.refresh(refresh, at(8000)).unwrap();
        assert_eq!(code(grants.check(renewed["access_token"].as_str().unwrap(), "oA", 8001)), 0);
        assert_eq!((code(grants.refresh("x", at(1))), code(grants.refresh(refresh, at(REFRESH_SECS)))), (40030, 42002));
    }

    #[test]
    fn a_page_may_use_the_scripts_where_it_was_signed_for_and_nowhere_else() {
        let mut grants = Grants::default();
        let ticket = grants.ticket("jsapi", at(0)).unwrap()["ticket"].as_str().unwrap().to_owned();
        let signed =
            Sha1::digest(format!("jsapi_ticket={ticket}&noncestr=N&timestamp=7&url=http://e.cn/p?a=1").as_bytes());
        let signature: String = signed.iter().map(|byte| format!("{byte:02x}")).collect();
        let config: PageConfig =
            serde_json::from_value(json!({ "appId": "wx1", "timestamp": 7, "nonceStr": "N", "signature": signature }))
                .unwrap();
        assert!(grants.signs(("wx1", &config), "http://e.cn/p?a=1#top", 7199));
        assert!(!grants.signs(("wx1", &config), "http://e.cn/p", 0));
        assert!(!grants.signs(("wx2", &config), "http://e.cn/p?a=1", 0));
        assert!(!grants.signs(("wx1", &config), "http://e.cn/p?a=1", 7200));
        assert!(!grants.signs(("", &PageConfig::default()), "", 0));
    }

    #[test]
    fn a_ticket_stays_while_it_lives() {
        let mut grants = Grants::default();
        let first = grants.ticket("jsapi", at(0)).unwrap();
        let again = grants.ticket("jsapi", at(7000)).unwrap();
        assert_eq!((&first["ticket"], &again["expires_in"]), (&again["ticket"], &json!(200)));
        assert_ne!(grants.ticket("jsapi", at(7200)).unwrap()["ticket"], first["ticket"]);
        assert_eq!(code(grants.ticket("other", at(0))), 40097);
    }
}
