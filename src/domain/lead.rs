//! Being led: what a customer asked for waits until something else is done (a number bound, or shown again), and then goes
//! on by itself. The way is kept in the dialogue they are led into: when they leave that, they have changed their mind.

use super::actions::{Entry, Given, Outcome, View};
use super::customer::{Customer, Dialogue};
use super::fact::FactKind;
use super::ids::ActionKey;
use super::playbook::Playbook;
use super::question::Answer;
use super::reply::Reply;
use super::value::Value;

/// The slot of a dialogue that names the action that goes on when it is done.
const THEN: &str = "then";
/// The slot that keeps why the customer was led here until they are told.
const WHY: &str = "why";

/// Takes the customer where the outcome says they have to go first; the action they came to, whose outcome it is now.
pub(super) fn follow<'a>(playbook: &'a Playbook, view: &View<'_>, outcome: &mut Outcome) -> Option<&'a ActionKey> {
    let lead = outcome.lead.take()?;
    let (key, kind) = playbook.actions.get_key_value(&lead.to)?;
    let entry = Entry::Opened { words: lead.words };
    let view_there = View { action: key, entry: &entry, ..*view };
    let mut led = kind.as_action().decide(&view_there, &Given::default());
    let why = std::mem::take(&mut outcome.reply);
    if let Some(dialogue) = &mut led.dialogue {
        dialogue.slots.insert(THEN.to_owned(), Value::from(view.action.as_str()));
        // What is said now may be replaced by what comes of it.
        if let (true, Reply::Text(why)) = (led.wait, &why) {
            dialogue.slots.insert(WHY.to_owned(), Value::from(why.as_str()));
        }
    }
    led.reply = joined(why, std::mem::take(&mut led.reply));
    led.facts.splice(0..0, std::mem::take(&mut outcome.facts));
    led.faults.splice(0..0, std::mem::take(&mut outcome.faults));
    *outcome = led;
    Some(key)
}

/// What a customer was led here for stays with the dialogue from step to step.
pub(super) fn keep(before: Option<&Dialogue>, after: Option<&mut Dialogue>) {
    let (Some(before), Some(after)) = (before, after) else { return };
    if before.action == after.action
        && let Some(then) = before.slots.get(THEN)
    {
        after.slots.entry(THEN.to_owned()).or_insert_with(|| then.clone());
    }
}

/// Says with the first outcome why the customer was led here, once.
pub(super) fn explain(customer: &mut Customer, action: &ActionKey, outcome: &mut Outcome) {
    let Some(dialogue) = customer.dialogue.as_mut().filter(|dialogue| dialogue.action == *action) else { return };
    if outcome.reply.is_silent() {
        return;
    }
    if let Some(Value::Text(why)) = dialogue.slots.remove(WHY) {
        outcome.reply = joined(Reply::Text(why), std::mem::take(&mut outcome.reply));
    }
}

/// What goes on now that this outcome has bound a number, or shown it again: the action and its outcome, with what the
/// first one says before it. `customer` is the one after it, `was` the dialogue before it.
pub(super) fn go_on<'a>(
    playbook: &'a Playbook,
    (was, done): (Option<&Dialogue>, &mut Outcome),
    view: &View<'_>,
) -> Option<(&'a ActionKey, Outcome)> {
    let bound = done.facts.iter().any(|fact| matches!(fact, FactKind::NumberBound { .. }));
    let dialogue = was.filter(|dialogue| bound && dialogue.action == *view.action)?;
    let Some(Value::Text(then)) = dialogue.slots.get(THEN) else { return None };
    let (key, kind) = playbook.actions.get_key_value(&ActionKey::from(then.as_str()))?;
    if let Some(over) = &mut done.dialogue {
        over.slots.remove(THEN);
    }
    let entry = Entry::Opened { words: "" };
    let there = View { action: key, entry: &entry, ..*view };
    // Nobody is asked within a commit: what has to be asked is asked right after it.
    let asks = kind.as_action().needs(&there).question.is_some();
    let given = Given { answer: asks.then_some(Answer::TimedOut), ..Given::default() };
    let mut next = kind.as_action().decide(&there, &given);
    // Whoever would be led back here would be led for ever.
    if next.lead.take().is_some() {
        return None;
    }
    next.reply = joined(std::mem::take(&mut done.reply), std::mem::take(&mut next.reply));
    Some((key, next))
}

fn joined(first: Reply, second: Reply) -> Reply {
    match (first, second) {
        (Reply::Text(first), Reply::Text(second)) => Reply::Text(format!("{first}\n{second}")),
        (first, Reply::Silent) => first,
        (_, second) => second,
    }
}
