use proptest::prelude::*;

use super::*;
use crate::domain::actions::Kind;
use crate::domain::customer::Follow;
use crate::domain::forget::{Forget, Keep, forget_left};
use crate::domain::ids::{DedupeKey, Scene};
use crate::domain::inbound::Message;
use crate::domain::notes::Note;
use crate::domain::question::Question;
use crate::domain::route::route;
use crate::domain::sample::{NOON, event, inbound, moment, playbook, talking, tap, text};
use crate::domain::template::Template;
use crate::domain::time::UnixSecs;
use crate::domain::value::Value;

mod left;

fn decided(customer: &Customer, inbound: &Inbound, given: &Given) -> Decision {
    let playbook = playbook();
    let route = route(&playbook, customer, inbound, moment());
    decide(&playbook, Subject { customer, inbound, moment: moment(), awaited: true, invited: None }, &route, given)
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
    Note { reply: said(text), expires: NOON.plus_secs(10), is_receipt: false }
}

#[test]
fn an_answer_is_said_remembered_and_told_as_a_fact() {
    let decision = decided(&Customer::default(), &text("查话费"), &answer(loaded()));
    assert_eq!(decision.reply, said("话费余额 86.50 元"));
    assert_eq!(decision.facts, [FactKind::Messaged, answered("balance")]);
    assert_eq!(decision.customer.recent.earned(DedupeKey(7)).unwrap().reply, decision.reply);
    assert_eq!(decision.customer.windows.room(NOON).map(|room| room.left), Some(5));
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
    assert_eq!((decision.reply, decision.faults.len()), (said("查询暂时不可用"), 1));
}

/// The sample playbook with some texts of an action replaced.
fn with_texts(action: &str, texts: &[(&str, &str)]) -> Playbook {
    let mut playbook = playbook();
    let Some(Kind::Order(mut order)) = playbook.actions.get(&ActionKey::from(action)).cloned() else { panic!() };
    for (field, text) in texts {
        let place = match *field {
            "placed" => &mut order.placed,
            "receipt" => &mut order.receipt,
            "unknown" => &mut order.unknown,
            "standing.done" => &mut order.standing.done,
            "refused" => order.refused.get_mut("default").unwrap(),
            other => panic!("{other}"),
        };
        *place = Template::new(*text).unwrap();
    }
    playbook.actions.insert(action.into(), Kind::Order(order));
    playbook
}

#[test]
fn whatever_becomes_of_money_the_customer_has_words_for_it() {
    let lacking = "{{ nobody }}";
    let broken = ["placed", "receipt", "unknown", "refused"].map(|field| (field, lacking));
    let mended = with_texts("pack", &broken);
    let mut customer = Customer::default();
    let mut placed = Decision::default();
    for words in ["充流量", "1", "确认"] {
        let inbound = text(words);
        let route = route(&mended, &customer, &inbound, moment());
        let subject =
            Subject { customer: &customer, inbound: &inbound, moment: moment(), awaited: true, invited: None };
        placed = decide(&mended, subject, &route, &Given::default());
        customer = placed.customer.clone();
    }
    assert_eq!((&placed.reply, placed.faults.len()), (&said("办理中"), 1));
    let work = &placed.outbox[0];
    let no = Answer::Refused { code: "E9".into() };
    for (decision, words) in [
        (resume(&mended, &customer, work, (&loaded(), moment())), "已办好"),
        (resume(&mended, &customer, work, (&no, moment())), "没办成"),
        (abandon(&mended, &customer, work, moment()), "核实中"),
    ] {
        assert_eq!((decision.reply, decision.faults.len(), decision.facts.len()), (said(words), 1, 1));
    }
    let worse = with_texts("pack", &[("receipt", lacking), ("standing.done", lacking)]);
    let decision = resume(&worse, &customer, work, (&loaded(), moment()));
    assert!(matches!(&decision.reply, Reply::Text(text) if text.starts_with("没听懂")), "{:?}", decision.reply);
    assert_eq!((decision.faults.len(), decision.facts.len()), (2, 1));
}

