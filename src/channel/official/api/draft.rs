//! Drafts of articles (platform.md 4.15). A draft is gone once it was published or sent.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::int;
use super::limits::{self, Checked};
use super::material::ItemPage;

/// An article of a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DraftArticle {
    /// At most 32 characters.
    pub title: String,
    /// At most 16 characters, possibly empty.
    pub author: String,
    /// At most 128 characters; if empty the beginning of the article. Only shown of a single article.
    pub digest: String,
    /// HTML of fewer than 20 000 characters and 1 MB. Scripts are taken out, and pictures that are not the platform's
    /// ([`Client::upload_article_image`]).
    pub content: String,
    /// Where "read more" leads, possibly empty; 1 KB.
    pub source_url: String,
    /// A permanent medium: the cover.
    pub thumb_media_id: String,
    /// Who may comment.
    pub comments: Comments,
}

/// Who may comment on an article.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Comments {
    /// Nobody.
    #[default]
    Closed,
    /// Everybody.
    Open,
    /// Followers.
    FollowersOnly,
}

impl Client {
    /// Keeps 1 to 8 articles as a draft and answers its `media_id`.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for what the platform would refuse.
    pub async fn add_draft(&self, articles: &[DraftArticle]) -> Result<String, ApiError> {
        limits::count("articles", articles.len(), 1..=8)?;
        articles.iter().enumerate().try_for_each(|(nth, article)| check(&format!("articles[{nth}]"), article))?;
        let articles: Vec<Value> = articles.iter().map(written).collect();
        let answer = self.ask(Call::post("cgi-bin/draft/add", json!({ "articles": articles })).once()).await?;
        answer.get("media_id").and_then(Value::as_str).map(str::to_owned).ok_or(ApiError::Busy)
    }

    /// The articles of a draft, as the platform tells them (`news_item`).
    ///
    /// # Errors
    /// 40007 when it is gone.
    pub async fn draft(&self, media_id: &str) -> Result<Vec<Value>, ApiError> {
        limits::required("media_id", media_id)?;
        self.listed(Call::post("cgi-bin/draft/get", json!({ "media_id": media_id })), "news_item").await
    }

    /// Replaces one article of a draft, from 0 on.
    ///
    /// # Errors
    /// As [`Client::add_draft`].
    pub async fn update_draft(&self, (media_id, index): (&str, u8), article: &DraftArticle) -> Result<(), ApiError> {
        limits::required("media_id", media_id)?;
        limits::range("index", index.into(), 0..=7)?;
        check("articles", article)?;
        let body = json!({ "media_id": media_id, "index": index, "articles": written(article) });
        self.ask(Call::post("cgi-bin/draft/update", body)).await.map(drop)
    }

    /// Deletes a draft for good.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn delete_draft(&self, media_id: &str) -> Result<(), ApiError> {
        limits::required("media_id", media_id)?;
        self.ask(Call::post("cgi-bin/draft/delete", json!({ "media_id": media_id })).once()).await.map(drop)
    }

    /// How many drafts there are.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn draft_count(&self) -> Result<i64, ApiError> {
        #[derive(Deserialize)]
        struct Count {
            #[serde(deserialize_with = "int")]
            total_count: i64,
        }
        Ok(self.read::<Count>(Call::get("cgi-bin/draft/count")).await?.total_count)
    }

    /// Drafts from `offset` on, 1 to 20 at a time, without the articles' bodies.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn drafts(&self, (offset, most): (u32, u8)) -> Result<ItemPage, ApiError> {
        limits::range("count", most.into(), 1..=20)?;
        let body = json!({ "offset": offset, "count": most, "no_content": 1 });
        self.read(Call::post("cgi-bin/draft/batchget", body)).await
    }
}

fn check(place: &str, article: &DraftArticle) -> Checked {
    let at = |field: &str| format!("{place}.{field}");
    limits::chars(&at("title"), &article.title, 1..=32)?;
    limits::chars(&at("author"), &article.author, 0..=16)?;
    limits::chars(&at("digest"), &article.digest, 0..=128)?;
    limits::chars(&at("content"), &article.content, 1..=19_999)?;
    limits::bytes(&at("content"), &article.content, 1..=(1 << 20) - 1)?;
    limits::bytes(&at("content_source_url"), &article.source_url, 0..=1024)?;
    limits::required(&at("thumb_media_id"), &article.thumb_media_id)
}

fn written(article: &DraftArticle) -> Value {
    let DraftArticle { title, author, digest, content, source_url, thumb_media_id, comments } = article;
    json!({
        "article_type": "news",
        "title": title,
        "author": author,
        "digest": digest,
        "content": content,
        "content_source_url": source_url,
        "thumb_media_id": thumb_media_id,
        "need_open_comment": i32::from(*comments != Comments::Closed),
        "only_fans_can_comment": i32::from(*comments == Comments::FollowersOnly),
    })
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    fn article() -> DraftArticle {
        DraftArticle {
            title: "新春".into(),
            content: "<p>好</p>".into(),
            thumb_media_id: "T".into(),
            comments: Comments::FollowersOnly,
            ..DraftArticle::default()
        }
    }

    #[actix_web::test]
    async fn a_draft_lives_from_add_to_delete() {
        let stage = stage(&[
            r#"{"media_id":"D","item":[]}"#,
            r#"{"news_item":[{"title":"新春","url":"http://mp"}],"create_time":1}"#,
            "{}",
            r#"{"total_count":"5"}"#,
            r#"{"total_count":5,"item_count":1,"item":[{"media_id":"D"}]}"#,
            "{}",
        ]);
        let client = &stage.client;
        assert_eq!(client.add_draft(&[article()]).await.as_deref(), Ok("D"));
        assert_eq!(client.draft("D").await.unwrap()[0]["title"], "新春");
        client.update_draft(("D", 0), &article()).await.unwrap();
        assert_eq!(client.draft_count().await, Ok(5));
        assert_eq!(client.drafts((0, 20)).await.unwrap().items.len(), 1);
        client.delete_draft("D").await.unwrap();
        let asked = stage.asked();
        let body = r#"{"articles":[{"article_type":"news","title":"新春","author":"","digest":"","content":"<p>好</p>","content_source_url":"","thumb_media_id":"T","need_open_comment":1,"only_fans_can_comment":1}]}"#;
        assert_eq!(asked[0].text(), body);
        assert_eq!(asked[2].json()["articles"]["title"], "新春");
        assert_eq!(asked[4].json(), json!({"offset": 0, "count": 20, "no_content": 1}));
        stage.close().await;
    }

    #[actix_web::test]
    async fn what_is_too_long_is_told_with_its_article() {
        let stage = stage(&[]);
        let long = DraftArticle { title: "长".repeat(33), ..article() };
        let error = stage.client.add_draft(&[article(), long]).await.unwrap_err();
        assert_eq!(error.in_words(), "articles[1].title：有 33 个字，最多 32 个字");
        let bare = DraftArticle { thumb_media_id: String::new(), ..article() };
        assert_eq!(
            stage.client.add_draft(&[bare]).await.unwrap_err().in_words(),
            "articles[0].thumb_media_id：不能是空的"
        );
        assert!(stage.client.add_draft(&vec![article(); 9]).await.is_err());
        assert!(stage.asked().is_empty());
        stage.close().await;
    }
}
