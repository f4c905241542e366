//! Subscription notices (订阅通知, platform.md 4.11): certified service accounts; the customer agreed before, and one
//! agreement is one notice unless the template is a long-term one. Followers or not.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::int;
use super::limits;
use super::template::{Filled, body, keys};
use crate::domain::ids::Openid;

/// A template for notices.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NoticeTemplate {
    /// Names it.
    #[serde(rename = "priTmplId")]
    pub id: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// With placeholders as `{{thing1.DATA}}`.
    #[serde(default)]
    pub content: String,
    /// Filled in.
    #[serde(default)]
    pub example: String,
    /// 2: one agreement, one notice; 3: long-term.
    #[serde(rename = "type", deserialize_with = "int")]
    pub kind: i64,
}

impl NoticeTemplate {
    /// The keys that have to be filled, in order.
    pub fn keys(&self) -> Vec<&str> {
        keys(&self.content)
    }
}

impl Client {
    /// Sends a notice. What became of it comes as an event (`subscribe_msg_sent_event`). It is never sent twice by
    /// itself: a lost answer may have used up the agreement.
    ///
    /// # Errors
    /// [`ApiError::is_no_consent`] (43101) when the customer did not agree or the agreement is used up; 47003 as for
    /// [`Client::send_template`]; after [`ApiError::Busy`] it may have arrived.
    pub async fn notify(&self, openid: &Openid, notice: &Filled) -> Result<(), ApiError> {
        let call = Call::post("cgi-bin/message/subscribe/bizsend", body((openid, notice), "page")?);
        self.ask(call.once()).await.map(drop)
    }

    /// The account's templates for notices.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn notice_templates(&self) -> Result<Vec<NoticeTemplate>, ApiError> {
        self.listed(Call::get("wxaapi/newtmpl/gettemplate"), "data").await
    }

    /// Takes a template out of the public library: its number there, 2 to 5 of its keywords in order, and what it is for
    /// in at most 15 characters. Answers its id.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn add_notice_template(&self, tid: &str, (keywords, scene): (&[i64], &str)) -> Result<String, ApiError> {
        limits::required("tid", tid)?;
        limits::count("kidList", keywords.len(), 2..=5)?;
        limits::chars("sceneDesc", scene, 0..=15)?;
        let body = json!({ "tid": tid, "kidList": keywords, "sceneDesc": scene });
        let answer = self.ask(Call::post("wxaapi/newtmpl/addtemplate", body).once()).await?;
        answer.get("priTmplId").and_then(Value::as_str).map(str::to_owned).ok_or(ApiError::Busy)
    }

    /// Deletes a template for notices.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn delete_notice_template(&self, id: &str) -> Result<(), ApiError> {
        limits::required("priTmplId", id)?;
        self.ask(Call::post("wxaapi/newtmpl/deltemplate", json!({ "priTmplId": id })).once()).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    #[actix_web::test]
    async fn a_notice_is_sent_once_and_a_missing_agreement_is_known() {
        let stage = stage(&[
            "{}",
            r#"{"errcode":43101,"errmsg":"user refuse to accept the msg rid: 1-2-3"}"#,
            r#"{"errcode":-1}"#,
        ]);
        let notice = Filled {
            template_id: "N".into(),
            url: "https://e.cn/".into(),
            data: [("thing1".to_owned(), "到货".to_owned())].into(),
            ..Filled::default()
        };
        let openid = Openid::from("o1");
        stage.client.notify(&openid, &notice).await.unwrap();
        let refused = stage.client.notify(&openid, &notice).await.unwrap_err();
        assert!(refused.is_no_consent() && refused.rid() == Some("1-2-3"));
        assert_eq!(stage.client.notify(&openid, &notice).await, Err(ApiError::Busy));
        let body = r#"{"touser":"o1","template_id":"N","page":"https://e.cn/","data":{"thing1":{"value":"到货"}}}"#;
        assert_eq!((stage.asked()[0].text().as_str(), stage.asked().len()), (body, 3));
        stage.close().await;
    }

    #[actix_web::test]
    async fn templates_for_notices_are_listed_taken_and_deleted() {
        let list =
            r#"{"data":[{"priTmplId":"N","title":"到货","content":"商品:{{thing1.DATA}}\n","example":"","type":"2"}]}"#;
        let stage = stage(&[list, r#"{"priTmplId":"N2"}"#, "{}"]);
        let templates = stage.client.notice_templates().await.unwrap();
        assert_eq!((templates[0].kind, templates[0].keys()), (2, vec!["thing1"]));
        assert_eq!(stage.client.add_notice_template("99", (&[1, 2], "到货提醒")).await.as_deref(), Ok("N2"));
        assert!(matches!(stage.client.add_notice_template("99", (&[1], "")).await, Err(ApiError::Invalid(_))));
        stage.client.delete_notice_template("N2").await.unwrap();
        assert_eq!(stage.asked()[1].json(), json!({"tid": "99", "kidList": [1, 2], "sceneDesc": "到货提醒"}));
        stage.close().await;
    }
}
