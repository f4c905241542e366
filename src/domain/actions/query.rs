//! `kind = "query"`: asks the operator's business system and tells what it says.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ActionKind, Composed, Fault, Given, Lead, Needs, Outcome, Stakes, TextField, View};
use crate::domain::connector::AGE;
use crate::domain::ids::{ActionKey, ConnectorKey};
use crate::domain::question::{Answer, Question};
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work, id_for};

#[cfg(test)]
mod tests;

/// A late answer is worth telling for a day; by then it is out of date.
const LATE_SECS: i64 = 24 * 3600;
/// A list is told as far as a message carries it, with room for what stands before an answer that came late.
const FITS_BYTES: usize = 1_900;
/// The number a question is about.
const NUMBER: &str = "number";
/// The words by which a `bind` action shows the current number again.
const SHOW: &str = "验证";

/// Settings of a `query` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Which question.
    #[schemars(description = "问业务系统的哪个接口，即 connectors.toml 里的名字")]
    pub connector: ConnectorKey,
    /// Of a customer's own number: it is handed to the connector as `{{ number }}`.
    #[serde(default)]
    #[schemars(description = "查的是客户绑定的号码：接口可用 {{ number }}")]
    pub number: Option<OfNumber>,
    /// The answer.
    #[schemars(description = "查到结果时的话术，可用该接口 fields 里的名字；列表写在 lists 里再用它的名字")]
    pub reply: Template,
    /// How the lists of the answer are told, by their names.
    #[serde(default)]
    #[schemars(description = "回答里的列表怎么说，按字段名写")]
    pub lists: BTreeMap<String, Entries>,
    /// What stands below an answer that was asked a while ago.
    #[serde(default)]
    #[schemars(
        description = "缓存的回答后面加的一句话，可用 {{ age }}（例如“3 分钟”）；接口写了 cache_secs 或 stale_secs 就必须写"
    )]
    pub cached: Option<Template>,
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

/// That a question is about a bound number, and how sure it has to be that the customer still has it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfNumber {
    /// The action that binds one; the question is asked as soon as that is done.
    #[schemars(description = "没绑定时带客户去的 bind 动作，绑定好了接着查")]
    pub bind: ActionKey,
    /// What is said before that action's own question.
    #[schemars(description = "没绑定时先说的一句话")]
    pub unbound: Template,
    /// For what is sensitive: the number must have been shown by a code within so many minutes, 1 to 1440.
    #[serde(default)]
    #[schemars(description = "敏感的查询：多少分钟内没验证过就再验证一次（1 到 1440）")]
    pub shown_within_minutes: Option<u16>,
    /// What is said before a code is sent once more.
    #[serde(default)]
    #[schemars(description = "要再验证一次时先说的一句话，写了 shown_within_minutes 就必须写")]
    pub again: Option<Template>,
}

/// How a list is told.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    /// A line for each.
    #[schemars(description = "每一条的写法，可用列表里每一条的字段")]
    pub item: Template,
    /// What is said when there is none.
    #[schemars(description = "一条也没有时的话")]
    pub none: Template,
}

/// The key of [`Query::refused`] for every code that has none of its own.
const OTHER_CODES: &str = "default";

impl Query {
    /// Whether it says how old an answer is.
    pub fn tells_age(&self) -> bool {
        self.cached.is_some()
    }

    fn question(&self, number: Option<&Value>) -> Question {
        let values = number.map(|number| (NUMBER.to_owned(), number.clone()));
        Question { connector: self.connector.clone(), values: values.into_iter().collect(), idempotency_key: None }
    }

    fn refusal(&self, code: &str) -> &Template {
        self.refused.get(code).or_else(|| self.refused.get(OTHER_CODES)).unwrap_or(&self.unavailable)
    }

    /// The number it is about, if it is about one.
    ///
    /// # Errors
    /// Where the customer has to go first, and what they are told on the way.
    fn number<'a>(&'a self, view: &View<'a>) -> Result<Option<&'a Value>, (Lead, &'a Template)> {
        let Some(of) = &self.number else { return Ok(None) };
        let Some(bound) = view.customer.numbers.current() else {
            return Err((Lead { to: of.bind.clone(), words: "" }, &of.unbound));
        };
        let age_secs = view.moment.now.secs_since(bound.shown_at);
        match of.shown_within_minutes {
            Some(minutes) if age_secs > 60 * i64::from(minutes) => {
                Err((Lead { to: of.bind.clone(), words: SHOW }, of.again.as_ref().unwrap_or(&of.unbound)))
            }
            _ => Ok(Some(&bound.number)),
        }
    }

