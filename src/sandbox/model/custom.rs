//! Customer-service messages (platform.md 4.9): what `message/custom/send` accepts.

use serde_json::Value;

use super::chat::{Article, Body, MenuItem};
use super::fault::ApiFault;
use crate::domain::ids::Openid;

/// A message that may be shown once its window allows it.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomMessage {
    /// To whom.
    pub to: Openid,
    /// Under which agent's name, if any.
    pub agent: Option<String>,
    /// What it shows.
    pub body: Body,
    /// What a developer should know about it.
    pub details: Vec<String>,
    /// Media it needs.
    pub media: Vec<String>,
    /// The published article it shows.
    pub article: Option<String>,
}

/// Where messages name media.
const MEDIA: [&str; 6] = [
    "/image/media_id",
    "/voice/media_id",
    "/video/media_id",
    "/video/thumb_media_id",
    "/music/thumb_media_id",
    "/miniprogrampage/thumb_media_id",
];
const TEXT_BYTES: usize = 2048;
/// The platform has limits on `msgmenu` and does not print them; these are the sandbox's own.
const MENU_ITEMS: usize = 10;
const MENU_ITEM_BYTES: usize = 128;

/// Reads the body of `message/custom/send`.
pub fn parse(body: &Value) -> Result<CustomMessage, ApiFault> {
    let to = text(body, "/touser");
    if to.is_empty() {
        return Err(refuse(40003, "invalid openid"));
    }
    let agent = Some(text(body, "/customservice/kf_account")).filter(|a| !a.is_empty()).map(str::to_owned);
    let mut details = Vec::new();
    if body.pointer("/aimsgcontext/is_ai_msg").and_then(Value::as_i64) == Some(1) {
        details.push("标为 AI 生成".to_owned());
    }
    let shown = shown(body)?;
    let media = MEDIA.iter().map(|path| text(body, path)).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    let article = text(body, "/mpnewsarticle/article_id");
    let article = Some(article).filter(|id| !id.is_empty()).map(str::to_owned);
    Ok(CustomMessage { to: Openid::new(to), agent, body: shown, details, media, article })
}

fn shown(body: &Value) -> Result<Body, ApiFault> {
    let owned = |path: &str| text(body, path).to_owned();
    let media = |path: &str| media(body, path);
    Ok(match text(body, "/msgtype") {
        "text" => Body::Text { text: words(text(body, "/text/content"))? },
        "image" => Body::Image { media_id: media("/image/media_id")? },
        "voice" => Body::Voice { media_id: media("/voice/media_id")?, words: String::new() },
        "video" => {
            media("/video/media_id")?;
            Body::Video { title: owned("/video/title"), description: owned("/video/description") }
        }
        "music" => {
            media("/music/thumb_media_id")?;
            Body::Music {
                title: owned("/music/title"),
                description: owned("/music/description"),
                url: owned("/music/musicurl"),
            }
        }
        "news" => Body::Articles { articles: articles(body)? },
        "mpnewsarticle" => {
            let id = owned("/mpnewsarticle/article_id");
            if id.is_empty() {
                return Err(refuse(53600, "Article ID 无效"));
            }
            Body::Articles { articles: vec![Article { title: id, ..Article::default() }] }
        }
        "msgmenu" => menu(body)?,
        "wxcard" => Body::Coupon { card_id: required(body, "/wxcard/card_id", 40035)? },
        "miniprogrampage" => {
            media("/miniprogrampage/thumb_media_id")?;
            required(body, "/miniprogrampage/appid", 40013)?;
            required(body, "/miniprogrampage/pagepath", 41030)?;
            Body::MiniProgram { title: owned("/miniprogrampage/title") }
        }
        "link" | "mpnews" => return Err(refuse(48008, "no permission for this msgtype")),
        _ => return Err(refuse(40008, "invalid message type")),
    })
}

fn refuse(errcode: i32, errmsg: &'static str) -> ApiFault {
    ApiFault::new(errcode, errmsg)
}

fn text<'v>(body: &'v Value, path: &str) -> &'v str {
    body.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn required(body: &Value, path: &str, errcode: i32) -> Result<String, ApiFault> {
    let found = text(body, path);
    if found.is_empty() { Err(refuse(errcode, "invalid parameter")) } else { Ok(found.to_owned()) }
}

fn media(body: &Value, path: &str) -> Result<String, ApiFault> {
    let id = text(body, path);
    if id.is_empty() { Err(refuse(40007, "invalid media_id")) } else { Ok(id.to_owned()) }
}

fn words(content: &str) -> Result<String, ApiFault> {
    match content.len() {
        0 => Err(refuse(44004, "empty content")),
        n if n > TEXT_BYTES => Err(refuse(45002, "content size out of limit")),
        _ => Ok(content.to_owned()),
    }
}

