//! The platform's check of words (platform.md 8.9). It is a mini program's interface: it wants the token of a mini
//! program that is linked, and knows only customers who used that in the last 2 hours (43104, 61010). So it is asked with
//! a client of the mini program and its openids, never with that of the account.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::{Client, parsed};
use super::error::ApiError;
use super::lenient::int;
use super::limits;
use crate::domain::ids::Openid;

/// Where words are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordsIn {
    /// 1: a profile.
    Profile,
    /// 2: a comment.
    Comment,
    /// 3: a forum.
    Forum,
    /// 4: a social log.
    SocialLog,
}

/// What the platform thinks of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do with them.
    pub advice: Advice,
    /// What they are about: 100 nothing; 20001 politics, 20002 sex, 20003 abuse and so on.
    pub label: i64,
}

/// What to do with words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Show them.
    Pass,
    /// Let a person look. Also what is said in a word nobody knows.
    Review,
    /// Do not show them.
    Risky,
}

#[derive(Deserialize)]
struct Told {
    suggest: String,
    #[serde(default, deserialize_with = "int")]
    label: i64,
}

/// A mini program that is linked to the account.
#[derive(Clone, Debug)]
pub struct MiniProgram(Client);

impl MiniProgram {
    /// The mini program whose credentials `client` was made with.
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// Checks 1 to 2500 characters by a customer, whose openid is that of the mini program.
    ///
    /// # Errors
    /// 43104, 61010 for somebody who has not used it in the last 2 hours; what cannot be checked is for a person.
    pub async fn check_words(&self, openid: &Openid, (shown, words): (WordsIn, &str)) -> Result<Verdict, ApiError> {
        limits::required("openid", openid.as_str())?;
        limits::chars("content", words, 1..=2500)?;
        let scene = match shown {
            WordsIn::Profile => 1,
            WordsIn::Comment => 2,
            WordsIn::Forum => 3,
            WordsIn::SocialLog => 4,
        };
        let body = json!({ "version": 2, "openid": openid.as_str(), "scene": scene, "content": words });
        let verdict = match self.0.ask(Call::post("wxa/msg_sec_check", body)).await {
            // An older version says it by a code.
            Err(error) if error.code() == Some(87014) => return Ok(Verdict { advice: Advice::Risky, label: 0 }),
            answer => answer?.get_mut("result").map_or(Value::Null, Value::take),
        };
        let Told { suggest, label } = parsed("wxa/msg_sec_check", verdict)?;
        let advice = match suggest.as_str() {
            "pass" => Advice::Pass,
            "risky" => Advice::Risky,
            _ => Advice::Review,
        };
        Ok(Verdict { advice, label })
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    #[actix_web::test]
    async fn words_pass_are_looked_at_or_are_kept_back() {
        let stage = stage(&[
            r#"{"errcode":0,"result":{"suggest":"pass","label":100}}"#,
            r#"{"errcode":0,"result":{"suggest":"review","label":"20001"}}"#,
            r#"{"errcode":0,"result":{"suggest":"risky","label":20002}}"#,
            r#"{"errcode":87014,"errmsg":"risky content"}"#,
            r#"{"errcode":61010,"errmsg":"code is expired"}"#,
        ]);
        let program = MiniProgram::new(stage.client.clone());
        let (openid, shown) = (Openid::from("m1"), (WordsIn::Comment, "说得好"));
        let mut advice = Vec::new();
        for _ in 0..4 {
            advice.push(program.check_words(&openid, shown).await.unwrap().advice);
        }
        assert_eq!(advice, [Advice::Pass, Advice::Review, Advice::Risky, Advice::Risky]);
        assert_eq!(program.check_words(&openid, shown).await.unwrap_err().code(), Some(61010));
        let body = r#"{"version":2,"openid":"m1","scene":2,"content":"说得好"}"#;
        assert_eq!(stage.asked()[0].text(), body);
        let long = "长".repeat(2501);
        assert!(matches!(program.check_words(&openid, (WordsIn::Forum, &long)).await, Err(ApiError::Invalid(_))));
        stage.close().await;
    }
}
