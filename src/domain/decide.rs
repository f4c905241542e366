//! The decision: from an action, a delivery and the facts loaded to a reply, changes and outgoing work.

use super::actions::{Entry, Given, Outcome, View};
use super::customer::Customer;
use super::decision::{Decision, Moment};
use super::fact::FactKind;
use super::ids::ActionKey;
use super::inbound::{Event, Inbound, What};
use super::notes;
use super::playbook::Playbook;
use super::question::Answer;
use super::reach;
use super::reply::Reply;
use super::route::{Because, Route, words};
use super::template::TemplateFault;
use super::value::Values;
use super::work::{Task, Work, id_for};

/// So much of what nobody could answer is kept.
const UNANSWERED_CHARS: usize = 64;

/// Whom a decision is about, and why it is made now.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The customer before.
    pub customer: &'a Customer,
    /// The delivery.
    pub inbound: &'a Inbound,
    /// Time and what is fresh.
    pub moment: Moment,
}

/// Decides one delivery. The follow state and the activity history are left to `growth::record`, which changes them
/// together with the counters.
pub fn decide(playbook: &Playbook, subject: Subject<'_>, route: &Route<'_>, given: &Given) -> Decision {
    let Subject { customer, inbound, moment } = subject;
    let mut decision =
        Decision { customer: customer.clone(), facts: vec![own_fact(&inbound.what)], ..Decision::default() };
    arrive(&mut decision.customer, inbound, moment);
    match route {
        Route::Act { key, kind, entry, because } => {
            let view = View { action: key, customer, entry, moment };
            let mut outcome = kind.as_action().decide(&view, given);
            mend(&mut outcome, playbook, &view);
            if outcome.dialogue.is_none() && is_aside(&inbound.what) {
                outcome.dialogue = decision.customer.dialogue.take();
            }
            decision.customer.dialogue = outcome.dialogue.take();
            decision.facts.extend(reason_fact(&inbound.what, *because));
            apply(&mut decision, key, outcome);
            if *because != Because::Unanswered {
                decision.facts.push(FactKind::Answered { action: (*key).clone() });
            }
        }
        Route::Expired { key, text } => {
            let mut outcome = Outcome::default();
            let view = View { action: key, customer, entry: &Entry::Opened { words: "" }, moment };
            outcome.reply = view.text(&mut outcome, text, &Values::new());
            mend(&mut outcome, playbook, &view);
            decision.customer.dialogue = None;
            apply(&mut decision, key, outcome);
            decision.facts.push(FactKind::Answered { action: (*key).clone() });
        }
        Route::Quiet => {}
    }
    if matches!(inbound.what, What::Event(Event::Unsubscribed)) {
        leave(&mut decision);
    } else if !matches!(route, Route::Quiet) {
        say_notes(&mut decision, moment);
    }
    decision.customer.recent.remember(moment.key, decision.reply.clone(), moment.now);
    decision
}

/// Decides what becomes of outgoing work of kind [`Task::Ask`] now that its answer is there. The reply is what the
/// customer is told, by whatever path is open ([`reach::deliver_later`]); the caller replaces the reply that the
/// delivery earned if it is still waited for.
pub fn resume(playbook: &Playbook, customer: &Customer, work: &Work, (answer, moment): (&Answer, Moment)) -> Decision {
    let mut decision = Decision { customer: customer.clone(), ..Decision::default() };
    let Task::Ask { action, memo, .. } = &work.task else { return decision };
    let Some((key, kind)) = playbook.actions.get_key_value(action) else {
        decision.faults.push(format!("动作 {action} 已不在配置里，它等到的答复无法告诉客户；请恢复这个动作"));
        return decision;
    };
    let view = View { action: key, customer, entry: &Entry::Opened { words: "" }, moment };
    let mut outcome = kind.as_action().resume(&view, memo, answer);
    if let Some(dialogue) = outcome.dialogue.take() {
        decision.customer.dialogue = Some(dialogue);
    }
    apply(&mut decision, key, outcome);
    decision
}

