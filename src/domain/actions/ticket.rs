//! `kind = "ticket"`: the customer's next words are kept as a ticket with a number: a complaint, a suggestion.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::numbering::Origin;
use super::{ActionKind, Claim, Entry, Fault, Given, Outcome, TextField, View, words};
use crate::domain::customer::Dialogue;
use crate::domain::fact::FactKind;
use crate::domain::ids::ConnectorKey;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

/// Settings of a `ticket` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "收集反馈：顾客写一条消息，得到一个编号")]
pub struct Ticket {
    /// Asks for the words.
    #[schemars(description = "请顾客说说看")]
    pub prompt: Template,
    /// Kept, with its number.
    #[schemars(description = "收到了：{{ number }} 反馈编号")]
    pub thanks: Template,
    /// Too few words to act on.
    #[schemars(description = "太短时的话：{{ min_chars }}、{{ max_chars }}")]
    pub too_short: Template,
    /// More words than are kept.
    #[schemars(description = "太长时的话：{{ min_chars }}、{{ max_chars }}")]
    pub too_long: Template,
    /// The customer would rather not.
    #[schemars(description = "顾客取消时的话")]
    pub cancelled: Template,
    /// The dialogue ran out.
    #[schemars(description = "等太久作废后，顾客再说话时的话")]
    pub expired: Template,
    /// The fewest characters, 1 to 100.
    #[schemars(description = "最少几个字（1 到 100）")]
    pub min_chars: u16,
    /// The most characters, up to 600: a longer message is rare and the platform cuts it.
    #[schemars(description = "最多几个字（不超过 600）")]
    pub max_chars: u16,
    /// How long a dialogue waits for the words, in seconds: 60 to 86400.
    #[schemars(description = "等顾客回复多少秒，超过就作废（60 到 86400）")]
    pub expires_secs: u32,
}

impl ActionKind for Ticket {
    fn texts<'a>(&'a self, _fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        let text = TextField::new;
        const LIMITS: &[&str] = &["min_chars", "max_chars"];
        vec![
            text("prompt", &self.prompt, &[]),
            text("thanks", &self.thanks, &["number"]),
            text("too_short", &self.too_short, LIMITS),
            text("too_long", &self.too_long, LIMITS),
            text("cancelled", &self.cancelled, &[]),
            text("expired", &self.expired, &[]),
        ]
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, cause: &str, mend: &str| {
            faults.push(Fault { field: field.into(), cause: cause.into(), mend: mend.into() });
        };
        if !(1..=100).contains(&self.min_chars) {
            fault("min_chars", "字数超出范围", "写 1 到 100 之间的数");
        }
        if self.max_chars > 600 || self.max_chars <= self.min_chars {
            fault("max_chars", "字数超出范围，或者不比 min_chars 大", "写一个比 min_chars 大、不超过 600 的数");
        }
        if !(60..=86_400).contains(&self.expires_secs) {
            fault("expires_secs", "秒数超出范围", "写 60 到 86400 之间的数");
        }
        faults
    }

    fn claim(&self, _dialogue: &Dialogue, words: &str) -> Claim {
        // "好的" to the prompt is no ticket, and no reason to leave either.
        if words::is_no(words) || words::is_yes(words) { Claim::Meant } else { Claim::Any }
    }

    fn expired(&self, _dialogue: &Dialogue) -> Option<&Template> {
        Some(&self.expired)
    }

    fn decide(&self, view: &View<'_>, _given: &Given) -> Outcome {
        match view.entry {
            Entry::Opened { .. } => {
                let mut out = Outcome::default();
                out.reply = view.text(&mut out, &self.prompt, &Values::new());
                out.dialogue = Some(self.wait(view));
                out
            }
            Entry::Continued { words, .. } => self.hear(view, words),
        }
    }
}

impl Ticket {
    fn wait(&self, view: &View<'_>) -> Dialogue {
        Dialogue {
            action: view.action.clone(),
            step: "words".to_owned(),
            slots: Values::new(),
            expires: view.moment.now.plus_secs(i64::from(self.expires_secs)),
        }
    }

