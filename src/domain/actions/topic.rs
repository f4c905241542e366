//! `kind = "topic"`: a question of the week: customers vote, and say what they think.
//!
//! What they say is kept as a fact for people to read. It is never shown to another customer: nobody has moderated it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{self, Filled, Lines};
use super::words::{self, Pick};
use super::{ActionKind, Claim, Composed, Entry, Fault, Given, Memory, Needs, Outcome, TextField, View};
use crate::domain::customer::{Customer, Dialogue};
use crate::domain::fact::FactKind;
use crate::domain::ids::ConnectorKey;
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

#[cfg(test)]
mod tests;

/// Settings of a `topic` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "话题：投票和留言。留言未经审核，不会展示给其他人")]
pub struct Topic {
    /// Names the topic; a new one starts a new vote.
    #[schemars(description = "话题编号，换一个编号就是新的一轮投票，例如 2026-w03")]
    pub topic: String,
    /// What is asked.
    #[schemars(description = "选项列表前的话：本周的问题")]
    pub question: Template,
    /// What can be voted for, 2 to 9.
    #[schemars(description = "投票选项，2 到 9 个")]
    pub options: Vec<Choice>,
    /// One line of the list.
    #[schemars(description = "列表中的一行：{{ number }} 序号、{{ label }} 选项")]
    pub item: Template,
    /// Below the list.
    #[schemars(description = "选项列表后的话")]
    pub question_end: Template,
    /// A vote was counted; the result follows.
    #[schemars(description = "刚投完票，结果前的话：{{ label }} 投给了谁、{{ total }} 总票数")]
    pub voted: Template,
    /// The customer has voted before; the result follows.
    #[schemars(description = "以前投过票，结果前的话：{{ label }} 当时投给了谁、{{ total }} 总票数")]
    pub again: Template,
    /// One line of the result.
    #[schemars(description = "结果中的一行：{{ label }}、{{ votes }} 票数、{{ percent }} 百分比")]
    pub result: Template,
    /// Below the result.
    #[schemars(description = "结果后的话，可以请顾客直接回复说说想法")]
    pub result_end: Template,
    /// Words were kept.
    #[schemars(description = "收到顾客的留言后的话。留言未经审核，不会展示给其他人")]
    pub posted: Template,
    /// The words are too short, too long, or too many.
    #[schemars(description = "留言太短、太长或者次数太多时的话：{{ max_chars }} 最多几个字、{{ max_posts }} 最多几条")]
    pub refused: Template,
    /// Not understood.
    #[schemars(description = "没看懂时的话：{{ count }} 选项个数")]
    pub unclear: Template,
    /// The customer would rather not.
    #[schemars(description = "顾客不想参加时的话")]
    pub cancelled: Template,
    /// The dialogue ran out.
    #[schemars(description = "等太久作废后，顾客再说话时的话")]
    pub expired: Template,
    /// How long a dialogue waits for the next words, in seconds: 60 to 86400.
    #[schemars(description = "等顾客回复多少秒，超过就作废（60 到 86400）")]
    pub expires_secs: u32,
    /// The question and its list as everybody reads them.
    #[serde(skip)]
    asked: Filled,
}

/// Something to vote for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "一个投票选项")]
pub struct Choice {
    /// How it is counted; never change it during a vote.
    #[schemars(description = "计票用的代码，投票期间不要改")]
    pub code: String,
    /// What the customer reads.
    #[schemars(description = "顾客看到的选项")]
    pub label: String,
}

/// What is remembered of a customer who took part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// In which topic.
    pub topic: String,
    /// What they voted for.
    pub option: Option<String>,
    /// How often they wrote something.
    pub posts: u8,
}

/// The fewest and the most characters of what a customer says.
const MIN_CHARS: usize = 2;
const MAX_CHARS: usize = 200;
/// So many times a customer may say something in one topic.
const MAX_POSTS: u8 = 3;

/// What words mean to somebody who asked the question.
enum Said {
    Option(usize),
    No,
    Unclear,
    Words,
}

impl ActionKind for Topic {
    fn prepared(self) -> Self {
        Self { asked: Filled::of(&self.list()), ..self }
    }

