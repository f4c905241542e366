//! `kind = "orders"`: the customer's own orders, the newest first, and how one of them stands.
//!
//! A list says each in a line; its number in the list, its name's last digits ("订单 1234") or "更多" lead on. Nothing is
//! asked of anybody: it tells what the record knows.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::list::{Lines, fill};
use super::words;
use super::{ActionKind, Claim, Composed, Entry, Fault, Given, Outcome, TextField, View};
use crate::domain::customer::{Customer, Dialogue};
use crate::domain::fold::fold;
use crate::domain::ids::{ConnectorKey, OrderNumber};
use crate::domain::order::{Order, State};
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

#[cfg(test)]
mod tests;

/// Words that ask for the next part of the list.
const MORE: &[&str] = &["更多", "更多订单", "下一页", "还有呢", "还有吗", "继续", "继续看", "more", "next"];
/// So many last digits people call an order by, and must give at least.
const TAIL_CHARS: usize = 4;
/// What a placeholder for an order may be called.
const OF_ONE: &[&str] = &["label", "amount", "price", "state", "order", "tail", "time", "page"];
const STEP: &str = "list";

/// Settings of an `orders` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "我的订单：列出顾客自己的订单，新的在前；回复序号或订单号后几位看一笔的进展")]
pub struct Orders {
    /// So many stand in one message, 1 to 8.
    #[serde(default = "five")]
    #[schemars(description = "一条消息列几笔，1 到 8，不写是 5")]
    pub page_size: u8,
    /// How long the list waits for a number of it, in seconds: 60 to 86400.
    #[schemars(description = "列表等顾客回复多少秒（60 到 86400）")]
    pub expires_secs: u32,
    /// Above the list.
    #[schemars(description = "列表前的话：{{ count }} 一共几笔")]
    pub header: Template,
    /// One line of it.
    #[schemars(
        description = "列表中的一行：{{ number }} 序号、{{ label }} 名称、{{ amount }} 金额（元）、{{ price }} 带单位的价格（元或积分）、{{ state }} 进展、{{ tail }} 订单号后四位、{{ time }} 最近变化的时间、{{ page }} 订单网页，写成 {{ link(\"看详情\", page) }}"
    )]
    pub item: Template,
    /// Below the list, when it is the end.
    #[schemars(description = "列完时，列表后的话")]
    pub footer: Template,
    /// Below the list, when there are more.
    #[schemars(description = "没列完时，列表后的话：{{ left }} 还有几笔；顾客回复“更多”接着看")]
    pub more: Template,
    /// There are none.
    #[schemars(description = "一笔订单也没有时的话")]
    pub empty: Template,
    /// None has this number.
    #[schemars(description = "没有顾客说的那笔订单：{{ asked }} 顾客说的号码")]
    pub missing: Template,
    /// How an order stands, in the words of a list.
    #[schemars(description = "列表里的进展，几个字，不能用占位符")]
    pub short: States,
    /// How an order stands, to whoever asks for it.
    #[schemars(
        description = "看一笔订单时的话：{{ label }}、{{ amount }}、{{ price }}、{{ state }}、{{ order }} 订单号、{{ tail }}、{{ time }}、{{ page }}"
    )]
    pub standing: States,
}

/// One text for each state of an order.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "订单的每一种进展")]
pub struct States {
    /// [`State::Confirmed`].
    #[schemars(description = "已确认，还没开始付款或办理")]
    pub confirmed: Template,
    /// [`State::AwaitingPayment`].
    #[schemars(description = "等顾客付款")]
    pub awaiting_payment: Template,
    /// [`State::Paid`].
    #[schemars(description = "已付款")]
    pub paid: Template,
    /// [`State::Fulfilling`].
    #[schemars(description = "业务系统正在办")]
    pub fulfilling: Template,
    /// [`State::Done`].
    #[schemars(description = "办好了")]
    pub done: Template,
    /// [`State::Failed`].
    #[schemars(description = "没有办成，也没有收钱")]
    pub failed: Template,
    /// [`State::Refunding`].
    #[schemars(description = "没有办成，正在退款")]
    pub refunding: Template,
    /// [`State::Refunded`].
    #[schemars(description = "已经退款")]
    pub refunded: Template,
    /// [`State::NeedsPerson`].
    #[schemars(description = "结果不确定，专人核对中")]
    pub needs_person: Template,
}

impl States {
    fn of(&self, state: State) -> &Template {
        match state {
            // Nobody has agreed to a draft: it is listed nowhere.
            State::Draft | State::Confirmed => &self.confirmed,
            State::AwaitingPayment => &self.awaiting_payment,
            State::Paid => &self.paid,
            State::Fulfilling => &self.fulfilling,
            State::Done => &self.done,
            State::Failed => &self.failed,
            State::Refunding => &self.refunding,
            State::Refunded => &self.refunded,
            State::NeedsPerson => &self.needs_person,
        }
    }

