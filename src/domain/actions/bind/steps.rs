//! The dialogue: which number, the code, and the list of those that are bound.

use super::super::list::{Lines, fill};
use super::super::words;
use super::super::{Memory, Outcome, View};
use super::{Bind, Codes};
use crate::domain::customer::Dialogue;
use crate::domain::form;
use crate::domain::numbers::Bound;
use crate::domain::private::Private;
use crate::domain::question::{MOST_A_DAY, Question};
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work, id_for};

pub(super) const LIST: &str = "list";
pub(super) const NUMBER: &str = "number";
pub(super) const CODE: &str = "code";
/// There is nothing left to say in this dialogue.
pub(super) const OVER: &str = "over";

/// What was asked of the business system: to send a code, or to check one.
pub(super) const SENT: &str = "send";
pub(super) const CHECKED: &str = "check";

/// The slot that says that a code was sent to the number.
pub(super) const HAS_CODE: &str = "has_code";

/// The slot that counts the codes that were tried.
pub(super) const TRIES: &str = "tries";
/// The slot, and the part of a memo, that names the delivery that asked for the latest code.
pub(super) const ASKED: &str = "asked_by";
/// The slot that says how a dialogue that is over ended.
pub(super) const END: &str = "end";
pub(super) const CALLED_OFF: &str = "called_off";
pub(super) const TOO_MANY_TRIES: &str = "too_many";

/// Words that ask for one more number.
const ADD: &[&str] = &["添加", "加", "新增", "绑定", "再绑一个", "添加号码", "绑定手机号"];
/// Words that ask for another code.
const AGAIN: &[&str] = &["重发", "重新发送", "再发一次", "没收到", "重新获取", "获取验证码"];
/// Words that ask to show the current number again.
const SHOW: &[&str] = &["验证", "验证号码", "重新验证"];
/// What stands before the number that is to be unbound.
const UNBIND: &[&str] = &["解绑", "解除", "删除", "取消绑定"];

/// What words mean in the dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Call it off.
    No,
    /// This number, which is none when it is not one.
    Number(Option<Private>),
    /// This code, which is none when it is not one.
    Code(Option<Private>),
    /// Another code, please.
    Again,
    /// Another number.
    Back,
    /// The number at this place from now on.
    Choose(usize),
    /// The number at this place no longer.
    Unbind(usize),
    /// One more number.
    Add,
    /// Show the current one again.
    Show,
}

fn is_one_of(said: &str, list: &[&str]) -> bool {
    list.contains(&words::bare(said).as_str())
}

/// The place that is named: "2", or nothing named and there is only one.
fn place(said: &str, count: usize) -> Option<usize> {
    match words::number(&words::bare(said)) {
        Some(number) => usize::try_from(number).ok()?.checked_sub(1),
        None if said.trim().is_empty() && count == 1 => Some(0),
        None => None,
    }
}

impl Bind {
    /// What the words mean where the customer stands; `None` when they are about something else.
    pub(super) fn read(&self, dialogue: &Dialogue, said: &str) -> Option<Said> {
        if dialogue.step == OVER {
            return None;
        }
        if words::is_no(said) {
            return Some(Said::No);
        }
        let digits = said.chars().filter(|char| char.is_numeric()).count();
        match dialogue.step.as_str() {
            NUMBER => match form::phone(said) {
                Some(number) => Some(Said::Number(Some(Private::new(number)))),
                // A number with a slip in it, not another subject.
                None => (digits >= 5).then_some(Said::Number(None)),
            },
            CODE if words::is_back(said) => Some(Said::Back),
            CODE if is_one_of(said, AGAIN) => Some(Said::Again),
            CODE => match form::code(said) {
                Some(code) => Some(Said::Code(Some(Private::new(code)))),
                None => (digits >= 3).then_some(Said::Code(None)),
            },
            _ => self.read_of_list(dialogue, said),
        }
    }

    fn read_of_list(&self, dialogue: &Dialogue, said: &str) -> Option<Said> {
        let count = match dialogue.slots.get("count") {
            Some(Value::Integer(count)) => usize::try_from(*count).unwrap_or(0),
            _ => 0,
        };
        if is_one_of(said, ADD) {
            return Some(Said::Add);
        }
        if is_one_of(said, SHOW) {
            return Some(Said::Show);
        }
        let bare = words::bare(said);
        if let Some(rest) = UNBIND.iter().find_map(|word| bare.strip_prefix(word)) {
            return place(rest, count).map(Said::Unbind);
        }
        words::number(&bare).and_then(|_| place(said, count)).map(Said::Choose)
    }

    /// The action begins.
    pub(super) fn open(&self, view: &View<'_>, said: &str) -> Outcome {
        let numbers = &view.customer.numbers;
        match numbers.current() {
            Some(current) if is_one_of(said, SHOW) => self.send(view, &current.number),
            Some(_) => self.show(view),
            None => self.ask(view, &self.texts.ask_number),
        }
    }