    /// Whether the number that was asked about is the customer's no longer: then it is nobody's business here.
    fn is_unbound(&self, view: &View<'_>, memo: &Values) -> bool {
        let asked = memo.get(NUMBER).filter(|_| self.number.is_some());
        asked.is_some_and(|asked| view.customer.numbers.all().iter().all(|bound| bound.number != *asked))
    }

    /// What is said to an answer that is there; `None` when there is none yet. Who cannot be told what was found is
    /// told that it cannot be found.
    fn tell(&self, view: &View<'_>, out: &mut Outcome, (answer, number): (&Answer, Option<&Value>)) -> Option<Reply> {
        let told = match answer {
            Answer::Loaded(fields) => self.found(out, fields, number),
            Answer::Refused { code } => view.text(out, self.refusal(code), &about(number)),
            Answer::Down => Reply::Silent,
            Answer::TimedOut => return None,
        };
        let unavailable = |out| view.text(out, &self.unavailable, &Values::new());
        Some(if told.is_silent() { unavailable(out) } else { told })
    }

    fn found(&self, out: &mut Outcome, fields: &Values, number: Option<&Value>) -> Reply {
        let mut values = fields.clone();
        values.extend(about(number));
        let entries = |name: &String| match fields.get(name) {
            Some(Value::List(entries)) => entries.as_slice(),
            _ => &[],
        };
        let longest = self.lists.keys().map(|name| entries(name).len()).max().unwrap_or(0);
        let mut told = String::new();
        // The first ones are told when there are more than a message carries.
        for most in (1..=longest.max(1)).rev() {
            let lines = self.lists.iter().map(|(name, list)| (name.clone(), list.told(out, entries(name), most)));
            let lines: BTreeMap<String, String> = lines.collect();
            let filled = self.reply.fill_around(&values, &lines);
            told = filled.unwrap_or_else(|fault| {
                out.faults.push(fault);
                String::new()
            });
            if told.len() <= FITS_BYTES || !out.faults.is_empty() {
                break;
            }
        }
        if told.is_empty() {
            return Reply::Silent;
        }
        if let (Some(age), Some(cached)) = (fields.get(AGE), &self.cached) {
            let line = out.fill(cached, &Values::from([(AGE.to_owned(), age.clone())]));
            told = format!("{}\n{line}", told.trim_end());
        }
        Reply::Text(told)
    }
}

impl Entries {
    fn told(&self, out: &mut Outcome, entries: &[Values], most: usize) -> String {
        if entries.is_empty() {
            return out.fill(&self.none, &Values::new());
        }
        entries.iter().take(most).map(|entry| out.fill(&self.item, entry)).collect::<Vec<_>>().join("\n")
    }
}

fn about(number: Option<&Value>) -> Values {
    number.map(|number| (NUMBER.to_owned(), number.clone())).into_iter().collect()
}

impl ActionKind for Query {
    fn texts<'a>(&'a self, fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        let known = fields(&self.connector);
        // What belongs to an entry of a list is named after the list.
        let of_entry = |list: &str| -> BTreeSet<String> {
            let inner = known.iter().filter_map(|name| name.strip_prefix(list)?.strip_prefix('.'));
            inner.map(str::to_owned).collect()
        };
        let number: &[&str] = if self.number.is_some() { &[NUMBER] } else { &[] };
        let mut allowed: BTreeSet<String> = known.iter().filter(|name| !name.contains('.')).cloned().collect();
        allowed.extend(self.lists.keys().filter(|list| !of_entry(list).is_empty()).cloned());
        allowed.extend(number.iter().map(|name| (*name).to_owned()));
        let plain = |field: &str, template| TextField::new(field, template, &[]);
        let mut texts = vec![TextField { field: "reply".into(), template: &self.reply, allowed }];
        for (name, list) in &self.lists {
            let field = format!("lists.{name}.item");
            texts.push(TextField { field, template: &list.item, allowed: of_entry(name) });
            texts.push(plain(&format!("lists.{name}.none"), &list.none));
        }
        texts.extend(self.cached.as_ref().map(|cached| TextField::new("cached", cached, &[AGE])));
        texts.push(plain("waiting", &self.waiting));
        texts.extend(self.late.as_ref().map(|late| plain("late", late)));
        texts.push(plain("unavailable", &self.unavailable));
        let refused = |(code, text)| TextField::new(&format!("refused.{code}"), text, number);
        texts.extend(self.refused.iter().map(refused));
        if let Some(of) = &self.number {
            texts.push(plain("number.unbound", &of.unbound));
            texts.extend(of.again.as_ref().map(|again| plain("number.again", again)));
        }
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