    fn hear(&self, view: &View<'_>, said: &str) -> Outcome {
        let mut out = Outcome::default();
        let text = said.trim();
        if words::is_no(text) {
            out.reply = view.text(&mut out, &self.cancelled, &Values::new());
            return out;
        }
        let chars = text.chars().count();
        let limit = match chars {
            // Characters that say something: "。。。。。" is no complaint anybody could act on.
            _ if words::bare(text).chars().count() < usize::from(self.min_chars) => Some(&self.too_short),
            _ if chars > usize::from(self.max_chars) => Some(&self.too_long),
            _ => None,
        };
        if let Some(template) = limit {
            let values = Values::from([
                ("min_chars".to_owned(), Value::Integer(i64::from(self.min_chars))),
                ("max_chars".to_owned(), Value::Integer(i64::from(self.max_chars))),
            ]);
            out.reply = view.text(&mut out, template, &values);
            out.dialogue = Some(self.wait(view));
            return out;
        }
        let (day, number) = Origin { action: view.action, key: view.moment.key, at: view.moment.at }.number("", 8);
        let number = format!("{day}-{number:08}");
        let values = Values::from([("number".to_owned(), Value::from(number.as_str()))]);
        out.reply = view.text(&mut out, &self.thanks, &values);
        out.facts.push(FactKind::TicketOpened { action: view.action.clone(), number, text: text.to_owned() });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::desk::{Desk, said};
    use super::*;

    fn ticket() -> Ticket {
        toml::from_str(
            r#"
            prompt = "请说"
            thanks = "收到，编号 {{ number }}"
            too_short = "至少 {{ min_chars }} 个字"
            too_long = "最多 {{ max_chars }} 个字"
            cancelled = "好的"
            expired = "太久了"
            min_chars = 4
            max_chars = 20
            expires_secs = 600
            "#,
        )
        .unwrap()
    }

    #[test]
    fn the_next_words_become_a_ticket_with_a_number() {
        let ticket = ticket();
        let mut desk = Desk::new(&ticket);
        assert_eq!(said(&desk.tap()), "请说");
        let out = desk.say("  昨天的信号 <b>很差\n");
        let [FactKind::TicketOpened { number, text, .. }] = out.facts.as_slice() else { panic!("{out:?}") };
        assert_eq!((said(&out), text.as_str()), (format!("收到，编号 {number}"), "昨天的信号 <b>很差"));
        assert!(number.starts_with("20260101-") && number.len() == 17 && out.dialogue.is_none(), "{number}");
    }

    #[test]
    fn the_number_is_the_same_when_decided_again_and_another_for_the_next() {
        let ticket = ticket();
        let mut desk = Desk::new(&ticket);
        let dialogue = desk.tap().dialogue.unwrap();
        let entry = Entry::Continued { dialogue: &dialogue, words: "信号很差啊" };
        assert_eq!(desk.decide(&entry), desk.decide(&entry));
        let first = desk.say("信号很差啊").facts;
        desk.tap();
        assert_ne!(desk.say("信号很差啊").facts, first);
    }

    #[test]
    fn too_little_and_too_much_are_asked_again() {
        let ticket = ticket();
        let mut desk = Desk::new(&ticket);
        desk.tap();
        for (words, text) in
            [("太慢", "至少 4 个字"), ("。。。。。。", "至少 4 个字"), (&"长".repeat(21), "最多 20 个字")]
        {
            let out = desk.say(words);
            assert_eq!((said(&out).as_str(), out.facts.len()), (text, 0), "{words}");
            assert!(out.dialogue.is_some());
        }
        assert_eq!(desk.say(&"长".repeat(20)).facts.len(), 1);
    }

    #[test]
    fn a_customer_may_leave() {
        let ticket = ticket();
        let mut desk = Desk::new(&ticket);
        desk.tap();
        let out = desk.say("算了吧");
        assert_eq!((said(&out).as_str(), out.dialogue, out.facts.len()), ("好的", None, 0));
    }

    #[test]
    fn any_words_are_taken_but_a_keyword_goes_first() {
        let ticket = ticket();
        let mut desk = Desk::new(&ticket);
        let dialogue = desk.tap().dialogue.unwrap();
        assert_eq!(ticket.claim(&dialogue, "取消"), Claim::Meant);
        assert_eq!(ticket.claim(&dialogue, "好的"), Claim::Meant);
        assert_eq!(ticket.claim(&dialogue, "查流量"), Claim::Any);
    }

    #[test]
    fn limits_that_cannot_work_are_named() {
        assert_eq!(ticket().faults(), []);
        let bad = Ticket { min_chars: 0, max_chars: 601, expires_secs: 1, ..ticket() };
        let fields: Vec<String> = bad.faults().into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["min_chars", "max_chars", "expires_secs"]);
    }
}
