//! Handing it in, and how that ends: done, refused, or nobody knows.

use super::super::numbering::Origin;
use super::super::{Memory, Outcome, View};
use super::after::{DECIDED, UNKNOWN, call};
use super::show::{ERASE, erase};
use super::turn::{GOODS, give_back, sent_dialogue, take, telling};
use super::{DEFAULT, Draft, Form, Kept, Sent};
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::form::Progress;
use crate::domain::ids::WorkId;
use crate::domain::question::{Answer, Question};
use crate::domain::template::Template;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

const DAY_SECS: i64 = 86_400;
/// What was asked by work: to hand in the form of this number.
const HAND_IN: &str = "hand_in";
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
            self.settle_goods(view, &sent, out);
            self.keep_for_a_while(view, &mut sent, out);
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

    /// It surely was not reached: the same is put again, as new work, since work that may have been put never is. When the
    /// time for that is over, a person looks at it.
    fn put_again(&self, view: &View<'_>, (number, memo): (&str, &Values)) -> Outcome {
        let integer = |name: &str| match memo.get(name) {
            Some(Value::Integer(n)) => Some(*n),
            _ => None,
        };
        let until = UnixSecs(integer("until").unwrap_or(0));
        let nth = integer("nth").unwrap_or(1).saturating_add(1);
        let mut kept = Kept::of(view);
        // Who left has taken along what was written.
        let sent = kept.sent_mut(number).filter(|sent| !sent.answers.is_empty());
        let is_open = until > view.moment.now.plus_secs(AGAIN_SECS);
        match sent.filter(|_| is_open).and_then(|sent| self.put(view, sent, (nth, until))) {
            Some(work) => Outcome { outbox: vec![work], ..Outcome::default() },
            None => self.end(view, (number, OrderOutcome::Unknown), (&self.texts.unknown, memo)),
        }
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

    /// The answer to work of this action is there.
    pub(super) fn settle(&self, view: &View<'_>, memo: &Values, answer: &Answer) -> Outcome {
        match (memo.get("stage"), memo.get("number"), answer) {
            (Some(Value::Text(stage)), Some(Value::Text(number)), _) if stage == ERASE => self.erase(view, number),
            (Some(Value::Text(stage)), Some(Value::Text(number)), answer) if stage == HAND_IN => match answer {
                Answer::Loaded(fields) => {
                    // What the customer agreed to stands; the business system adds to it.
                    let mut values = fields.clone();
                    values.extend(memo.clone());
                    self.end(view, (number, OrderOutcome::Done), (&self.texts.done, &values))
                }
                Answer::Refused { code } => {
                    let refused = &self.texts.refused;
                    match refused.get(code).or_else(|| refused.get(DEFAULT)) {
                        Some(text) => self.end(view, (number, OrderOutcome::Refused), (text, memo)),
                        None => Outcome::default(),
                    }
                }
                Answer::Down => self.put_again(view, (number, memo)),
                // Silence is not an answer: the same number is put again by the shell.
                Answer::TimedOut => Outcome::default(),
            },
            (Some(Value::Text(stage)), Some(Value::Text(number)), answer) if stage == DECIDED => {
                self.decided(view, number, answer)
            }
            (Some(Value::Text(stage)), Some(Value::Text(number)), answer) if stage == GOODS => {
                self.goods_settled(view, number, answer)
            }
            // What was given back is.
            _ => Outcome::default(),
        }
    }

    /// No answer came in all the time we asked.
    pub(super) fn give_up(&self, view: &View<'_>, memo: &Values) -> Outcome {
        match (memo.get("stage"), memo.get("number")) {
            (Some(Value::Text(stage)), Some(Value::Text(number))) if stage == HAND_IN => {
                self.end(view, (number, OrderOutcome::Unknown), (&self.texts.unknown, memo))
            }
            (Some(Value::Text(stage)), Some(Value::Text(number))) if stage == ERASE => self.erase(view, number),
            (Some(Value::Text(stage)), Some(Value::Text(number))) if stage == GOODS => {
                self.goods_settled(view, number, &Answer::TimedOut)
            }
            _ => Outcome::default(),
        }
    }

    pub(super) fn end(
        &self,
        view: &View<'_>,
        (number, outcome): (&str, OrderOutcome),
        text: (&Template, &Values),
    ) -> Outcome {
        let mut kept = Kept::of(view);
        let mut out = Outcome::default();
        let Some(sent) = kept.sent_mut(number) else { return out };
        // It ends once; what is told twice was told by an earlier answer. Only "nobody knows" can still change.
        let is_over = match sent.outcome {
            OrderOutcome::Done | OrderOutcome::Refused => true,
            OrderOutcome::Unknown => outcome == OrderOutcome::Unknown,
            OrderOutcome::Placed => false,
        };
        if is_over {
            return out;
        }
        sent.outcome = outcome;
        let mut ended = sent.clone();
        let filled = view.text(&mut out, text.0, text.1);
        out.reply = filled;
        if out.reply.is_silent() {
            self.say_standing(view, &mut out, &ended);
        }
        self.settle_goods(view, &ended, &mut out);
        if outcome == OrderOutcome::Unknown {
            out.outbox.push(call(view, (number, UNKNOWN)));
        }
        let again =
            (outcome == OrderOutcome::Refused && kept.draft.is_none()).then(|| self.again(view, &mut ended, &mut out));
        self.keep_for_a_while(view, &mut ended, &mut out);
        let action = view.action.clone();
        out.facts.push(FactKind::Applied { action, number: number.to_owned(), outcome });
        if let Some(sent) = kept.sent_mut(number) {
            *sent = ended;
        }
        if let Some(Some(draft)) = again {
            kept.draft = Some(draft);
        }
        out.memory = Some(Memory::Form(kept));
        out
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

    /// What was held is taken, or given back where nothing came of it.
    fn settle_goods(&self, view: &View<'_>, sent: &Sent, out: &mut Outcome) {
        out.outbox.extend(sent.hold.as_ref().map(|hold| {
            match sent.outcome {
                OrderOutcome::Refused => telling(give_back(view, hold), &sent.number),
                OrderOutcome::Done | OrderOutcome::Placed => telling(take(view, hold), &sent.number),
                // Where nobody knows, a person decides; until then it is nobody else's, and known for what it was held for.
                OrderOutcome::Unknown => take(view, hold),
            }
        }));
    }

    /// What was written is kept for as long as the playbook says, and no longer.
    fn keep_for_a_while(&self, view: &View<'_>, sent: &mut Sent, out: &mut Outcome) {
        // Where nobody knows how it ended, a person needs what was written.
        let days = i64::from(self.keep_days).max(i64::from(sent.outcome == OrderOutcome::Unknown));
        if days == 0 {
            sent.answers.clear();
        } else if !sent.answers.is_empty() {
            out.outbox
                .push(erase(view, (&format!("{}/sent", sent.number), view.moment.now.plus_secs(days * DAY_SECS))));
        }
    }

    /// The time to take away what was written has come, unless it was put off meanwhile.
    fn erase(&self, view: &View<'_>, number: &str) -> Outcome {
        let mut out = Outcome::default();
        let mut kept = Kept::of(view);
        if let Some(number) = number.strip_suffix("/sent") {
            let Some(sent) = kept.sent_mut(number).filter(|sent| !sent.answers.is_empty()) else { return out };
            sent.answers.clear();
        } else {
            let Some(draft) = kept.draft.take_if(|draft| draft.number == number) else { return out };
            if draft.until > view.moment.now {
                out.outbox.push(erase(view, (number, draft.until)));
                return out;
            }
            out.outbox.extend(draft.hold.map(|hold| give_back(view, &hold)));
        }
        out.memory = Some(Memory::Form(kept));
        out
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
