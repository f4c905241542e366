use super::super::desk::{Desk, MORNING, said};
use super::super::{ActionKind, Outcome};
use super::*;
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::order::{MOST_ORDERS, Reason, State};
use crate::domain::question::Question;
use crate::domain::value::Value;
use crate::domain::work::{Task, Work};

mod paying;
mod settings;
mod taps;
mod told;

fn order() -> Order {
    toml::from_str(
        r#"
        connector = "place"
        expires_secs = 300
        choose = "选一个"
        item = "{{ number }} {{ tap(label) }} {{ amount }}元 {{ description }}"
        choose_end = "回复序号"
        confirm = "确认 {{ label }} {{ amount }}元？"
        placed = "正在办理 {{ label }} {{ order }}"
        receipt = "办好了 {{ label }}，余额 {{ balance }}元，订单 {{ order }}"
        cancelled = "已取消"
        expired = "太久了"
        unclear_choice = "回复 1 到 {{ count }}"
        unclear_confirm = "回复确认，办理 {{ label }}"
        unknown = "人工核实 {{ order }}"
        choices = [
            { code = "D1G", label = "1GB 日包", amount_fen = 500, description = "当天用" },
            { code = "M5G", label = "5GB 月包", amount_fen = 2000 },
        ]
        [refused]
        default = "没办成 {{ label }}"
        POOR = "余额不足 {{ amount }}元"
        [standing]
        placed = "还在办 {{ order }}"
        done = "早办好了 {{ label }}"
        refused = "上一笔没办成"
        unknown = "上一笔核实中"
        "#,
    )
    .unwrap()
}

/// The first piece of work, and what it asks.
fn asked(out: &Outcome) -> (Work, Question, Values) {
    let work = out.outbox.first().expect("work");
    let Task::Ask { question, memo, .. } = &work.task else { panic!("{work:?}") };
    (work.clone(), question.clone(), memo.clone())
}

/// What the work is for, without the order's number.
fn purposes(out: &Outcome) -> Vec<&str> {
    out.outbox.iter().map(|work| work.id.as_str().splitn(3, '/').nth(2).unwrap()).collect()
}

/// Where the order went, and why.
fn moves(out: &Outcome) -> Vec<(State, Reason)> {
    let step = |fact: &FactKind| match fact {
        FactKind::OrderMoved { to, reason, .. } => (*to, *reason),
        other => panic!("{other:?}"),
    };
    out.facts.iter().map(step).collect()
}

const PLACED: [(State, Reason); 2] = [(State::Confirmed, Reason::Agreed), (State::Fulfilling, Reason::Asked)];

fn loaded() -> Answer {
    Answer::Loaded(Values::from([("balance".to_owned(), Value::Fen(6650)), ("label".to_owned(), "别的名字".into())]))
}

/// Opens, chooses the second and confirms.
fn buy(desk: &mut Desk<'_>) -> Outcome {
    desk.tap();
    desk.say("2");
    desk.say("确认")
}

#[test]
fn a_customer_chooses_confirms_and_gets_the_receipt() {
    let order = order();
    let mut desk = Desk::new(&order);
    assert_eq!(said(&desk.tap()), "选一个\n1 1GB 日包 5.00元 当天用\n2 5GB 月包 20.00元 \n回复序号");
    assert_eq!(said(&desk.say("２")), "确认 5GB 月包 20.00元？");
    let placed = desk.say("好的");
    let (work, question, memo) = asked(&placed);
    let number = question.idempotency_key.clone().unwrap();
    assert_eq!(said(&placed), format!("正在办理 5GB 月包 {number}"));
    assert!(placed.wait && number.starts_with("20260101") && number.len() == 26, "{number}");
    assert_eq!(work.expires.secs_since(desk.now), 3600);
    assert_eq!(
        question.values,
        Values::from([
            ("code".to_owned(), "M5G".into()),
            ("amount_fen".to_owned(), Value::Integer(2000)),
            ("order".to_owned(), number.as_str().into()),
        ])
    );
    assert_eq!(moves(&placed), PLACED);
    assert!(purposes(&placed)[0] == "fulfil" && purposes(&placed)[1].starts_with("keep/") && placed.outbox.len() == 2);

    let done = desk.answer(&memo, &loaded());
    assert_eq!(said(&done), format!("办好了 5GB 月包，余额 66.50元，订单 {number}"));
    assert_eq!((moves(&done), done.outbox), (vec![(State::Done, Reason::BusinessDid)], vec![]));
}

