//! What the client does about every code that it knows (platform.md 4.0), called for real against a platform that says it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::json;

use super::call::{Call, Came, Lost};
use super::client::Carrier;
use super::codes::MEANINGS;
use super::reaction::{Reaction, reaction};
use super::{ApiError, Client};
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;

/// Answers this code to everything but a wish for a token.
struct Says {
    code: i64,
    asked: Arc<Mutex<Asked>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    /// The token of each call.
    calls: Vec<String>,
    /// Whether it was by force, of each wish for a token.
    tokens: Vec<bool>,
}

#[async_trait]
impl Carrier for Says {
    async fn carry(&self, call: &Call, token: Option<&str>, _attempt: usize) -> Result<Came, Lost> {
        let mut asked = self.asked.lock().unwrap();
        let Some(token) = token else {
            asked.tokens.push(call.json().is_some_and(|body| body["force_refresh"] == true));
            let text = format!("T{}", asked.tokens.len());
            return Ok(Came::json(&json!({ "access_token": text, "expires_in": 7200 })));
        };
        asked.calls.push(token.to_owned());
        Ok(Came::json(&json!({ "errcode": self.code, "errmsg": "rid: 65a1b2c3-0d1e2f30-4a5b6c7d" })))
    }
}

struct Stand {
    client: Client,
    asked: Arc<Mutex<Asked>>,
}

impl Stand {
    fn of(code: i64) -> Self {
        let asked = Arc::<Mutex<Asked>>::default();
        let carrier = Box::new(Says { code, asked: Arc::clone(&asked) });
        Self { client: Client::carried_by(carrier, ("wx1".into(), "s".into())), asked }
    }

    /// A message, which must not be sent twice.
    async fn says(&self) -> Result<(), ApiError> {
        self.client.send(&"o1".into(), &Reply::Text("你好".into())).await
    }

    fn calls(&self) -> Vec<String> {
        self.asked.lock().unwrap().calls.clone()
    }
}

/// The codes that ask for this.
fn asking_for(which: impl Fn(Reaction) -> bool) -> Vec<i64> {
    let codes: Vec<i64> =
        MEANINGS.iter().flat_map(|(codes, ..)| codes.clone()).filter(|code| which(reaction(*code))).collect();
    assert!(!codes.is_empty());
    codes
}

#[tokio::test]
async fn a_refused_token_is_renewed_then_forced_and_the_call_made_three_times_at_most() {
    for code in asking_for(|it| it == Reaction::Refresh) {
        let stand = Stand::of(code);
        assert_eq!(stand.says().await.map_err(|error| error.code()), Err(Some(code)));
        let asked = stand.asked.lock().unwrap().clone();
        assert_eq!(asked.calls, ["T1", "T2", "T3"], "{code}");
        assert_eq!(asked.tokens, [false, false, true], "{code}");
    }
}

#[tokio::test]
async fn a_busy_platform_is_asked_again_unless_that_would_do_it_twice() {
    for code in asking_for(|it| it == Reaction::RetrySoon) {
        let stand = Stand::of(code);
        assert_eq!((stand.says().await, stand.calls().len()), (Err(ApiError::Busy), 1), "{code}");
        assert_eq!((stand.client.delete_menu().await, stand.calls().len()), (Err(ApiError::Busy), 4), "{code}");
    }
}

#[tokio::test]
async fn who_is_told_to_wait_does_not_ask_before() {
    for code in asking_for(|it| matches!(it, Reaction::WaitSecs(_) | Reaction::UntilQuotaReset)) {
        let (stand, before) = (Stand::of(code), now());
        let error = stand.says().await.unwrap_err();
        let ApiError::NotBefore { code: told, at, .. } = error else { panic!("{code}: {error}") };
        assert_eq!((told, stand.calls().len()), (code, 1));
        let midnights = [before, now()].map(|now| now.business_day().plus_days(1).start());
        match reaction(code) {
            // The day's quota may be cleared before.
            Reaction::UntilQuotaReset if code == 45009 => {
                let soon = before.plus_secs(900)..=now().plus_secs(900);
                assert!(soon.contains(&at) || midnights.contains(&at), "{code}: {at:?}");
            }
            Reaction::UntilQuotaReset => assert!(midnights.contains(&at), "{code}: {at:?}"),
            _ => assert!((before.plus_secs(60)..=now().plus_secs(60)).contains(&at), "{code}: {at:?}"),
        }
        // Too many calls close the interface; a repetition that came too soon and a busy agent are of that call alone.
        let again = stand.says().await.unwrap_err();
        assert_eq!((again.code(), stand.calls().len()), (Some(code), if code < 45_012 { 1 } else { 2 }), "{code}");
        assert_eq!(again.is_passing(), error.is_passing());
        // Others go on.
        assert!(stand.client.delete_menu().await.is_err());
        assert_eq!(stand.calls().len(), if code < 45_012 { 2 } else { 3 }, "{code}");
    }
}

#[tokio::test]
async fn what_no_repetition_would_change_is_asked_once_and_told_with_its_code_and_what_it_means() {
    for code in asking_for(|it| matches!(it, Reaction::GiveUp(_) | Reaction::Alert(_))) {
        let stand = Stand::of(code);
        let error = stand.says().await.unwrap_err();
        assert_eq!((error.code(), stand.calls().len()), (Some(code), 1), "{code}");
        assert!(!error.is_passing() && !error.may_be_done(), "{code}");
        let words = error.in_words();
        assert!(words.contains(&format!("（{code}）")) && !words.starts_with("平台拒绝"), "{words}");
        // Of these only a missing right is remembered: the others are about what was asked, or mended without a word.
        assert_eq!(stand.says().await.unwrap_err().code(), Some(code));
        assert_eq!(stand.calls().len(), if code == 48001 { 1 } else { 2 }, "{code}");
    }
}

#[tokio::test]
async fn what_is_so_already_is_a_success() {
    for code in asking_for(|it| matches!(it, Reaction::AlreadyDone | Reaction::Ignore)) {
        let stand = Stand::of(code);
        assert_eq!((stand.says().await, stand.calls().len()), (Ok(()), 1), "{code}");
    }
}

fn now() -> UnixSecs {
    UnixSecs(chrono::Utc::now().timestamp())
}
