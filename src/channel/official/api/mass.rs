//! Mass messages (platform.md 4.13): a service account reaches each follower 4 times a calendar month, console included;
//! `to all` once a day. What became of one comes as an event (`MASSSENDJOBFINISH`).

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::Client;
use super::error::{ApiError, code_of};
use super::lenient::{int, text};
use super::limits::{self, Invalid};
use super::mass_message::{MassMessage, with_message};
use super::tags::TagId;
use super::users::check_openids;
use crate::domain::ids::Openid;

/// The name of one mass message, ours: the platform takes a second one of it for the first. 1 to 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MassKey(String);

impl MassKey {
    /// A name of letters, digits and `-_`, computed from what the message is about and not from when it is sent.
    ///
    /// # Errors
    /// [`Invalid`] for any other.
    pub fn new(name: impl Into<String>) -> Result<Self, Invalid> {
        let name = name.into();
        limits::bytes("clientmsgid", &name, 1..=32)?;
        if name.chars().any(|c| !c.is_ascii_alphanumeric() && !"-_".contains(c)) {
            return Err(Invalid::new("clientmsgid", "只能用字母、数字、- 和 _"));
        }
        Ok(Self(name))
    }
}

/// To whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All followers; it stands in the account's history.
    All,
    /// Those with a tag.
    Tagged(TagId),
    /// These: 2 to 10 000.
    These(Vec<Openid>),
}

/// A mass message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MassSent {
    /// Its number, for [`Client::mass_status`].
    pub msg_id: String,
    /// The number of its articles in the statistics.
    pub msg_data_id: Option<String>,
    /// It had been sent before (45065).
    pub was_known: bool,
}

/// How a mass message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MassStatus {
    /// `SENDING`.
    Sending,
    /// `SEND_SUCCESS`.
    Sent,
    /// `SEND_FAIL`.
    Failed,
    /// `DELETE`.
    Deleted,
    /// Any other word.
    Other(String),
}

/// How fast mass messages go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct MassSpeed {
    /// 0 fastest to 4 slowest.
    #[serde(deserialize_with = "int")]
    pub speed: i64,
    /// In 10 000 a minute: 80, 60, 45, 30, 10.
    #[serde(rename = "realspeed", default, deserialize_with = "int")]
    pub ten_thousands_a_minute: i64,
}

#[derive(Deserialize)]
struct Told {
    #[serde(deserialize_with = "text")]
    msg_id: String,
    #[serde(default, deserialize_with = "some_text")]
    msg_data_id: Option<String>,
}

fn some_text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    text(from).map(Some)
}

impl Client {
    /// Sends a mass message. Safe to send again under the same key: the platform answers with the first one's number.
    ///
    /// # Errors
    /// 45028 when the month's are used up, 48003 until the operator agreed to the rules in the console,
    /// [`ApiError::NotBefore`] with 45066 for a repetition within a minute.
    pub async fn send_mass(
        &self,
        key: &MassKey,
        audience: &Audience,
        message: &MassMessage,
    ) -> Result<MassSent, ApiError> {
        let (path, body) = match audience {
            Audience::All => ("cgi-bin/message/mass/sendall", json!({ "filter": { "is_to_all": true } })),
            Audience::Tagged(TagId(id)) => {
                ("cgi-bin/message/mass/sendall", json!({ "filter": { "is_to_all": false, "tag_id": id } }))
            }
            Audience::These(openids) => {
                check_openids("touser", openids, 10_000)?;
                limits::count("touser", openids.len(), 2..=10_000)?;
                ("cgi-bin/message/mass/send", json!({ "touser": openids }))
            }
        };
        let mut body = with_message(body, message)?;
        if let Some(body) = body.as_object_mut() {
            body.insert("clientmsgid".into(), json!(key.0));
        }
        let answer = self.ask(Call::post(path, body)).await?;
        let was_known = code_of(&answer) == Some(45065);
        let Told { msg_id, msg_data_id } = super::client::parsed(path, answer)?;
        Ok(MassSent { msg_id, msg_data_id, was_known })
    }

