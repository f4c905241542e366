//! Going through steps: a pure machine over what was answered so far. Where somebody stands is kept by the step's name, so
//! that an edited playbook moves nobody to another question.

use serde::{Deserialize, Serialize};

use super::said::{self, Named};
use super::step::{Read, Step};
use super::{Answer, Expects, Wrong, is_cancel, is_keep, is_restart};
use crate::domain::actions::Claim;
use crate::domain::actions::words;
use crate::domain::time::BusinessDay;
use crate::domain::value::{Value, Values};

/// After so many wrong answers in a row a person or a way out is offered.
const MOST_WRONG: u8 = 3;

/// How far somebody came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Answers by the names of their steps. A choice is kept by its code; what was left out is empty.
    pub answers: Values,
    /// The step they are at; whichever is open when there is no such step.
    pub at: String,
    /// Wrong answers in a row.
    pub wrong: u8,
    /// What was offered of a pool.
    pub offers: Vec<String>,
    /// How often others were asked for.
    pub page: i64,
}

/// Answers in words that nobody reads, private ones whole: the same for the same answers and for no others.
pub(in crate::domain) fn whole(answers: &Values) -> String {
    let whole = |value: &Value| match value {
        Value::Private(private) => private.clear().to_owned(),
        value => value.to_string(),
    };
    let each = answers.iter().map(|(name, value)| format!("{name}\0{}", whole(value)));
    each.collect::<Vec<_>>().join("\0")
}

/// The steps, on a day, and the item of a pool that is held now.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a, 'h> {
    /// The steps in order.
    pub steps: &'a [Step],
    /// Today.
    pub today: BusinessDay,
    /// What is held for this dialogue now.
    pub held: Option<&'h str>,
}

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Open<'a> {
    /// This step.
    Step(&'a Step),
    /// Nothing: what was answered is shown and agreed to.
    Summary,
}

