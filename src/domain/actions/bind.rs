//! `kind = "bind"`: a customer shows that a phone number is theirs, by a code that the business system sends there; then
//! queries and orders are about it (scrm.md 2.16).
//!
//! Codes are made, sent and checked by the business system. Here the tries are counted: so many codes a day, so many tries
//! a code, so that nobody guesses one and nobody's phone is flooded.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActionKind, Claim, Entry, Fault, Given, Outcome, Stakes, TextField, View};
use crate::domain::customer::Dialogue;
use crate::domain::ids::ConnectorKey;
use crate::domain::question::Answer;
use crate::domain::template::Template;
use crate::domain::time::BusinessDay;
use crate::domain::value::Values;

mod asked;
mod steps;
#[cfg(test)]
mod tests;

/// Settings of a `bind` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "绑定手机号：输入号码、收验证码、核对")]
pub struct Bind {
    /// The connector that sends a code to `number`.
    #[schemars(description = "发验证码的连接器，可用 {{ number }}；必须配置 idempotency_header")]
    pub send_code: ConnectorKey,
    /// The connector that checks `code` for `number`.
    #[schemars(description = "核对验证码的连接器，可用 {{ number }}、{{ code }}；必须配置 idempotency_header")]
    pub check_code: ConnectorKey,
    /// How long a dialogue waits for the next words, in seconds: 60 to 3600.
    #[schemars(description = "等客户回复多少秒，超过就作废（60 到 3600）")]
    pub expires_secs: u32,
    /// Codes a customer may ask for in a day, and codes that may be sent to a number in a day, whoever asks: 1 to 20.
    #[serde(default = "five")]
    #[schemars(description = "每位客户、每个号码每天最多发几次验证码（1 到 20）；号码满了按拒绝代码 TOO_MANY 回答")]
    pub most_codes: u8,
    /// Wrong codes before a new one has to be sent: 1 to 10.
    #[serde(default = "five")]
    #[schemars(description = "一个验证码最多错几次（1 到 10）")]
    pub most_tries: u8,
    /// What is said.
    pub texts: Texts,
}

/// What a `bind` action says.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "话术。{{ number }} 是遮住中间几位的号码")]
pub struct Texts {
    /// Asks for a number.
    #[schemars(description = "请客户输入手机号")]
    pub ask_number: Template,
    /// That is no mobile number.
    #[schemars(description = "不像手机号")]
    pub unclear_number: Template,
    /// The code is on its way, but not yet surely.
    #[schemars(description = "正在发验证码：{{ number }}")]
    pub sending: Template,
    /// The code was sent.
    #[schemars(description = "验证码已发出：{{ number }}")]
    pub sent: Template,
    /// That is no code.
    #[schemars(description = "不像验证码：{{ number }}")]
    pub unclear_code: Template,
    /// The code is being checked.
    #[schemars(description = "正在核对：{{ number }}")]
    pub checking: Template,
    /// The code was wrong.
    #[schemars(description = "验证码不对：{{ number }}、{{ left }} 还能试几次")]
    pub wrong_code: Template,
    /// Too many wrong codes, or codes of a day.
    #[schemars(description = "试得太多，或者今天发得太多")]
    pub too_many: Template,
    /// No other code today, but the one that was sent is good.
    #[serde(default)]
    #[schemars(description = "今天不能再发了，但收到的那个还能用：{{ number }}；不写就用 too_many")]
    pub no_more: Option<Template>,
    /// Bound.
    #[schemars(description = "绑定好了：{{ number }}")]
    pub bound: Template,
    /// Above the list of bound numbers.
    #[schemars(description = "已绑定的号码列表前的话")]
    pub list: Template,
    /// A line of it.
    #[schemars(description = "列表的一行：{{ place }} 序号、{{ number }} 号码")]
    pub item: Template,
    /// The line of the current one.
    #[schemars(description = "正在使用的那一行：{{ place }} 序号、{{ number }} 号码")]
    pub current: Template,
    /// Below the list.
    #[schemars(description = "列表后的话：怎么换号、加号、解绑")]
    pub list_end: Template,
    /// Another number is the current one.
    #[schemars(description = "换好了：{{ number }}")]
    pub chosen: Template,
    /// A number is bound no longer.
    #[schemars(description = "解绑了：{{ number }}")]
    pub unbound: Template,
    /// No room for another number.
    #[schemars(description = "绑定的号码太多，要先解绑一个")]
    pub full: Template,
    /// The customer called it off.
    #[schemars(description = "客户取消时的话")]
    pub cancelled: Template,
    /// The dialogue ran out.
    #[schemars(description = "等太久作废后，客户再说话时的话")]
    pub expired: Template,
    /// The business system cannot be reached.
    #[schemars(description = "业务系统暂时不可用，验证码发不了")]
    pub unavailable: Template,
    /// The code cannot be checked.
    #[serde(default)]
    #[schemars(description = "业务系统暂时不可用，验证码核对不了：{{ number }}；不写就用 unavailable")]
    pub unchecked: Option<Template>,
    /// The business system refused to send a code, by its code; `default` for every other.
    #[schemars(description = "业务系统不肯发验证码时的话，按拒绝代码写；必须有 default。可用 {{ number }}")]
    pub refused: BTreeMap<String, Template>,
}