/// What a delivery does to the customer's record whatever the playbook says of it.
fn arrive(customer: &mut Customer, inbound: &Inbound, moment: Moment) {
    // A platform clock that runs ahead of ours must not keep a window open longer than it is.
    let at = inbound.at.min(moment.now);
    if let Some(opening) = reach::opening(&inbound.what) {
        customer.windows.open(opening, at);
    }
    match &inbound.what {
        What::Event(Event::AgentJoined { .. }) => {
            customer.with_agent_since = Some(at);
            customer.dialogue = None;
        }
        What::Event(Event::AgentLeft { .. }) => customer.with_agent_since = None,
        _ => {}
    }
}

/// The customer has left: the platform shows nothing any more and nothing may wait for them.
fn leave(decision: &mut Decision) {
    decision.reply = Reply::Silent;
    let customer = &mut decision.customer;
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
        decision.customer.memory.insert(key.clone(), memory);
    }
    decision.facts.extend(outcome.facts);
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
    decision.outbox.extend(notes.into_iter().enumerate().map(|(n, note)| Work {
        id: id_for(&format!("note-{n}"), moment.key),
        origin: moment.key,
        due: moment.now,
        expires: note.expires,
        task: Task::Send(note.reply),
    }));
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
/// its question, nor another question.
fn is_aside(what: &What) -> bool {
    matches!(what, What::Message(message) if words(message).is_none())
}

fn told(key: &ActionKey, fault: &TemplateFault) -> String {
    match fault.line {
        Some(line) => format!("动作 {key} 的话术第 {line} 行无法填写：{fault}"),
        None => format!("动作 {key} 的话术无法填写：{fault}"),
    }
}

/// The fact that a delivery is, whatever becomes of it.
fn own_fact(what: &What) -> FactKind {
    let event = match what {
        What::Message(_) => return FactKind::Messaged,
        What::Event(event) => event,
    };
    match event {
        Event::Subscribed { scene, .. } => FactKind::Followed { scene: scene.clone() },
        Event::Unsubscribed => FactKind::Unfollowed,
        Event::Scanned { scene, .. } => FactKind::Scanned { scene: scene.clone() },
        Event::MenuTapped { key } => FactKind::Tapped { key: key.clone() },
        Event::LinkOpened { url, .. } => FactKind::Tapped { key: url.clone() },
        Event::AgentJoined { .. } | Event::AgentLeft { .. } => FactKind::HandedOver,
        Event::LocationReported { .. } => FactKind::Reported { kind: "LOCATION".into() },
        Event::Unknown { name } => FactKind::Reported { kind: cut(name) },
    }
}

/// What the operator should hear of: words without an answer, a button without an action.
fn reason_fact(what: &What, because: Because) -> Option<FactKind> {
    match (because, what) {
        (Because::Unanswered, What::Message(message)) => {
            words(message).map(|words| FactKind::Unanswered { text: cut(words) })
        }
        (Because::UnknownButton, What::Event(Event::MenuTapped { key })) => {
            Some(FactKind::Reported { kind: format!("menu key without action: {}", cut(key)) })
        }
        _ => None,
    }
}