    /// The dialogue goes on.
    pub(super) fn go_on(&self, view: &View<'_>, dialogue: &Dialogue, said: &str) -> Outcome {
        let number = dialogue.slots.get("number");
        match (self.read(dialogue, said), number) {
            (Some(Said::No), number) => {
                let mut out = self.say(view, &self.texts.cancelled, Values::new());
                // What is still under way finds it said.
                out.dialogue = number.map(|number| self.stand(view, OVER, ended(number, CALLED_OFF)));
                out
            }
            (Some(Said::Number(Some(number))), _) => self.send(view, &Value::Private(number)),
            (Some(Said::Number(None)), _) => self.ask(view, &self.texts.unclear_number),
            (Some(Said::Code(Some(code))), Some(number)) => self.check(view, dialogue, (number, code)),
            (Some(Said::Code(None)), Some(number)) => {
                let mut out = self.say(view, &self.texts.unclear_code, about(number));
                out.dialogue = Some(self.stand(view, CODE, dialogue.slots.clone()));
                out
            }
            (Some(Said::Again), Some(number)) => self.send(view, number),
            (Some(Said::Add | Said::Back | Said::Code(_) | Said::Again), _) => {
                if view.customer.numbers.has_room() {
                    self.ask(view, &self.texts.ask_number)
                } else {
                    self.say(view, &self.texts.full, Values::new())
                }
            }
            (Some(Said::Choose(place)), _) => self.choose(view, place),
            (Some(Said::Unbind(place)), _) => self.unbind(view, place),
            (Some(Said::Show), _) => match view.customer.numbers.current() {
                Some(current) => self.send(view, &current.number),
                None => self.ask(view, &self.texts.ask_number),
            },
            (None, _) => self.open(view, said),
        }
    }

    fn say(&self, view: &View<'_>, text: &Template, values: Values) -> Outcome {
        let mut out = Outcome::default();
        out.reply = view.text(&mut out, text, &values);
        out
    }

    fn ask(&self, view: &View<'_>, text: &Template) -> Outcome {
        let mut out = self.say(view, text, Values::new());
        out.dialogue = Some(self.stand(view, NUMBER, Values::new()));
        out
    }

    fn choose(&self, view: &View<'_>, place: usize) -> Outcome {
        let mut numbers = view.customer.numbers.clone();
        let Some(number) = numbers.all().get(place).map(|bound| bound.number.clone()) else { return self.show(view) };
        numbers.choose(place);
        let mut out = self.say(view, &self.texts.chosen, about(&number));
        out.numbers = Some(numbers);
        out
    }

    fn unbind(&self, view: &View<'_>, place: usize) -> Outcome {
        let mut numbers = view.customer.numbers.clone();
        let Some(Bound { number, .. }) = numbers.unbind(place) else { return self.show(view) };
        let mut out = self.say(view, &self.texts.unbound, about(&number));
        out.numbers = Some(numbers);
        out
    }

    fn show(&self, view: &View<'_>) -> Outcome {
        let (numbers, texts) = (&view.customer.numbers, &self.texts);
        let mut lines: Lines<'_> = vec![(&texts.list, Values::new())];
        for (place, bound) in (1i64..).zip(numbers.all()) {
            let is_current = numbers.current() == Some(bound);
            let mut values = about(&bound.number);
            values.insert("place".to_owned(), Value::Integer(place));
            lines.push((if is_current { &texts.current } else { &texts.item }, values));
        }
        lines.push((&texts.list_end, Values::new()));
        let mut out = Outcome::default();
        out.reply = Reply::Text(fill(&mut out, lines));
        let count = i64::try_from(numbers.all().len()).unwrap_or(0);
        out.dialogue = Some(self.stand(view, LIST, Values::from([("count".to_owned(), Value::Integer(count))])));
        out
    }

    /// Has a code sent, if the day's are not used up.
    fn send(&self, view: &View<'_>, number: &Value) -> Outcome {
        let today = view.moment.now.business_day();
        let sent = match view.customer.memory.get(view.action) {
            Some(Memory::Codes(codes)) if codes.day == today => codes.sent,
            _ => 0,
        };
        let open = view.customer.dialogue.as_ref().filter(|dialogue| {
            dialogue.action == *view.action && dialogue.step == CODE && dialogue.slots.get("number") == Some(number)
        });
        if sent >= self.most_codes {
            // The code of before is as good as it was.
            let good = open.filter(|dialogue| dialogue.slots.contains_key(HAS_CODE));
            let text = self.texts.no_more.as_ref().filter(|_| good.is_some()).unwrap_or(&self.texts.too_many);
            let mut out = self.say(view, text, about(number));
            out.dialogue = good.map(|dialogue| self.stand(view, CODE, dialogue.slots.clone()));
            return out;
        }
        let mut out = self.say(view, &self.texts.sending, about(number));
        out.memory = Some(Memory::Codes(Codes { day: today, sent: sent.saturating_add(1) }));
        // The code of before is good until another one is there, and was tried as often as it was.
        let mut slots = open.map_or_else(|| about(number), |dialogue| dialogue.slots.clone());
        slots.insert(ASKED.to_owned(), key_of(view));
        out.dialogue = Some(self.stand(view, CODE, slots));
        self.put(view, &mut out, (SENT, about(number)));
        out
    }