#[test]
fn the_order_is_the_same_when_decided_again_and_another_when_bought_again() {
    let order = order();
    let mut desk = Desk::new(&order);
    desk.tap();
    desk.say("2");
    let dialogue = desk.customer.dialogue.clone().unwrap();
    let entry = Entry::Continued { dialogue: &dialogue, words: "确认" };
    let first = asked(&desk.decide(&entry)).1.idempotency_key;
    // A retry of the confirmation that arrives later, under another key of its own, is still the same order.
    desk.now = desk.now.plus_secs(60);
    desk.key += 100;
    assert_eq!(asked(&desk.decide(&entry)).1.idempotency_key, first);

    let (_, question, memo) = asked(&desk.say("确认"));
    assert_eq!(question.idempotency_key, first);
    desk.answer(&memo, &loaded());
    let second = asked(&buy(&mut desk)).1.idempotency_key;
    assert_ne!(second, first);
}

#[test]
fn confirming_twice_orders_once() {
    let order = order();
    let mut desk = Desk::new(&order);
    let (.., memo) = asked(&buy(&mut desk));
    let again = desk.say("确认");
    assert!(said(&again).starts_with("还在办") && again.outbox.is_empty() && again.facts.is_empty(), "{again:?}");
    desk.answer(&memo, &loaded());
    let again = desk.say("确认！");
    assert_eq!((said(&again).as_str(), again.outbox.len()), ("早办好了 5GB 月包", 0));
    // What is something else is not held back by an order that is on its way.
    assert!(!desk.wants("查话费") && !desk.wants("2") && !desk.wants("谢谢"));
}

#[test]
fn while_an_order_is_on_its_way_no_second_one_begins() {
    let order = order();
    let mut desk = Desk::new(&order);
    buy(&mut desk);
    let out = desk.tap();
    assert!(said(&out).starts_with("还在办") && out.dialogue.is_none());
    desk.now = desk.now.plus_secs(3600);
    assert!(said(&desk.tap()).starts_with("选一个"), "an order nobody settled cannot block the customer for ever");
}

#[test]
fn asking_for_the_order_tells_how_the_latest_one_stands() {
    let order = order();
    let mut desk = Desk::new(&order);
    assert!(said(&desk.open("我的订单")).starts_with("选一个"));
    let (.., memo) = asked(&buy(&mut desk));
    desk.answer(&memo, &Answer::Refused { code: "POOR".into() });
    assert_eq!(said(&desk.open("我的订单")), "上一笔没办成");
    assert_eq!(said(&desk.open("确认")), "上一笔没办成");
    assert!(said(&desk.tap()).starts_with("选一个"));
}

#[test]
fn a_refusal_says_why_and_nothing_is_charged() {
    let order = order();
    for (code, text) in [("POOR", "余额不足 20.00元"), ("ELSE", "没办成 5GB 月包")] {
        let mut desk = Desk::new(&order);
        let (.., memo) = asked(&buy(&mut desk));
        let out = desk.answer(&memo, &Answer::Refused { code: code.into() });
        assert_eq!((said(&out).as_str(), moves(&out)), (text, vec![(State::Failed, Reason::BusinessRefused)]));
    }
}

#[test]
fn silence_is_no_answer_until_it_is_given_up() {
    let order = order();
    let mut desk = Desk::new(&order);
    let (.., memo) = asked(&buy(&mut desk));
    assert_eq!(desk.answer(&memo, &Answer::TimedOut), Outcome::default());
    let out = desk.abandon(&memo);
    assert!(said(&out).starts_with("人工核实 20260101"));
    assert_eq!(moves(&out), [(State::NeedsPerson, Reason::BusinessSilent)]);
    assert!(purposes(&out)[0].starts_with("call/business_silent/"));
    assert_eq!(said(&desk.say("确认")), "上一笔核实中");
    // It did it after all.
    assert_eq!(moves(&desk.answer(&memo, &loaded())), [(State::Done, Reason::BusinessDid)]);
}

