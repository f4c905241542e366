//! Access tokens of both issuers (platform.md 4.1).

use serde::{Deserialize, Serialize};

use super::fault::ApiFault;
use super::token_rules::TokenRules;

const FORCED_APART_SECS: i64 = 30;
const FORCED_A_DAY: usize = 20;
/// Tokens remembered so that an expired one can be told from a foreign one.
const REMEMBERED: usize = 8;

/// The tokens of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    plain: Vec<Issued>,
    stable: Vec<Issued>,
    forced_at: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Issued {
    token: String,
    expires_at: i64,
    /// Set when a newer one took its place: from then on it is "not latest".
    replaced_until: Option<i64>,
}

/// A token and how long it still lives, in seconds.
pub type Answer = (String, i64);

impl Tokens {
    /// The plain issuer: every call makes a new token; the former one lives a few minutes longer.
    pub fn issue_plain(&mut self, fresh: String, now: i64, rules: TokenRules) -> Answer {
        replace(&mut self.plain, &fresh, now, rules);
        (fresh, rules.life_secs)
    }

    /// The stable issuer: the same token while it lives, a new one in its last five minutes.
    pub fn issue_stable(&mut self, fresh: String, now: i64, rules: TokenRules) -> Answer {
        match self.stable.last() {
            Some(current) if !rules.renews(current.expires_at - now) => {
                (current.token.clone(), current.expires_at - now)
            }
            _ => {
                replace(&mut self.stable, &fresh, now, rules);
                (fresh, rules.life_secs)
            }
        }
    }

    /// The stable issuer with `force_refresh`: the former token dies at once; 20 a day, 30 seconds apart.
    pub fn force_stable(&mut self, fresh: String, now: i64, rules: TokenRules) -> Result<Answer, ApiFault> {
        self.forced_at.retain(|at| now - at < 86_400);
        if self.forced_at.len() >= FORCED_A_DAY {
            return Err(ApiFault::daily_quota());
        }
        if self.forced_at.last().is_some_and(|at| now - at < FORCED_APART_SECS) {
            return Err(ApiFault::minute_quota());
        }
        self.forced_at.push(now);
        replace(&mut self.stable, &fresh, now, TokenRules { grace_secs: 0, ..rules });
        Ok((fresh, rules.life_secs))
    }

    /// Somebody else with the account's secret takes new tokens: the former ones of both issuers die at once.
    pub fn replace_all(&mut self, fresh: &str, now: i64, rules: TokenRules) {
        let rules = TokenRules { grace_secs: 0, ..rules };
        for (issued, name) in [(&mut self.plain, "plain"), (&mut self.stable, "stable")] {
            replace(issued, &format!("{fresh}{name}"), now, rules);
        }
    }

    /// Whether a call may go on with `token`.
    pub fn check(&self, token: &str, now: i64) -> Result<(), ApiFault> {
        if token.is_empty() {
            return Err(ApiFault::new(41001, "access_token missing"));
        }
        let stale = ApiFault::stale_token;
        let known = self.plain.iter().chain(&self.stable).find(|t| t.token == token).ok_or_else(stale)?;
        match known.replaced_until {
            Some(end) if end <= now => Err(stale()),
            _ if known.expires_at <= now => Err(ApiFault::new(42001, "access_token expired")),
            _ => Ok(()),
        }
    }
}

fn replace(issued: &mut Vec<Issued>, fresh: &str, now: i64, rules: TokenRules) {
    if let Some(former) = issued.last_mut() {
        former.replaced_until = Some(now + rules.grace_secs);
    }
    issued.push(Issued { token: fresh.to_owned(), expires_at: now + rules.life_secs, replaced_until: None });
    if issued.len() > REMEMBERED {
        issued.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: TokenRules = TokenRules { life_secs: 7200, grace_secs: 300 };

    fn check(tokens: &Tokens, token: &str, now: i64) -> i32 {
        tokens.check(token, now).map_or_else(|f| f.errcode, |()| 0)
    }

    #[test]
    fn a_new_plain_token_replaces_the_old_one_after_five_minutes() {
        let mut tokens = Tokens::default();
        tokens.issue_plain("one".into(), 0, RULES);
        assert_eq!(tokens.issue_plain("two".into(), 100, RULES), ("two".into(), 7200));
        assert_eq!((check(&tokens, "one", 399), check(&tokens, "one", 400)), (0, 40001));
        assert_eq!((check(&tokens, "two", 7299), check(&tokens, "two", 7300)), (0, 42001));
        assert_eq!((check(&tokens, "three", 0), check(&tokens, "", 0)), (40001, 41001));
    }

    #[test]
    fn the_stable_token_stays_until_its_last_five_minutes() {
        let mut tokens = Tokens::default();
        assert_eq!(tokens.issue_stable("a".into(), 0, RULES), ("a".into(), 7200));
        assert_eq!(tokens.issue_stable("b".into(), 6855, RULES), ("a".into(), 345));
        assert_eq!(tokens.issue_stable("c".into(), 6900, RULES), ("c".into(), 7200));
        assert_eq!((check(&tokens, "a", 7000), check(&tokens, "c", 7000)), (0, 0));
    }

    #[test]
    fn a_forced_refresh_kills_the_former_token_and_is_rare() {
        let mut tokens = Tokens::default();
        tokens.issue_stable("a".into(), 0, RULES);
        assert!(tokens.force_stable("b".into(), 10, RULES).is_ok());
        assert_eq!((check(&tokens, "a", 10), check(&tokens, "b", 10)), (40001, 0));
        assert_eq!(tokens.force_stable("c".into(), 39, RULES).map_err(|f| f.errcode), Err(45011));
        for n in 0..19 {
            assert!(tokens.force_stable(format!("n{n}"), 40 + n * 30, RULES).is_ok());
        }
        assert_eq!(tokens.force_stable("last".into(), 2000, RULES).map_err(|f| f.errcode), Err(45009));
    }

    #[test]
    fn tokens_replaced_behind_our_back_are_dead_at_once() {
        let mut tokens = Tokens::default();
        tokens.issue_plain("plain".into(), 0, RULES);
        tokens.issue_stable("stable".into(), 0, RULES);
        tokens.replace_all("other", 10, RULES);
        assert_eq!((check(&tokens, "plain", 10), check(&tokens, "stable", 10)), (40001, 40001));
        assert_eq!(tokens.issue_stable("x".into(), 20, RULES).0, "otherstable");
    }

    #[test]
    fn a_short_lived_token_is_renewed_in_its_second_half_and_may_be_killed_at_once() {
        let (mut tokens, rules) = (Tokens::default(), TokenRules { life_secs: 8, grace_secs: 0 });
        assert_eq!(tokens.issue_stable("a".into(), 0, rules), ("a".into(), 8));
        assert_eq!(tokens.issue_stable("b".into(), 3, rules), ("a".into(), 5));
        assert_eq!(tokens.issue_stable("b".into(), 4, rules), ("b".into(), 8));
        assert_eq!((check(&tokens, "a", 4), check(&tokens, "b", 11), check(&tokens, "b", 12)), (40001, 0, 42001));
    }

    #[test]
    fn the_two_issuers_do_not_disturb_each_other() {
        let mut tokens = Tokens::default();
        tokens.issue_plain("plain".into(), 0, RULES);
        tokens.issue_stable("stable".into(), 0, RULES);
        assert_eq!((check(&tokens, "plain", 5000), check(&tokens, "stable", 5000)), (0, 0));
    }
}
