//! `kind = "articles"`: shows articles (图文).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ActionKind, Fault, Given, Outcome, TextField, View};
use crate::domain::ids::ConnectorKey;
use crate::domain::reply::{Article, Reply};
use crate::domain::template::Template;
use crate::domain::value::Values;

/// A reply carries so many articles after a tap, a follow or a scan (platform.md part 3).
const MAX_ARTICLES: usize = 8;

/// Settings of an `articles` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Articles {
    /// The articles, most important first: after a message the platform shows the first only (platform.md part 3).
    #[schemars(
        description = "图文，1 到 8 篇。点菜单、关注、扫码时全部显示；客户发消息触发时微信只显示第一篇，所以最重要的放最前面"
    )]
    pub articles: Vec<Entry>,
}

/// One article.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its title.
    #[schemars(description = "标题")]
    pub title: Template,
    /// What stands below the title when it is the only article.
    #[serde(default)]
    #[schemars(description = "摘要，只有一篇图文时显示")]
    pub description: Option<Template>,
    /// Address of its picture.
    #[serde(default)]
    #[schemars(
        description = "封面图的网址，JPG 或 PNG：第一篇建议 360×200，其余 200×200。以 / 开头就是本服务器上的地址"
    )]
    pub picture_url: Option<Template>,
    /// Where a tap leads.
    #[schemars(description = "点开后的网址，以 / 开头就是本服务器上的地址")]
    pub url: Template,
}

impl Entry {
    fn texts(&self) -> impl Iterator<Item = (&'static str, &Template)> {
        let optional = [("description", self.description.as_ref()), ("picture_url", self.picture_url.as_ref())];
        let optional = optional.into_iter().filter_map(|(name, text)| Some((name, text?)));
        [("title", &self.title), ("url", &self.url)].into_iter().chain(optional)
    }

    fn fill(&self, out: &mut Outcome) -> Article {
        let values = Values::new();
        let mut optional = |text: &Option<Template>| text.as_ref().map(|t| out.fill(t, &values)).unwrap_or_default();
        let (description, picture_url) = (optional(&self.description), optional(&self.picture_url));
        Article { title: out.fill(&self.title, &values), description, picture_url, url: out.fill(&self.url, &values) }
    }
}

impl ActionKind for Articles {
    fn texts<'a>(&'a self, _fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        let entries = self.articles.iter().enumerate();
        let texts = entries.flat_map(|(n, entry)| {
            entry.texts().map(move |(name, template)| (format!("articles[{n}].{name}"), template))
        });
        texts.map(|(field, template)| TextField { field, template, allowed: BTreeSet::new() }).collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let fault = |field: String, cause: &str, mend: &str| Fault { field, cause: cause.into(), mend: mend.into() };
        let mut faults = Vec::new();
        if self.articles.is_empty() {
            faults.push(fault("articles".into(), "一篇图文也没有", "至少写一篇"));
        }
        if self.articles.len() > MAX_ARTICLES {
            faults.push(fault("articles".into(), "超过 8 篇，微信会丢掉多出来的", "留下最重要的 8 篇"));
        }
        for (n, entry) in self.articles.iter().enumerate() {
            for (name, text) in [("title", &entry.title), ("url", &entry.url)] {
                if text.source().trim().is_empty() {
                    faults.push(fault(format!("articles[{n}].{name}"), "不能为空", "写上标题和网址"));
                }
            }
        }
        faults
    }

    fn decide(&self, _view: &View<'_>, _given: &Given) -> Outcome {
        let mut out = Outcome::default();
        let mut articles: Vec<Article> = self.articles.iter().map(|entry| entry.fill(&mut out)).collect();
        // One that could not be filled would make the platform refuse all of them.
        articles.retain(|article| !article.title.is_empty() && !article.url.is_empty());
        out.reply = if articles.is_empty() { Reply::Silent } else { Reply::Articles(articles) };
        out
    }
}
