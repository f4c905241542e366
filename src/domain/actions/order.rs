//! `kind = "order"`: the customer chooses, confirms, and the business system does it and charges them.
//!
//! The order number is computed from the message that opened the dialogue and what was chosen, and is the idempotency
//! key. So the same order put again (a retry, a decision made again, our own state lost) is one order, and the question
//! may be asked until an answer is there. Nothing but a confirmation of exactly what was shown places an order.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::Filled;
use super::words::{self, Pick};
use super::{ActionKind, Claim, Composed, Entry, Fault, Given, Memory, Outcome, Stakes, TextField, View};
use crate::domain::customer::Dialogue;
use crate::domain::fact::OrderOutcome;
use crate::domain::ids::{ConnectorKey, NoticeKey};
use crate::domain::question::Answer;
use crate::domain::template::Template;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};

mod settle;
mod steps;
#[cfg(test)]
mod tests;

/// Settings of an `order` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "办理：选择、确认、下单扣费、回执")]
pub struct Order {
    /// The connector that places the order; it needs an idempotency header.
    #[schemars(description = "下单用的连接器，必须配置 idempotency_header（重复请求只办理一次）")]
    pub connector: ConnectorKey,
    /// What can be bought, 1 to 9.
    #[schemars(description = "可以办理的项目，1 到 9 个，顾客按这里的顺序看到序号")]
    pub choices: Vec<Choice>,
    /// How long a dialogue waits for the next words, in seconds: 60 to 86400.
    #[schemars(description = "等顾客回复多少秒，超过就作废（60 到 86400）")]
    pub expires_secs: u32,
    /// For how long an order without an answer is asked about again, in seconds: 60 to 86400.
    #[serde(default = "an_hour")]
    #[schemars(description = "业务系统没有回音时，用同一个订单号继续问多少秒（60 到 86400），之后转人工核实")]
    pub settle_secs: u32,
    /// Above the list of choices.
    #[schemars(description = "选项列表前的话")]
    pub choose: Template,
    /// One line of the list.
    #[schemars(
        description = "列表中的一行：{{ number }} 序号、{{ label }} 名称、{{ amount }} 金额（元）、{{ description }} 说明"
    )]
    pub item: Template,
    /// Below the list.
    #[schemars(description = "选项列表后的话")]
    pub choose_end: Template,
    /// Asks to confirm.
    #[schemars(description = "请顾客确认：{{ label }}、{{ amount }}、{{ description }}")]
    pub confirm: Template,
    /// Said when the answer is not there at once.
    #[schemars(
        description = "业务系统还没答复时先说的话：{{ label }}、{{ amount }}、{{ description }}、{{ order }} 订单号"
    )]
    pub placed: Template,
    /// Done.
    #[schemars(
        description = "办理成功：{{ label }}、{{ amount }}、{{ description }}、{{ order }}，以及连接器的全部字段"
    )]
    pub receipt: Template,
    /// Refused, by the business system's code; `default` for every other code.
    #[schemars(
        description = "业务系统拒绝时的话，按拒绝代码写；必须有 default。可用 {{ label }}、{{ amount }}、{{ description }}、{{ order }}"
    )]
    pub refused: BTreeMap<String, Template>,
    /// The customer called it off.
    #[schemars(description = "顾客取消时的话")]
    pub cancelled: Template,
    /// The dialogue ran out.
    #[schemars(description = "等太久作废后，顾客再说话时的话")]
    pub expired: Template,
    /// Not understood while choosing.
    #[schemars(description = "选择时没看懂：{{ count }} 选项个数")]
    pub unclear_choice: Template,
    /// Not understood while confirming.
    #[schemars(description = "确认时没看懂：{{ label }}、{{ amount }}、{{ description }}")]
    pub unclear_confirm: Template,
    /// Nobody knows how it ended: a person looks at it.
    #[schemars(
        description = "一直没有回音、转人工核实时的话：{{ label }}、{{ amount }}、{{ description }}、{{ order }}"
    )]
    pub unknown: Template,
    /// The notice that carries the outcome when no window is open.
    #[serde(default)]
    #[schemars(
        description = "客户没有打开的对话窗口时，用 notices.toml 里的哪一种通知告诉他结果；不写就等他下次来再说"
    )]
    pub notice: Option<NoticeKey>,
    /// How the latest order stands, for customers who ask or confirm twice.
    #[schemars(description = "顾客问起最近一笔订单，或者重复确认时的话")]
    pub standing: Standing,
    /// The list of choices as everybody reads it.
    #[serde(skip)]
    shown: Filled,
}

