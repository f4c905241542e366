//! Notices: what can carry the outcome of an order to a customer whom no customer-service message reaches. Each may be a
//! subscription notice, a template message, or both (platform.md 4.10, 4.11).

mod fields;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use fields::{Misfit, fits, is_typed};

use super::fact::OrderOutcome;
use super::ids::{AccountId, NoticeKey, TemplateId};
use super::reach::{By, Carrier, Term};
use super::template::Template;
use super::time::UnixSecs;
use super::value::{Value, Values};

/// What the fields of a notice may use.
pub const PLACEHOLDERS: [&str; 6] = ["label", "amount", "description", "order", "state", "time"];

/// A notice as an operator writes it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "一种通知：可以用订阅通知，也可以用模板消息，两样都写时先用客户同意过的订阅通知")]
pub struct Notice {
    /// The words for how an order stands.
    #[schemars(description = "{{ state }} 填什么字")]
    pub states: States,
    /// Where a tap leads; nowhere when empty. A path is on this server, and `{{ order }}` in it is the order's number.
    #[serde(default)]
    #[schemars(
        description = "点通知打开的网页，https:// 开头；/ 开头是本服务的网页，其中 {{ order }} 填订单号：/orders/~/{{ order }} 就是这笔订单的网页；不写就点不开"
    )]
    pub link: String,
    /// As a subscription notice, for customers who agreed to one.
    #[serde(default)]
    #[schemars(description = "订阅通知：客户同意一次才能发一条")]
    pub subscription: Option<Form>,
    /// As a template message, for followers.
    #[serde(default)]
    #[schemars(description = "模板消息：只发给关注着的客户")]
    pub template: Option<Form>,
}

/// How an order stands, in the words of a notice.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "订单结果的说法")]
pub struct States {
    /// Done.
    #[schemars(description = "办成了")]
    pub done: String,
    /// Refused.
    #[schemars(description = "没有办成")]
    pub refused: String,
    /// Nobody knows yet: a person looks at it.
    #[schemars(description = "结果还不确定，人工核实中")]
    pub unknown: String,
}

/// A template of the platform, and what fills it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "平台上的一个模板，和填进去的内容")]
pub struct Form {
    /// The template's id, which differs from account to account. An account without one does not use this way.
    #[serde(default)]
    #[schemars(description = "模板 ID，每个账号各有各的：{ 账号名称 = \"模板 ID\" }；没写的账号不用这种通知")]
    pub ids: BTreeMap<AccountId, TemplateId>,
    /// How long a consent lasts; only of a subscription notice, and once unless it is said.
    #[serde(default)]
    #[schemars(description = "只用于订阅通知：once 同意一次发一条（默认），lasting 长期订阅")]
    pub term: Option<Term>,
    /// What fills the template, by its own keys.
    #[schemars(
        description = "每个字段填什么，左边是模板的字段名（thing1、amount2）。可用 {{ label }} 名称、{{ amount }} 金额（元）、{{ description }} 说明、{{ order }} 订单号、{{ state }} 结果、{{ time }} 时间"
    )]
    pub fields: BTreeMap<String, Template>,
}

/// The outcome of an order, to be carried by a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// By which.
    pub key: NoticeKey,
    /// How the order ended.
    pub outcome: OrderOutcome,
    /// What it was: `label`, `amount`, `description`, `order`.
    pub values: Values,
}

impl Notice {
    /// Both ways of it, the one to be preferred first.
    pub fn forms(&self) -> impl Iterator<Item = (&'static str, By, &Form)> {
        let subscription = self.subscription.iter().map(|form| {
            let by = By::Subscription(form.term.unwrap_or(Term::Once));
            ("subscription", by, form)
        });
        subscription.chain(self.template.iter().map(|form| ("template", By::Template, form)))
    }

    /// What the fields may use for such an outcome, known at `now`.
    pub fn values(&self, outcome: OrderOutcome, order: &Values, now: UnixSecs) -> Values {
        let mut values = order.clone();
        values.insert("state".to_owned(), Value::from(self.states.of(outcome)));
        values.insert("time".to_owned(), Value::from(now.to_minutes()));
        values
    }

    /// The templates of `account` that can carry an outcome, filled; and why one that should could not be.
    pub fn carriers(&self, account: &AccountId, (of, now): (&Noticed, UnixSecs)) -> (Vec<Carrier>, Vec<String>) {
        let values = self.values(of.outcome, &of.values, now);
        let number = values.get("order").map(ToString::to_string).unwrap_or_default();
        let link =
            if self.link.starts_with('/') { self.link.replace("{{ order }}", &number) } else { self.link.clone() };
        let (mut carriers, mut faults) = (Vec::new(), Vec::new());
        for (way, by, form) in self.forms() {
            let Some(template) = form.ids.get(account) else { continue };
            match form.filled(&values) {
                Ok(fields) => {
                    carriers.push(Carrier { template: template.clone(), by, fields, link: link.clone() });
                }
                Err(fault) => faults.push(format!("通知 {}.{way}.fields.{fault}", of.key)),
            }
        }
        (carriers, faults)
    }
}

