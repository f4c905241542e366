//! The agents' desk: who is there and who talks with whom (platform.md 4.9). Certified accounts only.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::{int, text};
use super::limits::{self, Invalid};
use crate::domain::ids::Openid;
use crate::domain::time::UnixSecs;

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Agent {
    /// `name@account`.
    pub kf_account: String,
    /// What customers read.
    #[serde(default)]
    pub kf_nick: String,
    /// Their number.
    #[serde(deserialize_with = "text")]
    pub kf_id: String,
    /// Their WeChat name; empty until the invitation is accepted.
    #[serde(default)]
    pub kf_wx: String,
}

/// An agent who is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AgentOnline {
    /// `name@account`.
    pub kf_account: String,
    /// How they are there: 1 by the web page.
    #[serde(deserialize_with = "int")]
    pub status: i64,
    /// How many customers they talk with.
    #[serde(deserialize_with = "int")]
    pub accepted_case: i64,
}

/// A talk that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// With whom.
    pub kf_account: String,
    /// Since when.
    pub since: UnixSecs,
}

/// A customer who talks with an agent or waits for one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Waiting {
    /// Who.
    pub openid: Openid,
    /// When the talk began, or the customer last said something.
    #[serde(alias = "createtime", alias = "latest_time", deserialize_with = "secs")]
    pub at: UnixSecs,
}

/// Who waits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WaitingList {
    /// All of them.
    #[serde(deserialize_with = "int")]
    pub count: i64,
    /// The first 100.
    #[serde(rename = "waitcaselist", default)]
    pub first: Vec<Waiting>,
}

pub(super) fn secs<'de, D: serde::Deserializer<'de>>(from: D) -> Result<UnixSecs, D::Error> {
    int(from).map(UnixSecs)
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    kf_account: String,
    #[serde(default, deserialize_with = "int")]
    createtime: i64,
}

impl Client {
    /// All agents.
    ///
    /// # Errors
    /// 65400 without the desk.
    pub async fn agents(&self) -> Result<Vec<Agent>, ApiError> {
        self.list("cgi-bin/customservice/getkflist", "kf_list").await
    }

    /// The agents who are there.
    ///
    /// # Errors
    /// 65400 without the desk.
    pub async fn agents_online(&self) -> Result<Vec<AgentOnline>, ApiError> {
        self.list("cgi-bin/customservice/getonlinekflist", "kf_online_list").await
    }

    /// Hands a customer to an agent, who has to be there.
    ///
    /// # Errors
    /// [`ApiError::NotBefore`] with 65415 when the agent is away, with 65414 when another one has the customer.
    pub async fn open_session(&self, agent: &str, openid: &Openid) -> Result<(), ApiError> {
        self.session_call("create", (agent, openid)).await
    }

    /// Ends a talk; from then on the bot may answer again.
    ///
    /// # Errors
    /// 65413 when there is none.
    pub async fn close_session(&self, agent: &str, openid: &Openid) -> Result<(), ApiError> {
        self.session_call("close", (agent, openid)).await
    }