/// Something that can be bought.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "一个可以办理的项目")]
pub struct Choice {
    /// How the business system calls it.
    #[schemars(description = "业务系统里的产品代码")]
    pub code: String,
    /// What the customer reads.
    #[schemars(description = "顾客看到的名称")]
    pub label: String,
    /// Its price in fen.
    #[schemars(description = "价格，单位：分（2000 就是 20.00 元）")]
    pub amount_fen: i64,
    /// What it is, in a few words.
    #[serde(default)]
    #[schemars(description = "一句话说明")]
    pub description: String,
}

/// How an order stands.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "最近一笔订单的进展")]
pub struct Standing {
    /// Not answered yet.
    #[schemars(description = "正在办理：{{ label }}、{{ amount }}、{{ order }}")]
    pub placed: Template,
    /// Done.
    #[schemars(description = "已经办好：{{ label }}、{{ amount }}、{{ order }}")]
    pub done: Template,
    /// Refused.
    #[schemars(description = "没有办成：{{ label }}、{{ amount }}、{{ order }}")]
    pub refused: Template,
    /// A person looks at it.
    #[schemars(description = "人工核实中：{{ label }}、{{ amount }}、{{ order }}")]
    pub unknown: Template,
}

/// What is remembered of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The order number.
    pub order: String,
    /// What was bought, as the customer read it.
    pub label: String,
    /// Amount in fen.
    pub amount_fen: i64,
    /// When it was placed.
    pub at: UnixSecs,
    /// How it stands.
    pub outcome: OrderOutcome,
}

/// So many orders are remembered of a customer.
const MAX_MARKS: usize = 5;
/// The key of [`Order::refused`] for codes it does not name.
const DEFAULT: &str = "default";

fn an_hour() -> u32 {
    3600
}

impl ActionKind for Order {
    fn prepared(self) -> Self {
        Self { shown: Filled::of(&self.list()), ..self }
    }