    fn check(&self, view: &View<'_>, dialogue: &Dialogue, (number, code): (&Value, Private)) -> Outcome {
        // Counted as they are tried, and not as they turn out wrong: many sent at once are many tries.
        let tries = tries_in(dialogue).saturating_add(1);
        if tries > i64::from(self.most_tries) {
            let mut out = self.say(view, &self.texts.too_many, Values::new());
            out.dialogue = Some(self.stand(view, OVER, ended(number, TOO_MANY_TRIES)));
            return out;
        }
        let mut out = self.say(view, &self.texts.checking, about(number));
        let mut slots = dialogue.slots.clone();
        slots.insert(TRIES.to_owned(), Value::Integer(tries));
        out.dialogue = Some(self.stand(view, CODE, slots));
        let mut values = about(number);
        values.insert("code".to_owned(), Value::Private(code));
        self.put(view, &mut out, (CHECKED, values));
        out
    }

    /// The work that asks, whose outcome the customer waits for.
    fn put(&self, view: &View<'_>, out: &mut Outcome, (asked, values): (&str, Values)) {
        let mut memo = values;
        memo.insert("asked".to_owned(), Value::from(asked));
        memo.insert(ASKED.to_owned(), key_of(view));
        let until = view.moment.now.plus_secs(i64::from(self.expires_secs));
        out.outbox.extend(self.work(view, &memo, (1, view.moment.now, until)));
        out.wait = true;
    }

    /// The work that asks what the memo says, for the `nth` time.
    pub(super) fn work(
        &self,
        view: &View<'_>,
        memo: &Values,
        (nth, due, until): (i64, UnixSecs, UnixSecs),
    ) -> Option<Work> {
        let part = |name: &str| memo.get(name).map(|value| (name.to_owned(), value.clone()));
        let mut values: Values = part("number").into_iter().chain(part("code")).collect();
        let (connector, key) = match memo.get("asked") {
            Some(Value::Text(asked)) if asked == CHECKED => (&self.check_code, "check"),
            Some(Value::Text(asked)) if asked == SENT => {
                values.insert(MOST_A_DAY.to_owned(), Value::Integer(i64::from(self.most_codes)));
                (&self.send_code, "code")
            }
            _ => return None,
        };
        let origin = view.moment.key;
        let mut memo = memo.clone();
        memo.insert("nth".to_owned(), Value::Integer(nth));
        memo.insert("until".to_owned(), Value::Integer(until.0));
        let purpose = format!("bind/{}", view.action);
        let purpose = if nth == 1 { purpose } else { format!("{purpose}/{nth}") };
        let question =
            Question { connector: connector.clone(), values, idempotency_key: Some(id_for(key, origin).to_string()) };
        Some(Work {
            id: id_for(&purpose, origin),
            origin,
            due,
            expires: until,
            task: Task::Ask { action: view.action.clone(), question, memo },
        })
    }

    /// Where the customer stands now.
    pub(super) fn stand(&self, view: &View<'_>, step: &str, slots: Values) -> Dialogue {
        Dialogue {
            action: view.action.clone(),
            step: step.to_owned(),
            slots,
            expires: view.moment.now.plus_secs(i64::from(self.expires_secs)),
        }
    }
}

/// How many codes were tried in this dialogue.
pub(super) fn tries_in(dialogue: &Dialogue) -> i64 {
    match dialogue.slots.get(TRIES) {
        Some(Value::Integer(tries)) => *tries,
        _ => 0,
    }
}

/// The delivery that asked for the latest code.
pub(super) fn asked_last(dialogue: &Dialogue) -> Option<&Value> {
    dialogue.slots.get(ASKED)
}

fn key_of(view: &View<'_>) -> Value {
    Value::from(format!("{:016x}", view.moment.key.0))
}

/// What a dialogue about a number that is over remembers.
fn ended(number: &Value, how: &str) -> Values {
    Values::from([("number".to_owned(), number.clone()), (END.to_owned(), Value::from(how))])
}

/// What texts about a number may use.
pub(super) fn about(number: &Value) -> Values {
    Values::from([("number".to_owned(), number.clone())])
}
