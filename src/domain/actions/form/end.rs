//! How a form that was handed in ends: done, refused, or nobody knows. It ends whether or not its action is still in the
//! playbook, or is still a form: `settings` is `None` then, and the words are our own.

use super::super::{Memory, Outcome, View};
use super::after::{DECIDED, UNKNOWN, call, decided, goods_settled};
use super::show::{ERASE, erase};
use super::turn::{GOODS, give_back, take, telling};
use super::{DEFAULT, Form, Kept, Sent};
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::question::Answer;
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

const DAY_SECS: i64 = 86_400;
/// What was asked by work: to hand in the form of this number.
pub(super) const HAND_IN: &str = "hand_in";
const STAGES: [&str; 4] = [HAND_IN, ERASE, DECIDED, GOODS];

/// Whether a memo is that of a form's work, whatever its action has become since.
pub(in crate::domain::actions) fn is_of_form(memo: &Values) -> bool {
    matches!(memo.get("stage"), Some(Value::Text(stage)) if STAGES.contains(&stage.as_str()))
        && memo.contains_key("number")
}

/// Whether work was left by a form, whatever its action has become since.
pub(in crate::domain::actions) fn is_left_by_form(work: &Work) -> bool {
    matches!(&work.task, Task::Ask { memo, .. } if is_of_form(memo) || work.id.as_str().starts_with("form/"))
}

/// The answer to a form's work is there; `None` when it has expired without one.
pub(in crate::domain::actions) fn answered(
    settings: Option<&Form>,
    view: &View<'_>,
    memo: &Values,
    answer: Option<&Answer>,
) -> Outcome {
    let (Some(Value::Text(stage)), Some(Value::Text(number))) = (memo.get("stage"), memo.get("number")) else {
        return Outcome::default();
    };
    match stage.as_str() {
        HAND_IN => handed_in(settings, view, (number, memo), answer),
        ERASE => erased(view, number),
        DECIDED => answer.map(|answer| decided(settings, view, number, answer)).unwrap_or_default(),
        GOODS => goods_settled(settings, view, number, answer),
        // What was given back is.
        _ => Outcome::default(),
    }
}

fn handed_in(
    settings: Option<&Form>,
    view: &View<'_>,
    (number, memo): (&str, &Values),
    answer: Option<&Answer>,
) -> Outcome {
    let unknown = || {
        let text = settings.map(|form| (&form.texts.unknown, memo));
        end(settings, view, (number, OrderOutcome::Unknown), text)
    };
    match answer {
        Some(Answer::Loaded(fields)) => {
            // What the customer agreed to stands; the business system adds to it.
            let mut values = fields.clone();
            values.extend(memo.clone());
            let text = settings.map(|form| (&form.texts.done, &values));
            end(settings, view, (number, OrderOutcome::Done), text)
        }
        Some(Answer::Refused { code }) => {
            // Without words of its own, since it was another form when it was handed in: how it stands.
            let refused = settings.map(|form| &form.texts.refused);
            let text = refused.and_then(|refused| refused.get(code).or_else(|| refused.get(DEFAULT)));
            end(settings, view, (number, OrderOutcome::Refused), text.map(|text| (text, memo)))
        }
        Some(Answer::Down) => match settings.and_then(|form| form.put_again(view, (number, memo))) {
            Some(work) => Outcome { outbox: vec![work], ..Outcome::default() },
            None => unknown(),
        },
        // Silence is not an answer: the same number is put again by the shell.
        Some(Answer::TimedOut) => Outcome::default(),
        // No answer came in all the time we asked.
        None => unknown(),
    }
}

/// It ends so, and this is what the customer reads; without a text, or where it cannot be filled, how it stands.
pub(super) fn end(
    settings: Option<&Form>,
    view: &View<'_>,
    (number, outcome): (&str, OrderOutcome),
    text: Option<(&Template, &Values)>,
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
    out.reply = text.map(|(text, values)| view.text(&mut out, text, values)).unwrap_or_default();
    if out.reply.is_silent() {
        match settings {
            Some(form) => form.say_standing(view, &mut out, &ended),
            None => out.reply = without_settings(&ended),
        }
    }
    settle_goods(view, &ended, &mut out);
    if outcome == OrderOutcome::Unknown {
        out.outbox.push(call(view, (number, UNKNOWN)));
    }
    let again = settings
        .filter(|_| outcome == OrderOutcome::Refused && kept.draft.is_none())
        .and_then(|form| form.again(view, &mut ended, &mut out));
    keep_for_a_while(view, (&mut ended, settings.map_or(0, |form| form.keep_days)), &mut out);
    let action = view.action.clone();
    out.facts.push(FactKind::Applied { action, number: number.to_owned(), outcome });
    if let Some(sent) = kept.sent_mut(number) {
        *sent = ended;
    }
    kept.draft = kept.draft.or(again);
    out.memory = Some(Memory::Form(kept));
    out
}

/// What became of a form whose action is not in the playbook any more: nobody is left without a word.
pub(super) fn without_settings(sent: &Sent) -> Reply {
    let number = &sent.number;
    Reply::Text(match sent.outcome {
        OrderOutcome::Done => format!("您之前提交的申请已经办好了。编号 {number}"),
        OrderOutcome::Refused => format!("您之前提交的申请没有办成。编号 {number}"),
        OrderOutcome::Unknown => format!("您之前提交的申请由工作人员核实，有结果会告诉您。编号 {number}"),
        OrderOutcome::Placed => return Reply::Silent,
    })
}

/// What was held is taken, or given back where nothing came of it.
pub(super) fn settle_goods(view: &View<'_>, sent: &Sent, out: &mut Outcome) {
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
pub(super) fn keep_for_a_while(view: &View<'_>, (sent, keep_days): (&mut Sent, u16), out: &mut Outcome) {
    // Where nobody knows how it ended, a person needs what was written.
    let days = i64::from(keep_days).max(i64::from(sent.outcome == OrderOutcome::Unknown));
    if days == 0 {
        sent.answers.clear();
    } else if !sent.answers.is_empty() {
        let due: UnixSecs = view.moment.now.plus_secs(days * DAY_SECS);
        out.outbox.push(erase(view, (&format!("{}/sent", sent.number), due)));
    }
}

/// The time to take away what was written has come, unless it was put off meanwhile.
fn erased(view: &View<'_>, number: &str) -> Outcome {
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
