//! The access token (platform.md 4.1): kept in memory, renewed before it ends, by one caller at a time.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

/// The platform itself renews a stable token this long before its end, and then both work.
const RENEW_BEFORE_SECS: u64 = 300;

/// One token and when it must be renewed.
#[derive(Clone)]
pub(super) struct Token {
    /// What travels in the query.
    pub(super) text: String,
    renew_at: Instant,
    ends_at: Instant,
}

impl Token {
    /// A token that lives `expires_in` seconds from `now`.
    pub(super) fn new(text: String, expires_in: u64, now: Instant) -> Self {
        // A token that comes with little life left is used for half of it: asking for each call would not help.
        let use_secs = expires_in.saturating_sub(RENEW_BEFORE_SECS).max(expires_in / 2);
        let at = |secs: u64| now + Duration::from_secs(secs.min(30 * 86_400));
        Self { text, renew_at: at(use_secs), ends_at: at(expires_in) }
    }
}

/// Where the token is kept.
#[derive(Default)]
pub(super) struct Tokens {
    current: RwLock<Option<Token>>,
    refresher: Mutex<()>,
}

/// What a caller should do about the token.
pub(super) enum Turn<'t> {
    /// Use this one.
    Use(String),
    /// Fetch a new one, then [`Tokens::store`] it; nobody else does while the guard lives. Until then, or if that
    /// fails, this one still works.
    Fetch(MutexGuard<'t, ()>, Option<String>),
}

impl Tokens {
    /// The token to use at `now`. `rejected` is one that the platform has refused. Nobody waits while a token is
    /// valid: one caller renews it, the others go on with the old one.
    pub(super) async fn turn(&self, now: Instant, rejected: Option<&str>) -> Turn<'_> {
        let usable = |token: &Token| token.ends_at > now && rejected != Some(token.text.as_str());
        if let Some(token) = self.current().filter(usable) {
            if token.renew_at > now {
                return Turn::Use(token.text);
            }
            return match self.refresher.try_lock() {
                Ok(guard) => Turn::Fetch(guard, Some(token.text)),
                Err(_) => Turn::Use(token.text),
            };
        }
        let guard = self.refresher.lock().await;
        // Whoever held the lock before may have brought a new one.
        match self.current().filter(usable).filter(|token| token.renew_at > now) {
            Some(token) => Turn::Use(token.text),
            None => Turn::Fetch(guard, None),
        }
    }

    /// Keeps a new token.
    pub(super) fn store(&self, token: Token) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    fn current(&self) -> Option<Token> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_used(tokens: &Tokens, now: Instant, rejected: Option<&str>) -> Option<String> {
        match tokens.turn(now, rejected).await {
            Turn::Use(text) => Some(text),
            Turn::Fetch(..) => None,
        }
    }

    #[tokio::test]
    async fn a_token_is_used_until_five_minutes_before_its_end() {
        let (tokens, start) = (Tokens::default(), Instant::now());
        let at = |secs| start + Duration::from_secs(secs);
        assert_eq!(is_used(&tokens, start, None).await, None);
        tokens.store(Token::new("one".into(), 7200, start));
        assert_eq!(is_used(&tokens, at(6899), None).await.as_deref(), Some("one"));
        assert_eq!(is_used(&tokens, at(6900), None).await, None);
        assert_eq!(is_used(&tokens, start, Some("one")).await, None);
        assert_eq!(is_used(&tokens, start, Some("older")).await.as_deref(), Some("one"));
    }

    #[tokio::test]
    async fn while_one_renews_the_others_go_on_with_the_old_one() {
        let (tokens, start) = (Tokens::default(), Instant::now());
        tokens.store(Token::new("old".into(), 7200, start));
        let soon = start + Duration::from_secs(7000);
        let Turn::Fetch(guard, fallback) = tokens.turn(soon, None).await else { panic!("nobody renews") };
        assert_eq!(fallback.as_deref(), Some("old"));
        assert_eq!(is_used(&tokens, soon, None).await.as_deref(), Some("old"));
        tokens.store(Token::new("new".into(), 7200, soon));
        drop(guard);
        assert_eq!(is_used(&tokens, soon, None).await.as_deref(), Some("new"));
    }

    #[tokio::test]
    async fn a_token_with_little_life_left_is_not_fetched_for_each_call() {
        let (tokens, start) = (Tokens::default(), Instant::now());
        tokens.store(Token::new("short".into(), 60, start));
        assert_eq!(is_used(&tokens, start + Duration::from_secs(29), None).await.as_deref(), Some("short"));
        assert_eq!(is_used(&tokens, start + Duration::from_secs(61), None).await, None);
    }
}
