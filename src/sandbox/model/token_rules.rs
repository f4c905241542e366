//! How long a token lives, and how long the one before it (platform.md 4.1). Shorter ones make a day of expiries a minute.

/// What an issuer goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// From its issue, in seconds.
    pub life_secs: i64,
    /// A replaced token works for so many seconds more; 0 kills it at once.
    pub grace_secs: i64,
}

/// A stable token is renewed in its last five minutes.
const RENEWED_SECS: i64 = 300;

impl Default for TokenRules {
    /// The platform's own.
    fn default() -> Self {
        Self { life_secs: 7200, grace_secs: 300 }
    }
}

impl TokenRules {
    /// A stable token with so little life left is replaced when it is asked for; a short-lived one in its second half.
    pub fn renews(&self, left_secs: i64) -> bool {
        left_secs <= RENEWED_SECS.min(self.life_secs / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stable_token_is_renewed_in_its_last_five_minutes_or_its_second_half() {
        let usual = TokenRules::default();
        assert_eq!([301, 300].map(|left| usual.renews(left)), [false, true]);
        let short = TokenRules { life_secs: 8, ..usual };
        assert_eq!([5, 4].map(|left| short.renews(left)), [false, true]);
    }
}
