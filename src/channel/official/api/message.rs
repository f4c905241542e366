//! A reply as a customer-service message (platform.md 4.9).

use serde_json::{Value, json};

use crate::channel::official::render::sendable;
use crate::domain::ids::Openid;
use crate::domain::reply::Reply;

/// The body of the call, within the limits of part 3; `None` if this reply is none.
pub(super) fn custom_message(openid: &Openid, reply: &Reply) -> Option<Value> {
    let (kind, content) = content(reply)?;
    let mut body = json!({"touser": openid.as_str(), "msgtype": kind});
    body.as_object_mut()?.insert(kind.to_owned(), content);
    Some(body)
}

/// `msgtype` and what stands under its name.
pub(super) fn content(reply: &Reply) -> Option<(&'static str, Value)> {
    Some(match reply {
        Reply::Silent | Reply::HandOver { .. } => return None,
        Reply::Text(words) => ("text", json!({"content": sendable(words)?})),
        Reply::Image { media_id } => ("image", json!({"media_id": media_id})),
        Reply::Voice { media_id } => ("voice", json!({"media_id": media_id})),
        Reply::Video { media_id, title, description } => {
            ("video", json!({"media_id": media_id, "title": title, "description": description}))
        }
        Reply::Music { title, description, url, hq_url, thumb_media_id } => (
            "music",
            json!({"title": title, "description": description, "musicurl": url, "hqmusicurl": hq_url,
                   "thumb_media_id": thumb_media_id}),
        ),
        Reply::Articles(articles) => {
            // More than one is refused with 45008.
            let article = articles.first()?;
            let article = json!({"title": article.title, "description": article.description, "url": article.url,
                                 "picurl": article.picture_url});
            ("news", json!({"articles": [article]}))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reply::Article;

    fn sent(reply: &Reply) -> String {
        custom_message(&"o1".into(), reply).unwrap().to_string()
    }

    #[test]
    fn every_sendable_reply_has_its_shape() {
        let id = || "M".to_owned();
        let article = |title: &str| Article { title: title.into(), url: "https://e.cn/".into(), ..Article::default() };
        insta::assert_snapshot!(sent(&Reply::Text("你好\u{1}".into())), @r#"{"touser":"o1","msgtype":"text","text":{"content":"你好"}}"#);
        insta::assert_snapshot!(sent(&Reply::Image { media_id: id() }), @r#"{"touser":"o1","msgtype":"image","image":{"media_id":"M"}}"#);
        insta::assert_snapshot!(sent(&Reply::Voice { media_id: id() }), @r#"{"touser":"o1","msgtype":"voice","voice":{"media_id":"M"}}"#);
        let video = Reply::Video { media_id: id(), title: "T".into(), description: "D".into() };
        insta::assert_snapshot!(sent(&video), @r#"{"touser":"o1","msgtype":"video","video":{"media_id":"M","title":"T","description":"D"}}"#);
        let music = Reply::Music {
            title: "T".into(),
            description: "D".into(),
            url: "https://e.cn/a".into(),
            hq_url: "https://e.cn/b".into(),
            thumb_media_id: id(),
        };
        insta::assert_snapshot!(sent(&music), @r#"{"touser":"o1","msgtype":"music","music":{"title":"T","description":"D","musicurl":"https://e.cn/a","hqmusicurl":"https://e.cn/b","thumb_media_id":"M"}}"#);
        let news = Reply::Articles(vec![article("A"), article("B")]);
        insta::assert_snapshot!(sent(&news), @r#"{"touser":"o1","msgtype":"news","news":{"articles":[{"title":"A","description":"","url":"https://e.cn/","picurl":""}]}}"#);
    }

    #[test]
    fn silence_and_a_hand_over_cannot_be_sent() {
        for reply in
            [Reply::Silent, Reply::HandOver { agent: None }, Reply::Text("\u{1}".into()), Reply::Articles(Vec::new())]
        {
            assert_eq!(custom_message(&"o1".into(), &reply), None, "{reply:?}");
        }
    }
}
