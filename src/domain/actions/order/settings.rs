//! What an operator writes of an `order` action.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::details::Details;
use super::super::list::Filled;
use crate::domain::ids::{ConnectorKey, NoticeKey};
use crate::domain::pay::Fen;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

/// Settings of an `order` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "办理：选择、确认、下单扣费、回执")]
pub struct Order {
    /// The connector that places the order.
    #[schemars(
        description = "下单用的连接器：要有 idempotency_header（重复请求只办理一次）；业务系统不去重的写 idempotent = false，结果不明时只查不重发"
    )]
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
    /// Whether what can be said is tapped.
    #[serde(default)]
    #[schemars(
        description = "选项能不能点：true 时列表里的名称自动变成可以点的链接（不用写 tap），作为客服消息发出时变成可以点的菜单。回序号、回名称照样可以；点了以前的选项，什么也不会选"
    )]
    pub taps: bool,
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
    /// Who takes the money.
    #[serde(default)]
    #[schemars(
        description = "谁收钱：business 业务系统办理时自己扣费（默认）；wechat 先用微信支付付款，再办理；points 业务系统办理时扣积分，选项写 points，话术用 {{ points }}"
    )]
    pub pay: PaidBy,
    /// How long it can be paid, in seconds: 60 to 7200, since a prepay id is good for two hours.
    #[serde(default = "a_quarter_of_an_hour")]
    #[schemars(description = "只用于 pay = \"wechat\"：多少秒内可以付款（60 到 7200），默认 900")]
    pub pay_secs: u32,
    /// What is said about payment.
    #[serde(default)]
    #[schemars(description = "微信支付的话术；pay = \"wechat\" 时必须写")]
    pub paying: Option<Paying>,
    /// What is asked of the customer between the choice and the confirmation.
    #[serde(default)]
    #[schemars(
        description = "选好以后、确认之前还要顾客填的内容，例如收货人和地址；confirm、unclear_confirm 和连接器用 {{ 步骤名 }} 引用"
    )]
    pub details: Option<Details>,
    /// For so many days after its end an order keeps what was asked of the customer for it: 0 to 365.
    #[serde(default = "a_month_of_days")]
    #[schemars(description = "订单结束多少天后清除顾客为它填的资料（0 到 365），默认 30")]
    pub keep_details_days: u16,
    /// The list of choices as everybody reads it.
    #[serde(skip)]
    pub(super) shown: Filled,
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
    /// Its price in fen; none where points are taken.
    #[serde(default)]
    #[schemars(description = "价格，单位：分（2000 就是 20.00 元）；pay = \"points\" 时不写")]
    pub amount_fen: i64,
    /// Its price in points, where points are taken.
    #[serde(default)]
    #[schemars(description = "要多少积分；只用于 pay = \"points\"")]
    pub points: u32,
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

/// Who takes the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PaidBy {
    /// The business system, as it does what was bought.
    #[default]
    Business,
    /// WeChat Pay, before anything is done.
    Wechat,
    /// The business system, as it does what was bought, in points.
    Points,
}

/// What is said of an order that is paid by WeChat Pay.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "微信支付的话术。都可用 {{ label }}、{{ amount }}、{{ description }}、{{ order }}")]
pub struct Paying {
    /// It can be paid.
    #[schemars(
        description = "可以付款了：另有 {{ pay_url }} 付款页（写成 link(\"去付款\", pay_url)）、{{ until }} 最晚付款时间"
    )]
    pub payable: Template,
    /// It is being called off.
    #[schemars(description = "顾客取消没付款的订单，正在关闭")]
    pub closing: Template,
    /// The money is there.
    #[schemars(description = "收到付款，正在办理")]
    pub paid: Template,
    /// Not paid in time.
    #[schemars(description = "没有在时间内付款，订单作废，没有扣款")]
    pub unpaid: Template,
    /// Payment could not be begun.
    #[serde(default)]
    #[schemars(description = "付款开不了，订单作废，没有扣款；不写就用 unpaid")]
    pub unpayable: Option<Template>,
    /// The money is on its way back.
    #[schemars(description = "没有办成，钱正在退回")]
    pub refunding: Template,
    /// The money is back.
    #[schemars(description = "钱退回去了")]
    pub refunded: Template,
}

fn an_hour() -> u32 {
    3600
}

fn a_quarter_of_an_hour() -> u32 {
    900
}

fn a_month_of_days() -> u16 {
    30
}

impl Order {
    /// The choice that the business system calls so.
    pub(super) fn choice(&self, code: &str) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.code == code)
    }
}

/// A price in points, where there is one.
pub(super) fn points(points: u32) -> Option<(String, Value)> {
    (points > 0).then(|| ("points".to_owned(), Value::Integer(points.into())))
}

impl Choice {
    /// Its price.
    pub(super) fn amount(&self) -> Fen {
        Fen(self.amount_fen)
    }

    /// What its texts may use.
    pub(super) fn values(&self) -> Values {
        let mut values = Values::from([
            ("label".to_owned(), Value::from(self.label.as_str())),
            ("amount".to_owned(), Value::Fen(self.amount_fen)),
            ("description".to_owned(), Value::from(self.description.as_str())),
        ]);
        values.extend(points(self.points));
        values
    }

    /// The same with an order number: it has 26 digits.
    pub(super) fn with_longest_number(&self) -> Values {
        let mut values = self.values();
        values.insert("order".to_owned(), Value::from("0".repeat(26)));
        values
    }
}
