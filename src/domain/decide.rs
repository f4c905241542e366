//! The decision: from an action, a delivery and the facts loaded to a reply, changes and outgoing work.

mod facts;

use super::actions::{ActionKind, Entry, Given, Kind, Outcome, View, is_for, is_owed, order_told, orphaned, remember};
use super::customer::{Customer, Dialogue};
use super::decision::{Decision, Moment};
use super::fact::{FactKind, Invited};
use super::ids::{ActionKey, DedupeKey, OrderNumber, WorkId};
use super::inbound::{Event, Inbound, What};
use super::notes::{self, Note};
use super::order::Happening;
use super::playbook::Playbook;
use super::question::Answer;
use super::reach;
use super::referral::Inviter;
use super::referral::news::Word;
use super::reply::Reply;
use super::route::{Because, Route, words};
use super::template::TemplateFault;
use super::value::Values;
use super::work::{Task, Work, id_for};
use super::{lead, taps};

/// Whom a decision is about, and why it is made now.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The customer before.
    pub customer: &'a Customer,
    /// The delivery.
    pub inbound: &'a Inbound,
    /// Time and what is fresh.
    pub moment: Moment,
    /// Whether somebody still waits for the answer.
    pub awaited: bool,
    /// The personal code that came with the delivery ([`super::referral::verdict::seen`]).
    pub invited: Option<&'a Invited>,
}

/// Decides one delivery. The follow state and the activity history are left to `growth::record`, which changes them
/// together with the counters.
pub fn decide(playbook: &Playbook, subject: Subject<'_>, route: &Route<'_>, given: &Given) -> Decision {
    let Subject { customer, inbound, moment, awaited, invited } = subject;
    let facts = facts::own_facts(subject, playbook);
    let mut decision = Decision { customer: customer.clone(), facts, ..Decision::default() };
    arrive(&mut decision.customer, inbound, moment);
    match route {
        Route::Act { key, kind, entry, because } => {
            let invited = invited.filter(|_| *because == Because::Invited);
            let view = View { action: key, customer, entry, moment, invited };
            let mut outcome = kind.as_action().decide(&view, given);
            let acted = lead::follow(playbook, &view, &mut outcome).unwrap_or(key);
            lead::keep(customer.dialogue.as_ref(), outcome.dialogue.as_mut());
            mend(&mut outcome, playbook, &view);
            if *because == Because::OldChoice {
                taps::stay(playbook, &view, &mut outcome);
            }
            if outcome.dialogue.is_none()
                && let Some(open) = decision.customer.dialogue.take()
            {
                let aside = is_aside(&inbound.what, kind.as_action(), entry);
                outcome.dialogue = match come_back(playbook, &view, &open, &mut outcome.reply) {
                    Some(dialogue) => Some(dialogue),
                    None if aside => Some(match playbook.actions.get(&open.action) {
                        Some(kind) => kind.as_action().interrupted(open),
                        None => open,
                    }),
                    None => None,
                };
            }
            taps::tie_outcome(playbook, customer, &mut outcome);
            decision.customer.dialogue = outcome.dialogue.take();
            decision.facts.extend(facts::reason_fact(&inbound.what, *because));
            apply(&mut decision, acted, outcome);
            if *because != Because::Unanswered {
                decision.facts.push(FactKind::Answered { action: (*key).clone() });
            }
        }
        Route::Expired { key, text } => {
            let mut outcome = Outcome::default();
            let view = late_view(key, customer, moment);
            outcome.reply = view.text(&mut outcome, text, &Values::new());
            mend(&mut outcome, playbook, &view);
            decision.customer.dialogue = None;
            apply(&mut decision, key, outcome);
            decision.facts.push(FactKind::Answered { action: (*key).clone() });
        }
        Route::OldChoice => {
            let key = &playbook.moments.fallback;
            let mut outcome = Outcome { reply: Reply::Text(taps::OLD.to_owned()), ..Outcome::default() };
            taps::stay(playbook, &late_view(key, customer, moment), &mut outcome);
            apply(&mut decision, key, outcome);
        }
        Route::Quiet => {}
    }
    taps::tie_open(playbook, &decision.customer, (&mut decision.reply, moment.now));
    if matches!(inbound.what, What::Event(Event::Unsubscribed | Event::AccountCancelled(_))) {
        decision.reply = Reply::Silent;
        // One that arrives after the next follow, or what the customer did next, ends a spell that is over, not the
        // present one.
        let follow = &customer.follow;
        let has_followed = follow.following && follow.changed_at.is_some_and(|at| at > inbound.at);
        if !has_followed && !customer.windows.opened_after(inbound.at) {
            leave(&mut decision.customer);
        }
        // Somebody who closed their account at the platform will not come back.
        if matches!(inbound.what, What::Event(Event::AccountCancelled(_))) {
            decision.customer.forget();
        }
    } else if awaited && !matches!(route, Route::Quiet) {
        // What nobody hears must not take the notes along.
        say_notes(&mut decision, moment);
    } else if matches!(inbound.what, What::Event(Event::AgentLeft { .. })) {
        // What had to wait for the person goes out by the window that may still be open.
        say_by_themselves(&mut decision, moment);
    }
    decision.customer.recent.remember(moment.key, decision.reply.clone(), moment.now);
    decision
}

