//! What becomes of a form after it was handed in, when a person has to look at it: who is called, what they decide, and what
//! follows when what it was about is somebody else's by then.

use super::super::{Memory, Outcome, View};
use super::end::end;
use super::{Form, Kept, RESUME, Sent};
use crate::domain::customer::Dialogue;
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::ids::{ActionKey, ConnectorKey, DedupeKey, WorkId};
use crate::domain::pool::Later;
use crate::domain::question::{Answer, Errand, Question};
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

const DAY_SECS: i64 = 86_400;
/// What was asked by work: nothing. A person says what came of the form of this number.
pub(super) const DECIDED: &str = "decided";

/// A person looked at it and says how it ended.
pub(super) fn decided(settings: Option<&Form>, view: &View<'_>, number: &str, answer: &Answer) -> Outcome {
    let outcome = match answer {
        Answer::Loaded(_) => OrderOutcome::Done,
        _ => OrderOutcome::Refused,
    };
    match Kept::of(view).sent_mut(number) {
        Some(sent) if sent.outcome == OrderOutcome::Unknown => end(settings, view, (number, outcome), None),
        _ => Outcome::default(),
    }
}

/// What was held is taken or given back: nothing of the form keeps the record any more. Where it was somebody else's by
/// then, a person looks at it; who only left a ticket chooses again.
pub(super) fn goods_settled(
    settings: Option<&Form>,
    view: &View<'_>,
    number: &str,
    answer: Option<&Answer>,
) -> Outcome {
    let mut kept = Kept::of(view);
    let mut out = Outcome::default();
    let Some(sent) = kept.sent_mut(number) else { return out };
    sent.hold = None;
    if matches!(answer, Some(Answer::Loaded(values)) if values.contains_key("denied")) {
        out.outbox.push(call(view, (number, TAKEN)));
        let ticket = settings.filter(|form| form.connector.is_none() && sent.outcome == OrderOutcome::Done);
        if let Some(form) = ticket {
            sent.outcome = OrderOutcome::Refused;
            let mut ended = sent.clone();
            form.choose_again(view, (&mut kept, &mut ended), &mut out);
        }
    }
    out.memory = Some(Memory::Form(kept));
    out
}

impl Form {
    fn choose_again(&self, view: &View<'_>, (kept, sent): (&mut Kept, &mut Sent), out: &mut Outcome) {
        let (action, number) = (view.action.clone(), sent.number.clone());
        out.facts.push(FactKind::Applied { action, number, outcome: OrderOutcome::Refused });
        let step = self.steps.iter().find(|step| step.pool().is_some());
        sent.answers.retain(|name, _| step.is_none_or(|step| step.name != *name));
        let values = Values::from([("number".to_owned(), Value::from(sent.number.as_str()))]);
        let mut lines = vec![(self.standing_of(OrderOutcome::Refused), values)];
        if kept.draft.is_none() {
            kept.draft = self.again(view, sent, out);
        }
        let dialogue = view.customer.dialogue.as_ref();
        let is_free = dialogue.is_none_or(|open| open.action == *view.action || open.expires <= view.moment.now);
        if let Some(draft) = kept.draft.as_ref().filter(|_| is_free) {
            lines.push((&self.texts.resume, self.about(step, &draft.progress.answers)));
            out.dialogue = Some(Dialogue {
                action: view.action.clone(),
                step: RESUME.to_owned(),
                slots: Values::new(),
                expires: draft.until,
            });
        }
        self.say(out, lines);
    }
}

/// Nobody knows how it ended.
pub(super) const UNKNOWN: &str = "form_unknown";
/// What it was about is somebody else's by now.
const TAKEN: &str = "form_goods_taken";

/// Work that puts the form on the list of those that a person has to look at.
pub(super) fn call(view: &View<'_>, (number, reason): (&str, &str)) -> Work {
    let values = [("order", Value::from(number)), ("reason", Value::from(reason)), ("amount_fen", Value::Integer(0))];
    let question = Question {
        connector: ConnectorKey::new(Errand::Call.as_str()),
        values: values.map(|(name, value)| (name.to_owned(), value)).into(),
        idempotency_key: None,
    };
    Work {
        id: WorkId::new(format!("form/{}/{number}/call/{reason}", view.action)),
        origin: view.moment.key,
        due: view.moment.now,
        // Late is better than never.
        expires: view.moment.now.plus_secs(365 * DAY_SECS),
        task: Task::Ask { action: view.action.clone(), question, memo: Values::new() },
    }
}

/// What a person decides about the form of this number, as the outcome of work that nobody has to do: `Loaded` it is done,
/// `Refused` it is not.
pub fn decision(action: &ActionKey, (number, origin, now): (&str, DedupeKey, UnixSecs)) -> Work {
    let memo = Values::from([("stage".to_owned(), Value::from(DECIDED)), ("number".to_owned(), Value::from(number))]);
    Work {
        id: WorkId::new(format!("form/{action}/{number}/decided")),
        origin,
        due: now,
        expires: now,
        task: Task::Ask { action: action.clone(), question: Later::question(), memo },
    }
}
