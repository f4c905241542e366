//! Customer-service messages beyond what a [`Reply`] says, and the typing state
//! (platform.md 4.9). Certified accounts only. Each needs an open window (45015, 45047), and the order of several is only
//! sure when the next is sent after the answer to the one before.

use serde_json::{Value, json};

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::limits::{self, Checked};
use super::message::content;
use crate::channel::official::render::MAX_TEXT_BYTES;
use crate::domain::ids::Openid;
use crate::domain::reply::Reply;

/// A customer-service message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomMessage {
    /// What a passive reply says, too: words of at most 2048 bytes, a picture, a voice message, music, or one article
    /// that leads anywhere.
    Said(Reply),
    /// A video with the cover that only this way has.
    Video {
        /// Of the video.
        media_id: String,
        /// Of its cover.
        thumb_media_id: String,
        /// Its title, possibly empty.
        title: String,
        /// Its description, possibly empty.
        description: String,
    },
    /// A published article (`article_id` of [`Client::publish_status`]).
    Published(String),
    /// Questions to tap; a tap comes back as a text with the item's `id` as `bizmsgmenuid`. Not for test accounts.
    Menu {
        /// Above the items, possibly empty.
        head: String,
        /// Id and words of each.
        items: Vec<(String, String)>,
        /// Below them, possibly empty.
        tail: String,
    },
    /// A card without codes of its own.
    Card(String),
    /// A page of a mini program that is linked to the account.
    MiniProgram {
        /// Its title.
        title: String,
        /// Its AppID.
        appid: String,
        /// Its page.
        pagepath: String,
        /// Of its cover.
        thumb_media_id: String,
    },
}

/// In whose name a message is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signed<'a> {
    /// An agent (`name@account`); the account itself without one.
    pub agent: Option<&'a str>,
    /// Whether a machine wrote it: then it is labelled so, as the law wants it (platform.md 8.8).
    pub origin: Origin,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A person, or a template of one.
    #[default]
    Person,
    /// A generating machine.
    Generated,
}

/// What is shown above the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// For 15 s, or until a message is sent.
    Begins,
    /// No more.
    Ends,
}

impl Client {
    /// Sends a message. It is never sent twice by itself: the platform would show it twice.
    ///
    /// # Errors
    /// [`ApiError::Invalid`], [`ApiError::Unsendable`] for silence and a hand-over, [`ApiError::NoWindow`],
    /// [`ApiError::CountUsedUp`], [`ApiError::NotFollowing`]; after [`ApiError::Busy`] the
    /// message may have arrived all the same.
    pub async fn send_message(
        &self,
        openid: &Openid,
        message: &CustomMessage,
        signed: Signed<'_>,
    ) -> Result<(), ApiError> {
        limits::required("touser", openid.as_str())?;
        check(message)?;
        let (kind, content) = parts(message).ok_or(ApiError::Unsendable)?;
        let mut body = json!({ "touser": openid.as_str(), "msgtype": kind, kind: content });
        if let Some(body) = body.as_object_mut() {
            if let Some(agent) = signed.agent {
                body.insert("customservice".into(), json!({ "kf_account": agent }));
            }
            if signed.origin == Origin::Generated {
                body.insert("aimsgcontext".into(), json!({ "is_ai_msg": 1 }));
            }
        }
        let call = Call::post("cgi-bin/message/custom/send", body).once();
        let call = if kind == "msgmenu" { call.by_right_of("cgi-bin/message/custom/send msgmenu") } else { call };
        self.ask(call).await.map(drop)
    }

    /// Shows that somebody is typing, to a customer who did something in the last 30 s; for others nothing happens
    /// (45080), nor while it is shown (45081).
    ///
    /// # Errors
    /// [`ApiError`]; nothing depends on it.
    pub async fn type_to(&self, openid: &Openid, typing: Typing) -> Result<(), ApiError> {
        limits::required("touser", openid.as_str())?;
        let command = if typing == Typing::Begins { "Typing" } else { "CancelTyping" };
        let body = json!({ "touser": openid.as_str(), "command": command });
        self.ask(Call::post("cgi-bin/message/custom/typing", body).once()).await.map(drop)
    }
}