/// Decides what becomes of outgoing work of kind [`Task::Ask`] now that its answer is there. The reply is what the
/// customer is told, by whatever path is open ([`reach::deliver_later`]); the caller replaces the reply that the
/// delivery earned if it is still waited for.
pub fn resume(playbook: &Playbook, customer: &Customer, work: &Work, (answer, moment): (&Answer, Moment)) -> Decision {
    afterwards(playbook, work, (customer, moment), Some(answer))
}

/// Decides what is said about work of kind [`Task::Ask`] that has expired without an answer. Like [`resume`].
pub fn abandon(playbook: &Playbook, customer: &Customer, work: &Work, moment: Moment) -> Decision {
    afterwards(playbook, work, (customer, moment), None)
}

/// Decides what follows when somebody else than the customer says what happened to one of their orders: the payment
/// platform, or a person. The reply is what the customer is told, as of [`resume`].
pub fn happened(
    playbook: &Playbook,
    customer: &Customer,
    (number, happening): (&OrderNumber, Happening),
    moment: Moment,
) -> Decision {
    let mut decision = Decision { customer: customer.clone(), ..Decision::default() };
    let Some(order) = customer.orders.get(number) else { return decision };
    let (key, kind) = (order.action.clone(), playbook.actions.get(&order.action));
    let view = late_view(&key, customer, moment);
    let mut outcome = order_told(kind, &view, (number, happening));
    if !matches!(kind, Some(Kind::Order(_))) {
        decision.faults.push(orphan(&key));
    }
    mend(&mut outcome, playbook, &view);
    taps::tie_outcome(playbook, customer, &mut outcome);
    apply(&mut decision, &key, outcome);
    taps::tie_open(playbook, &decision.customer, (&mut decision.reply, moment.now));
    decision
}

/// Decides what follows when an inviter's record is told how an invite stands. Where the campaign is not in the playbook any
/// more it is kept all the same.
pub fn credited(
    playbook: &Playbook,
    customer: &Customer,
    (word, inviter): (&Word, Inviter),
    moment: Moment,
) -> Decision {
    let mut decision = Decision { customer: customer.clone(), ..Decision::default() };
    let key = word.campaign();
    match playbook.actions.get(key) {
        Some(Kind::Campaign(campaign)) => {
            let outcome = campaign.hear(&late_view(key, customer, moment), (word, inviter));
            apply(&mut decision, key, outcome);
        }
        _ => decision.customer.drives.entry(key.clone()).or_default().take(word, inviter),
    }
    decision
}

fn orphan(action: &ActionKey) -> String {
    format!("动作 {action} 已不在配置里，或者换了种类，订单和表单照常了结，客户读到的是内置的话；请恢复这个动作")
}

