//! Publishing drafts (发布, platform.md 4.15): pages that can be linked to, without a word to followers and without using
//! up mass messages.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::{int, ints, text};
use super::limits;
use super::material::ItemPage;

/// How a publication stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// What came of it so far.
    pub state: PublishState,
    /// Names the published article, once it is.
    pub article_id: Option<String>,
    /// The addresses of its pages, in order.
    pub urls: Vec<String>,
    /// The articles that failed, from 1 on.
    pub failed: Vec<i64>,
}

/// What came of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishState {
    /// 0.
    Done,
    /// 1.
    Running,
    /// 2: the originality check failed.
    NotOriginal,
    /// 3.
    Failed,
    /// 4: the platform does not allow it.
    Refused,
    /// 5, 6: all articles were deleted or blocked afterwards.
    Gone,
    /// Any other number.
    Other(i64),
}

#[derive(Deserialize)]
struct Told {
    #[serde(deserialize_with = "int")]
    publish_status: i64,
    #[serde(default)]
    article_id: Option<String>,
    #[serde(default)]
    article_detail: Option<Detail>,
    #[serde(default, deserialize_with = "ints")]
    fail_idx: Vec<i64>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    item: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    article_url: String,
}

#[derive(Deserialize)]
struct Submitted {
    #[serde(deserialize_with = "text")]
    publish_id: String,
}

impl Client {
    /// Submits a draft and answers the number of the publication. That is only "accepted": what came of it is asked with
    /// [`Client::publish_status`], or comes as an event (`PUBLISHJOBFINISH`). 100 a day.
    ///
    /// # Errors
    /// 53503 to 53505 for a draft that only the console can publish.
    pub async fn publish(&self, media_id: &str) -> Result<String, ApiError> {
        limits::required("media_id", media_id)?;
        let call = Call::post("cgi-bin/freepublish/submit", json!({ "media_id": media_id })).once();
        Ok(self.read::<Submitted>(call).await?.publish_id)
    }

    /// How a publication stands.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn publish_status(&self, publish_id: &str) -> Result<Published, ApiError> {
        limits::required("publish_id", publish_id)?;
        let call = Call::post("cgi-bin/freepublish/get", json!({ "publish_id": publish_id }));
        let Told { publish_status, article_id, article_detail, fail_idx } = self.read(call).await?;
        let state = match publish_status {
            0 => PublishState::Done,
            1 => PublishState::Running,
            2 => PublishState::NotOriginal,
            3 => PublishState::Failed,
            4 => PublishState::Refused,
            5 | 6 => PublishState::Gone,
            other => PublishState::Other(other),
        };
        let urls = article_detail.map(|detail| detail.item.into_iter().map(|page| page.article_url).collect());
        let article_id = article_id.filter(|id| !id.is_empty());
        Ok(Published { state, article_id, urls: urls.unwrap_or_default(), failed: fail_idx })
    }

    /// Takes a published article off for good: one of its pages from 1 on, or all with 0. 10 a day.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn unpublish(&self, article_id: &str, index: u8) -> Result<(), ApiError> {
        limits::required("article_id", article_id)?;
        limits::range("index", index.into(), 0..=8)?;
        let body = json!({ "article_id": article_id, "index": index });
        self.ask(Call::post("cgi-bin/freepublish/delete", body).once()).await.map(drop)
    }

    /// The pages of a published article, as the platform tells them (`news_item`).
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn published_article(&self, article_id: &str) -> Result<Vec<Value>, ApiError> {
        limits::required("article_id", article_id)?;
        self.listed(Call::post("cgi-bin/freepublish/getarticle", json!({ "article_id": article_id })), "news_item")
            .await
    }

    /// Published articles from `offset` on, 1 to 20 at a time, without their bodies.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn published(&self, (offset, most): (u32, u8)) -> Result<ItemPage, ApiError> {
        limits::range("count", most.into(), 1..=20)?;
        let body = json!({ "offset": offset, "count": most, "no_content": 1 });
        self.read(Call::post("cgi-bin/freepublish/batchget", body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    #[actix_web::test]
    async fn a_draft_is_published_followed_and_taken_off() {
        let stage = stage(&[
            r#"{"errcode":0,"errmsg":"ok","publish_id":100000001,"msg_data_id":5}"#,
            r#"{"publish_id":"100000001","publish_status":1,"fail_idx":[]}"#,
            r#"{"publish_id":"100000001","publish_status":"0","article_id":"A",
                "article_detail":{"count":1,"item":[{"idx":1,"article_url":"http://mp/a"}]},"fail_idx":[]}"#,
            r#"{"publish_status":2,"fail_idx":[1,"2"]}"#,
            r#"{"news_item":[{"title":"新春"}]}"#,
            r#"{"total_count":1,"item":[{"article_id":"A"}]}"#,
            "{}",
        ]);
        let client = &stage.client;
        let id = client.publish("D").await.unwrap();
        assert_eq!(
            (id.as_str(), client.publish_status(&id).await.unwrap().state),
            ("100000001", PublishState::Running)
        );
        let done = client.publish_status(&id).await.unwrap();
        assert_eq!(
            (done.state, done.article_id.as_deref(), done.urls),
            (PublishState::Done, Some("A"), vec!["http://mp/a".to_owned()])
        );
        let failed = client.publish_status(&id).await.unwrap();
        assert_eq!((failed.state, failed.failed), (PublishState::NotOriginal, vec![1, 2]));
        assert_eq!(client.published_article("A").await.unwrap().len(), 1);
        assert_eq!(client.published((0, 1)).await.unwrap().total_count, 1);
        client.unpublish("A", 0).await.unwrap();
        assert_eq!(stage.asked()[6].json(), json!({"article_id": "A", "index": 0}));
        assert!(matches!(client.publish("").await, Err(ApiError::Invalid(_))));
        stage.close().await;
    }
}