impl Form {
    /// Its fields, filled so that the platform takes them; else the field and what is wrong with it.
    pub fn filled(&self, values: &Values) -> Result<BTreeMap<String, String>, String> {
        let field = |(key, template): (&String, &Template)| {
            let text = template.fill(values).map_err(|fault| format!("{key} 填不出来：{fault}"))?;
            let text = text.trim().to_owned();
            fits(key, &text).map_err(|misfit| format!("{key} 不合要求：{misfit}"))?;
            Ok((key.clone(), text))
        };
        self.fields.iter().map(field).collect()
    }
}

impl States {
    /// The words for an outcome. One that is only placed is not told by a notice.
    pub fn of(&self, outcome: OrderOutcome) -> &str {
        match outcome {
            OrderOutcome::Done => &self.done,
            OrderOutcome::Refused => &self.refused,
            OrderOutcome::Placed | OrderOutcome::Unknown => &self.unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: &str = r#"
        link = "https://example.com/orders"
        states = { done = "已办好", refused = "没有办成", unknown = "核实中" }
        [subscription]
        ids = { demo = "S" }
        fields = { thing1 = "{{ label }}", phrase2 = "{{ state }}" }
        [template]
        ids = { demo = "T", shop = "T2" }
        fields = { thing1 = "{{ label }} {{ description }}", amount2 = "{{ amount }}元", time3 = "{{ time }}", character_string4 = "{{ order }}" }
    "#;
    const NOON: UnixSecs = UnixSecs(1_772_424_000); // 2026-03-02 12:00 in +08:00

    fn notice(from: &str, to: &str) -> Notice {
        assert!(NOTICE.contains(from), "{from}");
        toml::from_str(&NOTICE.replacen(from, to, 1)).unwrap()
    }

    fn noticed() -> Noticed {
        let values = [
            ("label", Value::from("5GB 流量月包")),
            ("amount", Value::Fen(2000)),
            ("description", Value::from("用到月底")),
            ("order", Value::from("20260302123456789012345678")),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value)).into();
        Noticed { key: "n".into(), outcome: OrderOutcome::Refused, values }
    }

    #[test]
    fn an_account_is_given_its_own_templates_filled_the_subscription_first() {
        let (carriers, faults) = notice("", "").carriers(&"demo".into(), (&noticed(), NOON));
        assert_eq!(faults, Vec::<String>::new());
        let told: Vec<_> = carriers.iter().map(|it| (it.template.as_str(), it.by, it.link.as_str())).collect();
        let link = "https://example.com/orders";
        assert_eq!(told, [("S", By::Subscription(Term::Once), link), ("T", By::Template, link)]);
        let here = notice("https://example.com/orders", "/orders/~/{{ order }}");
        let (carriers, _) = here.carriers(&"demo".into(), (&noticed(), NOON));
        assert!(carriers.iter().all(|it| it.link == "/orders/~/20260302123456789012345678"), "{carriers:?}");
        let (carriers, _) = notice("", "").carriers(&"demo".into(), (&noticed(), NOON));
        let fields = |of: &Carrier| of.fields.values().cloned().collect::<Vec<_>>();
        assert_eq!(fields(&carriers[0]), ["没有办成", "5GB 流量月包"]);
        let all = ["20.00元", "20260302123456789012345678", "5GB 流量月包 用到月底", "2026-03-02 12:00"];
        assert_eq!(fields(&carriers[1]), all);
        let (carriers, _) = notice("", "").carriers(&"shop".into(), (&noticed(), NOON));
        assert_eq!(carriers.len(), 1, "no template of its own for the other");
        assert_eq!(notice("", "").carriers(&"other".into(), (&noticed(), NOON)).0, []);
    }

    #[test]
    fn a_way_that_cannot_be_filled_is_left_out_and_told() {
        for (from, to, told) in [
            ("phrase2 = \"{{ state }}\"", "phrase2 = \"{{ label }}\"", "通知 n.subscription.fields.phrase2 不合要求"),
            ("{{ label }}\", phrase2", "{{ nobody }}\", phrase2", "通知 n.subscription.fields.thing1 填不出来"),
        ] {
            let (carriers, faults) = notice(from, to).carriers(&"demo".into(), (&noticed(), NOON));
            assert_eq!(carriers.iter().map(|it| it.by).collect::<Vec<_>>(), [By::Template]);
            assert!(faults.len() == 1 && faults[0].starts_with(told), "{faults:?}");
        }
    }

    #[test]
    fn a_long_term_consent_is_said_to_be_one() {
        let lasting = notice("ids = { demo = \"S\" }", "ids = { demo = \"S\" }\nterm = \"lasting\"");
        let (carriers, _) = lasting.carriers(&"demo".into(), (&noticed(), NOON));
        assert_eq!(carriers[0].by, By::Subscription(Term::Lasting));
    }
}