    fn texts<'a>(&'a self, fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        const CHOICE: &[&str] = &["label", "amount", "description"];
        const PLACED: &[&str] = &["label", "amount", "description", "order"];
        const STANDING: &[&str] = &["label", "amount", "order"];
        let text = TextField::new;
        let mut receipt = text("receipt", &self.receipt, PLACED);
        receipt.allowed.extend(fields(&self.connector));
        let refused = self.refused.iter().map(|(code, template)| text(&format!("refused.{code}"), template, PLACED));
        [
            text("choose", &self.choose, &[]),
            text("item", &self.item, &["number", "label", "amount", "description"]),
            text("choose_end", &self.choose_end, &[]),
            text("confirm", &self.confirm, CHOICE),
            text("placed", &self.placed, PLACED),
            receipt,
            text("cancelled", &self.cancelled, &[]),
            text("expired", &self.expired, &[]),
            text("unclear_choice", &self.unclear_choice, &["count"]),
            text("unclear_confirm", &self.unclear_confirm, CHOICE),
            text("unknown", &self.unknown, PLACED),
            text("standing.placed", &self.standing.placed, STANDING),
            text("standing.done", &self.standing.done, STANDING),
            text("standing.refused", &self.standing.refused, STANDING),
            text("standing.unknown", &self.standing.unknown, STANDING),
        ]
        .into_iter()
        .chain(refused)
        .collect()
    }

    fn composed(&self) -> Vec<Composed<'_>> {
        let list = Composed {
            what: "选项列表（choose、每个选项一行 item、choose_end）".into(), parts: self.list()
        };
        let longest = self.choices.iter().max_by_key(|choice| choice.label.len() + choice.description.len());
        let about_one = longest.into_iter().flat_map(|choice| {
            let values = choice.with_longest_number();
            let fixed = [
                ("confirm", &self.confirm),
                ("unclear_confirm", &self.unclear_confirm),
                ("placed", &self.placed),
                ("receipt", &self.receipt),
                ("unknown", &self.unknown),
            ];
            let refused = self.refused.iter().map(|(code, template)| (format!("refused.{code}"), template));
            let texts = fixed.into_iter().map(|(field, template)| (field.to_owned(), template)).chain(refused);
            texts.map(move |(field, template)| Composed {
                what: format!("{field} 填上最长的选项"),
                parts: vec![(template, values.clone())],
            })
        });
        std::iter::once(list).chain(about_one).collect()
    }

    fn connectors(&self) -> Vec<(&ConnectorKey, Stakes)> {
        vec![(&self.connector, Stakes::Value)]
    }

    fn question_values(&self) -> BTreeSet<String> {
        ["code", "amount_fen", "order"].map(str::to_owned).into()
    }

    fn noticed(&self) -> Option<(&NoticeKey, Vec<Values>)> {
        Some((self.notice.as_ref()?, self.choices.iter().map(Choice::with_longest_number).collect()))
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |field: String, cause: &str, mend: &str| {
            faults.push(Fault { field, cause: cause.to_owned(), mend: mend.to_owned() });
        };
        if !(1..=9).contains(&self.choices.len()) {
            fault("choices".into(), "选项要有 1 到 9 个", "增减选项；更多的产品请分成几个动作");
        }
        for (index, choice) in self.choices.iter().enumerate() {
            let field = |name: &str| format!("choices[{index}].{name}");
            let others = || self.choices.iter().take(index);
            if choice.amount_fen <= 0 {
                fault(field("amount_fen"), "价格必须大于 0", "写上以分为单位的价格，20 元写 2000");
            }
            if choice.code.trim().is_empty() || others().any(|other| other.code == choice.code) {
                fault(field("code"), "产品代码为空，或者和前面的重复", "每个选项写一个业务系统认得的、不重复的代码");
            }
            if choice.label.trim().is_empty() || others().any(|other| words::same(&other.label, &choice.label)) {
                fault(field("label"), "名称为空，或者和前面的重复", "每个选项写一个不重复的名称");
            }
            if words::number(&choice.label).is_some() || words::number(&choice.code).is_some() {
                fault(field("label"), "名称或代码是一个数字，会和序号混淆", "在数字前后加上文字，例如“10 元包”");
            }
        }
        for (field, secs) in [("expires_secs", self.expires_secs), ("settle_secs", self.settle_secs)] {
            if !(60..=86_400).contains(&secs) {
                fault(field.into(), "秒数超出范围", "写 60 到 86400 之间的数");
            }
        }
        if !self.refused.contains_key(DEFAULT) {
            fault("refused".into(), "没有写 default", "加上 default = \"…\"，回答没有单独列出的拒绝代码");
        }
        faults
    }

    fn claim(&self, dialogue: &Dialogue, words: &str) -> Claim {
        Claim::meant(self.read(dialogue, words).is_some())
    }

    fn interrupted(&self, mut dialogue: Dialogue) -> Dialogue {
        if dialogue.step == steps::CONFIRM {
            dialogue.step = steps::CONFIRM_EXPRESSLY.to_owned();
        }
        dialogue
    }

    fn expired(&self, dialogue: &Dialogue) -> Option<&Template> {
        // Once an order is placed there is nothing left that could run out.
        (dialogue.step != steps::PLACED).then_some(&self.expired)
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

impl Order {
    fn pick(&self, words: &str) -> Pick {
        words::pick(words, self.entries())
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.choices.iter().map(|choice| (choice.code.as_str(), choice.label.as_str()))
    }
}

impl Choice {
    /// What its texts may use.
    fn values(&self) -> Values {
        Values::from([
            ("label".to_owned(), Value::from(self.label.as_str())),
            ("amount".to_owned(), Value::Fen(self.amount_fen)),
            ("description".to_owned(), Value::from(self.description.as_str())),
        ])
    }

    /// The same with an order number: it has 26 digits.
    fn with_longest_number(&self) -> Values {
        let mut values = self.values();
        values.insert("order".to_owned(), Value::from("0".repeat(26)));
        values
    }
}

/// The orders an action remembers of this customer, oldest first.
fn marks(view: &View<'_>) -> Vec<Mark> {
    match view.customer.memory.get(view.action) {
        Some(Memory::Orders(marks)) => marks.clone(),
        _ => Vec::new(),
    }
}

/// The marks with this one in place of what was known of the same order.
fn with_mark(mut marks: Vec<Mark>, mark: Mark) -> Memory {
    match marks.iter_mut().find(|known| known.order == mark.order) {
        Some(known) => *known = mark,
        None => marks.push(mark),
    }
    let surplus = marks.len().saturating_sub(MAX_MARKS);
    marks.drain(..surplus);
    Memory::Orders(marks)
}
