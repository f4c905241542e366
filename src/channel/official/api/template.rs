//! Template messages (platform.md 4.10): service accounts, only for what the customer did, 100 000 a day.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::text;
use super::limits::{self, Checked, Invalid};
use crate::domain::ids::Openid;
use crate::domain::notice;

/// A message that fills a template, or a notice ([`Client::notify`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Which template.
    pub template_id: String,
    /// What fills it: by the template's own keys (`thing1`, `amount2`).
    pub data: BTreeMap<String, String>,
    /// Where a tap leads: a page; possibly empty.
    pub url: String,
    /// Where a tap leads first: AppID and page of a mini program.
    pub mini_program: Option<(String, String)>,
    /// The platform sends what bears the same one to the same customer once in 10 minutes. Ours, 32 bytes at most.
    pub client_msg_id: Option<String>,
}

/// A template of the account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Template {
    /// Names it.
    pub template_id: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// With placeholders as `{{thing1.DATA}}`.
    #[serde(default)]
    pub content: String,
    /// Filled in.
    #[serde(default)]
    pub example: String,
}

impl Template {
    /// The keys that have to be filled, in order.
    pub fn keys(&self) -> Vec<&str> {
        keys(&self.content)
    }
}

/// The keys in a template's content.
pub(super) fn keys(content: &str) -> Vec<&str> {
    let pieces = content.split("{{").skip(1);
    pieces.filter_map(|piece| piece.split_once(".DATA}}")).map(|(key, _)| key.trim()).collect()
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default, deserialize_with = "text")]
    msgid: String,
}

impl Client {
    /// Sends a template message and answers its `msgid`, empty if the platform names none; what became of it comes as an
    /// event (`TEMPLATESENDJOBFINISH`). It is never sent twice by itself: with a `client_msg_id` the caller may, within 10
    /// minutes, and only the caller knows since when.
    ///
    /// # Errors
    /// After [`ApiError::Busy`] it may have arrived.
    /// [`ApiError::NotFollowing`] (43004), 40037 for a template that is gone, 43116 for what looks like marketing,
    /// [`ApiError::RefusedFor`] 47003 with the key whose value breaks its type.
    pub async fn send_template(&self, openid: &Openid, message: &Filled) -> Result<String, ApiError> {
        let call = Call::post("cgi-bin/message/template/send", body((openid, message), "url")?);
        Ok(self.read::<Sent>(call.once()).await?.msgid)
    }

    /// The account's templates; 25 at most.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn templates(&self) -> Result<Vec<Template>, ApiError> {
        self.listed(Call::get("cgi-bin/template/get_all_private_template"), "template_list").await
    }

    /// Takes a template out of the library, by its number there and the keywords wanted, and answers its id.
    ///
    /// # Errors
    /// 40246 for wrong keywords.
    pub async fn add_template(&self, short_id: &str, keywords: &[&str]) -> Result<String, ApiError> {
        limits::required("template_id_short", short_id)?;
        let body = json!({ "template_id_short": short_id, "keyword_name_list": keywords });
        let answer = self.ask(Call::post("cgi-bin/template/api_add_template", body).once()).await?;
        answer.get("template_id").and_then(Value::as_str).map(str::to_owned).ok_or(ApiError::Busy)
    }

    /// Deletes a template: messages that use it are refused from then on.
    ///
    /// # Errors
    /// 40037 for one that is not there.
    pub async fn delete_template(&self, id: &str) -> Result<(), ApiError> {
        limits::required("template_id", id)?;
        let call = Call::post("cgi-bin/template/del_private_template", json!({ "template_id": id })).once();
        self.ask(call).await.map(drop)
    }
}

/// The body of a message whose page stands in the field `page`.
pub(super) fn body((openid, message): (&Openid, &Filled), page: &str) -> Result<Value, Invalid> {
    check(openid, message)?;
    let data: Map<String, Value> =
        message.data.iter().map(|(key, value)| (key.clone(), json!({ "value": value }))).collect();
    let mut body = json!({ "touser": openid.as_str(), "template_id": message.template_id });
    if let Some(body) = body.as_object_mut() {
        if !message.url.is_empty() {
            body.insert(page.into(), json!(message.url));
        }
        if let Some((appid, pagepath)) = &message.mini_program {
            body.insert("miniprogram".into(), json!({ "appid": appid, "pagepath": pagepath }));
        }
        if let Some(id) = &message.client_msg_id {
            body.insert("client_msg_id".into(), json!(id));
        }
        body.insert("data".into(), data.into());
    }
    Ok(body)
}