    fn texts<'a>(&'a self, _fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        let text = TextField::new;
        vec![
            text("question", &self.question, &[]),
            text("item", &self.item, &["number", "label"]),
            text("question_end", &self.question_end, &[]),
            text("voted", &self.voted, &["label", "total"]),
            text("again", &self.again, &["label", "total"]),
            text("result", &self.result, &["label", "votes", "percent"]),
            text("result_end", &self.result_end, &[]),
            text("posted", &self.posted, &[]),
            text("refused", &self.refused, &["max_chars", "max_posts"]),
            text("unclear", &self.unclear, &["count"]),
            text("cancelled", &self.cancelled, &[]),
            text("expired", &self.expired, &[]),
        ]
    }

    fn composed(&self) -> Vec<Composed<'_>> {
        // More votes than there are people who could give them.
        let votes = vec![10_000_000_000; self.options.len()];
        let longest = self.options.iter().max_by_key(|option| option.label.len());
        let results = longest.into_iter().flat_map(|own| {
            let intros = [("voted", &self.voted), ("again", &self.again)];
            intros.map(|(name, intro)| Composed {
                what: format!("投票结果（{name}、每个选项一行 result、result_end）"),
                parts: self.result((intro, own), &votes),
            })
        });
        let list = Composed {
            what: "话题（question、每个选项一行 item、question_end）".into(), parts: self.list()
        };
        std::iter::once(list).chain(results).collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |field: String, cause: &str, mend: &str| {
            faults.push(Fault { field, cause: cause.to_owned(), mend: mend.to_owned() });
        };
        // Both are parts of a counter's dimension, `action/topic/option`.
        let is_code = |code: &str| {
            (1..=40).contains(&code.len()) && code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        let mend = "用字母、数字、- 和 _ 写，最多 40 个";
        if !is_code(&self.topic) {
            fault("topic".into(), "话题编号为空，或者含有不能用的字符", mend);
        }
        if !(2..=9).contains(&self.options.len()) {
            fault("options".into(), "选项要有 2 到 9 个", "增减选项");
        }
        for (index, option) in self.options.iter().enumerate() {
            let others = || self.options.iter().take(index);
            if !is_code(&option.code) || others().any(|other| other.code == option.code) {
                fault(format!("options[{index}].code"), "代码为空、重复，或者含有不能用的字符", mend);
            }
            if option.label.trim().is_empty() || others().any(|other| words::same(&other.label, &option.label)) {
                fault(format!("options[{index}].label"), "选项为空，或者和前面的重复", "每个选项写不一样的话");
            }
        }
        if !(60..=86_400).contains(&self.expires_secs) {
            fault("expires_secs".into(), "秒数超出范围", "写 60 到 86400 之间的数");
        }
        faults
    }

    fn place(&self, _customer: &Customer, dialogue: &Dialogue) -> String {
        format!("{}\0{}", dialogue.step, self.topic)
    }

    fn claim(&self, _dialogue: &Dialogue, words: &str) -> Claim {
        if matches!(self.read(words), Said::Words) { Claim::Any } else { Claim::Meant }
    }

    fn expired(&self, _dialogue: &Dialogue) -> Option<&Template> {
        Some(&self.expired)
    }

    fn needs(&self, view: &View<'_>) -> Needs {
        let votes = match view.entry {
            Entry::Opened { .. } => self.part(view).option.is_some(),
            Entry::Continued { words, .. } => matches!(self.read(words), Said::Option(_)),
        };
        let prefix = || format!("{}/{}/", view.action, self.topic);
        Needs { tally: votes.then(prefix), ..Needs::default() }
    }

    fn decide(&self, view: &View<'_>, given: &Given) -> Outcome {
        let part = self.part(view);
        match view.entry {
            Entry::Opened { .. } => match self.voted_for(&part) {
                Some(option) => self.show_result(view, given, (&self.again, option)),
                None => self.ask(view),
            },
            Entry::Continued { words, .. } => match self.read(words) {
                Said::Option(index) => self.vote(view, given, (part, index)),
                Said::No => self.say(view, &self.cancelled, Values::new()),
                Said::Unclear => {
                    let count = i64::try_from(self.options.len()).unwrap_or(i64::MAX);
                    let values = Values::from([("count".to_owned(), Value::Integer(count))]);
                    let mut out = self.say(view, &self.unclear, values);
                    out.dialogue = Some(self.wait(view));
                    out
                }
                Said::Words => self.post(view, part, words.trim()),
            },
        }
    }
}

impl Topic {
    fn read(&self, said: &str) -> Said {
        if words::is_no(said) {
            return Said::No;
        }
        match words::pick(said, self.options.iter().map(|option| (option.code.as_str(), option.label.as_str()))) {
            Pick::Entry(index) => Said::Option(index),
            Pick::OutOfRange => Said::Unclear,
            Pick::Nothing if words::bare(said).is_empty() => Said::Unclear,
            Pick::Nothing => Said::Words,
        }
    }

    /// What the customer did in this topic; what they did in an earlier one is over.
    fn part(&self, view: &View<'_>) -> Part {
        match view.customer.memory.get(view.action) {
            Some(Memory::Topic(part)) if part.topic == self.topic => part.clone(),
            _ => Part { topic: self.topic.clone(), ..Part::default() },
        }
    }

    fn voted_for(&self, part: &Part) -> Option<&Choice> {
        let code = part.option.as_ref()?;
        self.options.iter().find(|option| option.code == *code)
    }

