//! What the playbook's check asks of an `order` action: its texts, and rules between its fields.

use std::collections::BTreeSet;

use super::super::details::Details;
use super::super::{Composed, Fault, TextField, words};
use super::DEFAULT;
use super::settings::{Order, PaidBy, Paying};
use crate::domain::ids::ConnectorKey;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

/// An address may be so long; most answers are shorter.
const LONGEST_DETAIL_CHARS: usize = 60;
/// What texts and connectors use for something else.
const RESERVED: &[&str] =
    &["code", "label", "amount", "amount_fen", "points", "description", "order", "number", "count", "openid"];

impl Order {
    pub(super) fn all_texts<'a>(&'a self, fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        // What is taken is said, and nothing else.
        let price = if self.pay == PaidBy::Points { "points" } else { "amount" };
        let choice = &["label", price, "description"];
        let placed = &["label", price, "description", "order"];
        let standing = &["label", price, "order"];
        let text = TextField::new;
        let mut receipt = text("receipt", &self.receipt, placed);
        receipt.allowed.extend(fields(&self.connector));
        let refused = self.refused.iter().map(|(code, template)| text(&format!("refused.{code}"), template, placed));
        let mut confirms =
            [text("confirm", &self.confirm, choice), text("unclear_confirm", &self.unclear_confirm, choice)];
        for confirm in &mut confirms {
            confirm.allowed.extend(self.details.iter().flat_map(Details::names));
        }
        [
            text("choose", &self.choose, &[]),
            text("item", &self.item, &["number", "label", price, "description"]),
            text("choose_end", &self.choose_end, &[]),
            text("placed", &self.placed, placed),
            receipt,
            text("cancelled", &self.cancelled, &[]),
            text("expired", &self.expired, &[]),
            text("unclear_choice", &self.unclear_choice, &["count"]),
            text("unknown", &self.unknown, placed),
            text("standing.placed", &self.standing.placed, standing),
            text("standing.done", &self.standing.done, standing),
            text("standing.refused", &self.standing.refused, standing),
            text("standing.unknown", &self.standing.unknown, standing),
        ]
        .into_iter()
        .chain(confirms)
        .chain(refused)
        .chain(self.details.iter().flat_map(Details::texts))
        .chain(self.paying.iter().flat_map(Paying::texts))
        .collect()
    }

    pub(super) fn all_composed(&self) -> Vec<Composed<'_>> {
        let list = Composed {
            what: "选项列表（choose、每个选项一行 item、choose_end）".into(), parts: self.list()
        };
        let longest = self.choices.iter().max_by_key(|choice| choice.label.len() + choice.description.len());
        let about_one = longest.into_iter().flat_map(|choice| {
            let mut values = choice.with_longest_number();
            let told = self.details.iter().flat_map(Details::names);
            values.extend(told.map(|name| (name, Value::from("测".repeat(LONGEST_DETAIL_CHARS)))));
            let fixed = [
                ("confirm", &self.confirm),
                ("unclear_confirm", &self.unclear_confirm),
                ("placed", &self.placed),
                ("receipt", &self.receipt),
                ("unknown", &self.unknown),
            ];
            let refused = self.refused.iter().map(|(code, template)| (format!("refused.{code}"), template));
            let paying = self.paying.iter().flat_map(Paying::named);
            let paying = paying.map(|(name, template)| (format!("paying.{name}"), template));
            let texts = fixed.into_iter().map(|(field, template)| (field.to_owned(), template)).chain(refused);
            texts.chain(paying).map(move |(field, template)| Composed {
                what: format!("{field} 填上最长的选项"),
                parts: vec![(template, values.clone())],
            })
        });
        // Why it was not done, and that the money goes back, are said together.
        let both = self.refused.iter().zip(self.paying.iter().cycle()).map(|((code, refused), paying)| Composed {
            what: format!("refused.{code} 和 paying.refunding"),
            parts: vec![(refused, Values::new()), (&paying.refunding, Values::new())],
        });
        std::iter::once(list).chain(about_one).chain(both).collect()
    }

    pub(super) fn all_faults(&self) -> Vec<Fault> {
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
            match (self.pay, choice.points) {
                (PaidBy::Points, 0) => fault(field("points"), "没有写要多少积分", "加上 points = …，大于 0"),
                (PaidBy::Points, _) if choice.amount_fen != 0 => {
                    fault(field("amount_fen"), "扣积分的项目不能再写价格", "去掉 amount_fen，或者改用别的 pay");
                }
                (PaidBy::Points, _) => {}
                (_, 0) if choice.amount_fen <= 0 => {
                    fault(field("amount_fen"), "价格必须大于 0", "写上以分为单位的价格，20 元写 2000");
                }
                (_, 0) => {}
                (..) => fault(
                    field("points"),
                    "只有 pay = \"points\" 的项目能写积分",
                    "去掉 points，或者写 pay = \"points\"",
                ),
            }
            if choice.code.trim().is_empty() || others().any(|other| other.code == choice.code) {
                fault(field("code"), "产品代码为空，或者和前面的重复", "每个选项写一个业务系统认得的、不重复的代码");
            }
            if choice.label.trim().is_empty() || others().any(|other| words::same(&other.label, &choice.label)) {
                fault(field("label"), "名称为空，或者和前面的重复", "每个选项写一个不重复的名称");
            }
            if [&choice.label, &choice.code].into_iter().any(|word| words::is_of_dialogues(word)) {
                fault(field("label"), "这个词顾客用来确认、取消或返回，选不到它", "换一种说法，例如“确认礼包”");
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
        if !(60..=7_200).contains(&self.pay_secs) {
            fault("pay_secs".into(), "秒数超出范围", "写 60 到 7200 之间的数");
        }
        if self.keep_details_days > 365 {
            fault("keep_details_days".into(), "天数超出范围", "写 0 到 365 之间的数");
        }
        if self.pay == PaidBy::Wechat && self.paying.is_none() {
            fault(
                "paying".into(),
                "用微信支付收款，还没写付款的话术",
                "加上 [….paying]，写 payable、closing、paid、unpaid、refunding、refunded",
            );
        }
        if let Some(details) = &self.details {
            faults.extend(details.faults(RESERVED));
        }
        let mut fault = |field: String, cause: &str, mend: &str| {
            faults.push(Fault { field, cause: cause.to_owned(), mend: mend.to_owned() });
        };
        if !self.refused.contains_key(DEFAULT) {
            fault("refused".into(), "没有写 default", "加上 default = \"…\"，回答没有单独列出的拒绝代码");
        }
        faults
    }
}

impl Paying {
    /// Its texts by the names of their fields.
    fn named(&self) -> impl Iterator<Item = (&'static str, &Template)> {
        let all = [
            ("payable", &self.payable),
            ("closing", &self.closing),
            ("paid", &self.paid),
            ("unpaid", &self.unpaid),
            ("refunding", &self.refunding),
            ("refunded", &self.refunded),
        ];
        all.into_iter().chain(self.unpayable.iter().map(|template| ("unpayable", template)))
    }

    fn texts(&self) -> impl Iterator<Item = TextField<'_>> {
        self.named().map(|(name, template)| {
            let allowed: &[&str] = match name {
                "payable" => &["label", "amount", "description", "order", "pay_url", "until"],
                _ => &["label", "amount", "description", "order"],
            };
            TextField::new(&format!("paying.{name}"), template, allowed)
        })
    }
}
