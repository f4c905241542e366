//! Handing it in, and handing in once more what surely has not arrived.

use super::super::numbering::Origin;
use super::super::{Memory, Outcome, View};
use super::end::{HAND_IN, keep_for_a_while, settle_goods};
use super::show::erase;
use super::turn::sent_dialogue;
use super::{Draft, Form, Kept, Sent};
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::form::Progress;
use crate::domain::ids::WorkId;
use crate::domain::question::Question;
use crate::domain::template::Template;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

const DAY_SECS: i64 = 86_400;
/// Until the same is put again to a business system that surely was not reached.
const AGAIN_SECS: i64 = 30;

impl Form {
    /// Hands in what was agreed to.
    pub(super) fn hand_in(&self, view: &View<'_>, (mut kept, mut draft): (Kept, Draft), out: &mut Outcome) {
        let number = draft.number.clone();
        // The delivery that began it was taken for new once more: what it handed in is handed in.
        if let Some(sent) = kept.sent_mut(&number).cloned() {
            self.say_standing(view, out, &sent);
            out.dialogue = Some(sent_dialogue(view));
            out.memory = Some(Memory::Form(kept));
            return;
        }
        let now = view.moment.now;
        let written = self.written(&draft, now);
        let answers = std::mem::take(&mut draft.progress.answers);
        let mut memo = self.shown(&answers);
        memo.insert("number".to_owned(), Value::from(number.as_str()));
        let mut sent =
            Sent { number: number.clone(), at: now, outcome: OrderOutcome::Placed, answers, hold: draft.hold };
        out.dialogue = Some(sent_dialogue(view));
        if self.connector.is_none() {
            sent.outcome = OrderOutcome::Done;
            out.reply = view.text(out, &self.texts.done, &memo);
            out.facts.push(FactKind::TicketOpened { action: view.action.clone(), number, text: written });
            settle_goods(view, &sent, out);
            keep_for_a_while(view, (&mut sent, self.keep_days), out);
            kept.add(sent);
            out.memory = Some(Memory::Form(kept));
            return;
        }
        out.reply = view.text(out, &self.texts.sending, &memo);
        out.facts.push(FactKind::Applied { action: view.action.clone(), number, outcome: sent.outcome });
        let until = now.plus_secs(i64::from(self.settle_secs));
        // The one that is waited for is the first one.
        out.outbox.splice(0..0, self.put(view, &sent, (1, until)));
        out.wait = true;
        kept.add(sent);
        out.memory = Some(Memory::Form(kept));
    }

    /// The work that puts it to the business system, for the `nth` time if that surely was not reached before; of no use
    /// after `until`.
    fn put(&self, view: &View<'_>, sent: &Sent, (nth, until): (i64, UnixSecs)) -> Option<Work> {
        let number = &sent.number;
        let question = Question {
            connector: self.connector.clone()?,
            values: self.handed(sent),
            idempotency_key: Some(number.clone()),
        };
        let mut memo = self.shown(&sent.answers);
        memo.extend(Values::from([
            ("number".to_owned(), Value::from(number.as_str())),
            ("stage".to_owned(), Value::from(HAND_IN)),
            ("nth".to_owned(), Value::Integer(nth)),
            ("until".to_owned(), Value::Integer(until.0)),
        ]));
        let id = format!("form/{}/{number}", view.action);
        let (id, wait_secs) = if nth == 1 { (id, 0) } else { (format!("{id}/{nth}"), AGAIN_SECS) };
        Some(Work {
            id: WorkId::new(id),
            origin: view.moment.key,
            due: view.moment.now.plus_secs(wait_secs),
            expires: until,
            task: Task::Ask { action: view.action.clone(), question, memo },
        })
    }

    /// It surely was not reached: the same is put again, as new work, since work that may have been put never is. `None`
    /// when the time for that is over.
    pub(super) fn put_again(&self, view: &View<'_>, (number, memo): (&str, &Values)) -> Option<Work> {
        let integer = |name: &str| match memo.get(name) {
            Some(Value::Integer(n)) => Some(*n),
            _ => None,
        };
        let until = UnixSecs(integer("until").unwrap_or(0));
        let nth = integer("nth").unwrap_or(1).saturating_add(1);
        let mut kept = Kept::of(view);
        // Who left has taken along what was written.
        let sent = kept.sent_mut(number).filter(|sent| !sent.answers.is_empty())?;
        self.put(view, sent, (nth, until)).filter(|_| until > view.moment.now.plus_secs(AGAIN_SECS))
    }

    /// What the connector may use: every answer, a choice by its code, money as a count of fen; empty where none was asked
    /// for.
    fn handed(&self, sent: &Sent) -> Values {
        let answer = |name: &str| match sent.answers.get(name) {
            Some(Value::Fen(fen)) => Value::Integer(*fen),
            Some(value) => value.clone(),
            None => Value::from(""),
        };
        let mut values: Values = self.steps.iter().map(|step| (step.name.clone(), answer(&step.name))).collect();
        values.insert("number".to_owned(), Value::from(sent.number.as_str()));
        values
    }

    /// What was refused can be mended and handed in again, under a number of its own.
    pub(super) fn again(&self, view: &View<'_>, sent: &mut Sent, out: &mut Outcome) -> Option<Draft> {
        if self.resume_days == 0 || sent.answers.is_empty() {
            return None;
        }
        let origin = Origin { action: view.action, key: view.moment.key, at: sent.at };
        let (day, number) = origin.number(&format!("again/{}", sent.number), 18);
        let until = view.moment.now.plus_secs(i64::from(self.resume_days) * DAY_SECS);
        let progress = Progress { answers: sent.answers.clone(), ..Progress::default() };
        let draft = Draft { number: format!("{day}{number:018}"), progress, until, is_timed: true, hold: None };
        out.outbox.push(erase(view, (&draft.number, until)));
        Some(draft)
    }

    pub(super) fn standing_of(&self, outcome: OrderOutcome) -> &Template {
        match outcome {
            OrderOutcome::Placed => &self.texts.standing.placed,
            OrderOutcome::Done => &self.texts.standing.done,
            OrderOutcome::Refused => &self.texts.standing.refused,
            OrderOutcome::Unknown => &self.texts.standing.unknown,
        }
    }
}