    fn question_values(&self) -> BTreeSet<String> {
        self.number.iter().map(|_| NUMBER.to_owned()).collect()
    }

    fn leads_to(&self) -> Vec<(&'static str, &ActionKey)> {
        self.number.iter().map(|of| ("number.bind", &of.bind)).collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, cause: &str, mend: &str| {
            faults.push(Fault { field: field.to_owned(), cause: cause.to_owned(), mend: mend.to_owned() });
        };
        let Some(of) = &self.number else { return faults };
        if of.shown_within_minutes.is_some_and(|minutes| !(1..=1_440).contains(&minutes)) {
            fault("number.shown_within_minutes", "分钟数超出范围", "写 1 到 1440 之间的数");
        }
        if of.shown_within_minutes.is_some() && of.again.is_none() {
            fault(
                "number",
                "没有写 again，客户不知道为什么又要验证码",
                "加上 again = \"为了您的隐私，请再验证一次。\"",
            );
        }
        faults
    }

    fn needs(&self, view: &View<'_>) -> Needs {
        Needs { question: self.number(view).ok().map(|number| self.question(number)), ..Needs::default() }
    }

    fn decide(&self, view: &View<'_>, given: &Given) -> Outcome {
        let mut out = Outcome::default();
        let number = match self.number(view) {
            Ok(number) => number,
            Err((lead, why)) => {
                out.reply = view.text(&mut out, why, &Values::new());
                out.lead = Some(lead);
                return out;
            }
        };
        // Without an answer the shell did not ask: the same to the customer as a system that is out.
        let answer = given.answer.as_ref().unwrap_or(&Answer::Down);
        out.reply = match self.tell(view, &mut out, (answer, number)) {
            Some(reply) => reply,
            None => {
                let moment = view.moment;
                out.outbox.push(Work {
                    id: id_for(&format!("query/{}", view.action), moment.key),
                    origin: moment.key,
                    due: moment.now,
                    expires: moment.now.plus_secs(LATE_SECS),
                    task: Task::Ask {
                        action: view.action.clone(),
                        question: self.question(number),
                        memo: about(number),
                    },
                });
                view.text(&mut out, &self.waiting, &Values::new())
            }
        };
        out
    }

    fn resume(&self, view: &View<'_>, memo: &Values, answer: &Answer) -> Outcome {
        let mut out = Outcome::default();
        if self.is_unbound(view, memo) {
            return out;
        }
        let told = self.tell(view, &mut out, (answer, memo.get(NUMBER)));
        let found = matches!(answer, Answer::Loaded(_)) && out.faults.is_empty();
        let late = self.late.as_ref().filter(|_| found).map(|late| out.fill(late, &Values::new()));
        out.reply = match (told, late) {
            (Some(Reply::Text(text)), Some(late)) if !late.is_empty() => Reply::Text(format!("{late}\n{text}")),
            (Some(reply), _) => reply,
            (None, _) => view.text(&mut out, &self.unavailable, &Values::new()),
        };
        out
    }

    fn abandon(&self, view: &View<'_>, memo: &Values) -> Outcome {
        let mut out = Outcome::default();
        if self.is_unbound(view, memo) {
            return out;
        }
        // It was said that an answer follows.
        out.reply = view.text(&mut out, &self.unavailable, &Values::new());
        out
    }
}
