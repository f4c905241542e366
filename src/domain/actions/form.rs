//! `kind = "form"`: the customer answers one question after the other, sees what they answered, agrees, and it is handed
//! to the business system, or kept as a ticket.
//!
//! What was answered is kept with the action's memory, not with the dialogue: so a dialogue that ran out, or was left for
//! another one, can be gone on with days later. What is private in it is sealed where it is kept, and taken away by
//! work that falls due when the playbook says.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ActionKind, Claim, Composed, Fault, Given, Needs, Outcome, Stakes, TextField, View, words};
use crate::domain::customer::{Customer, Dialogue};
use crate::domain::form::{self, Step, claim_summary};
use crate::domain::ids::{ConnectorKey, PoolKey};
use crate::domain::question::Answer;
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::value::Values;

mod after;
mod check;
mod end;
mod kept;
mod plan;
mod send;
mod show;
#[cfg(test)]
mod tests;
mod turn;

pub use after::decision;
pub(super) use end::{answered, is_left_by_form, is_of_form};
pub use kept::{Draft, Hold, Kept, Sent, kept_of, remember};

/// Settings of a `form` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "一步一步填的表单：逐项询问、核对、汇总确认，再交给业务系统，或者留下编号由人处理")]
pub struct Form {
    /// What is asked, in this order.
    #[schemars(description = "按顺序问的步骤，1 到 20 个")]
    pub steps: Vec<Step>,
    /// The connector that takes it; it needs an idempotency header. Without one it is a ticket.
    #[serde(default)]
    #[schemars(
        description = "交给哪个连接器，必须配置 idempotency_header；可用 {{ number }} 申请编号和各步的 {{ 名称 }}。不写就留下编号由人处理"
    )]
    pub connector: Option<ConnectorKey>,
    /// The pool of alike goods that one is taken from.
    #[serde(default)]
    #[schemars(description = "每办一笔要占用一份的库存，pools.toml 里的名称")]
    pub stock: Option<PoolKey>,
    /// Whether what can be said is tapped.
    #[serde(default)]
    #[schemars(
        description = "选项能不能点：true 时选项名称自动变成可以点的链接（不用写 tap），作为客服消息发出时变成可以点的菜单。回序号、回名称照样可以；点了以前的选项，什么也不会选"
    )]
    pub taps: bool,
    /// How long a dialogue waits for the next words, in seconds: 60 to 86400.
    #[schemars(description = "等客户回复多少秒（60 到 86400）；过了再来，先问要不要接着填")]
    pub expires_secs: u32,
    /// For how many days an unfinished form can be gone on with: 0 to 30.
    #[serde(default = "a_week")]
    #[schemars(description = "没填完的保留多少天（0 到 30），默认 7 天；过了就清除")]
    pub resume_days: u16,
    /// For how many days answers are kept after they were handed in: 0 to 365.
    #[serde(default)]
    #[schemars(description = "提交以后填写内容保留多少天（0 到 365），默认 0：交出去就清除；由人处理的至少 1 天")]
    pub keep_days: u16,
    /// For how long one without an answer is asked about again, in seconds: 60 to 86400.
    #[serde(default = "an_hour")]
    #[schemars(description = "业务系统没有回音时，用同一个编号继续问多少秒（60 到 86400），之后转人工核实")]
    pub settle_secs: u32,
    /// What is said.
    pub texts: Texts,
}

/// What a `form` action says.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "话术。各步的 {{ 名称 }} 是客户填的内容，个人信息会遮住")]
pub struct Texts {
    /// A line of what can be chosen.
    #[schemars(description = "选项的一行：{{ place }} 序号、{{ label }} 名称；写成 {{ tap(label) }} 客户可以点")]
    pub item: Template,
    /// Under a question that was answered before.
    #[schemars(description = "回到填过的一步时加的话：{{ value }} 上次填的")]
    pub keep: Template,
    /// There is nothing before the first step.
    #[schemars(description = "已经是第一步")]
    pub first: Template,
    /// No answer.
    #[schemars(description = "回答不对时的话：{{ label }} 名目、{{ reason }} 原因")]
    pub wrong: Template,
    /// Why it is none, by what is wrong; `default` for every other.
    #[schemars(description = "原因怎么说，按原因写；必须有 default")]
    pub reasons: BTreeMap<String, String>,
    /// No answer three times in a row.
    #[schemars(description = "连着三次不对：{{ label }}；要写明怎么取消，最好给出人工")]
    pub stuck: Template,
    /// Above the summary.
    #[schemars(description = "汇总前的话")]
    pub summary: Template,
    /// A line of it.
    #[schemars(description = "汇总的一行：{{ place }} 序号、{{ label }} 名目、{{ value }} 内容（个人信息会遮住）")]
    pub line: Template,
    /// Below it.
    #[schemars(description = "汇总后的话：怎么确认、怎么改（改 2）、怎么取消")]
    pub summary_end: Template,
    /// Not understood at the summary.
    #[schemars(description = "汇总时没看懂；要写明怎么取消")]
    pub unclear: Template,
    /// The customer called it off.
    #[schemars(description = "客户取消时的话")]
    pub cancelled: Template,
    /// The dialogue ran out.
    #[schemars(description = "保留的时间也过了，客户再说话时的话")]
    pub expired: Template,
    /// Offers to go on.
    #[schemars(description = "上次没填完：{{ label }} 填到哪一项；请客户说“继续”或“重新填”")]
    pub resume: Template,
    /// Asks again after something else.
    #[schemars(description = "中途回答了别的以后，接一句：{{ label }} 正在填的名目")]
    pub again: Template,
    /// Asks to agree after something else.
    #[schemars(description = "确认前回答了别的以后，接一句")]
    pub again_summary: Template,
    /// Said while the answer is not there.
    #[schemars(description = "交出去了、还没有答复：{{ number }} 编号，以及各步的 {{ 名称 }}")]
    pub sending: Template,
    /// Done.
    #[schemars(description = "办好了，或者已受理：{{ number }}、各步的 {{ 名称 }}，以及连接器的全部字段")]
    pub done: Template,
    /// Refused, by the business system's code; `default` for every other code.
    #[serde(default)]
    #[schemars(
        description = "业务系统拒绝时的话，按拒绝代码写；有 connector 就必须有 default。可用 {{ number }} 和各步的 {{ 名称 }}"
    )]
    pub refused: BTreeMap<String, Template>,
    /// Nobody knows how it ended.
    #[schemars(description = "一直没有回音、转人工核实：{{ number }} 和各步的 {{ 名称 }}")]
    pub unknown: Template,
    /// Somebody was quicker.
    #[serde(default)]
    #[schemars(description = "选的刚被别人选走；用到池子就要写")]
    pub taken: Option<Template>,
    /// What was held is free again.
    #[serde(default)]
    #[schemars(description = "保留时间过了、已经放回去时的话，后面接着列出还有哪些；不写就用 taken")]
    pub lapsed: Option<Template>,
    /// There is none left.
    #[serde(default)]
    #[schemars(description = "一个也不剩了；用到池子就要写")]
    pub empty: Option<Template>,
    /// It cannot be known now.
    #[serde(default)]
    #[schemars(description = "暂时查不到还有哪些；用到池子就要写")]
    pub unavailable: Option<Template>,
    /// How the latest one stands, for customers who ask.
    pub standing: Standing,
}

