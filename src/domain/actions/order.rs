//! `kind = "order"`: the customer chooses and confirms; the business system does it and charges them, or they pay by
//! WeChat Pay and then it is done.
//!
//! The order number is computed from the message that opened the dialogue and what was chosen, and is the idempotency
//! key. So the same order put again (a retry, a decision made again, our own state lost) is one order, and the question
//! may be asked until an answer is there. Nothing but a confirmation of exactly what was shown places an order. What
//! becomes of it then is judged by [`crate::domain::order`]; what leaves is outgoing work (`works`), whose answers come
//! back here (`answers`).

use std::collections::BTreeSet;

use super::details::Details;
use super::list::Filled;
use super::words::{self, Pick};
use super::{ActionKind, Claim, Composed, Entry, Fault, Given, Outcome, Stakes, TextField, View};
use crate::domain::customer::{Customer, Dialogue};
use crate::domain::ids::{ConnectorKey, NoticeKey};
use crate::domain::question::Answer;
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::value::Values;

mod answers;
mod course;
mod mark;
mod rules;
mod say;
mod settings;
mod talk;
#[cfg(test)]
mod tests;
mod told;
mod works;

pub(super) use answers::answered;
pub(super) use course::happen;
pub use mark::Mark;
pub use settings::{Choice, Order};
pub use works::{is_of_order, is_wanted};

/// The key of [`Order::refused`] for codes it does not name.
const DEFAULT: &str = "default";

impl ActionKind for Order {
    fn prepared(mut self) -> Self {
        if self.taps {
            self.item = self.item.tapping("label");
            self.details = self.details.map(Details::tapping);
        }
        Self { shown: Filled::of(&self.list()), ..self }
    }

    fn texts<'a>(&'a self, fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        self.all_texts(fields)
    }

    fn composed(&self) -> Vec<Composed<'_>> {
        self.all_composed()
    }

    fn connectors(&self) -> Vec<(&ConnectorKey, Stakes)> {
        vec![(&self.connector, Stakes::Value)]
    }

    fn takes_payments(&self) -> bool {
        self.pay == settings::PaidBy::Wechat
    }

    fn question_values(&self) -> BTreeSet<String> {
        let price = if self.pay == settings::PaidBy::Points { "points" } else { "amount_fen" };
        let own = ["code", price, "order"].map(str::to_owned);
        own.into_iter().chain(self.details.iter().flat_map(Details::names)).collect()
    }

    fn noticed(&self) -> Option<(&NoticeKey, Vec<Values>)> {
        Some((self.notice.as_ref()?, self.choices.iter().map(Choice::with_longest_number).collect()))
    }

    fn faults(&self) -> Vec<Fault> {
        self.all_faults()
    }

    fn claim(&self, dialogue: &Dialogue, words: &str) -> Claim {
        match &self.details {
            Some(details) if Details::is_at(dialogue) => details.claim(dialogue, words),
            // Whoever asks for their orders gets the list of them, where the playbook has one.
            _ if talk::asks_after_placing(dialogue, words) => Claim::Otherwise,
            _ => Claim::meant(self.read(dialogue, words).is_some()),
        }
    }

    fn interrupted(&self, mut dialogue: Dialogue) -> Dialogue {
        if dialogue.step == talk::CONFIRM {
            dialogue.step = talk::CONFIRM_EXPRESSLY.to_owned();
        }
        dialogue
    }

    fn expired(&self, dialogue: &Dialogue) -> Option<&Template> {
        // Once an order is placed there is nothing left that could run out.
        (dialogue.step != talk::PLACED).then_some(&self.expired)
    }

    fn taps(&self) -> bool {
        self.taps
    }

    fn place(&self, _customer: &Customer, dialogue: &Dialogue) -> String {
        talk::place(dialogue)
    }

    fn asks_again(&self, view: &View<'_>, dialogue: &Dialogue) -> Reply {
        self.ask_again(view, dialogue)
    }

    fn decide(&self, view: &View<'_>, _given: &Given) -> Outcome {
        match view.entry {
            Entry::Opened { words } => self.open(view, words),
            Entry::Continued { dialogue, words } => self.go_on(view, dialogue, words),
        }
    }

    fn resume(&self, view: &View<'_>, memo: &Values, answer: &Answer) -> Outcome {
        answered(Some(self), view, memo, Some(answer))
    }

    fn abandon(&self, view: &View<'_>, memo: &Values) -> Outcome {
        answered(Some(self), view, memo, None)
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