    /// The question and its options, a line each.
    fn list(&self) -> Lines<'_> {
        let mut lines = vec![(&self.question, Values::new())];
        for (number, option) in (1i64..).zip(&self.options) {
            let values = Values::from([
                ("number".to_owned(), Value::Integer(number)),
                ("label".to_owned(), Value::from(option.label.as_str())),
            ]);
            lines.push((&self.item, values));
        }
        lines.push((&self.question_end, Values::new()));
        lines
    }

    /// The result, a line each; `votes` are those of the options in their order.
    fn result<'a>(&'a self, (intro, own): (&'a Template, &Choice), votes: &[i64]) -> Lines<'a> {
        let total = votes.iter().copied().fold(0i64, i64::saturating_add);
        let values = Values::from([
            ("label".to_owned(), Value::from(own.label.as_str())),
            ("total".to_owned(), Value::Integer(total)),
        ]);
        let mut lines = vec![(intro, values)];
        for (option, votes) in self.options.iter().zip(votes) {
            let values = Values::from([
                ("label".to_owned(), Value::from(option.label.as_str())),
                ("votes".to_owned(), Value::Integer(*votes)),
                ("percent".to_owned(), Value::Integer(percent(*votes, total))),
            ]);
            lines.push((&self.result, values));
        }
        lines.push((&self.result_end, Values::new()));
        lines
    }

    fn ask(&self, view: &View<'_>) -> Outcome {
        let mut out = Outcome::default();
        let said = self.asked.say(&mut out, || self.list());
        self.finish(view, out, said)
    }

    fn vote(&self, view: &View<'_>, given: &Given, (part, index): (Part, usize)) -> Outcome {
        if let Some(option) = self.voted_for(&part) {
            return self.show_result(view, given, (&self.again, option));
        }
        let Some(option) = self.options.get(index) else { return self.ask(view) };
        // The tally was taken before this vote.
        let mut counted = given.clone();
        match counted.tally.iter_mut().find(|(code, _)| *code == option.code) {
            Some((_, votes)) => *votes = votes.saturating_add(1),
            None => counted.tally.push((option.code.clone(), 1)),
        }
        let mut out = self.show_result(view, &counted, (&self.voted, option));
        out.facts.push(FactKind::Voted {
            action: view.action.clone(),
            topic: self.topic.clone(),
            option: option.code.clone(),
        });
        out.memory = Some(Memory::Topic(Part { option: Some(option.code.clone()), ..part }));
        out
    }

    fn show_result(&self, view: &View<'_>, given: &Given, (intro, own): (&Template, &Choice)) -> Outcome {
        let votes_for = |option: &Choice| {
            let votes = given.tally.iter().find(|(code, _)| *code == option.code).map_or(0, |(_, votes)| *votes);
            votes.max(0)
        };
        let mut out = Outcome::default();
        let votes: Vec<i64> = self.options.iter().map(votes_for).collect();
        let lines = self.result((intro, own), &votes);
        let said = list::fill(&mut out, lines);
        self.finish(view, out, said)
    }

    fn post(&self, view: &View<'_>, part: Part, said: &str) -> Outcome {
        if !(MIN_CHARS..=MAX_CHARS).contains(&said.chars().count()) || part.posts >= MAX_POSTS {
            let limit = |n: usize| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
            let values = Values::from([
                ("max_chars".to_owned(), limit(MAX_CHARS)),
                ("max_posts".to_owned(), limit(usize::from(MAX_POSTS))),
            ]);
            let mut out = self.say(view, &self.refused, values);
            out.dialogue = (part.posts < MAX_POSTS).then(|| self.wait(view));
            return out;
        }
        let mut out = self.say(view, &self.posted, Values::new());
        out.facts.push(FactKind::Posted {
            action: view.action.clone(),
            topic: self.topic.clone(),
            text: said.to_owned(),
        });
        out.memory = Some(Memory::Topic(Part { posts: part.posts.saturating_add(1), ..part }));
        out
    }

    fn say(&self, view: &View<'_>, template: &Template, values: Values) -> Outcome {
        let mut out = Outcome::default();
        out.reply = view.text(&mut out, template, &values);
        out
    }

    fn finish(&self, view: &View<'_>, mut out: Outcome, said: String) -> Outcome {
        out.reply = Reply::Text(said);
        out.dialogue = Some(self.wait(view));
        out
    }

    fn wait(&self, view: &View<'_>) -> Dialogue {
        Dialogue {
            action: view.action.clone(),
            step: "answer".to_owned(),
            slots: Values::new(),
            expires: view.moment.now.plus_secs(i64::from(self.expires_secs)),
        }
    }
}

/// Whole percent, cut and not rounded.
fn percent(votes: i64, total: i64) -> i64 {
    votes.saturating_mul(100).checked_div(total).unwrap_or(0)
}