#[test]
fn an_order_ends_once() {
    let order = order();
    let mut desk = Desk::new(&order);
    let (.., memo) = asked(&buy(&mut desk));
    desk.answer(&memo, &loaded());
    for answer in [loaded(), Answer::TimedOut] {
        assert_eq!(desk.answer(&memo, &answer), Outcome::default());
    }
    assert_eq!(desk.abandon(&memo), Outcome::default());
    let contradicted = desk.answer(&memo, &Answer::Refused { code: "POOR".into() });
    assert_eq!((said(&contradicted).as_str(), moves(&contradicted)), ("Silent", vec![]));
    assert!(purposes(&contradicted)[0].starts_with("call/business_contradicts/"));
    assert_eq!(desk.answer(&Values::new(), &loaded()), Outcome::default(), "a memo that is none of ours");
}

#[test]
fn only_the_end_of_an_order_is_told_by_its_notice_and_once() {
    let order = Order { notice: Some("n".into()), ..order() };
    let (key, about) = order.noticed().unwrap();
    assert_eq!((key.as_str(), about.len()), ("n", 2), "one for each choice");
    for (answer, outcome) in [
        (Some(loaded()), OrderOutcome::Done),
        (Some(Answer::Refused { code: "POOR".into() }), OrderOutcome::Refused),
        (None, OrderOutcome::Unknown),
    ] {
        let mut desk = Desk::new(&order);
        let placed = buy(&mut desk);
        assert_eq!(placed.notice, None);
        let (.., memo) = asked(&placed);
        let mut end = || match &answer {
            Some(answer) => desk.answer(&memo, answer),
            None => desk.abandon(&memo),
        };
        let out = end();
        let noticed = out.notice.unwrap();
        assert_eq!((noticed.key.as_str(), noticed.outcome), ("n", outcome));
        // What the customer agreed to, not what the business system calls it.
        let told = ["label", "amount"].map(|name| noticed.values[name].to_string());
        assert_eq!((told, noticed.values.len()), (["5GB 月包".to_owned(), "20.00".to_owned()], 4));
        assert_eq!(end().notice, None);
    }
    assert_eq!(Order { notice: None, ..order }.noticed(), None);
}

#[test]
fn the_dialogue_table() {
    // Where, words, what is said, where then.
    for (step, words, text, then) in [
        ("choose", "1", "确认 1GB 日包", Some("confirm")),
        ("choose", "5gb月包", "确认 5GB 月包", Some("confirm")),
        ("choose", "m5g", "确认 5GB 月包", Some("confirm")),
        ("choose", "3", "回复 1 到 2", Some("choose")),
        ("choose", "０", "回复 1 到 2", Some("choose")),
        ("choose", "确认", "回复 1 到 2", Some("choose")),
        ("choose", "？", "回复 1 到 2", Some("choose")),
        ("choose", "返回", "选一个", Some("choose")),
        ("choose", "取消", "已取消", None),
        ("confirm", "算了", "已取消", None),
        ("confirm", "重选", "选一个", Some("choose")),
        ("confirm", "1", "确认 1GB 日包", Some("confirm")),
        ("confirm", "9", "回复确认，办理 5GB 月包", Some("confirm")),
        ("confirm", "ＯＫ", "正在办理 5GB 月包", Some("placed")),
    ] {
        let order = order();
        let mut desk = Desk::new(&order);
        desk.tap();
        if step == "confirm" {
            desk.say("2");
        }
        let out = desk.say(words);
        assert!(said(&out).starts_with(text), "{step}, {words}: {}", said(&out));
        assert_eq!(out.dialogue.as_ref().map(|d| d.step.as_str()), then, "{step}, {words}");
        let orders = if then == Some("placed") { 2 } else { 0 };
        assert_eq!((out.outbox.len(), out.facts.len()), (orders, orders), "{step}, {words}");
    }
}

#[test]
fn what_means_something_else_is_left_to_the_keywords() {
    let order = order();
    let mut desk = Desk::new(&order);
    desk.tap();
    for words in ["查话费", "人工", "你好", "流量还剩多少", "确认吗", "包"] {
        assert!(!desk.wants(words), "{words}");
    }
    desk.say("2");
    assert!(!desk.wants("查流量") && desk.wants("確認"));
}