#[test]
fn a_late_answer_that_cannot_be_told_is_none() {
    let decision = decided(&Customer::default(), &tap("balance"), &answer(Answer::TimedOut));
    let lacking = Answer::Loaded(Values::new());
    let resumed = resume(&playbook(), &decision.customer, &decision.outbox[0], (&lacking, moment()));
    assert_eq!((resumed.reply, resumed.faults.len()), (said("查询暂时不可用"), 1));
}

#[test]
fn what_comes_late_never_hands_a_chat_over() {
    // Only in answer to a message does the platform hand a chat over (platform.md part 3), also when the kind that
    // does so stands in for a text that cannot be filled.
    let mut playbook = with_texts("pack", &[("receipt", "{{ nobody }}"), ("standing.done", "{{ nobody }}")]);
    playbook.moments.fallback = "person".into();
    let question = Question { connector: "order".into(), values: Values::new(), idempotency_key: None };
    let memo: Values = [("order", Value::from("1")), ("label", "包".into()), ("amount", Value::Fen(1))]
        .map(|(n, v)| (n.into(), v))
        .into();
    for action in playbook.actions.keys() {
        let task = Task::Ask { action: action.clone(), question: question.clone(), memo: memo.clone() };
        let work = Work { id: "w".into(), origin: DedupeKey(1), due: NOON, expires: NOON, task };
        let answers = [loaded(), Answer::Loaded(Values::new()), Answer::Down, Answer::TimedOut];
        let resumed = answers.map(|answer| resume(&playbook, &Customer::default(), &work, (&answer, moment())).reply);
        let abandoned = abandon(&playbook, &Customer::default(), &work, moment()).reply;
        let handed = |reply: &Reply| matches!(reply, Reply::HandOver { .. });
        assert!(!resumed.iter().any(handed) && !handed(&abandoned), "{action}");
    }
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
fn a_note_about_money_is_one_still_when_it_goes_out_by_itself() {
    let picture = |is_receipt| Note { reply: Reply::Image { media_id: "m".into() }, is_receipt, ..note("") };
    let customer = Customer { notes: vec![picture(true), picture(false)], ..Customer::default() };
    let sent = decided(&customer, &text("查话费"), &Given::default()).outbox;
    assert_eq!(sent.iter().map(Work::is_receipt).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn an_answer_that_nobody_waits_for_leaves_the_notes_where_they_are() {
    let customer = Customer { notes: vec![note("昨天的充值已到账")], ..Customer::default() };
    let (playbook, inbound) = (playbook(), text("查话费"));
    let route = route(&playbook, &customer, &inbound, moment());
    let subject = Subject { customer: &customer, inbound: &inbound, moment: moment(), awaited: false, invited: None };
    let unheard = decide(&playbook, subject, &route, &answer(loaded()));
    assert_eq!((unheard.reply, unheard.customer.notes), (said("话费余额 86.50 元"), customer.notes));
}

#[test]
fn an_order_may_still_become_the_answer_so_notes_are_said_by_themselves() {
    let mut customer = decided(&Customer::default(), &text("充流量"), &Given::default()).customer;
    customer = decided(&customer, &text("1"), &Given::default()).customer;
    customer.notes.push(note("昨天的充值已到账"));
    let placed = decided(&customer, &text("确认"), &Given::default());
    let [ask, _, send] = &placed.outbox[..] else { panic!("{:?}", placed.outbox) };
    assert_eq!(placed.wait_for.as_ref(), Some(&ask.id));
    assert_eq!(send.task, Task::Send(said("昨天的充值已到账")));
    assert!(matches!(&placed.reply, Reply::Text(text) if text.starts_with("正在办理")));

    let (playbook, no) = (playbook(), Answer::Refused { code: "POOR".into() });
    let refused = resume(&playbook, &placed.customer, ask, (&no, moment()));
    assert_eq!(refused.reply, said("余额不足"));
    assert_eq!(refused.customer.dialogue, placed.customer.dialogue);
    let silent = resume(&playbook, &placed.customer, ask, (&Answer::TimedOut, moment()));
    assert_eq!((silent.reply, silent.facts), (Reply::Silent, vec![]));
    let lost = abandon(&playbook, &placed.customer, ask, moment());
    assert!(matches!(&lost.reply, Reply::Text(text) if text.contains("人工核实")), "{:?}", lost.reply);
}

#[test]
fn a_customer_who_comes_too_late_for_a_dialogue_is_told_once() {
    let mut customer = talking("pack", NOON);
    customer.dialogue.as_mut().unwrap().step = "confirm".into();
    let late = decided(&customer, &text("确认"), &Given::default());
    assert_eq!((late.reply, late.facts), (said("等太久了，请重新选择"), vec![FactKind::Messaged, answered("pack")]));
    let again = decided(&late.customer, &text("确认"), &Given::default());
    assert_eq!(again.facts, [FactKind::Messaged, unanswered("确认")]);
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
fn what_is_said_in_passing_leaves_a_dialogue_open_and_another_question_does_not() {
    let mut choosing = talking("pack", NOON.plus_secs(60));
    choosing.dialogue.as_mut().unwrap().step = "choose".into();
    let after = |words: &str| decided(&choosing, &text(words), &Given::default()).customer.dialogue;
    assert_eq!(after("天气不错"), choosing.dialogue, "a slip that only the fallback answers");
    assert_eq!(after("查话费"), None);
    assert_eq!(after("1").unwrap().step, "confirm");
    choosing.dialogue.as_mut().unwrap().step = "confirm".into();
    let after = decided(&choosing, &text("天气不错"), &Given::default()).customer.dialogue;
    assert_eq!(after.unwrap().step, "confirm_expressly");
}

#[test]
fn a_person_takes_the_chat_and_gives_it_back() {
    let none = Given::default();
    let joined = decided(&Customer::default(), &event(Event::AgentJoined { agent: "a".into() }), &none);
    assert_eq!(joined.facts, [FactKind::HandedOver]);
    let during = decided(&joined.customer, &text("查话费"), &answer(loaded()));
    assert_eq!((during.reply, during.facts), (Reply::Silent, vec![FactKind::Messaged]));
    let left = decided(&during.customer, &event(Event::AgentLeft { agent: "a".into() }), &none);
    assert_eq!(left.facts, [FactKind::HandedBack]);
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
    assert_eq!(left.windows.room(NOON), None);
}

#[test]
fn what_is_counted_by_is_bounded() {
    // 1 + 127 bytes fit no whole number of characters of three bytes.
    let long = format!("a{}", "页".repeat(400));
    let short = format!("a{}", "页".repeat(42));
    let tapped = |event_of: Event| decided(&Customer::default(), &event(event_of), &Given::default()).facts.remove(0);
    for opened in [
        Event::MenuTapped { key: long.clone() },
        Event::LinkOpened { url: long.clone(), menu_id: None },
        Event::MiniProgramOpened { page_path: long.clone(), menu_id: None },
    ] {
        assert_eq!(tapped(opened), FactKind::Tapped { key: short.clone() });
    }
    let scanned = tapped(Event::Scanned { scene: long.as_str().into(), ticket: None });
    assert_eq!(scanned, FactKind::Scanned { scene: Scene::new(format!("a{}", "页".repeat(63))) });
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

#[test]
fn what_nobody_could_answer_is_kept_without_anybodys_number() {
    let decision =
        decided(&Customer::default(), &text("咕噜咕噜 138 0013 8000 和 11010519491231002X"), &Given::default());
    assert!(
        decision.facts.contains(&unanswered("咕噜咕噜 *** **** **** 和 *****************X")),
        "{:?}",
        decision.facts
    );
}