fn check(message: &CustomMessage) -> Checked {
    use CustomMessage::{Card, Menu, MiniProgram, Published, Said, Video};
    match message {
        Said(Reply::Text(words)) => limits::bytes("text.content", words, 1..=MAX_TEXT_BYTES),
        Said(Reply::Image { media_id } | Reply::Voice { media_id } | Reply::Video { media_id, .. }) => {
            limits::required("media_id", media_id)
        }
        Said(Reply::Music { thumb_media_id, url, .. }) => {
            limits::required("music.musicurl", url)?;
            limits::required("music.thumb_media_id", thumb_media_id)
        }
        Said(Reply::Articles(articles)) => {
            // Two are refused with 45008.
            limits::count("news.articles", articles.len(), 1..=1)?;
            articles.iter().try_for_each(|article| limits::required("news.articles.title", &article.title))
        }
        // Not sendable, which is told where it is written.
        Said(Reply::Silent | Reply::HandOver { .. }) => Ok(()),
        Video { media_id, thumb_media_id, .. } => {
            limits::required("video.media_id", media_id)?;
            limits::required("video.thumb_media_id", thumb_media_id)
        }
        Published(id) => limits::required("mpnewsarticle.article_id", id),
        Menu { items, .. } => {
            // The platform's own numbers are not documented (45098, 45099); more than this no customer reads.
            limits::count("msgmenu.list", items.len(), 1..=10)?;
            items.iter().try_for_each(|(id, words)| {
                limits::bytes("msgmenu.list.id", id, 1..=64)?;
                limits::required("msgmenu.list.content", words)
            })
        }
        Card(id) => limits::required("wxcard.card_id", id),
        MiniProgram { appid, pagepath, thumb_media_id, .. } => {
            limits::required("miniprogrampage.appid", appid)?;
            limits::required("miniprogrampage.pagepath", pagepath)?;
            limits::required("miniprogrampage.thumb_media_id", thumb_media_id)
        }
    }
}

