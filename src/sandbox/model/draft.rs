//! Drafts (platform.md 4.15).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::{Fresh, State};
use super::chat::Article;
use super::fault::ApiFault;
use super::fields::{is_on, list, number, text};
use super::media::{Media, window};

const ARTICLES: usize = 8;
const KEPT: usize = 500;

/// An article that was not published yet, or a few that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// As they were sent, checked.
    pub articles: Vec<Value>,
    /// When it changed last, in Unix seconds.
    pub updated_at: i64,
}

/// Whether the text of articles is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It is.
    Shown,
    /// It is left empty.
    Hidden,
}

impl Content {
    /// As a listing call asks for it.
    pub fn asked(body: &Value) -> Self {
        if is_on(body, "/no_content") { Self::Hidden } else { Self::Shown }
    }
}

/// All drafts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Drafts(BTreeMap<String, Draft>);

impl Draft {
    /// As cards in a chat.
    pub fn cards(&self) -> Vec<Article> {
        let card = |article: &Value| Article {
            title: text(article, "/title").to_owned(),
            description: text(article, "/digest").to_owned(),
            picture: String::new(),
            url: text(article, "/content_source_url").to_owned(),
        };
        self.articles.iter().map(card).collect()
    }

    /// As the calls that read show it.
    pub fn news(&self, content: Content) -> Value {
        let mut items = self.articles.clone();
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            if content == Content::Hidden {
                item.insert("content".to_owned(), "".into());
            }
            item.insert("is_deleted".to_owned(), false.into());
        }
        json!({ "news_item": items })
    }
}

impl Drafts {
    /// Removes a draft and gives it back.
    pub fn take(&mut self, media_id: &str) -> Option<Draft> {
        self.0.remove(media_id)
    }

    /// A draft.
    pub fn get(&self, media_id: &str) -> Result<&Draft, ApiFault> {
        self.0.get(media_id).ok_or_else(ApiFault::media)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// What `draft/batchget` answers.
    pub fn page(&self, body: &Value) -> Result<Value, ApiFault> {
        let (offset, count) = window(body)?;
        let content = Content::asked(body);
        let mut all: Vec<(&String, &Draft)> = self.0.iter().collect();
        all.sort_by_key(|(_, draft)| std::cmp::Reverse(draft.updated_at));
        let item = |(id, draft): &(&String, &Draft)| json!({ "media_id": id, "content": draft.news(content), "update_time": draft.updated_at });
        let items: Vec<Value> = all.iter().skip(offset).take(count).map(item).collect();
        Ok(json!({ "total_count": all.len(), "item_count": items.len(), "item": items }))
    }
}

impl State {
    /// A new draft; answers its id.
    pub fn add_draft(&mut self, body: &Value, fresh: Fresh) -> Result<String, ApiFault> {
        let articles = list(body, "/articles");
        if !(1..=ARTICLES).contains(&articles.len()) {
            return Err(ApiFault::new(45008, "article size out of limit"));
        }
        if self.drafts.count() >= KEPT {
            return Err(ApiFault::new(45008, "article size out of limit: too many drafts"));
        }
        let articles = articles.iter().map(|one| checked(one, &self.media)).collect::<Result<Vec<_>, _>>()?;
        let id = format!("D{:016x}_{}", fresh.random, self.drafts.count());
        self.drafts.0.insert(id.clone(), Draft { articles, updated_at: fresh.now });
        Ok(id)
    }