    /// All of them by the names an operator writes.
    fn named(&self) -> impl Iterator<Item = (&'static str, &Template)> {
        State::ALL.into_iter().filter(|state| *state != State::Draft).map(|state| (state.as_str(), self.of(state)))
    }
}

fn five() -> u8 {
    5
}

impl ActionKind for Orders {
    fn texts<'a>(&'a self, _fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        let text = TextField::new;
        let mut item = text("item", &self.item, OF_ONE);
        item.allowed.insert("number".to_owned());
        let short = self.short.named().map(|(state, template)| text(&format!("short.{state}"), template, &[]));
        let standing =
            self.standing.named().map(|(state, template)| text(&format!("standing.{state}"), template, OF_ONE));
        [
            text("header", &self.header, &["count"]),
            item,
            text("footer", &self.footer, &[]),
            text("more", &self.more, &["left"]),
            text("empty", &self.empty, &[]),
            text("missing", &self.missing, &["asked"]),
        ]
        .into_iter()
        .chain(short)
        .chain(standing)
        .collect()
    }

    fn composed(&self) -> Vec<Composed<'_>> {
        let longest = self.short.named().map(|(_, template)| template.source()).max_by_key(|text| text.len());
        let mut values = Values::from([
            ("label".to_owned(), Value::from("名".repeat(12))),
            ("amount".to_owned(), Value::Fen(999_999)),
            ("price".to_owned(), Value::from("9999.99 元")),
            ("state".to_owned(), Value::from(longest.unwrap_or_default())),
            ("order".to_owned(), Value::from("0".repeat(26))),
            ("tail".to_owned(), Value::from("0000")),
            ("time".to_owned(), Value::from("2026-01-01 00:00")),
            // As it leaves: the server's own address stands before it.
            ("page".to_owned(), Value::from(format!("https://service.example.com{}", page(&"0".repeat(26))))),
        ]);
        values.insert("number".to_owned(), Value::Integer(12));
        let ends = [("footer", &self.footer), ("more", &self.more)];
        let ends = ends.into_iter().map(|(field, end)| {
            let items = (0..self.page_size).map(|_| (&self.item, values.clone()));
            let around = |template| (template, Values::from([("left".to_owned(), Value::Integer(12))]));
            let parts = std::iter::once(around(&self.header)).chain(items).chain([around(end)]).collect();
            Composed { what: format!("订单列表（header、{} 行 item、{field}）", self.page_size), parts }
        });
        ends.collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, cause: &str, mend: &str| {
            faults.push(Fault { field: field.to_owned(), cause: cause.to_owned(), mend: mend.to_owned() });
        };
        if !(1..=8).contains(&self.page_size) {
            fault("page_size", "一条消息列不了这么多", "写 1 到 8");
        }
        if !(60..=86_400).contains(&self.expires_secs) {
            fault("expires_secs", "秒数超出范围", "写 60 到 86400 之间的数");
        }
        faults
    }

    fn claim(&self, dialogue: &Dialogue, words: &str) -> Claim {
        let listed = listed(dialogue);
        let is_listed = match words::number(words) {
            Some(number) if index(number).is_some_and(|index| index < listed.len()) => true,
            _ => tails(words).iter().any(|tail| listed.iter().any(|number| number.ends_with(tail.as_str()))),
        };
        match (is_listed || (is_more(words) && shown(dialogue) < listed.len()), words::number(words)) {
            (true, _) => Claim::Meant,
            // Perhaps a number of the list, perhaps a short code of the playbook.
            (false, Some(_)) => Claim::Any,
            (false, None) => Claim::Not,
        }
    }

    fn place(&self, _customer: &Customer, dialogue: &Dialogue) -> String {
        listed(dialogue).join(",")
    }

    fn decide(&self, view: &View<'_>, _given: &Given) -> Outcome {
        let mut newest: Vec<&Order> =
            view.customer.orders.all().rev().filter(|order| order.state() != State::Draft).collect();
        if newest.is_empty() {
            let mut out = Outcome::default();
            out.reply = view.text(&mut out, &self.empty, &Values::new());
            return out;
        }
        match view.entry {
            Entry::Opened { words } => match tails(words).first() {
                Some(asked) => {
                    newest.retain(|order| order.number.as_str().ends_with(asked.as_str()));
                    match newest.as_slice() {
                        [] => self.missing(view, asked),
                        [one] => self.tell(view, one),
                        _ => self.list(view, &newest, 0),
                    }
                }
                None => self.list(view, &newest, 0),
            },
            Entry::Continued { dialogue, words } => {
                let listed = listed(dialogue);
                let numbered = words::number(words).and_then(index).and_then(|index| listed.get(index));
                let tailed = || {
                    let tails = tails(words);
                    listed.iter().find(|number| tails.iter().any(|tail| number.ends_with(tail.as_str())))
                };
                let named = numbered
                    .or_else(tailed)
                    .and_then(|number| view.customer.orders.get(&OrderNumber::new(number.clone())));
                let mut out = match named {
                    Some(order) => self.tell(view, order),
                    None if is_more(words) => {
                        let kept: Vec<&Order> = listed
                            .iter()
                            .filter_map(|number| view.customer.orders.get(&OrderNumber::new(number.clone())))
                            .collect();
                        return self.list(view, &kept, shown(dialogue).min(kept.len()));
                    }
                    None => self.missing(view, words.trim()),
                };
                let expires = view.moment.now.plus_secs(i64::from(self.expires_secs));
                out.dialogue = Some(Dialogue { expires, ..(*dialogue).clone() });
                out
            }
        }
    }
}