fn late_view<'a>(action: &'a ActionKey, customer: &'a Customer, moment: Moment) -> View<'a> {
    View { action, customer, entry: &Entry::Opened { words: "" }, moment, invited: None }
}

/// The customer may be somewhere else by now, so an open dialogue ends only when the outcome keeps another one.
fn afterwards(
    playbook: &Playbook,
    work: &Work,
    (customer, moment): (&Customer, Moment),
    answer: Option<&Answer>,
) -> Decision {
    let mut decision = Decision { customer: customer.clone(), ..Decision::default() };
    let Task::Ask { action, memo, .. } = &work.task else { return decision };
    let view = late_view(action, customer, moment);
    let kind = playbook.actions.get(action).filter(|kind| is_for(kind, work));
    let mut outcome = match (kind.map(Kind::as_action), answer) {
        (Some(kind), Some(answer)) => kind.resume(&view, memo, answer),
        (Some(kind), None) => kind.abandon(&view, memo),
        (None, answer) => {
            let outcome = orphaned(&view, memo, answer);
            let is_told = !outcome.reply.is_silent();
            if is_told {
                decision.faults.push(orphan(action));
            } else if !is_owed(work) {
                decision.faults.push(format!("动作 {action} 已不在配置里，它等到的答复无法告诉客户；请恢复这个动作"));
            }
            apply(&mut decision, action, outcome);
            return decision;
        }
    };
    taps::tie_outcome(playbook, customer, &mut outcome);
    lead::explain(&mut decision.customer, action, &mut outcome);
    lead::keep(customer.dialogue.as_ref(), outcome.dialogue.as_mut());
    mend(&mut outcome, playbook, &view);
    let mut after = customer.clone();
    after.numbers = outcome.numbers.clone().unwrap_or(after.numbers);
    let next = lead::go_on(playbook, (customer.dialogue.as_ref(), &mut outcome), &View { customer: &after, ..view });
    match (outcome.dialogue.take(), &customer.dialogue) {
        (Some(dialogue), _) => decision.customer.dialogue = Some(dialogue),
        (None, Some(open)) if next.is_none() => {
            come_back(playbook, &view, open, &mut outcome.reply);
        }
        (None, _) => {}
    }
    apply(&mut decision, action, outcome);
    if let Some((key, mut next)) = next {
        if let Some(dialogue) = next.dialogue.take() {
            decision.customer.dialogue = Some(dialogue);
        }
        apply(&mut decision, key, next);
    }
    taps::tie_open(playbook, &decision.customer, (&mut decision.reply, moment.now));
    decision
}

/// After an answer to something else: the question that is open, in a line under it, and the dialogue as it goes on.
fn come_back(playbook: &Playbook, view: &View<'_>, open: &Dialogue, reply: &mut Reply) -> Option<Dialogue> {
    let (key, kind) = playbook.actions.get_key_value(&open.action)?;
    if key == view.action {
        return None;
    }
    let view = View { action: key, entry: &Entry::Opened { words: "" }, ..*view };
    let back = kind.as_action().comes_back(&view, open)?;
    if let (Reply::Text(text), Reply::Text(line)) = (reply, back.reply)
        && !text.is_empty()
        && text.len() + line.len() + 2 <= notes::MAX_TEXT_BYTES
    {
        text.push_str("\n\n");
        text.push_str(&line);
    }
    back.dialogue
}

/// What a delivery does to the customer's record whatever the playbook says of it.
fn arrive(customer: &mut Customer, inbound: &Inbound, moment: Moment) {
    // A platform clock that runs ahead of ours must not keep a window open longer than it is.
    let at = inbound.at.min(moment.now);
    reach::take_note(customer, &inbound.what, at);
    match &inbound.what {
        What::Event(Event::AgentJoined { .. }) => {
            customer.with_agent_since = Some(at);
            customer.dialogue = None;
        }
        What::Event(Event::AgentSwitched { .. }) => customer.with_agent_since = customer.with_agent_since.or(Some(at)),
        What::Event(Event::AgentLeft { .. }) => customer.with_agent_since = None,
        _ => {}
    }
}