#[test]
fn what_is_confirmed_is_exactly_what_was_shown() {
    let before = order();
    let mut desk = Desk::new(&before);
    desk.tap();
    desk.say("2");
    let mut dearer = order();
    dearer.choices[1].amount_fen = 2500;
    desk.kind = &dearer;
    let out = desk.say("确认");
    assert_eq!((said(&out).as_str(), out.outbox.len()), ("确认 5GB 月包 25.00元？", 0));
    assert_eq!(asked(&desk.say("确认")).1.values.get("amount_fen"), Some(&Value::Integer(2500)));

    let mut desk = Desk::new(&before);
    desk.tap();
    desk.say("2");
    let mut other = order();
    other.choices[1].label = "5GB 夜间包".into();
    desk.kind = &other;
    let out = desk.say("确认");
    assert_eq!((said(&out).as_str(), out.outbox.len()), ("确认 5GB 夜间包 20.00元？", 0), "the same price for less");

    let mut desk = Desk::new(&before);
    desk.tap();
    desk.say("2");
    let mut gone = order();
    gone.choices.truncate(1);
    desk.kind = &gone;
    let out = desk.say("确认");
    assert!(said(&out).starts_with("选一个") && out.outbox.is_empty());
}

#[test]
fn after_an_interruption_only_an_express_word_confirms() {
    let order = order();
    let mut desk = Desk::new(&order);
    desk.tap();
    let choosing = desk.customer.dialogue.clone().unwrap();
    assert_eq!(order.interrupted(choosing.clone()), choosing);
    desk.say("2");
    desk.customer.dialogue = desk.customer.dialogue.take().map(|dialogue| order.interrupted(dialogue));
    let unsure = desk.say("好的");
    assert_eq!((said(&unsure).as_str(), unsure.outbox.len()), ("回复确认，办理 5GB 月包", 0));
    assert_eq!(desk.say("确认").outbox.len(), 2);
}

#[test]
fn only_a_dialogue_that_waits_for_a_decision_runs_out() {
    let order = order();
    let mut desk = Desk::new(&order);
    let dialogue = desk.tap().dialogue.unwrap();
    assert_eq!(dialogue.expires, MORNING.plus_secs(1 + 300));
    assert_eq!(order.expired(&dialogue), Some(&order.expired));
    desk.say("1");
    let placed = desk.say("确认").dialogue.unwrap();
    assert_eq!(order.expired(&placed), None, "the customer must not read that a placed order was dropped");
}

#[test]
fn naming_a_pack_goes_straight_to_the_confirmation() {
    let order = order();
    let mut desk = Desk::new(&order);
    assert_eq!(said(&desk.open("帮我办 5GB 月包")), "确认 5GB 月包 20.00元？");
    assert_eq!(asked(&desk.say("是")).1.values.get("code"), Some(&"M5G".into()));
}

#[test]
fn a_record_remembers_the_latest_dozen_of_orders() {
    let order = order();
    let mut desk = Desk::new(&order);
    for _ in 0..MOST_ORDERS + 2 {
        let (.., memo) = asked(&buy(&mut desk));
        desk.answer(&memo, &loaded());
    }
    assert!(desk.customer.orders.all().all(|order| order.state() == State::Done) && desk.memory().is_none());
    assert_eq!(desk.customer.orders.all().count(), MOST_ORDERS);
}

#[test]
fn an_order_that_is_known_is_not_placed_again() {
    let refused = Answer::Refused { code: "POOR".into() };
    for (answer, text) in [(None, "还在办"), (Some(loaded()), "早办好了"), (Some(refused), "上一笔没办成")]
    {
        let order = order();
        let mut desk = Desk::new(&order);
        desk.tap();
        let opened = desk.customer.dialogue.clone();
        desk.say("2");
        let (.., memo) = asked(&desk.say("确认"));
        if let Some(answer) = &answer {
            desk.answer(&memo, answer);
        }
        // The tap once more, when nobody remembers its key.
        desk.customer.dialogue = opened;
        desk.say("2");
        let again = desk.say("确认");
        assert!(said(&again).starts_with(text), "{}", said(&again));
        assert!(again.facts.is_empty() && again.outbox.is_empty() && !again.wait);
        assert_eq!(again.orders, None);
    }
}
