//! What the business system says of a code.

use super::super::{Memory, Outcome, View};
use super::steps::{
    ASKED, CALLED_OFF, CHECKED, CODE, END, HAS_CODE, NUMBER, OVER, TOO_MANY_TRIES, TRIES, about, asked_last, tries_in,
};
use super::{Bind, Codes, DEFAULT};
use crate::domain::customer::Dialogue;
use crate::domain::fact::FactKind;
use crate::domain::question::Answer;
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};

/// Until the same is put again to a business system that surely was not reached.
const AGAIN_SECS: i64 = 10;

/// Where the customer stands with a number.
#[derive(Clone, Copy)]
enum Stands<'a> {
    /// They are asked for its code.
    Open(&'a Dialogue),
    /// They said that they do not want to.
    CalledOff,
    /// They tried too many codes.
    TriedOut,
    /// They went elsewhere.
    Gone,
}

impl Bind {
    pub(super) fn settle(&self, view: &View<'_>, memo: &Values, answer: &Answer) -> Outcome {
        let (Some(Value::Text(asked)), Some(number)) = (memo.get("asked"), memo.get("number")) else {
            return Outcome::default();
        };
        let is_check = asked == CHECKED;
        match (answer, self.stands(view, number)) {
            (Answer::Down, stands) => self.put_again(view, memo, stands),
            (Answer::TimedOut, _) => Outcome::default(),
            // Nobody is bound who said that they do not want to be, however right the code was.
            (Answer::Loaded(_), Stands::CalledOff) => Outcome::default(),
            (Answer::Loaded(_), _) if is_check => self.bind(view, number),
            (Answer::Loaded(_), Stands::Open(dialogue)) => {
                let mut slots = dialogue.slots.clone();
                slots.insert(HAS_CODE.to_owned(), Value::Integer(1));
                // Only a new code is tried anew.
                slots.remove(TRIES);
                self.told(view, (number, &self.texts.sent), (about(number), Some((CODE, slots))))
            }
            // A code for another number than they are asked about would only mislead.
            (Answer::Loaded(_), _) => Outcome::default(),
            (Answer::Refused { .. }, stands) if is_check => self.wrong(view, number, stands),
            (Answer::Refused { code }, stands) => self.not_sent(view, (number, code), stands),
        }
    }

    /// No code was sent: it does not count as one of the day.
    fn not_sent(&self, view: &View<'_>, (number, code): (&Value, &str), stands: Stands<'_>) -> Outcome {
        let refused = &self.texts.refused;
        let text = refused.get(code).or_else(|| refused.get(DEFAULT)).filter(|_| !matches!(stands, Stands::CalledOff));
        let to = match stands {
            // There is a code to say, only no second one.
            Stands::Open(dialogue) if dialogue.slots.contains_key(HAS_CODE) => None,
            _ => Some((NUMBER, Values::new())),
        };
        let mut out = text.map(|text| self.told(view, (number, text), (about(number), to))).unwrap_or_default();
        out.memory = match view.customer.memory.get(view.action) {
            Some(Memory::Codes(codes)) if codes.day == view.moment.now.business_day() => {
                Some(Memory::Codes(Codes { sent: codes.sent.saturating_sub(1), ..*codes }))
            }
            _ => None,
        };
        out
    }

    /// It surely was not reached: the same is put again, as new work, as long as the customer waits for it.
    fn put_again(&self, view: &View<'_>, memo: &Values, stands: Stands<'_>) -> Outcome {
        let integer = |name: &str| match memo.get(name) {
            Some(Value::Integer(n)) => Some(*n),
            _ => None,
        };
        let until = UnixSecs(integer("until").unwrap_or(0));
        let is_in_time = until > view.moment.now.plus_secs(AGAIN_SECS);
        // Whoever asked for another code meanwhile does not wait for this one.
        let is_wanted = |dialogue: &Dialogue| {
            memo.get("asked") == Some(&Value::from(CHECKED)) || asked_last(dialogue) == memo.get(ASKED)
        };
        match stands {
            Stands::Open(dialogue) if is_in_time && is_wanted(dialogue) => {
                let nth = integer("nth").unwrap_or(1).saturating_add(1);
                let due = view.moment.now.plus_secs(AGAIN_SECS);
                Outcome { outbox: self.work(view, memo, (nth, due, until)).into_iter().collect(), ..Outcome::default() }
            }
            _ => self.give_up(view, memo),
        }
    }