/// The customer has left: the platform shows nothing any more and nothing may wait for them. What else is forgotten is
/// said by [`super::forget`], once the follow state is settled.
fn leave(customer: &mut Customer) {
    customer.dialogue = None;
    customer.notes.clear();
    customer.windows.close();
    customer.with_agent_since = None;
}

fn apply(decision: &mut Decision, key: &ActionKey, outcome: Outcome) {
    decision.reply = match outcome.reply {
        Reply::Text(text) if text.is_empty() => Reply::Silent,
        reply => reply,
    };
    if let Some(memory) = outcome.memory {
        remember(&mut decision.customer, key, memory);
    }
    if let Some(orders) = outcome.orders {
        decision.customer.orders = orders;
    }
    if let Some(numbers) = outcome.numbers {
        decision.customer.numbers = numbers;
    }
    if let Some(drive) = outcome.drive {
        decision.customer.drives.insert(key.clone(), drive);
    }
    if let Some(points) = outcome.points {
        decision.customer.points = points;
    }
    decision.facts.extend(outcome.facts);
    decision.notice = outcome.notice;
    decision.wait_for = outcome.outbox.first().filter(|_| outcome.wait).map(|work| work.id.clone());
    decision.outbox.extend(outcome.outbox);
    decision.faults.extend(outcome.faults.iter().map(|fault| told(key, fault)));
}

/// Says what has waited for the customer, with the reply or right after it. An interim answer may still be replaced,
/// so nothing is said together with one.
fn say_notes(decision: &mut Decision, moment: Moment) {
    let mut notes = notes::take(&mut decision.customer.notes, moment.now);
    if decision.wait_for.is_none() {
        notes = notes::join(notes, &mut decision.reply);
    }
    send_notes(decision, notes, moment);
}

fn say_by_themselves(decision: &mut Decision, moment: Moment) {
    let notes = notes::take(&mut decision.customer.notes, moment.now);
    send_notes(decision, notes, moment);
}

fn send_notes(decision: &mut Decision, notes: Vec<Note>, moment: Moment) {
    decision.outbox.extend(notes.into_iter().enumerate().map(|(n, note)| Work {
        id: id_of_note(n, &note, moment.key),
        origin: moment.key,
        due: moment.now,
        expires: note.expires,
        task: Task::Send(note.reply),
    }));
}

/// What is about money stays so.
fn id_of_note(n: usize, note: &Note, origin: DedupeKey) -> WorkId {
    let id = id_for(&format!("note-{n}"), origin);
    if note.is_receipt { id.receipt() } else { id }
}

/// When the text of an action could not be filled the customer reads that of the fallback: never silence, never half
/// a sentence.
fn mend(outcome: &mut Outcome, playbook: &Playbook, view: &View<'_>) {
    let key = &playbook.moments.fallback;
    if outcome.reply.is_silent() && !outcome.faults.is_empty() && key != view.action {
        let view = View { action: key, entry: &Entry::Opened { words: "" }, ..*view };
        let spare = playbook.actions.get(key).map(|kind| kind.as_action().decide(&view, &Given::default()));
        outcome.reply = spare.map(|spare| spare.reply).unwrap_or_default();
    }
}

/// Whether a delivery is answered without leaving the dialogue: a picture in the middle of one is not an answer to
/// its question, nor another question; nor is a greeting, or a slip that no rule knows.
fn is_aside(what: &What, action: &dyn ActionKind, entry: &Entry<'_>) -> bool {
    let What::Message(message) = what else { return false };
    words(message).is_none() || (action.in_passing() && matches!(entry, Entry::Opened { .. }))
}

fn told(key: &ActionKey, fault: &TemplateFault) -> String {
    match fault.line {
        Some(line) => format!("动作 {key} 的话术第 {line} 行无法填写：{fault}"),
        None => format!("动作 {key} 的话术无法填写：{fault}"),
    }
}

#[cfg(test)]
mod tests;