/// `msgtype` and what stands under its name; `None` for a reply that cannot be sent.
fn parts(message: &CustomMessage) -> Option<(&'static str, Value)> {
    Some(match message {
        CustomMessage::Said(reply) => return content(reply),
        CustomMessage::Video { media_id, thumb_media_id, title, description } => (
            "video",
            json!({ "media_id": media_id, "thumb_media_id": thumb_media_id, "title": title,
                    "description": description }),
        ),
        CustomMessage::Published(id) => ("mpnewsarticle", json!({ "article_id": id })),
        CustomMessage::Menu { head, items, tail } => {
            let list: Vec<Value> = items.iter().map(|(id, words)| json!({ "id": id, "content": words })).collect();
            ("msgmenu", json!({ "head_content": head, "list": list, "tail_content": tail }))
        }
        CustomMessage::Card(id) => ("wxcard", json!({ "card_id": id })),
        CustomMessage::MiniProgram { title, appid, pagepath, thumb_media_id } => (
            "miniprogrampage",
            json!({ "title": title, "appid": appid, "pagepath": pagepath, "thumb_media_id": thumb_media_id }),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;
    use crate::domain::reply::Article;

    #[test]
    fn every_type_has_its_shape() {
        let of = |message: CustomMessage| {
            check(&message).unwrap();
            let (kind, content) = parts(&message).unwrap();
            format!("{kind} {content}")
        };
        let id = || "M".to_owned();
        insta::assert_snapshot!(of(CustomMessage::Said(Reply::Text("你好".into()))), @r#"text {"content":"你好"}"#);
        insta::assert_snapshot!(of(CustomMessage::Said(Reply::Voice { media_id: id() })), @r#"voice {"media_id":"M"}"#);
        insta::assert_snapshot!(of(CustomMessage::Published("A".into())), @r#"mpnewsarticle {"article_id":"A"}"#);
        insta::assert_snapshot!(of(CustomMessage::Card("C".into())), @r#"wxcard {"card_id":"C"}"#);
        let video =
            CustomMessage::Video { media_id: id(), thumb_media_id: id(), title: "T".into(), description: "".into() };
        insta::assert_snapshot!(of(video), @r#"video {"media_id":"M","thumb_media_id":"M","title":"T","description":""}"#);
        let menu =
            CustomMessage::Menu {
                head: "满意吗".into(), items: vec![("1".into(), "满意".into())], tail: "".into()
            };
        insta::assert_snapshot!(of(menu), @r#"msgmenu {"head_content":"满意吗","list":[{"id":"1","content":"满意"}],"tail_content":""}"#);
        let page = CustomMessage::MiniProgram {
            title: "T".into(),
            appid: "wx".into(),
            pagepath: "p".into(),
            thumb_media_id: id(),
        };
        insta::assert_snapshot!(of(page), @r#"miniprogrampage {"title":"T","appid":"wx","pagepath":"p","thumb_media_id":"M"}"#);
    }

    #[actix_web::test]
    async fn a_message_carries_its_agent_and_its_label_and_typing_is_a_nicety() {
        let stage = stage(&["{}", r#"{"errcode":45080,"errmsg":"no interaction"}"#]);
        let signed = Signed { agent: Some("a@shop"), origin: Origin::Generated };
        let hello = CustomMessage::Said(Reply::Text("你好".into()));
        stage.client.send_message(&"o1".into(), &hello, signed).await.unwrap();
        stage.client.type_to(&"o1".into(), Typing::Begins).await.unwrap();
        let asked = stage.asked();
        let body = r#"{"touser":"o1","msgtype":"text","text":{"content":"你好"},"customservice":{"kf_account":"a@shop"},"aimsgcontext":{"is_ai_msg":1}}"#;
        assert_eq!(asked[0].text(), body);
        assert_eq!(asked[1].json(), json!({"touser": "o1", "command": "Typing"}));
        let long = CustomMessage::Said(Reply::Text("长".repeat(683)));
        let error = stage.client.send_message(&"o1".into(), &long, Signed::default()).await.unwrap_err();
        assert_eq!(error.in_words(), "text.content：有 2049 字节，最多 2048 字节");
        for reply in [Reply::Silent, Reply::HandOver { agent: None }] {
            let unsaid = stage.client.send_message(&"o1".into(), &CustomMessage::Said(reply), Signed::default()).await;
            assert_eq!(unsaid, Err(ApiError::Unsendable));
        }
        let two = CustomMessage::Said(Reply::Articles(vec![Article { title: "T".into(), ..Article::default() }; 2]));
        assert!(stage.client.send_message(&"o1".into(), &two, Signed::default()).await.is_err());
        assert_eq!(stage.asked().len(), 2);
        stage.close().await;
    }

    #[actix_web::test]
    async fn a_menu_beyond_a_limit_that_nobody_prints_leaves_as_words_and_the_next_is_a_menu_again() {
        for code in [45098, 45099] {
            let refused = format!(r#"{{"errcode":{code},"errmsg":"msgmenu limit"}}"#);
            let stage = stage(&[&refused, "{}", "{}"]);
            let link =
                "<a href=\"weixin://bizmsgmenu?msgmenucontent=%E7%A1%AE%E8%AE%A4&msgmenuid=20000000000700\">确认</a>";
            let question = Reply::Text(format!("办吗？\n{link}"));
            for _ in 0..2 {
                stage.client.send(&"o1".into(), &question).await.unwrap();
            }
            let asked: Vec<Value> = stage.asked().iter().map(|asked| asked.json()).collect();
            let kinds: Vec<&str> = asked.iter().map(|body| body["msgtype"].as_str().unwrap()).collect();
            assert_eq!(kinds, ["msgmenu", "text", "msgmenu"], "{code}");
            assert!(asked[1]["text"]["content"].as_str().unwrap().contains("确认"), "{code}");
            stage.close().await;
        }
    }

    #[actix_web::test]
    async fn a_question_leaves_as_a_menu_and_as_words_where_menus_are_refused() {
        let stage = stage(&[
            "{}",
            r#"{"errcode":48001,"errmsg":"api unauthorized"}"#,
            "{}",
            "{}",
            r#"{"errcode":45099,"errmsg":"out of limit"}"#,
        ]);
        let link =
            "<a href=\"weixin://bizmsgmenu?msgmenucontent=%E7%A1%AE%E8%AE%A4&msgmenuid=20000000000700\">确认</a>";
        let question = Reply::Text(format!("办吗？\n{link}"));
        for _ in 0..3 {
            stage.client.send(&"o1".into(), &question).await.unwrap();
        }
        let kinds: Vec<String> = stage.asked().iter().map(|asked| asked.json()["msgtype"].to_string()).collect();
        // That menus are refused is remembered, and says nothing of words.
        assert_eq!(kinds, ["\"msgmenu\"", "\"msgmenu\"", "\"text\"", "\"text\""]);
        let menu = &stage.asked()[0].json()["msgmenu"];
        assert_eq!(menu["list"], json!([{ "id": "20000000000700", "content": "确认" }]));
        assert_eq!(menu["head_content"], "办吗？");
        let odd = Reply::Text("办吗？".into());
        assert!(stage.client.send(&"o1".into(), &odd).await.is_err(), "words alone are asked once");
        stage.close().await;
    }
}