fn articles(body: &Value) -> Result<Vec<Article>, ApiFault> {
    let list = body.pointer("/news/articles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match list {
        [] => Err(refuse(44003, "empty news data")),
        [one] => {
            let article = Article {
                title: text(one, "/title").to_owned(),
                description: text(one, "/description").to_owned(),
                picture: text(one, "/picurl").to_owned(),
                url: text(one, "/url").to_owned(),
            };
            Ok(vec![article])
        }
        _ => Err(refuse(45008, "article size out of limit")),
    }
}

fn menu(body: &Value) -> Result<Body, ApiFault> {
    let list = body.pointer("/msgmenu/list").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !(1..=MENU_ITEMS).contains(&list.len()) {
        return Err(refuse(45098, "msgmenu list size out of limit"));
    }
    let mut items = Vec::new();
    for item in list {
        let content = text(item, "/content");
        if !(1..=MENU_ITEM_BYTES).contains(&content.len()) {
            return Err(refuse(45099, "msgmenu item content size out of limit"));
        }
        let id = match item.get("id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => return Err(refuse(40035, "invalid parameter: msgmenu id")),
        };
        items.push(MenuItem { id, content: content.to_owned() });
    }
    let (head, tail) = (text(body, "/msgmenu/head_content").to_owned(), text(body, "/msgmenu/tail_content").to_owned());
    Ok(Body::Menu { head, items, tail })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(kind: &str, object: Value) -> Result<Body, i32> {
        parse(&json!({ "touser": "oX", "msgtype": kind, kind: object })).map(|m| m.body).map_err(|f| f.errcode)
    }

    #[test]
    fn every_documented_type_is_taken() {
        assert!(matches!(ask("text", json!({ "content": "好" })), Ok(Body::Text { .. })));
        assert!(matches!(ask("image", json!({ "media_id": "m" })), Ok(Body::Image { .. })));
        assert!(matches!(ask("voice", json!({ "media_id": "m" })), Ok(Body::Voice { .. })));
        assert!(matches!(ask("video", json!({ "media_id": "m", "title": "t" })), Ok(Body::Video { .. })));
        assert!(matches!(ask("music", json!({ "thumb_media_id": "m", "musicurl": "u" })), Ok(Body::Music { .. })));
        assert!(matches!(ask("news", json!({ "articles": [{ "title": "t" }] })), Ok(Body::Articles { .. })));
        assert!(matches!(ask("mpnewsarticle", json!({ "article_id": "a" })), Ok(Body::Articles { .. })));
        assert!(matches!(ask("wxcard", json!({ "card_id": "c" })), Ok(Body::Coupon { .. })));
        let page = json!({ "title": "t", "appid": "wx", "pagepath": "p", "thumb_media_id": "m" });
        assert!(matches!(ask("miniprogrampage", page), Ok(Body::MiniProgram { .. })));
        let menu = json!({ "head_content": "满意吗", "list": [{ "id": "101", "content": "满意" }, { "id": 102, "content": "不满意" }], "tail_content": "" });
        let Ok(Body::Menu { items, .. }) = ask("msgmenu", menu) else { panic!("a menu") };
        assert_eq!(items.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["101", "102"]);
    }

    #[test]
    fn what_breaks_a_limit_is_refused_with_the_platforms_number() {
        assert_eq!(ask("text", json!({ "content": "" })), Err(44004));
        assert!(ask("text", json!({ "content": "x".repeat(2048) })).is_ok());
        assert_eq!(ask("text", json!({ "content": "字".repeat(683) })), Err(45002));
        assert_eq!(ask("image", json!({})), Err(40007));
        assert_eq!(ask("news", json!({ "articles": [{}, {}] })), Err(45008));
        assert_eq!(ask("msgmenu", json!({ "list": [] })), Err(45098));
        assert_eq!(ask("msgmenu", json!({ "list": [{ "id": "1", "content": "x".repeat(129) }] })), Err(45099));
        assert_eq!(ask("link", json!({})), Err(48008));
        assert_eq!(ask("poem", json!({})), Err(40008));
        assert_eq!(parse(&json!({ "msgtype": "text" })).map_err(|f| f.errcode), Err(40003));
    }

    #[test]
    fn a_message_can_speak_under_an_agents_name() {
        let body = json!({ "touser": "oX", "msgtype": "text", "text": { "content": "好" }, "customservice": { "kf_account": "xiaofu@demo" }, "aimsgcontext": { "is_ai_msg": 1 } });
        let message = parse(&body).unwrap();
        assert_eq!((message.agent.as_deref(), message.details.len()), (Some("xiaofu@demo"), 1));
    }
}