fn check(openid: &Openid, message: &Filled) -> Checked {
    limits::required("touser", openid.as_str())?;
    limits::required("template_id", &message.template_id)?;
    limits::count("data", message.data.len(), 1..=20)?;
    message.data.iter().try_for_each(|(key, value)| value_of(key, value))?;
    if let Some(id) = &message.client_msg_id {
        limits::bytes("client_msg_id", id, 1..=32)?;
    }
    if let Some((appid, _)) = &message.mini_program {
        limits::required("miniprogram.appid", appid)?;
    }
    Ok(())
}

/// What a value of each type may be (platform.md 4.11).
fn value_of(key: &str, value: &str) -> Checked {
    notice::fits(key, value).map_err(|misfit| Invalid::new(format!("data.{key}"), misfit.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    fn message() -> Filled {
        Filled {
            template_id: "TPL".into(),
            data: [("thing1".to_owned(), "订单已支付".to_owned()), ("amount2".into(), "¥99.00".into())].into(),
            ..Filled::default()
        }
    }

    #[actix_web::test]
    async fn a_message_is_sent_once_whatever_comes_back_and_bears_our_mark() {
        let lost = r#"{"errcode":-1}"#;
        let sent = r#"{"errcode":0,"msgid":3600000000000000001}"#;
        let known = r#"{"errcode":45065,"errmsg":"clientmsgid exist"}"#;
        let stage = stage(&[lost, sent, known]);
        let named = Filled { client_msg_id: Some("ord-1-paid".into()), url: "https://e.cn/".into(), ..message() };
        let openid = Openid::from("o1");
        assert_eq!(stage.client.send_template(&openid, &named).await, Err(ApiError::Busy));
        assert_eq!(stage.client.send_template(&openid, &named).await.as_deref(), Ok("3600000000000000001"));
        assert_eq!(stage.client.send_template(&openid, &named).await.as_deref(), Ok(""), "it has it already");
        let asked = stage.asked();
        assert_eq!(asked.len(), 3);
        let body = r#"{"touser":"o1","template_id":"TPL","url":"https://e.cn/","client_msg_id":"ord-1-paid","data":{"amount2":{"value":"¥99.00"},"thing1":{"value":"订单已支付"}}}"#;
        assert_eq!(asked[0].text(), body);
        stage.close().await;
    }

    #[actix_web::test]
    async fn templates_are_listed_taken_and_deleted() {
        let list = r#"{"template_list":[{"template_id":"T","title":"付款","content":"{{thing1.DATA}}\n金额：{{amount2.DATA}}","example":""}]}"#;
        let stage = stage(&[list, r#"{"errcode":0,"template_id":"T2"}"#, "{}"]);
        let templates = stage.client.templates().await.unwrap();
        assert_eq!(templates[0].keys(), ["thing1", "amount2"]);
        assert_eq!(stage.client.add_template("TM1", &["金额"]).await.as_deref(), Ok("T2"));
        stage.client.delete_template("T2").await.unwrap();
        assert_eq!(stage.asked()[1].json(), json!({"template_id_short": "TM1", "keyword_name_list": ["金额"]}));
        stage.close().await;
    }

    #[test]
    fn values_keep_to_their_types() {
        for (key, value) in [
            ("thing1", "长长长长长长长长长长长长长长长长长长长长长"),
            ("number1", "十"),
            ("letter2", "a1"),
            ("character_string1", "订单"),
            ("phrase1", "六个字的短语"),
            ("phone_number1", "123456789012345678"),
            ("name1", "一二三四五六七八九十一"),
            ("thing1", " "),
        ] {
            assert_eq!(value_of(key, value).unwrap_err().field, format!("data.{key}"), "{value}");
        }
        let good =
            [("thing1", "好"), ("number1", "-1.5"), ("name1", "abcdefghijklmnopqrst"), ("first", "您好，订单已支付")];
        good.iter().for_each(|(key, value)| value_of(key, value).unwrap());
        let long = Filled { client_msg_id: Some("x".repeat(33)), ..message() };
        assert_eq!(check(&"o1".into(), &long).unwrap_err().field, "client_msg_id");
    }
}