    /// No answer came in all the time we asked.
    pub(super) fn give_up(&self, view: &View<'_>, memo: &Values) -> Outcome {
        let mut out = Outcome::default();
        let nobody = Value::from("");
        let number = memo.get("number").unwrap_or(&nobody);
        if matches!(self.stands(view, number), Stands::CalledOff) {
            return out;
        }
        let is_check = memo.get("asked") == Some(&Value::from(CHECKED));
        let text = self.texts.unchecked.as_ref().filter(|_| is_check).unwrap_or(&self.texts.unavailable);
        out.reply = view.text(&mut out, text, &about(number));
        out
    }

    fn stands<'a>(&self, view: &View<'a>, number: &Value) -> Stands<'a> {
        let own = view.customer.dialogue.as_ref().filter(|dialogue| dialogue.action == *view.action);
        let Some(dialogue) = own.filter(|dialogue| dialogue.slots.get("number") == Some(number)) else {
            return Stands::Gone;
        };
        match (dialogue.step.as_str(), dialogue.slots.get(END)) {
            (CODE, _) => Stands::Open(dialogue),
            (OVER, Some(Value::Text(end))) if end == CALLED_OFF => Stands::CalledOff,
            (OVER, Some(Value::Text(end))) if end == TOO_MANY_TRIES => Stands::TriedOut,
            _ => Stands::Gone,
        }
    }

    /// Says it, and moves the dialogue there if it still is about this number.
    fn told(
        &self,
        view: &View<'_>,
        (number, text): (&Value, &Template),
        (values, to): (Values, Option<(&str, Values)>),
    ) -> Outcome {
        let mut out = Outcome::default();
        out.reply = view.text(&mut out, text, &values);
        let is_open = matches!(self.stands(view, number), Stands::Open(_));
        out.dialogue = to.filter(|_| is_open).map(|(step, slots)| self.stand(view, step, slots));
        out
    }

    fn bind(&self, view: &View<'_>, number: &Value) -> Outcome {
        let mut numbers = view.customer.numbers.clone();
        let over = Some((OVER, Values::new()));
        if !numbers.bind(number.clone(), view.moment.now) {
            return self.told(view, (number, &self.texts.full), (Values::new(), over));
        }
        let mut out = self.told(view, (number, &self.texts.bound), (about(number), over));
        out.numbers = Some(numbers);
        out.facts.push(FactKind::NumberBound { action: view.action.clone() });
        out
    }

    fn wrong(&self, view: &View<'_>, number: &Value, stands: Stands<'_>) -> Outcome {
        let dialogue = match stands {
            Stands::Open(dialogue) => dialogue,
            Stands::CalledOff => return Outcome { reply: Reply::Silent, ..Outcome::default() },
            Stands::TriedOut => return self.told(view, (number, &self.texts.too_many), (Values::new(), None)),
            // Whoever left meanwhile begins with a new code.
            Stands::Gone => return self.told(view, (number, &self.texts.expired), (Values::new(), None)),
        };
        let left = i64::from(self.most_tries) - tries_in(dialogue);
        if left <= 0 {
            return self.told(view, (number, &self.texts.too_many), (Values::new(), Some((OVER, Values::new()))));
        }
        let mut values = about(number);
        values.insert("left".to_owned(), Value::Integer(left));
        self.told(view, (number, &self.texts.wrong_code), (values, None))
    }
}