/// What is remembered: how many codes were sent on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codes {
    /// The day.
    pub day: BusinessDay,
    /// So many.
    pub sent: u8,
}

/// The key of [`Texts::refused`] for codes it does not name.
const DEFAULT: &str = "default";

fn five() -> u8 {
    5
}

impl ActionKind for Bind {
    fn texts<'a>(&'a self, _fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        const NUMBER: &[&str] = &["number"];
        const LINE: &[&str] = &["place", "number"];
        let texts = &self.texts;
        let text = |name: &str, template, allowed| TextField::new(&format!("texts.{name}"), template, allowed);
        let refused = texts.refused.iter().map(|(code, template)| text(&format!("refused.{code}"), template, NUMBER));
        [
            text("ask_number", &texts.ask_number, &[]),
            text("unclear_number", &texts.unclear_number, &[]),
            text("sending", &texts.sending, NUMBER),
            text("sent", &texts.sent, NUMBER),
            text("unclear_code", &texts.unclear_code, NUMBER),
            text("checking", &texts.checking, NUMBER),
            text("wrong_code", &texts.wrong_code, &["number", "left"]),
            text("too_many", &texts.too_many, &[]),
            text("bound", &texts.bound, NUMBER),
            text("list", &texts.list, &[]),
            text("item", &texts.item, LINE),
            text("current", &texts.current, LINE),
            text("list_end", &texts.list_end, &[]),
            text("chosen", &texts.chosen, NUMBER),
            text("unbound", &texts.unbound, NUMBER),
            text("full", &texts.full, &[]),
            text("cancelled", &texts.cancelled, &[]),
            text("expired", &texts.expired, &[]),
            text("unavailable", &texts.unavailable, &[]),
        ]
        .into_iter()
        .chain(texts.no_more.as_ref().map(|no_more| text("no_more", no_more, NUMBER)))
        .chain(texts.unchecked.as_ref().map(|unchecked| text("unchecked", unchecked, NUMBER)))
        .chain(refused)
        .collect()
    }

    fn connectors(&self) -> Vec<(&ConnectorKey, Stakes)> {
        // A code that is sent twice costs twice, and one that is checked twice may be used up.
        vec![(&self.send_code, Stakes::Value), (&self.check_code, Stakes::Value)]
    }

    fn question_values(&self) -> BTreeSet<String> {
        ["number", "code"].map(str::to_owned).into()
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, cause: &str, mend: &str| {
            faults.push(Fault { field: field.to_owned(), cause: cause.to_owned(), mend: mend.to_owned() });
        };
        if !(60..=3_600).contains(&self.expires_secs) {
            fault("expires_secs", "秒数超出范围", "写 60 到 3600 之间的数");
        }
        if !(1..=20).contains(&self.most_codes) {
            fault("most_codes", "次数超出范围", "写 1 到 20 之间的数");
        }
        if !(1..=10).contains(&self.most_tries) {
            fault("most_tries", "次数超出范围", "写 1 到 10 之间的数");
        }
        if self.send_code == self.check_code {
            fault("check_code", "和 send_code 是同一个连接器，没有核对就会绑定", "写核对验证码的那个连接器");
        }
        if !self.texts.refused.contains_key(DEFAULT) {
            fault("texts.refused", "没有写 default", "加上 default = \"…\"，回答没有单独列出的拒绝代码");
        }
        faults
    }

    fn claim(&self, dialogue: &Dialogue, words: &str) -> Claim {
        Claim::meant(self.read(dialogue, words).is_some())
    }

    fn expired(&self, dialogue: &Dialogue) -> Option<&Template> {
        (dialogue.step != steps::OVER && dialogue.step != steps::LIST).then_some(&self.texts.expired)
    }

    fn decide(&self, view: &View<'_>, _given: &Given) -> Outcome {
        match view.entry {
            Entry::Opened { words } => self.open(view, words),
            Entry::Continued { dialogue, words } => self.go_on(view, dialogue, words),
        }
    }

    fn resume(&self, view: &View<'_>, memo: &Values, answer: &Answer) -> Outcome {
        self.settle(view, memo, answer)
    }

    fn abandon(&self, view: &View<'_>, memo: &Values) -> Outcome {
        self.give_up(view, memo)
    }
}
