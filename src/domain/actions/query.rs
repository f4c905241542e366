//! `kind = "query"`: asks the operator's business system and tells what it says.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ActionKind, Composed, Given, Needs, Outcome, Stakes, TextField, View};
use crate::domain::ids::ConnectorKey;
use crate::domain::question::{Answer, Question};
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::value::Values;
use crate::domain::work::{Task, Work, id_for};

/// A late answer is worth telling for a day; by then it is out of date.
const LATE_SECS: i64 = 24 * 3600;

/// Settings of a `query` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Which question.
    #[schemars(description = "问业务系统的哪个接口，即 connectors.toml 里的名字")]
    pub connector: ConnectorKey,
    /// The answer.
    #[schemars(description = "查到结果时的话术，可用该接口 fields 里的名字")]
    pub reply: Template,
    /// What is said at once when the business system is slow; the answer follows.
    #[schemars(description = "业务系统没及时答复时先说的话，结果随后送达")]
    pub waiting: Template,
    /// What stands before an answer that came late.
    #[serde(default)]
    #[schemars(description = "结果迟到时加在前面的一句话，可不写")]
    pub late: Option<Template>,
    /// What is said when the business system cannot be reached, or gives no answer to the second question either.
    #[schemars(description = "业务系统暂时不可用时的话术")]
    pub unavailable: Template,
    /// What is said when the business system says no, by its code; `default` is for every other code.
    #[serde(default)]
    #[schemars(
        description = "业务系统拒绝时的话术，按拒绝代码写；default 用于其余代码，没有 default 时用 unavailable"
    )]
    pub refused: BTreeMap<String, Template>,
}

/// The key of [`Query::refused`] for every code that has none of its own.
const OTHER_CODES: &str = "default";

impl Query {
    fn question(&self) -> Question {
        Question { connector: self.connector.clone(), values: Values::new(), idempotency_key: None }
    }

    fn refusal(&self, code: &str) -> &Template {
        self.refused.get(code).or_else(|| self.refused.get(OTHER_CODES)).unwrap_or(&self.unavailable)
    }

    /// What is said to an answer that is there; `None` when there is none yet. Who cannot be told what was found is
    /// told that it cannot be found.
    fn tell(&self, view: &View<'_>, out: &mut Outcome, answer: &Answer) -> Option<Reply> {
        let told = match answer {
            Answer::Loaded(fields) => view.text(out, &self.reply, fields),
            Answer::Refused { code } => view.text(out, self.refusal(code), &Values::new()),
            Answer::Down => Reply::Silent,
            Answer::TimedOut => return None,
        };
        let unavailable = |out| view.text(out, &self.unavailable, &Values::new());
        Some(if told.is_silent() { unavailable(out) } else { told })
    }
}

impl ActionKind for Query {
    fn texts<'a>(&'a self, fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        let plain = |field: String, template| TextField { field, template, allowed: BTreeSet::new() };
        let mut texts =
            vec![TextField { field: "reply".into(), template: &self.reply, allowed: fields(&self.connector) }];
        texts.push(plain("waiting".into(), &self.waiting));
        texts.extend(self.late.as_ref().map(|late| plain("late".into(), late)));
        texts.push(plain("unavailable".into(), &self.unavailable));
        texts.extend(self.refused.iter().map(|(code, text)| plain(format!("refused.{code}"), text)));
        texts
    }

    fn composed(&self) -> Vec<Composed<'_>> {
        let late = self.late.iter().map(|late| Composed {
            what: "late 加 reply".into(),
            parts: vec![(late, Values::new()), (&self.reply, Values::new())],
        });
        late.collect()
    }

    fn connectors(&self) -> Vec<(&ConnectorKey, Stakes)> {
        vec![(&self.connector, Stakes::Read)]
    }

    fn needs(&self, _view: &View<'_>) -> Needs {
        Needs { question: Some(self.question()), ..Needs::default() }
    }

    fn decide(&self, view: &View<'_>, given: &Given) -> Outcome {
        let mut out = Outcome::default();
        // Without an answer the shell did not ask: the same to the customer as a system that is out.
        let answer = given.answer.as_ref().unwrap_or(&Answer::Down);
        out.reply = match self.tell(view, &mut out, answer) {
            Some(reply) => reply,
            None => {
                let moment = view.moment;
                out.outbox.push(Work {
                    id: id_for(&format!("query/{}", view.action), moment.key),
                    origin: moment.key,
                    due: moment.now,
                    expires: moment.now.plus_secs(LATE_SECS),
                    task: Task::Ask { action: view.action.clone(), question: self.question(), memo: Values::new() },
                });
                view.text(&mut out, &self.waiting, &Values::new())
            }
        };
        out
    }

    fn resume(&self, view: &View<'_>, _memo: &Values, answer: &Answer) -> Outcome {
        let mut out = Outcome::default();
        let told = self.tell(view, &mut out, answer);
        let found = matches!(answer, Answer::Loaded(_)) && out.faults.is_empty();
        let late = self.late.as_ref().filter(|_| found).map(|late| out.fill(late, &Values::new()));
        out.reply = match (told, late) {
            (Some(Reply::Text(text)), Some(late)) if !late.is_empty() => Reply::Text(format!("{late}\n{text}")),
            (Some(reply), _) => reply,
            (None, _) => view.text(&mut out, &self.unavailable, &Values::new()),
        };
        out
    }

    fn abandon(&self, view: &View<'_>, _memo: &Values) -> Outcome {
        // It was said that an answer follows.
        let mut out = Outcome::default();
        out.reply = view.text(&mut out, &self.unavailable, &Values::new());
        out
    }
}