/// What words come to.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn<'a> {
    /// This step is asked.
    Ask(&'a Step),
    /// It is the first one: there is nothing before it.
    First(&'a Step),
    /// No answer, and why.
    Wrong(&'a Step, Wrong),
    /// No answer for too often.
    Stuck(&'a Step),
    /// One of a pool that has to be held first.
    Wish(&'a Step, String),
    /// All is answered.
    Gathered,
    /// The summary was agreed to.
    Agreed,
    /// Not understood at the summary.
    Unclear,
    /// Begin anew.
    Restarted,
    /// Called off.
    Cancelled,
}

impl<'a> Form<'a, '_> {
    /// The steps that are asked after these answers, in order.
    pub fn path(&self, answers: &Values) -> Vec<&'a Step> {
        let mut path: Vec<&Step> = Vec::new();
        for step in self.steps {
            let is_asked = step.when.as_ref().is_none_or(|when| {
                let is_on_it = path.iter().any(|earlier| earlier.name == when.step);
                is_on_it && matches!(answers.get(&when.step), Some(Value::Text(code)) if when.is.contains(code))
            });
            if is_asked {
                path.push(step);
            }
        }
        path
    }

    /// Drops what the steps ask for no more and what is no answer to them now. What nobody asks for is not kept.
    pub fn clean(&self, progress: &mut Progress) {
        // A choice that is none any more may take a branch with it.
        let mut before = usize::MAX;
        while progress.answers.len() < before {
            before = progress.answers.len();
            let path = self.path(&progress.answers);
            progress.answers.retain(|name, value| {
                let step = path.iter().find(|step| step.name == *name);
                step.is_some_and(|step| step.still(value, (self.today, self.held)))
            });
        }
    }

    /// Where somebody stands whose answers are clean.
    pub fn open(&self, progress: &Progress) -> Open<'a> {
        let path = self.path(&progress.answers);
        let at = path.iter().find(|step| step.name == progress.at);
        let open = at.or_else(|| path.iter().find(|step| !progress.answers.contains_key(&step.name)));
        open.map_or(Open::Summary, |step| Open::Step(step))
    }

    /// Takes words.
    pub fn hear(&self, progress: &Progress, words: &str) -> (Progress, Turn<'a>) {
        let mut next = progress.clone();
        self.clean(&mut next);
        let turn = match self.open(&next) {
            Open::Step(step) => {
                next.at.clone_from(&step.name);
                self.hear_step(&mut next, step, words)
            }
            Open::Summary => self.hear_summary(&mut next, words),
        };
        (next, turn)
    }

    /// What is asked after the open step is settled.
    pub fn advance(&self, progress: &mut Progress) -> Turn<'a> {
        progress.at.clear();
        progress.wrong = 0;
        self.clean(progress);
        match self.open(progress) {
            Open::Step(step) => self.go_to(progress, step),
            Open::Summary => Turn::Gathered,
        }
    }

    fn go_to(&self, progress: &mut Progress, step: &'a Step) -> Turn<'a> {
        progress.at.clone_from(&step.name);
        progress.wrong = 0;
        Turn::Ask(step)
    }

    fn hear_step(&self, next: &mut Progress, step: &'a Step, words: &str) -> Turn<'a> {
        // What the operator offers goes before what words mean elsewhere.
        if step.is_skipped_by(words) {
            next.answers.insert(step.name.clone(), Value::from(""));
            return self.advance(next);
        }
        let read = step.read(words, (self.today, &next.offers));
        let is_choice = matches!((step.expects(), &read), (Some(Expects::Choice(_)), Read::Answer(_)));
        if !is_choice {
            if step.pool().is_some() && said::asks_others(words) {
                next.page = next.page.saturating_add(1);
                return self.go_to(next, step);
            }
            if is_cancel(words) {
                return Turn::Cancelled;
            }
            if is_restart(words) {
                return Turn::Restarted;
            }
            if words::is_back(words) {
                return self.back(next, Some(step));
            }
            if is_keep(words) && next.answers.contains_key(&step.name) {
                return self.advance(next);
            }
        }
        match read {
            Read::Answer(value) => {
                next.answers.insert(step.name.clone(), value);
                self.advance(next)
            }
            Read::Wish(item) => Turn::Wish(step, item),
            Read::Wrong(why) => {
                next.wrong = next.wrong.saturating_add(1);
                if next.wrong >= MOST_WRONG {
                    next.wrong = 0;
                    Turn::Stuck(step)
                } else {
                    Turn::Wrong(step, why)
                }
            }
        }
    }

    /// One step back: the answers stay until another is given.
    fn back(&self, next: &mut Progress, from: Option<&'a Step>) -> Turn<'a> {
        let path = self.path(&next.answers);
        let place = from.and_then(|from| path.iter().position(|step| step.name == from.name)).unwrap_or(path.len());
        match (place.checked_sub(1).and_then(|place| path.get(place)), from) {
            (Some(before), _) => self.go_to(next, before),
            (None, Some(first)) => {
                next.wrong = 0;
                Turn::First(first)
            }
            (None, None) => Turn::Unclear,
        }
    }

    fn hear_summary(&self, next: &mut Progress, words: &str) -> Turn<'a> {
        if is_cancel(words) {
            return Turn::Cancelled;
        }
        if is_restart(words) {
            return Turn::Restarted;
        }
        if words::is_yes(words) {
            return Turn::Agreed;
        }
        let path = self.path(&next.answers);
        let meant = said::change(words).and_then(|change| match change {
            Named::Place(place) => place.checked_sub(1).and_then(|place| path.get(place).copied()),
            Named::Label(label) => called(&path, &label),
        });
        match meant {
            Some(step) => self.go_to(next, step),
            None if words::is_back(words) => self.back(next, None),
            None => Turn::Unclear,
        }
    }
}

/// The step that is called so, or the only one whose label has it in it.
fn called<'a>(path: &[&'a Step], label: &str) -> Option<&'a Step> {
    let whole = path.iter().find(|step| words::same(&step.label, label));
    let mut part = path.iter().filter(|step| step.label.contains(label));
    let only = match (part.next(), part.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    };
    whole.or(only).copied()
}

impl Step {
    /// What words are to a dialogue at this step, as far as that can be told without what was answered. An answer that
    /// could be other words as well yields to a keyword.
    pub fn claim(&self, words: &str, offers: &[String]) -> Claim {
        let leads = is_cancel(words) || words::is_back(words) || is_restart(words) || is_keep(words);
        if leads || self.is_skipped_by(words) || words::bare(words).is_empty() {
            return Claim::Meant;
        }
        let free = matches!(self.expects(), Some(Expects::Answer(Answer::Text { .. } | Answer::Address)));
        // Any day will do: whether somebody was born yet is told when the answer is read.
        match self.read(words, (BusinessDay(i32::MAX / 2), offers)) {
            Read::Answer(_) if free => Claim::Any,
            Read::Answer(_) if self.kind == Some(super::As::Name) => Claim::Otherwise,
            Read::Answer(_) | Read::Wish(_) | Read::Wrong(Wrong::OutOfRange) => Claim::Meant,
            Read::Wrong(_) if self.pool().is_some() && said::asks_others(words) => Claim::Meant,
            Read::Wrong(_) if words.chars().filter(|char| char.is_numeric()).count() >= 5 => Claim::Meant,
            Read::Wrong(_) => Claim::Otherwise,
        }
    }
}

/// What words are to a summary.
pub(in crate::domain) fn claim_summary(said: &str) -> Claim {
    let leads = is_cancel(said) || words::is_back(said) || is_restart(said) || words::is_yes(said);
    if leads || said::change(said).is_some() || words::bare(said).is_empty() { Claim::Meant } else { Claim::Otherwise }
}

#[cfg(test)]
mod tests;
