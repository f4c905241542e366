//! The dialogue: choose, confirm, placed.

use super::super::details::Details;
use super::super::list::Lines;
use super::super::numbering::Origin;
use super::super::words::{self, Pick};
use super::super::{Outcome, View};
use super::course::tell;
use super::say;
use super::settings::{Choice, Order, PaidBy};
use super::works::Works;
use crate::domain::customer::Dialogue;
use crate::domain::ids::{DedupeKey, OrderNumber};
use crate::domain::order::{Business, Happening, Money, Order as Kept, Payment, Reason, State};
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};

pub(super) const CHOOSE: &str = "choose";
pub(super) const CONFIRM: &str = "confirm";
/// As [`CONFIRM`], but something else was said since: a mere "好的" may be about that.
pub(super) const CONFIRM_EXPRESSLY: &str = "confirm_expressly";
pub(super) const PLACED: &str = "placed";

/// For so long after an order the customer's next words may still be about it.
const PLACED_SECS: i64 = 600;
/// The slot that names the order the customer's words are about.
const ORDER: &str = "order";

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
    /// I do not want what I ordered.
    CallOff,
    /// Meant for this dialogue, but not understood.
    Unclear,
    /// Something that is asked for the order.
    Detail,
}

impl Order {
    /// What the words mean where the customer stands; `None` when they are about something else.
    pub(super) fn read(&self, dialogue: &Dialogue, words: &str) -> Option<Said> {
        let (yes, no, back) = (words::is_yes(words), words::is_no(words), words::is_back(words));
        if Details::is_at(dialogue) {
            return Some(Said::Detail);
        }
        if dialogue.step == PLACED {
            let meant = yes || no || words::asks_standing(words);
            return meant.then_some(if no { Said::CallOff } else { Said::Standing });
        }
        if no {
            return Some(Said::No);
        }
        if back {
            let is_told = self.details.is_some() && dialogue.step != CHOOSE;
            return Some(if is_told && words::is_one_step_back(words) { Said::Detail } else { Said::Back });
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
        let latest = view.customer.orders.latest_of(view.action);
        let asks = words::is_yes(words) || words::asks_standing(words);
        let has_room = view.customer.orders.has_room();
        match latest {
            // While one is on its way a second one is hardly meant. One that a person looks at keeps nobody from another.
            Some(order) if asks || !has_room || self.is_pending(order, view.moment.now) => {
                let mut out = self.standing(view, order);
                // What is not paid for can still be called off.
                out.dialogue = (order.state() == State::AwaitingPayment).then(|| placed(view, order));
                out
            }
            _ => match words::named(words, self.entries()).and_then(|index| self.choices.get(index)) {
                Some(choice) => self.chosen(view, choice, Values::new()),
                None => self.show_list(view, Values::new()),
            },
        }
    }

    fn is_pending(&self, order: &Kept, now: UnixSecs) -> bool {
        let is_under_way = matches!(order.state(), State::Confirmed | State::AwaitingPayment | State::Fulfilling);
        is_under_way && now.secs_since(order.moved_at) <= i64::from(self.settle_secs.max(self.pay_secs))
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
                Some(choice) => self.chosen(view, choice, slots),
                None => self.show_list(view, slots),
            },
            (Said::Yes, Some(choice)) => {
                let is_as_shown = self.offer(choice).all(|(name, value)| slots.get(name) == Some(&value));
                if is_as_shown && self.is_told(view, &slots) {
                    self.place(view, choice, &slots)
                } else {
                    // The offer changed since it was shown, or what is asked for it: show the new one, charge nothing.
                    self.chosen(view, choice, slots)
                }
            }
            (Said::Detail, Some(choice)) => self.hear_detail(view, choice, (slots, words)),
            // What was chosen is not offered any more.
            (Said::Yes | Said::Detail, None) | (Said::Back, _) => self.show_list(view, slots),
            (Said::No, _) => self.cancel(view),
            (Said::CallOff, _) => self.call_off(view, dialogue),
            (Said::Standing, _) => {
                let mut out = meant(view, dialogue).map_or_else(Outcome::default, |order| self.standing(view, order));
                out.dialogue = Some(dialogue.clone());
                out
            }
            (Said::Unclear, choice) => {
                let mut out = Outcome::default();
                out.reply = match choice {
                    Some(choice) if dialogue.step != CHOOSE => {
                        let mut values = choice.values();
                        values.extend(self.details.iter().flat_map(|details| details.reviewed(&slots)));
                        view.text(&mut out, &self.unclear_confirm, &values)
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

    pub(super) fn show_list(&self, view: &View<'_>, mut slots: Values) -> Outcome {
        let mut out = Outcome::default();
        out.reply = Reply::Text(self.shown.say(&mut out, || self.list()));
        slots.remove("code");
        out.dialogue = Some(self.stand(view, CHOOSE, slots));
        out
    }

    pub(super) fn ask_to_confirm(&self, view: &View<'_>, choice: &Choice, mut slots: Values) -> Outcome {
        let mut out = Outcome::default();
        let mut values = choice.values();
        values.extend(self.details.iter().flat_map(|details| details.reviewed(&slots)));
        out.reply = view.text(&mut out, &self.confirm, &values);
        slots.extend(self.offer(choice).map(|(name, value)| (name.to_owned(), value)));
        out.dialogue = Some(self.stand(view, CONFIRM, slots));
        out
    }

    /// What the customer is shown of a choice, and agrees to. Who takes the money is a part of it.
    pub(super) fn offer(&self, choice: &Choice) -> impl Iterator<Item = (&'static str, Value)> {
        let by = match self.pay {
            PaidBy::Business => "business",
            PaidBy::Wechat => "wechat",
            PaidBy::Points => "points",
        };
        [
            ("code", Value::from(choice.code.as_str())),
            ("amount", Value::Fen(choice.amount_fen)),
            ("label", Value::from(choice.label.as_str())),
            ("points", Value::Integer(choice.points.into())),
            ("pay", Value::from(by)),
        ]
        .into_iter()
    }

    /// Where the customer stands now. The slots keep the delivery that opened the dialogue: the order is numbered by it.
    pub(super) fn stand(&self, view: &View<'_>, step: &str, mut slots: Values) -> Dialogue {
        slots.entry("opened_by".to_owned()).or_insert_with(|| Value::from(format!("{:016x}", view.moment.key.0)));
        slots.entry("opened_at".to_owned()).or_insert(Value::Integer(view.moment.at.0));
        Dialogue {
            action: view.action.clone(),
            step: step.to_owned(),
            slots,
            expires: view.moment.now.plus_secs(i64::from(self.expires_secs)),
        }
    }

    /// Orders exactly what was shown.
    fn place(&self, view: &View<'_>, choice: &Choice, slots: &Values) -> Outcome {
        let (day, number) = opened(view, slots).number(&choice.code, 18);
        let number = OrderNumber::new(format!("{day}{number:018}"));
        // The message that opened the dialogue was taken for new once more: what it ordered is ordered.
        if let Some(order) = view.customer.orders.get(&number) {
            let mut out = self.standing(view, order);
            out.dialogue = Some(placed(view, order));
            return out;
        }
        let details = self.details.as_ref().map(|details| details.values(slots)).unwrap_or_default();
        let draft = Kept { details, ..self.draft(view, choice, number) };
        let mut out = tell(Some(self), view, (&draft, &Happening::Agreed.into()));
        // The first piece of work is what the customer waits for: to be done, or to be payable.
        out.wait = true;
        out.dialogue = Some(placed(view, &draft));
        out
    }

    fn draft(&self, view: &View<'_>, choice: &Choice, number: OrderNumber) -> Kept {
        let payment = match self.pay {
            PaidBy::Business | PaidBy::Points => Payment::ByBusiness,
            PaidBy::Wechat => {
                let payable_until = view.moment.now.plus_secs(i64::from(self.pay_secs));
                Payment::ByWeChat(Money { payable_until, ..Money::default() })
            }
        };
        Kept {
            number,
            action: view.action.clone(),
            origin: view.moment.key,
            code: choice.code.clone(),
            label: choice.label.clone(),
            amount: choice.amount(),
            agreed_at: None,
            moved_at: view.moment.now,
            learned: None,
            payment,
            business: Business::NotAsked,
            person: None,
            details: Values::new(),
            puts: Default::default(),
            points: choice.points,
        }
    }

    /// Closes what can be paid and is not; of everything else the customer hears how it stands.
    fn call_off(&self, view: &View<'_>, dialogue: &Dialogue) -> Outcome {
        let Some(order) = meant(view, dialogue) else { return Outcome::default() };
        let mut out = match (order.state(), &self.paying) {
            (State::Confirmed | State::AwaitingPayment, Some(paying)) if order.money().is_some() => {
                let works = Works { settings: Some(self), order, now: view.moment.now };
                let mut out = Outcome::default();
                out.reply = view.text(&mut out, &paying.closing, &say::values(self, order));
                out.outbox.push(works.close(Reason::CustomerCancelled));
                out.wait = true;
                out
            }
            _ => self.standing(view, order),
        };
        out.dialogue = Some(dialogue.clone());
        out
    }

    /// The open question once more.
    pub(super) fn ask_again(&self, view: &View<'_>, dialogue: &Dialogue) -> Reply {
        let slots = dialogue.slots.clone();
        let chosen = match slots.get("code") {
            Some(Value::Text(code)) => self.choice(code),
            _ => None,
        };
        match (dialogue.step.as_str(), chosen) {
            (PLACED, _) => Reply::Silent,
            (CHOOSE, _) | (_, None) => self.show_list(view, slots).reply,
            (CONFIRM | CONFIRM_EXPRESSLY, Some(choice)) => self.ask_to_confirm(view, choice, slots).reply,
            (_, Some(choice)) => self.chosen(view, choice, slots).reply,
        }
    }

    fn standing(&self, view: &View<'_>, order: &Kept) -> Outcome {
        let mut out = Outcome::default();
        out.reply = say::standing(self, view, &mut out, order);
        out
    }
}

/// A second "确认" finds the dialogue here and is told how the order stands.
pub(super) fn placed(view: &View<'_>, order: &Kept) -> Dialogue {
    Dialogue {
        action: view.action.clone(),
        step: PLACED.to_owned(),
        slots: Values::from([(ORDER.to_owned(), Value::from(order.number.as_str()))]),
        expires: view.moment.now.plus_secs(PLACED_SECS),
    }
}

/// Whether somebody who has ordered asks how orders stand.
pub(super) fn asks_after_placing(dialogue: &Dialogue, words: &str) -> bool {
    dialogue.step == PLACED && words::asks_standing(words)
}

/// The order that words are about which follow it.
fn meant<'v>(view: &View<'v>, dialogue: &Dialogue) -> Option<&'v Kept> {
    match dialogue.slots.get(ORDER) {
        Some(Value::Text(number)) => view.customer.orders.get(&OrderNumber::new(number.as_str())),
        _ => view.customer.orders.latest_of(view.action),
    }
}

/// Where the dialogue stands: what was chosen and shown, and in which dialogue; or which order.
pub(super) fn place(dialogue: &Dialogue) -> String {
    // Something else in between changes nothing of what was shown.
    let step = if dialogue.step == CONFIRM_EXPRESSLY { CONFIRM } else { &dialogue.step };
    let parts: &[&str] = match step {
        CHOOSE => &["opened_by"],
        PLACED => &[ORDER],
        _ => &["opened_by", "code", "amount", "points", "pay", "label"],
    };
    let told = if step == CONFIRM { Details::told(&dialogue.slots) } else { Details::open(dialogue) };
    let shown = parts.iter().filter_map(|name| dialogue.slots.get(*name)).map(ToString::to_string);
    [step.to_owned(), told].into_iter().chain(shown).collect::<Vec<_>>().join("\0")
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