/// How one that was handed in stands.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "最近一次提交的进展")]
pub struct Standing {
    /// Not answered yet.
    #[schemars(description = "正在办理：{{ number }}")]
    pub placed: Template,
    /// Done.
    #[schemars(description = "已经办好或受理：{{ number }}")]
    pub done: Template,
    /// Refused.
    #[schemars(description = "没有办成：{{ number }}")]
    pub refused: Template,
    /// A person looks at it.
    #[schemars(description = "人工核实中：{{ number }}")]
    pub unknown: Template,
}

/// The key of [`Texts::refused`] and [`Texts::reasons`] for what they do not name.
const DEFAULT: &str = "default";
/// Steps of the dialogue that are none of the operator's: no step's name begins so.
const SUMMARY: &str = "@summary";
/// As [`SUMMARY`], but something else was said since: a mere "好的" may be about that.
const SUMMARY_EXPRESSLY: &str = "@summary!";
const RESUME: &str = "@resume";
const SENT: &str = "@sent";

fn a_week() -> u16 {
    7
}

fn an_hour() -> u32 {
    3600
}

impl ActionKind for Form {
    fn prepared(mut self) -> Self {
        if self.taps {
            self.texts.item = self.texts.item.tapping("label");
        }
        self
    }

    fn texts<'a>(&'a self, fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        check::texts(self, fields)
    }

    fn composed(&self) -> Vec<Composed<'_>> {
        check::composed(self)
    }

    fn connectors(&self) -> Vec<(&ConnectorKey, Stakes)> {
        // Handed in twice, it would be done twice.
        self.connector.iter().map(|key| (key, Stakes::Value)).collect()
    }

    fn pools(&self) -> Vec<&PoolKey> {
        self.steps.iter().filter_map(Step::pool).chain(&self.stock).collect()
    }

    fn question_values(&self) -> BTreeSet<String> {
        self.steps.iter().map(|step| step.name.clone()).chain(["number".to_owned()]).collect()
    }

    fn faults(&self) -> Vec<Fault> {
        check::faults(self)
    }

    fn claim(&self, dialogue: &Dialogue, said: &str) -> Claim {
        match dialogue.step.as_str() {
            SUMMARY | SUMMARY_EXPRESSLY => claim_summary(said),
            RESUME => Claim::meant(form::is_resume(said) || form::is_restart(said) || form::is_cancel(said)),
            SENT => Claim::meant(words::is_yes(said) || words::is_no(said) || words::asks_standing(said)),
            name => match self.steps.iter().find(|step| step.name == name) {
                Some(step) => step.claim(said, &show::offered(dialogue)),
                None => Claim::Otherwise,
            },
        }
    }

    fn interrupted(&self, mut dialogue: Dialogue) -> Dialogue {
        if dialogue.step == SUMMARY {
            dialogue.step = SUMMARY_EXPRESSLY.to_owned();
        }
        dialogue
    }

    fn comes_back(&self, view: &View<'_>, dialogue: &Dialogue) -> Option<Outcome> {
        self.come_back(view, dialogue)
    }

    fn expired(&self, dialogue: &Dialogue) -> Option<&Template> {
        (dialogue.step != SENT).then_some(&self.texts.expired)
    }

    fn taps(&self) -> bool {
        self.taps
    }

    fn place(&self, customer: &Customer, dialogue: &Dialogue) -> String {
        show::place(customer, dialogue)
    }

    fn asks_again(&self, view: &View<'_>, dialogue: &Dialogue) -> Reply {
        self.ask_again(view, dialogue)
    }

    fn needs(&self, view: &View<'_>) -> Needs {
        Needs { question: self.plan(view).wish(self, view), ..Needs::default() }
    }

    fn decide(&self, view: &View<'_>, given: &Given) -> Outcome {
        self.take_turn(view, given)
    }

    fn resume(&self, view: &View<'_>, memo: &Values, answer: &Answer) -> Outcome {
        answered(Some(self), view, memo, Some(answer))
    }

    fn abandon(&self, view: &View<'_>, memo: &Values) -> Outcome {
        answered(Some(self), view, memo, None)
    }
}
