//! The dialogue: choose, confirm, placed.

use super::super::list::Lines;
use super::super::numbering::Origin;
use super::super::words::{self, Pick};
use super::super::{Outcome, View};
use super::{Choice, Mark, Order, marks, with_mark};
use crate::domain::customer::Dialogue;
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::ids::{DedupeKey, WorkId};
use crate::domain::question::Question;
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

pub(super) const CHOOSE: &str = "choose";
pub(super) const CONFIRM: &str = "confirm";
/// As [`CONFIRM`], but something else was said since: a mere "好的" may be about that.
pub(super) const CONFIRM_EXPRESSLY: &str = "confirm_expressly";
pub(super) const PLACED: &str = "placed";

/// For so long after an order the customer's next words may still be about it.
const PLACED_SECS: i64 = 600;

/// What words mean in an open dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// This choice.
    Choice(usize),
    /// Go ahead.
    Yes,
    /// Call it off.
    No,
    /// Show the list again.
    Back,
    /// How does my order stand?
    Standing,
    /// Meant for this dialogue, but not understood.
    Unclear,
}

impl Order {
    /// What the words mean where the customer stands; `None` when they are about something else.
    pub(super) fn read(&self, dialogue: &Dialogue, words: &str) -> Option<Said> {
        let (yes, no, back) = (words::is_yes(words), words::is_no(words), words::is_back(words));
        if dialogue.step == PLACED {
            return (yes || no || words::asks_standing(words)).then_some(Said::Standing);
        }
        if no {
            return Some(Said::No);
        }
        if back {
            return Some(Said::Back);
        }
        if yes {
            let agreed = match dialogue.step.as_str() {
                CONFIRM => true,
                CONFIRM_EXPRESSLY => words::is_express_yes(words),
                _ => false,
            };
            return Some(if agreed { Said::Yes } else { Said::Unclear });
        }
        match self.pick(words) {
            Pick::Entry(index) => Some(Said::Choice(index)),
            Pick::OutOfRange => Some(Said::Unclear),
            // Nothing but punctuation: somebody who does not know how to go on.
            Pick::Nothing => (!words.trim().is_empty() && words::bare(words).is_empty()).then_some(Said::Unclear),
        }
    }

    /// The action begins.
    pub(super) fn open(&self, view: &View<'_>, words: &str) -> Outcome {
        let latest = marks(view).pop();
        let asks = words::is_yes(words) || words::asks_standing(words);
        match latest {
            // While nobody knows how an order ended, a second one could charge the customer twice.
            Some(mark) if asks || self.is_pending(&mark, view.moment.now) => self.standing(view, &mark),
            _ => match words::named(words, self.entries()).and_then(|index| self.choices.get(index)) {
                Some(choice) => self.ask_to_confirm(view, choice, Values::new()),
                None => self.show_list(view, Values::new()),
            },
        }
    }

    fn is_pending(&self, mark: &Mark, now: UnixSecs) -> bool {
        mark.outcome == OrderOutcome::Placed && now.secs_since(mark.at) <= i64::from(self.settle_secs)
    }

    /// The dialogue goes on.
    pub(super) fn go_on(&self, view: &View<'_>, dialogue: &Dialogue, words: &str) -> Outcome {
        let slots = dialogue.slots.clone();
        let chosen = match dialogue.slots.get("code") {
            Some(Value::Text(code)) => self.choices.iter().find(|choice| choice.code == *code),
            _ => None,
        };
        match (self.read(dialogue, words).unwrap_or(Said::Unclear), chosen) {
            (Said::Choice(index), _) => match self.choices.get(index) {
                Some(choice) => self.ask_to_confirm(view, choice, slots),
                None => self.show_list(view, slots),
            },
            (Said::Yes, Some(choice)) => {
                if slots.get("amount") == Some(&Value::Fen(choice.amount_fen)) {
                    self.place(view, choice, &slots)
                } else {
                    // The price changed since it was shown: show the new one, charge nothing.
                    self.ask_to_confirm(view, choice, slots)
                }
            }
            // What was chosen is not offered any more.
            (Said::Yes, None) | (Said::Back, _) => self.show_list(view, slots),
            (Said::No, _) => {
                let mut out = Outcome::default();
                out.reply = view.text(&mut out, &self.cancelled, &Values::new());
                out
            }
            (Said::Standing, _) => {
                let mut out = marks(view).pop().map_or_else(Outcome::default, |mark| self.standing(view, &mark));
                out.dialogue = Some(dialogue.clone());
                out
            }
            (Said::Unclear, choice) => {
                let mut out = Outcome::default();
                out.reply = match choice {
                    Some(choice) if dialogue.step != CHOOSE => {
                        view.text(&mut out, &self.unclear_confirm, &choice.values())
                    }
                    _ => {
                        let count = i64::try_from(self.choices.len()).unwrap_or(i64::MAX);
                        let values = Values::from([("count".to_owned(), Value::Integer(count))]);
                        view.text(&mut out, &self.unclear_choice, &values)
                    }
                };
                out.dialogue = Some(self.stand(view, &dialogue.step, slots));
                out
            }
        }
    }