fn cut(text: &str) -> String {
    text.trim().chars().take(UNANSWERED_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::DedupeKey;
    use crate::domain::inbound::Message;
    use crate::domain::notes::Note;
    use crate::domain::question::Question;
    use crate::domain::reach::Reach;
    use crate::domain::route::route;
    use crate::domain::sample::{NOON, event, inbound, moment, playbook, talking, tap, text};
    use crate::domain::time::UnixSecs;
    use crate::domain::value::Value;

    fn decided(customer: &Customer, inbound: &Inbound, given: &Given) -> Decision {
        let playbook = playbook();
        let route = route(&playbook, customer, inbound, moment());
        decide(&playbook, Subject { customer, inbound, moment: moment() }, &route, given)
    }

    fn answer(answer: Answer) -> Given {
        Given { answer: Some(answer), ..Given::default() }
    }

    fn loaded() -> Answer {
        Answer::Loaded([("balance".to_owned(), Value::Fen(8650))].into())
    }

    fn said(text: &str) -> Reply {
        Reply::Text(text.into())
    }

    fn unanswered(text: &str) -> FactKind {
        FactKind::Unanswered { text: text.into() }
    }

    fn answered(action: &str) -> FactKind {
        FactKind::Answered { action: action.into() }
    }

    fn note(text: &str) -> Note {
        Note { reply: said(text), expires: NOON.plus_secs(10) }
    }

    #[test]
    fn an_answer_is_said_remembered_and_told_as_a_fact() {
        let decision = decided(&Customer::default(), &text("查话费"), &answer(loaded()));
        assert_eq!(decision.reply, said("话费余额 86.50 元"));
        assert_eq!(decision.facts, [FactKind::Messaged, answered("balance")]);
        assert_eq!(decision.customer.recent.earned(DedupeKey(7)).unwrap().reply, decision.reply);
        assert_eq!(decision.customer.windows.reach(NOON), Reach::CustomerService { left: 5 });
        assert_eq!((decision.outbox, decision.wait_for, decision.faults), (vec![], None, vec![]));
    }

    #[test]
    fn a_slow_business_system_gets_an_interim_answer_and_is_asked_again() {
        let decision = decided(&Customer::default(), &tap("balance"), &answer(Answer::TimedOut));
        assert_eq!(decision.reply, said("正在查询"));
        let [work] = &decision.outbox[..] else { panic!() };
        assert!(matches!(&work.task, Task::Ask { action, .. } if action.as_str() == "balance"));
        assert_eq!((work.due, work.origin), (NOON, DedupeKey(7)));
        for (late, text) in [
            (loaded(), "刚才查的结果：\n话费余额 86.50 元"),
            (Answer::Refused { code: "NO_NUMBER".into() }, "您还没有绑定号码"),
            (Answer::TimedOut, "查询暂时不可用"),
            (Answer::Down, "查询暂时不可用"),
        ] {
            let resumed = resume(&playbook(), &decision.customer, work, (&late, moment()));
            assert_eq!((resumed.reply, resumed.facts), (said(text), vec![]));
        }
    }

    #[test]
    fn every_other_answer_of_the_business_system_has_its_words() {
        for (given, text) in [
            (answer(Answer::Refused { code: "NO_NUMBER".into() }), "您还没有绑定号码"),
            (answer(Answer::Refused { code: "E9".into() }), "查不到"),
            (answer(Answer::Down), "查询暂时不可用"),
            (Given::default(), "查询暂时不可用"),
        ] {
            let decision = decided(&Customer::default(), &tap("balance"), &given);
            assert_eq!((decision.reply, decision.outbox), (said(text), vec![]));
        }
    }

    #[test]
    fn a_chat_is_handed_over_on_words_and_asked_for_on_a_tap() {
        let none = Given::default();
        let words = decided(&Customer::default(), &text("转人工"), &none);
        assert_eq!(words.reply, Reply::HandOver { agent: None });
        let tapped = decided(&Customer::default(), &tap("person"), &none);
        assert!(matches!(tapped.reply, Reply::Text(text) if text.contains("msgmenucontent")));
    }

    #[test]
    fn what_nobody_could_answer_is_kept_short_and_a_stale_button_is_reported() {
        let long = "天".repeat(500);
        let decision = decided(&Customer::default(), &text(&long), &Given::default());
        assert_eq!(decision.facts, [FactKind::Messaged, unanswered(&"天".repeat(64))]);
        let decision = decided(&Customer::default(), &tap("gone"), &Given::default());
        let FactKind::Reported { kind } = &decision.facts[1] else { panic!("{:?}", decision.facts) };
        assert!(kind.contains("gone"));
    }

    #[test]
    fn a_text_that_cannot_be_filled_is_never_read_by_a_customer() {
        let decision = decided(&Customer::default(), &tap("broken"), &Given::default());
        assert!(matches!(&decision.reply, Reply::Text(text) if text.starts_with("没听懂")), "{:?}", decision.reply);
        assert_eq!(decision.faults.len(), 1);
        assert!(decision.faults[0].contains("broken"), "{}", decision.faults[0]);
        let lacking = answer(Answer::Loaded(Values::new()));
        let decision = decided(&Customer::default(), &tap("balance"), &lacking);
        assert!(matches!(&decision.reply, Reply::Text(text) if text.starts_with("没听懂")));
    }

    #[test]
    fn notes_go_out_with_the_next_answer_and_only_then() {
        let customer = Customer { notes: vec![note("昨天的充值已到账")], ..Customer::default() };
        let report = decided(&customer, &event(Event::Unknown { name: "card_sku_remind".into() }), &Given::default());
        assert_eq!((report.reply, report.customer.notes.len()), (Reply::Silent, 1));
        let answer_now = decided(&customer, &text("查话费"), &answer(loaded()));
        assert_eq!(answer_now.reply, said("昨天的充值已到账\n\n话费余额 86.50 元"));
        assert_eq!((answer_now.customer.notes, answer_now.outbox), (vec![], vec![]));
        let offers = decided(&customer, &tap("offers"), &Given::default());
        assert!(matches!(offers.reply, Reply::Articles(list) if list.len() == 2));
        let [Work { task: Task::Send(sent), .. }] = &offers.outbox[..] else { panic!() };
        assert_eq!(*sent, said("昨天的充值已到账"));
    }

    #[test]
    fn a_picture_does_not_end_a_dialogue_and_a_tap_does() {
        let talking = talking("welcome", NOON.plus_secs(60));
        let picture = inbound(What::Message(Message::Unsupported));
        assert_eq!(decided(&talking, &picture, &Given::default()).customer.dialogue, talking.dialogue);
        assert_eq!(decided(&talking, &tap("offers"), &Given::default()).customer.dialogue, None);
        assert_eq!(decided(&talking, &text("好"), &Given::default()).customer.dialogue, None);
    }

    #[test]
    fn a_person_takes_the_chat_and_gives_it_back() {
        let none = Given::default();
        let joined = decided(&Customer::default(), &event(Event::AgentJoined { agent: "a".into() }), &none);
        assert_eq!(joined.facts, [FactKind::HandedOver]);
        let during = decided(&joined.customer, &text("查话费"), &answer(loaded()));
        assert_eq!((during.reply, during.facts), (Reply::Silent, vec![FactKind::Messaged]));
        let left = decided(&during.customer, &event(Event::AgentLeft { agent: "a".into() }), &none);
        assert_eq!(decided(&left.customer, &text("查话费"), &answer(loaded())).reply, said("话费余额 86.50 元"));
    }

    #[test]
    fn nothing_waits_for_a_customer_who_left() {
        let mut customer = talking("welcome", NOON.plus_secs(60));
        customer.notes.push(note("a"));
        customer.with_agent_since = Some(NOON);
        customer.windows.open(reach::BY_MESSAGE, NOON);
        let decision = decided(&customer, &event(Event::Unsubscribed), &Given::default());
        assert_eq!((decision.reply, decision.facts), (Reply::Silent, vec![FactKind::Unfollowed]));
        let left = decision.customer;
        assert_eq!((left.dialogue, left.notes, left.with_agent_since), (None, vec![], None));
        assert_eq!(left.windows.reach(NOON), Reach::NextVisit);
    }

    #[test]
    fn an_answer_for_an_action_that_is_gone_is_told_to_the_operator() {
        let question = Question { connector: "c".into(), values: Values::new(), idempotency_key: None };
        let task = Task::Ask { action: "gone".into(), question, memo: Values::new() };
        let work = Work { id: "w".into(), origin: DedupeKey(1), due: NOON, expires: NOON, task };
        let resumed = resume(&playbook(), &Customer::default(), &work, (&Answer::Down, moment()));
        assert_eq!((resumed.reply, resumed.faults.len()), (Reply::Silent, 1));
    }

    proptest! {
        #[test]
        fn whatever_is_written_gets_an_answer(words in any::<String>(), open in any::<bool>()) {
            let customer = if open { talking("welcome", NOON.plus_secs(60)) } else { Customer::default() };
            prop_assert!(!decided(&customer, &text(&words), &Given::default()).reply.is_silent());
        }

        #[test]
        fn deciding_again_decides_the_same(words in "查话费|转人工|.{0,10}", at in any::<i64>(), notes in 0_usize..4) {
            let customer = Customer { notes: vec![note("x"); notes], ..Customer::default() };
            let inbound = Inbound { at: UnixSecs(at), ..text(&words) };
            let given = answer(Answer::TimedOut);
            prop_assert_eq!(decided(&customer, &inbound, &given), decided(&customer, &inbound, &given));
        }
    }
}
