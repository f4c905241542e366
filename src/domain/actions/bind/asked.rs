//! What the business system says of a code.

use super::super::{Outcome, View};
use super::steps::{CHECKED, CODE, HAS_CODE, NUMBER, OVER, about, tries_in};
use super::{Bind, DEFAULT};
use crate::domain::customer::Dialogue;
use crate::domain::fact::FactKind;
use crate::domain::question::Answer;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

impl Bind {
    pub(super) fn settle(&self, view: &View<'_>, memo: &Values, answer: &Answer) -> Outcome {
        let (Some(Value::Text(asked)), Some(number)) = (memo.get("asked"), memo.get("number")) else {
            return Outcome::default();
        };
        let is_check = asked == CHECKED;
        match answer {
            Answer::Loaded(_) if is_check => self.bind(view, number),
            Answer::Loaded(_) => {
                let slots = self.open_dialogue(view, number).map(|dialogue| dialogue.slots.clone()).unwrap_or_default();
                let slots = slots.into_iter().chain([(HAS_CODE.to_owned(), Value::Integer(1))]).collect();
                self.told(view, (number, &self.texts.sent), (about(number), Some((CODE, slots))))
            }
            Answer::Refused { .. } if is_check => self.wrong(view, number),
            Answer::Refused { code } => {
                let refused = &self.texts.refused;
                let Some(text) = refused.get(code).or_else(|| refused.get(DEFAULT)) else { return Outcome::default() };
                let has_code = |dialogue: &Dialogue| dialogue.slots.contains_key(HAS_CODE);
                let to = match self.open_dialogue(view, number) {
                    // There is a code to say, only no second one.
                    Some(dialogue) if has_code(dialogue) => None,
                    _ => Some((NUMBER, Values::new())),
                };
                self.told(view, (number, text), (about(number), to))
            }
            Answer::TimedOut | Answer::Down => Outcome::default(),
        }
    }

    /// The customer's own dialogue of this action, if it still is about this number.
    fn open_dialogue<'a>(&self, view: &View<'a>, number: &Value) -> Option<&'a Dialogue> {
        let is_about = |dialogue: &&Dialogue| dialogue.step == CODE && dialogue.slots.get("number") == Some(number);
        view.customer.dialogue.as_ref().filter(|dialogue| dialogue.action == *view.action).filter(is_about)
    }

    /// Says it, and moves the dialogue there if it is still open.
    fn told(
        &self,
        view: &View<'_>,
        (number, text): (&Value, &Template),
        (values, to): (Values, Option<(&str, Values)>),
    ) -> Outcome {
        let mut out = Outcome::default();
        out.reply = view.text(&mut out, text, &values);
        out.dialogue = to
            .filter(|_| self.open_dialogue(view, number).is_some())
            .map(|(step, slots)| self.stand(view, step, slots));
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

    fn wrong(&self, view: &View<'_>, number: &Value) -> Outcome {
        let most = i64::from(self.most_tries);
        // Whoever left the dialogue meanwhile begins with a new code.
        let tries = self.open_dialogue(view, number).map_or(most, tries_in);
        let left = most - tries;
        if left <= 0 {
            return self.told(view, (number, &self.texts.too_many), (Values::new(), Some((OVER, Values::new()))));
        }
        let mut values = about(number);
        values.insert("left".to_owned(), Value::Integer(left));
        self.told(view, (number, &self.texts.wrong_code), (values, None))
    }
}
