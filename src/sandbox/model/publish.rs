//! Publishing drafts (platform.md 4.15): accepted now, done or failed a little later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::{Fresh, State};
use super::draft::{Content, Draft};
use super::fault::ApiFault;
use super::fields::{id, number, text};
use super::job::Work;
use super::media::window;

const KEPT: usize = 500;

/// Publications and the articles they made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Publications {
    last_id: u64,
    submitted: BTreeMap<u64, Publication>,
}

/// One publication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    /// The draft as it was.
    draft: Draft,
    /// Its id among the drafts, until it is done.
    media_id: String,
    /// `publish_status`: 0 done, 1 under way, 2 to 4 failed, 5 deleted.
    status: u8,
    /// Of what was published.
    article_id: String,
    at: i64,
}

impl Publication {
    /// The fields of `freepublish/get` and of the event.
    fn fields(&self, publish_id: u64) -> Value {
        let mut fields = json!({ "publish_id": publish_id.to_string(), "publish_status": self.status });
        let item = |n: usize| json!({ "idx": n, "article_url": self.url(n) });
        let items: Vec<Value> = (1..=self.draft.articles.len()).map(item).collect();
        if let Some(map) = fields.as_object_mut() {
            match self.status {
                0 => {
                    map.insert("article_id".into(), self.article_id.clone().into());
                    map.insert("article_detail".into(), json!({ "count": items.len(), "item": items }));
                }
                2 | 4 => drop(map.insert("fail_idx".into(), json!([1]))),
                _ => {}
            }
        }
        fields
    }

    fn url(&self, n: usize) -> String {
        format!("http://mp.weixin.qq.com/s/{}?idx={n}", self.article_id)
    }
}

impl Publications {
    /// Whether an article was published and still is.
    pub fn has_article(&self, article_id: &str) -> bool {
        self.article(article_id).is_ok()
    }

    fn article(&self, article_id: &str) -> Result<&Publication, ApiFault> {
        let found = self.submitted.values().find(|p| p.status == 0 && p.article_id == article_id);
        found.ok_or_else(|| ApiFault::new(53600, "Article ID 无效"))
    }

    /// What `freepublish/get` answers.
    pub fn get(&self, body: &Value) -> Result<Value, ApiFault> {
        let publish_id = id(body, "/publish_id").parse().unwrap_or(0);
        let found = self.submitted.get(&publish_id).ok_or_else(|| ApiFault::parameter("publish_id"))?;
        Ok(found.fields(publish_id))
    }

    /// What `freepublish/getarticle` answers.
    pub fn get_article(&self, body: &Value) -> Result<Value, ApiFault> {
        Ok(self.article(text(body, "/article_id"))?.draft.news(Content::Shown))
    }

    /// What `freepublish/batchget` answers.
    pub fn page(&self, body: &Value) -> Result<Value, ApiFault> {
        let (offset, count) = window(body)?;
        let content = Content::asked(body);
        let all: Vec<&Publication> = self.submitted.values().rev().filter(|p| p.status == 0).collect();
        let item = |p: &&Publication| json!({ "article_id": p.article_id, "content": p.draft.news(content), "update_time": p.at });
        let items: Vec<Value> = all.iter().skip(offset).take(count).map(item).collect();
        Ok(json!({ "total_count": all.len(), "item_count": items.len(), "item": items }))
    }

    /// Deletes a published article: one of several by its number from 1, or all with 0.
    pub fn delete(&mut self, body: &Value) -> Result<(), ApiFault> {
        let article_id = text(body, "/article_id");
        self.article(article_id)?;
        let index = usize::try_from(number(body, "/index").unwrap_or(0)).unwrap_or(usize::MAX);
        for publication in self.submitted.values_mut().filter(|p| p.article_id == article_id) {
            let articles = &mut publication.draft.articles;
            match index {
                0 => articles.clear(),
                n if n <= articles.len() => drop(articles.remove(n - 1)),
                _ => return Err(ApiFault::new(40114, "invalid index value")),
            }
            if articles.is_empty() {
                publication.status = 5;
            }
        }
        Ok(())
    }
}

impl State {
    /// Accepts a draft for publishing; answers `publish_id`.
    pub fn submit(&mut self, body: &Value, fresh: Fresh) -> Result<u64, ApiFault> {
        let media_id = text(body, "/media_id").to_owned();
        let draft = self.drafts.get(&media_id)?.clone();
        let publications = &mut self.publications;
        publications.last_id = publications.last_id.max(2_247_483_650) + 1;
        let publish_id = publications.last_id;
        let article_id = format!("A{:016x}{publish_id}", fresh.random);
        let publication = Publication { draft, media_id, status: 1, article_id, at: fresh.now };
        publications.submitted.insert(publish_id, publication);
        if publications.submitted.len() > KEPT {
            publications.submitted.pop_first();
        }
        self.queue(Work::Publish { publish_id }, fresh.now)?;
        Ok(publish_id)
    }

    /// The publication is done or has failed: what its event tells.
    pub fn published(&mut self, publish_id: u64, now: i64) -> Option<Value> {
        let publication = self.publications.submitted.get_mut(&publish_id)?;
        publication.status = self.conditions.publish_status;
        publication.at = now;
        if publication.status == 0 {
            self.drafts.take(&publication.media_id);
        }
        Some(publication.fields(publish_id))
    }
}