    /// The list of choices, a line each.
    pub(super) fn list(&self) -> Lines<'_> {
        let mut lines = vec![(&self.choose, Values::new())];
        for (number, choice) in (1i64..).zip(&self.choices) {
            let mut values = choice.values();
            values.insert("number".to_owned(), Value::Integer(number));
            lines.push((&self.item, values));
        }
        lines.push((&self.choose_end, Values::new()));
        lines
    }

    fn show_list(&self, view: &View<'_>, mut slots: Values) -> Outcome {
        let mut out = Outcome::default();
        out.reply = Reply::Text(self.shown.say(&mut out, || self.list()));
        slots.remove("code");
        out.dialogue = Some(self.stand(view, CHOOSE, slots));
        out
    }

    fn ask_to_confirm(&self, view: &View<'_>, choice: &Choice, mut slots: Values) -> Outcome {
        let mut out = Outcome::default();
        out.reply = view.text(&mut out, &self.confirm, &choice.values());
        slots.insert("code".to_owned(), Value::from(choice.code.as_str()));
        slots.insert("amount".to_owned(), Value::Fen(choice.amount_fen));
        out.dialogue = Some(self.stand(view, CONFIRM, slots));
        out
    }

    /// Where the customer stands now. The slots keep the delivery that opened the dialogue: the order is numbered by it.
    fn stand(&self, view: &View<'_>, step: &str, mut slots: Values) -> Dialogue {
        slots.entry("opened_by".to_owned()).or_insert_with(|| Value::from(format!("{:016x}", view.moment.key.0)));
        slots.entry("opened_at".to_owned()).or_insert(Value::Integer(view.moment.at.0));
        Dialogue {
            action: view.action.clone(),
            step: step.to_owned(),
            slots,
            expires: view.moment.now.plus_secs(i64::from(self.expires_secs)),
        }
    }

    fn place(&self, view: &View<'_>, choice: &Choice, slots: &Values) -> Outcome {
        let (day, number) = opened(view, slots).number(&choice.code, 18);
        let order = format!("{day}{number:018}");
        let known = marks(view);
        // The message that opened the dialogue was taken for new once more: what it ordered is ordered.
        if let Some(mark) = known.iter().find(|mark| mark.order == order) {
            let mut out = self.standing(view, mark);
            out.dialogue = Some(placed(view));
            return out;
        }
        let mut memo = choice.values();
        memo.insert("order".to_owned(), Value::from(order.as_str()));
        let question = Question {
            connector: self.connector.clone(),
            values: Values::from([
                ("code".to_owned(), Value::from(choice.code.as_str())),
                // A count, not money: the business system reads fen, people read yuan.
                ("amount_fen".to_owned(), Value::Integer(choice.amount_fen)),
                ("order".to_owned(), Value::from(order.as_str())),
            ]),
            idempotency_key: Some(order.clone()),
        };
        let mark = Mark {
            order: order.clone(),
            label: choice.label.clone(),
            amount_fen: choice.amount_fen,
            at: view.moment.now,
            outcome: OrderOutcome::Placed,
        };
        let mut out = Outcome::default();
        out.reply = self.tell(view, &mut out, ((&self.placed, &memo), &mark));
        out.facts.push(FactKind::Ordered {
            order: order.clone(),
            action: view.action.clone(),
            amount_fen: choice.amount_fen,
            outcome: OrderOutcome::Placed,
        });
        out.memory = Some(with_mark(known, mark));
        out.outbox.push(Work {
            id: WorkId::new(format!("order/{order}")),
            origin: view.moment.key,
            due: view.moment.now,
            expires: view.moment.now.plus_secs(i64::from(self.settle_secs)),
            task: Task::Ask { action: view.action.clone(), question, memo },
        });
        out.wait = true;
        out.dialogue = Some(placed(view));
        out
    }

    fn standing(&self, view: &View<'_>, mark: &Mark) -> Outcome {
        let mut out = Outcome::default();
        out.reply = view.text(&mut out, self.standing_of(mark.outcome), &mark.values());
        out
    }
}

/// A second "确认" finds the dialogue here and is told how the order stands.
fn placed(view: &View<'_>) -> Dialogue {
    Dialogue {
        action: view.action.clone(),
        step: PLACED.to_owned(),
        slots: Values::new(),
        expires: view.moment.now.plus_secs(PLACED_SECS),
    }
}

/// The delivery that opened the dialogue.
fn opened<'a>(view: &View<'a>, slots: &Values) -> Origin<'a> {
    let key = match slots.get("opened_by") {
        Some(Value::Text(hex)) => u64::from_str_radix(hex, 16).ok().map(DedupeKey),
        _ => None,
    };
    let at = match slots.get("opened_at") {
        Some(Value::Integer(at)) => Some(UnixSecs(*at)),
        _ => None,
    };
    Origin { action: view.action, key: key.unwrap_or(view.moment.key), at: at.unwrap_or(view.moment.at) }
}