    /// With whom a customer talks; `None` with nobody.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn session_of(&self, openid: &Openid) -> Result<Option<Session>, ApiError> {
        limits::required("openid", openid.as_str())?;
        let call = Call::get("customservice/kfsession/getsession").with("openid", openid.as_str());
        let Told { kf_account, createtime } = self.read(call).await?;
        Ok((!kf_account.is_empty()).then_some(Session { kf_account, since: UnixSecs(createtime) }))
    }

    /// With whom an agent talks.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn sessions_of(&self, agent: &str) -> Result<Vec<Waiting>, ApiError> {
        check_agent(agent)?;
        let call = Call::get("customservice/kfsession/getsessionlist").with("kf_account", agent);
        self.listed(call, "sessionlist").await
    }

    /// Who waits for an agent.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn waiting(&self) -> Result<WaitingList, ApiError> {
        self.read(Call::get("customservice/kfsession/getwaitcase")).await
    }

    async fn session_call(&self, action: &str, (agent, openid): (&str, &Openid)) -> Result<(), ApiError> {
        check_agent(agent)?;
        limits::required("openid", openid.as_str())?;
        let body = json!({ "kf_account": agent, "openid": openid.as_str() });
        self.ask(Call::post(format!("customservice/kfsession/{action}"), body).once()).await.map(drop)
    }

    async fn list<T: serde::de::DeserializeOwned>(&self, path: &'static str, field: &str) -> Result<Vec<T>, ApiError> {
        self.listed(Call::get(path), field).await
    }

    /// The list in a field of an answer.
    pub(super) async fn listed<T: serde::de::DeserializeOwned>(
        &self,
        call: Call,
        field: &str,
    ) -> Result<Vec<T>, ApiError> {
        let path = call.path.clone();
        let mut answer = self.ask(call).await?;
        super::client::parsed(&path, answer.get_mut(field).map_or_else(|| json!([]), Value::take))
    }
}

fn check_agent(agent: &str) -> Result<(), Invalid> {
    let is_whole = agent.split_once('@').is_some_and(|(name, account)| !name.is_empty() && !account.is_empty());
    if is_whole { Ok(()) } else { Err(Invalid::new("kf_account", "要写成 客服名@公众号微信号")) }
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    #[actix_web::test]
    async fn the_desk_is_read() {
        let stage = stage(&[
            r#"{"kf_list":[{"kf_account":"a@shop","kf_nick":"小林","kf_id":1001,"kf_headimgurl":"","kf_wx":"lin"}]}"#,
            r#"{"kf_online_list":[{"kf_account":"a@shop","status":1,"kf_id":"1001","accepted_case":2}]}"#,
            r#"{"createtime":123,"kf_account":"a@shop"}"#,
            r#"{"createtime":0,"kf_account":""}"#,
            r#"{"sessionlist":[{"createtime":5,"openid":"o1"}]}"#,
            r#"{"count":"101","waitcaselist":[{"latest_time":7,"openid":"o2"}]}"#,
        ]);
        let client = &stage.client;
        assert_eq!(client.agents().await.unwrap()[0].kf_id, "1001");
        assert_eq!(client.agents_online().await.unwrap()[0].accepted_case, 2);
        let session = Session { kf_account: "a@shop".into(), since: UnixSecs(123) };
        assert_eq!(client.session_of(&"o1".into()).await, Ok(Some(session)));
        assert_eq!(client.session_of(&"o2".into()).await, Ok(None));
        let waits = |openid: &str, at| Waiting { openid: openid.into(), at: UnixSecs(at) };
        assert_eq!(client.sessions_of("a@shop").await, Ok(vec![waits("o1", 5)]));
        assert_eq!(client.waiting().await, Ok(WaitingList { count: 101, first: vec![waits("o2", 7)] }));
        assert_eq!(stage.asked()[4].parameter("kf_account"), Some("a@shop"));
        stage.close().await;
    }

    #[actix_web::test]
    async fn a_talk_is_opened_and_closed_and_an_absent_agent_is_for_later() {
        let stage = stage(&["{}", "{}", r#"{"errcode":65415,"errmsg":"kf offline"}"#]);
        let (client, openid) = (&stage.client, Openid::from("o1"));
        client.open_session("a@shop", &openid).await.unwrap();
        client.close_session("a@shop", &openid).await.unwrap();
        let error = client.open_session("a@shop", &openid).await.unwrap_err();
        assert_eq!((error.code(), error.is_passing()), (Some(65415), true));
        assert_eq!(stage.asked()[0].json(), json!({"kf_account": "a@shop", "openid": "o1"}));
        assert!(matches!(client.open_session("a", &openid).await, Err(ApiError::Invalid(_))));
        stage.close().await;
    }
}
