//! The platform's statistics of who reads and passes on an account's articles (platform.md 4.16). Rights and hours are those
//! of [`super::datacube`].

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::Client;
use super::datacube::{Span, counted};
use super::error::ApiError;
use crate::domain::time::BusinessDay;

/// The row that the platform adds for all sources together.
const ALL_SOURCES: i64 = 99_999_999;

/// What readers of all articles did on a day. Occasions, not people: who did it twice counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The article was opened in WeChat (`int_page_read_count`).
    pub opened: i64,
    /// It was passed on (`share_count`).
    pub shared: i64,
    /// It was kept (`add_to_fav_count`).
    pub kept: i64,
}

/// Who read one article on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleReaders {
    /// The message and the article's place in it, from 1 on: `MSGDATAID_INDEX`.
    pub article: String,
    /// Different people.
    pub readers: i64,
    /// People by where they came from, in the platform's words.
    pub by_source: Vec<(String, i64)>,
}

impl Client {
    /// What readers of all articles did on `day` (`getuserread`, at most 3 days a call), added up over all sources.
    ///
    /// # Errors
    /// As [`Client::user_summary`].
    pub async fn reads(&self, day: BusinessDay) -> Result<Reads, ApiError> {
        let mut sum = Reads::default();
        for (_, row) in self.statistics("getuserread", Span::of(day)).await? {
            if counted(&row, "user_source")? != ALL_SOURCES {
                sum.opened += counted(&row, "int_page_read_count")?;
                sum.shared += counted(&row, "share_count")?;
                sum.kept += counted(&row, "add_to_fav_count")?;
            }
        }
        Ok(sum)
    }

    /// How often articles were passed on, each day, by where to: `share_scene` as the platform numbers it, 1 to a friend
    /// and 2 to Moments (`getusershare`).
    ///
    /// # Errors
    /// As [`Client::user_summary`].
    pub async fn shares(&self, span: Span) -> Result<BTreeMap<(BusinessDay, i64), i64>, ApiError> {
        let mut shares = BTreeMap::new();
        for (day, row) in self.statistics("getusershare", span).await? {
            *shares.entry((day, counted(&row, "share_scene")?)).or_default() += counted(&row, "share_count")?;
        }
        Ok(shares)
    }

    /// Who read each article on `day` (`getarticleread`, one day a call). Articles nobody read are not in it.
    ///
    /// # Errors
    /// As [`Client::user_summary`]; [`ApiError::is_not_ready`] also while the platform says that its numbers are late.
    pub async fn article_readers(&self, day: BusinessDay) -> Result<Vec<ArticleReaders>, ApiError> {
        let mut articles = Vec::new();
        for (_, row) in self.statistics("getarticleread", Span::of(day)).await? {
            articles.push(readers(&row)?);
        }
        Ok(articles)
    }
}

fn readers(row: &Value) -> Result<ArticleReaders, ApiError> {
    let words = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned).ok_or(ApiError::Busy);
    let detail = row.get("detail").ok_or(ApiError::Busy)?;
    let sources = detail.get("read_user_source").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let source = |source: &Value| Ok((words(source.get("scene_desc"))?, counted(source, "user_count")?));
    Ok(ArticleReaders {
        article: words(row.get("msgid"))?,
        readers: counted(detail, "read_user")?,
        by_source: sources.iter().map(source).collect::<Result<_, ApiError>>()?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::stage::stage;
    use super::*;

    fn day() -> BusinessDay {
        BusinessDay::parse("2026-03-02").unwrap()
    }

    #[actix_web::test]
    async fn who_read_and_passed_on_what_is_added_up_and_the_total_is_not_added_to_its_parts() {
        let row = |source: i64, n: i64| {
            json!({"ref_date": "2026-03-02", "user_source": source, "int_page_read_user": 9, "int_page_read_count": n,
                "share_count": "2", "add_to_fav_count": 1})
        };
        let reads = json!({ "list": [row(0, 3), row(2, 4), row(99_999_999, 7)] }).to_string();
        let share = |scene: i64, n: i64| json!({"ref_date": "2026-03-02", "share_scene": scene, "share_count": n});
        let shares = json!({ "list": [share(1, 2), share(2, 3), share(1, 4)] }).to_string();
        let article = json!({"ref_date": "2026-03-02", "msgid": "224_1", "detail": {"read_user": 5,
            "read_user_source": [{"user_count": 4, "scene_desc": "公众号消息"}, {"user_count": "1", "scene_desc": "朋友圈"}]}});
        let articles = json!({ "list": [article], "is_delay": false }).to_string();
        let stage = stage(&[&reads, &shares, &articles]);
        assert_eq!(stage.client.reads(day()).await, Ok(Reads { opened: 7, shared: 4, kept: 2 }));
        let shares = stage.client.shares(Span::of(day())).await.unwrap();
        assert_eq!(shares, [((day(), 1), 6), ((day(), 2), 3)].into());
        let by_source = vec![("公众号消息".to_owned(), 4), ("朋友圈".to_owned(), 1)];
        let read = ArticleReaders { article: "224_1".into(), readers: 5, by_source };
        assert_eq!(stage.client.article_readers(day()).await, Ok(vec![read]));
        let lines: Vec<String> = stage.asked().iter().map(super::super::stage::Asked::line).collect();
        assert_eq!(
            lines,
            ["getuserread", "getusershare", "getarticleread"].map(|name| format!("POST datacube/{name}"))
        );
        assert_eq!(stage.asked()[2].json(), json!({"begin_date": "2026-03-02", "end_date": "2026-03-02"}));
        stage.close().await;
    }

    #[actix_web::test]
    async fn half_a_row_is_no_answer_and_late_numbers_are_not_there_yet() {
        let answers = [
            r#"{"list":[{"ref_date":"2026-03-02","user_source":0,"int_page_read_count":1,"share_count":1}]}"#,
            r#"{"list":[{"ref_date":"2026-03-02","msgid":"1_1"}]}"#,
            r#"{"list":[{"ref_date":"2026-03-02","msgid":"1_1","detail":{"read_user":1,"read_user_source":[{}]}}]}"#,
            r#"{"list":[],"is_delay":true}"#,
            r#"{"list":[],"is_delay":false}"#,
        ];
        let stage = stage(&answers);
        assert_eq!(stage.client.reads(day()).await, Err(ApiError::Busy));
        assert_eq!(stage.client.article_readers(day()).await, Err(ApiError::Busy));
        assert_eq!(stage.client.article_readers(day()).await, Err(ApiError::Busy));
        assert!(stage.client.article_readers(day()).await.unwrap_err().is_not_ready());
        assert_eq!(stage.client.article_readers(day()).await, Ok(Vec::new()));
        stage.close().await;
    }
}
