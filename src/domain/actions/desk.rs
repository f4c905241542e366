//! A customer at a desk: drives one action through a dialogue in tests, as `route` and `decide` would.

use std::cell::RefCell;

use super::{ActionKind, Claim, Entry, Given, Memory, Outcome, View};
use crate::domain::customer::Customer;
use crate::domain::decision::Moment;
use crate::domain::ids::{ActionKey, DedupeKey, Scene};
use crate::domain::pool::{Pool, PoolRule, Wish};
use crate::domain::question::{Answer, Question};
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::domain::value::Values;

/// 2026-01-01 10:00 +08:00.
pub const MORNING: UnixSecs = UnixSecs(1_767_232_800);

pub struct Desk<'a> {
    pub kind: &'a dyn ActionKind,
    pub action: ActionKey,
    pub customer: Customer,
    pub now: UnixSecs,
    pub key: u64,
    pub tally: Vec<(String, i64)>,
    /// The code that is made for the customer.
    pub code: Option<Scene>,
    /// What there is of every pool, and what of it is gone; `None`: nobody knows.
    pub pool: Option<(PoolRule, RefCell<Pool>)>,
}

impl<'a> Desk<'a> {
    pub fn new(kind: &'a dyn ActionKind) -> Self {
        let customer = Customer::default();
        Self { kind, action: "demo".into(), customer, now: MORNING, key: 0, tally: Vec::new(), code: None, pool: None }
    }

    /// A tap on the menu.
    pub fn tap(&mut self) -> Outcome {
        self.open("")
    }

    /// A keyword brings the customer here.
    pub fn open(&mut self, words: &str) -> Outcome {
        self.next();
        let out = self.decide(&Entry::Opened { words });
        self.apply(&out);
        out
    }

    /// Words for the open dialogue. Panics when there is none or the action does not want them.
    pub fn say(&mut self, words: &str) -> Outcome {
        self.next();
        let dialogue = self.customer.dialogue.clone().expect("no dialogue is open");
        assert!(self.wants(words), "the action does not want {words:?}");
        let out = self.decide(&Entry::Continued { dialogue: &dialogue, words });
        self.apply(&out);
        out
    }

    /// Whether the open dialogue wants these words.
    pub fn wants(&self, words: &str) -> bool {
        self.customer.dialogue.as_ref().is_some_and(|dialogue| self.kind.claim(dialogue, words) != Claim::Not)
    }

    /// The answer to the action's work is there.
    pub fn answer(&mut self, memo: &Values, answer: &Answer) -> Outcome {
        let entry = Entry::Opened { words: "" };
        let out = self.kind.resume(&self.view(&entry), memo, answer);
        self.remember(&out);
        if out.dialogue.is_some() {
            self.customer.dialogue = out.dialogue.clone();
        }
        out
    }

    /// No answer came in time.
    pub fn abandon(&mut self, memo: &Values) -> Outcome {
        let entry = Entry::Opened { words: "" };
        let out = self.kind.abandon(&self.view(&entry), memo);
        self.remember(&out);
        out
    }

    /// Decides and changes nothing: the decision that another commit will overtake.
    pub fn decide(&self, entry: &Entry<'_>) -> Outcome {
        let view = self.view(entry);
        let answer = self.kind.needs(&view).question.and_then(|question| self.at_the_pool(&question));
        let out = self.kind.decide(&view, &Given { answer, tally: self.tally.clone(), code: self.code.clone() });
        assert_eq!(out.faults, [], "a text could not be filled");
        out
    }

    /// The answer of a pool, as the shell gives it; `None` when it was not asked.
    pub fn at_the_pool(&self, question: &Question) -> Option<Answer> {
        let (_, wish) = Wish::read(question)?;
        let Some((rule, pool)) = &self.pool else { return Some(Answer::Down) };
        Some(wish.fulfil(&mut pool.borrow_mut(), (Some(rule), self.now)))
    }

    pub fn view<'v>(&'v self, entry: &'v Entry<'v>) -> View<'v> {
        let moment = Moment { now: self.now, at: self.now, key: DedupeKey(self.key), fresh: 0 };
        View { action: &self.action, customer: &self.customer, entry, moment, invited: None }
    }

    pub fn memory(&self) -> Option<&Memory> {
        self.customer.memory.get(&self.action)
    }

    fn next(&mut self) {
        self.key += 1;
        self.now = self.now.plus_secs(1);
    }

    fn apply(&mut self, out: &Outcome) {
        self.customer.dialogue = out.dialogue.clone();
        self.remember(out);
    }

    fn remember(&mut self, out: &Outcome) {
        if let Some(memory) = &out.memory {
            self.customer.memory.insert(self.action.clone(), memory.clone());
        }
        if let Some(orders) = &out.orders {
            self.customer.orders = orders.clone();
        }
        if let Some(numbers) = &out.numbers {
            self.customer.numbers = numbers.clone();
        }
        if let Some(drive) = &out.drive {
            self.customer.drives.insert(self.action.clone(), drive.clone());
        }
        if let Some(points) = &out.points {
            self.customer.points = points.clone();
        }
    }
}

/// The text of a reply, links taken off.
pub fn said(out: &Outcome) -> String {
    match &out.reply {
        Reply::Text(text) => {
            let mut plain = String::new();
            let mut in_tag = false;
            for c in text.chars() {
                match c {
                    '<' => in_tag = true,
                    '>' => in_tag = false,
                    _ if !in_tag => plain.push(c),
                    _ => {}
                }
            }
            plain
        }
        other => format!("{other:?}"),
    }
}