impl Orders {
    /// The part of the list that begins at `from`.
    fn list(&self, view: &View<'_>, newest: &[&Order], from: usize) -> Outcome {
        let mut out = Outcome::default();
        let part: Vec<(usize, &Order)> =
            newest.iter().copied().enumerate().skip(from).take(usize::from(self.page_size)).collect();
        let end = from + part.len();
        let whole = |n: usize| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        let mut lines: Lines<'_> = Vec::new();
        if from == 0 {
            lines.push((&self.header, Values::from([("count".to_owned(), whole(newest.len()))])));
        }
        for (at, order) in part {
            let mut values = self.values(&mut out, order);
            values.insert("number".to_owned(), whole(at + 1));
            lines.push((&self.item, values));
        }
        match newest.len() - end {
            0 => lines.push((&self.footer, Values::new())),
            left => lines.push((&self.more, Values::from([("left".to_owned(), whole(left))]))),
        }
        out.reply = Reply::Text(fill(&mut out, lines));
        let numbers: Vec<&str> = newest.iter().map(|order| order.number.as_str()).collect();
        out.dialogue = Some(Dialogue {
            action: view.action.clone(),
            step: STEP.to_owned(),
            slots: Values::from([
                ("listed".to_owned(), Value::from(numbers.join(","))),
                ("shown".to_owned(), whole(end)),
            ]),
            expires: view.moment.now.plus_secs(i64::from(self.expires_secs)),
        });
        out
    }

    fn tell(&self, view: &View<'_>, order: &Order) -> Outcome {
        let mut out = Outcome::default();
        let values = self.values(&mut out, order);
        out.reply = view.text(&mut out, self.standing.of(order.state()), &values);
        out
    }

    fn missing(&self, view: &View<'_>, asked: &str) -> Outcome {
        let mut out = Outcome::default();
        let asked: String = asked.chars().take(32).collect();
        out.reply = view.text(&mut out, &self.missing, &Values::from([("asked".to_owned(), Value::from(asked))]));
        out
    }

    fn values(&self, out: &mut Outcome, order: &Order) -> Values {
        let number = order.number.as_str();
        let state = out.fill(self.short.of(order.state()), &Values::new());
        Values::from([
            ("label".to_owned(), Value::from(order.label.as_str())),
            ("amount".to_owned(), Value::Fen(order.amount.0)),
            ("price".to_owned(), Value::from(order.price())),
            ("state".to_owned(), Value::from(state)),
            ("order".to_owned(), Value::from(number)),
            ("tail".to_owned(), Value::from(number.get(number.len().saturating_sub(TAIL_CHARS)..).unwrap_or(number))),
            ("time".to_owned(), Value::from(order.moved_at.to_minutes())),
            ("page".to_owned(), Value::from(page(number))),
        ])
    }
}

/// Where an order's page is: a path, as the playbook and the store keep it (`Reply::reachable_at`).
pub fn page(number: &str) -> String {
    format!("/orders/~/{number}")
}

/// The orders of the list, newest first.
fn listed(dialogue: &Dialogue) -> Vec<String> {
    match dialogue.slots.get("listed") {
        Some(Value::Text(numbers)) => numbers.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// How many of them were shown.
fn shown(dialogue: &Dialogue) -> usize {
    match dialogue.slots.get("shown") {
        Some(Value::Integer(shown)) => usize::try_from(*shown).unwrap_or(0),
        _ => 0,
    }
}

fn index(number: u32) -> Option<usize> {
    usize::try_from(number).ok()?.checked_sub(1)
}

fn is_more(words: &str) -> bool {
    MORE.contains(&words::bare(words).as_str())
}

/// What in the words may be an order's number or the end of one: letters and digits, with a digit among them.
fn tails(words: &str) -> Vec<String> {
    let folded = fold(words);
    let runs = folded.split(|c: char| !c.is_ascii_alphanumeric());
    runs.filter(|run| run.len() >= TAIL_CHARS && run.bytes().any(|b| b.is_ascii_digit())).map(str::to_owned).collect()
}