    /// Replaces one article of a draft.
    pub fn update_draft(&mut self, body: &Value, now: i64) -> Result<(), ApiFault> {
        let article = checked(body.get("articles").unwrap_or(&Value::Null), &self.media)?;
        let draft = self.drafts.0.get_mut(text(body, "/media_id")).ok_or_else(ApiFault::media)?;
        let index = usize::try_from(number(body, "/index").unwrap_or(0)).unwrap_or(usize::MAX);
        let place = draft.articles.get_mut(index).ok_or_else(|| ApiFault::new(40114, "invalid index value"))?;
        (*place, draft.updated_at) = (article, now);
        Ok(())
    }
}

/// An article with its defaults, or why it is refused.
fn checked(article: &Value, media: &Media) -> Result<Value, ApiFault> {
    let chars = |pointer: &str| text(article, pointer).chars().count();
    if !(1..=64).contains(&chars("/title")) {
        return Err(ApiFault::new(45003, "title size out of limit"));
    }
    if chars("/author") > 16 {
        return Err(ApiFault::new(45110, "author size out of limit"));
    }
    if chars("/digest") > 128 {
        return Err(ApiFault::new(45004, "description size out of limit"));
    }
    let content = text(article, "/content");
    match (content.is_empty(), chars("/content") >= 20_000 || content.len() >= 1024 * 1024) {
        (true, _) => return Err(ApiFault::new(44004, "empty content hint")),
        (_, true) => return Err(ApiFault::new(45002, "content size out of limit")),
        _ => {}
    }
    if text(article, "/content_source_url").len() > 1024 {
        return Err(ApiFault::new(45005, "url size out of limit"));
    }
    match text(article, "/article_type") {
        "" | "news" => drop(media.permanent(text(article, "/thumb_media_id"))?),
        "newspic" => {
            let images = list(article, "/image_info/image_list");
            if !(1..=20).contains(&images.len()) {
                return Err(ApiFault::parameter("image_info"));
            }
            for image in images {
                media.permanent(text(image, "/image_media_id"))?;
            }
        }
        _ => return Err(ApiFault::parameter("article_type")),
    }
    let mut whole = article.clone();
    if let Some(fields) = whole.as_object_mut() {
        let digest = fields.entry("digest").or_insert_with(|| "".into());
        if digest.as_str() == Some("") {
            *digest = content.chars().take(54).collect::<String>().into();
        }
        fields.entry("article_type").or_insert_with(|| "news".into());
        fields.entry("show_cover_pic").or_insert_with(|| 0.into());
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::model::media::{Keep, MediaKind, Upload};

    const FRESH: Fresh = Fresh { now: 0, random: 9 };

    fn state() -> (State, String) {
        let mut state = State::new(FRESH);
        let upload = Upload {
            kind: MediaKind::Thumb,
            name: "a.jpg".into(),
            bytes: 9,
            title: String::new(),
            introduction: String::new(),
        };
        let (thumb, _) = state.media.add(upload, Keep::ForEver, FRESH).unwrap();
        (state, thumb)
    }

    fn code<T>(result: Result<T, ApiFault>) -> i32 {
        result.map_or_else(|fault| fault.errcode, |_| 0)
    }

    #[test]
    fn articles_are_one_to_eight_and_each_has_its_limits() {
        let (mut state, thumb) = state();
        let article = json!({ "title": "标题", "content": "正文", "thumb_media_id": thumb });
        let with = |name: &str, value: Value| {
            let mut other = article.clone();
            other[name] = value;
            other
        };
        let mut add = |articles: Vec<Value>| code(state.add_draft(&json!({ "articles": articles }), FRESH));
        assert_eq!((add(vec![]), add(vec![article.clone(); 8]), add(vec![article.clone(); 9])), (45008, 0, 45008));
        assert_eq!(add(vec![with("title", "".into())]), 45003);
        assert_eq!(add(vec![with("title", "题".repeat(65).into())]), 45003);
        assert_eq!(add(vec![with("content", "".into())]), 44004);
        assert_eq!(add(vec![with("content", "字".repeat(20_000).into())]), 45002);
        assert_eq!(add(vec![with("digest", "字".repeat(129).into())]), 45004);
        assert_eq!(add(vec![with("thumb_media_id", "none".into())]), 40007);
        assert_eq!(add(vec![with("article_type", "newspic".into())]), 40035);
    }

    #[test]
    fn a_draft_is_read_changed_and_taken() {
        let (mut state, thumb) = state();
        let article = |title: &str| json!({ "title": title, "content": "正文", "thumb_media_id": thumb });
        let id = state.add_draft(&json!({ "articles": [article("一")] }), FRESH).unwrap();
        let update = |index: u8| json!({ "media_id": id, "index": index, "articles": article("二") });
        assert_eq!((code(state.update_draft(&update(0), 1)), code(state.update_draft(&update(1), 1))), (0, 40114));
        let news = state.drafts.get(&id).unwrap().news(Content::Shown);
        assert_eq!((&news["news_item"][0]["title"], &news["news_item"][0]["digest"]), (&json!("二"), &json!("正文")));
        let page = state.drafts.page(&json!({ "offset": 0, "count": 20, "no_content": 1 })).unwrap();
        assert_eq!(
            (&page["total_count"], &page["item"][0]["content"]["news_item"][0]["content"]),
            (&json!(1), &json!(""))
        );
        assert!(state.drafts.take(&id).is_some() && state.drafts.get(&id).is_err());
    }
}