    /// Shows a mass message to one customer, who need not know of mass messages: 100 a day.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn preview_mass(&self, openid: &Openid, message: &MassMessage) -> Result<(), ApiError> {
        limits::required("touser", openid.as_str())?;
        let body = with_message(json!({ "touser": openid.as_str() }), message)?;
        self.ask(Call::post("cgi-bin/message/mass/preview", body).once()).await.map(drop)
    }

    /// How a mass message stands.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn mass_status(&self, msg_id: &str) -> Result<MassStatus, ApiError> {
        limits::required("msg_id", msg_id)?;
        let answer = self.ask(Call::post("cgi-bin/message/mass/get", json!({ "msg_id": msg_id }))).await?;
        let status = answer.get("msg_status").and_then(Value::as_str).ok_or(ApiError::Busy)?;
        Ok(match status {
            "SENDING" => MassStatus::Sending,
            "SEND_SUCCESS" => MassStatus::Sent,
            "SEND_FAIL" => MassStatus::Failed,
            "DELETE" => MassStatus::Deleted,
            other => MassStatus::Other(other.to_owned()),
        })
    }

    /// Takes back the pages of articles or videos; the cards in the chats stay. `article` from 1 on, 0 for all.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn delete_mass(&self, msg_id: &str, article: u8) -> Result<(), ApiError> {
        limits::required("msg_id", msg_id)?;
        limits::range("article_idx", article.into(), 0..=8)?;
        let body = json!({ "msg_id": msg_id, "article_idx": article });
        self.ask(Call::post("cgi-bin/message/mass/delete", body)).await.map(drop)
    }

    /// How fast mass messages go out.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn mass_speed(&self) -> Result<MassSpeed, ApiError> {
        self.read(Call::post("cgi-bin/message/mass/speed/get", json!({}))).await
    }

    /// Sets how fast: 0 fastest to 4 slowest.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn set_mass_speed(&self, speed: u8) -> Result<(), ApiError> {
        limits::range("speed", speed.into(), 0..=4)?;
        self.ask(Call::post("cgi-bin/message/mass/speed/set", json!({ "speed": speed }))).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mass_message::Reprint;
    use super::super::stage::stage;
    use super::*;

    fn key() -> MassKey {
        MassKey::new("spring-2026").unwrap()
    }

    #[actix_web::test]
    async fn a_message_sent_twice_is_the_first_one() {
        let stage = stage(&[
            r#"{"errcode":-1}"#,
            r#"{"errcode":0,"errmsg":"send job submission success","msg_id":34182,"msg_data_id":206227730}"#,
            r#"{"errcode":45065,"errmsg":"clientmsgid exist","msg_id":"34182"}"#,
        ]);
        let draft = MassMessage::Draft { media_id: "D".into(), reprint: Reprint::Send };
        let audience = Audience::Tagged(TagId(2));
        let sent = stage.client.send_mass(&key(), &audience, &draft).await.unwrap();
        assert_eq!(sent, MassSent { msg_id: "34182".into(), msg_data_id: Some("206227730".into()), was_known: false });
        let again = stage.client.send_mass(&key(), &audience, &draft).await.unwrap();
        assert_eq!((again.msg_id.as_str(), again.was_known), ("34182", true));
        let body = r#"{"filter":{"is_to_all":false,"tag_id":2},"mpnews":{"media_id":"D"},"msgtype":"mpnews","send_ignore_reprint":1,"clientmsgid":"spring-2026"}"#;
        assert_eq!(stage.asked()[0].text(), body);
        stage.close().await;
    }

    #[actix_web::test]
    async fn it_is_shown_followed_taken_back_and_slowed() {
        let stage =
            stage(&["{}", r#"{"msg_id":1,"msg_status":"SENDING"}"#, "{}", r#"{"speed":"3","realspeed":30}"#, "{}"]);
        let client = &stage.client;
        client.preview_mass(&"o1".into(), &MassMessage::Text("新春".into())).await.unwrap();
        assert_eq!(client.mass_status("1").await, Ok(MassStatus::Sending));
        client.delete_mass("1", 0).await.unwrap();
        assert_eq!(client.mass_speed().await, Ok(MassSpeed { speed: 3, ten_thousands_a_minute: 30 }));
        client.set_mass_speed(4).await.unwrap();
        let asked = stage.asked();
        assert_eq!(asked[0].json(), json!({"touser": "o1", "text": {"content": "新春"}, "msgtype": "text"}));
        assert_eq!(asked[4].json(), json!({"speed": 4}));
        stage.close().await;
    }

    #[actix_web::test]
    async fn keys_audiences_and_contents_have_limits() {
        let stage = stage(&[]);
        for name in ["", "a b", "键", &"x".repeat(33)] {
            assert_eq!(MassKey::new(name).unwrap_err().field, "clientmsgid");
        }
        let text = MassMessage::Text("新春".into());
        let told = async |audience: Audience, message: &MassMessage| {
            stage.client.send_mass(&key(), &audience, message).await.unwrap_err().in_words()
        };
        assert_eq!(told(Audience::These(vec!["o1".into()]), &text).await, "touser：有 1 个，至少要 2 个");
        let none = MassMessage::Images { media_ids: vec![], recommend: "".into() };
        assert_eq!(told(Audience::All, &none).await, "images.media_ids：有 0 个，至少要 1 个");
        assert!(stage.client.set_mass_speed(5).await.is_err() && stage.asked().is_empty());
        stage.close().await;
    }
}
