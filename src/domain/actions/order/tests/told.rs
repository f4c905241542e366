//! Orders for which more is asked than what and whether, and orders that cost points.

use super::super::settings::PaidBy;
use super::*;
use crate::domain::order::{Business, Happening, Money, Payment};
use crate::domain::pay::Fen;
use crate::domain::private::Private;

fn with_details() -> Order {
    let details = r#"
        item = "{{ place }}. {{ label }}"
        keep = "上次 {{ value }}"
        wrong = "{{ label }}不对：{{ reason }}"
        reasons = { default = "没看懂" }
        stuck = "转人工，或者取消"
        [[steps]]
        name = "color"
        label = "颜色"
        ask = "颜色？"
        choices = [{ code = "B", label = "黑" }, { code = "W", label = "白" }]
        [[steps]]
        name = "address"
        label = "地址"
        ask = "寄到哪里？"
        as = "address"
    "#;
    let confirm = toml::Value::from("确认 {{ label }} {{ color }} 寄到 {{ address }}？");
    Order { details: Some(toml::from_str(details).unwrap()), confirm: confirm.try_into().unwrap(), ..order() }
}

const ADDRESS: &str = "南京市鼓楼区中山路1号";

/// Chooses, tells all of it, and stands before the confirmation.
fn told(desk: &mut Desk<'_>) -> Outcome {
    desk.tap();
    desk.say("2");
    desk.say("2");
    desk.say(ADDRESS)
}

#[test]
fn what_is_asked_for_an_order_goes_with_it_and_nowhere_else() {
    let order = with_details();
    assert_eq!(order.faults(), []);
    let mut desk = Desk::new(&order);
    desk.tap();
    assert_eq!(said(&desk.say("2")), "颜色？\n1. 黑\n2. 白");
    assert!(desk.wants("3") && desk.wants("取消"));
    assert_eq!(said(&desk.say("3")), "颜色不对：没看懂");
    assert_eq!(said(&desk.say("白")), "寄到哪里？");
    let shown = desk.say(ADDRESS);
    assert_eq!(said(&shown), "确认 5GB 月包 白 寄到 南京市****山路1号？", "a slip is seen");
    let (_, question, _) = asked(&desk.say("确认"));
    assert_eq!(question.values["address"], Value::Private(Private::new(ADDRESS)));
    assert_eq!((&question.values["color"], &question.values["code"]), (&"W".into(), &"M5G".into()));
    let kept = desk.customer.orders.all().next().unwrap();
    assert_eq!(kept.details.keys().collect::<Vec<_>>(), ["address", "color"]);
    assert!(order.question_values().contains("address"));
}

#[test]
fn what_was_told_can_be_changed_and_calling_off_leaves_nothing_of_it() {
    let order = with_details();
    let mut desk = Desk::new(&order);
    told(&mut desk);
    assert!(said(&desk.say("上一步")).starts_with("寄到哪里？\n上次 南"));
    assert!(said(&desk.say("苏州市姑苏区人民路2号")).contains("寄到 苏"));
    // Another product, and what was told for the first stays told.
    assert!(said(&desk.say("重选")).starts_with("选一个"));
    assert!(said(&desk.say("1")).starts_with("确认 1GB 日包 白 寄到 苏"));
    assert_eq!(said(&desk.say("取消")), "已取消");
    assert!(desk.customer.dialogue.is_none() && desk.customer.orders.is_empty());
    // Back before the first step is back at the list.
    desk.tap();
    desk.say("1");
    assert!(said(&desk.say("上一步")).starts_with("选一个"));
}

#[test]
fn what_the_operator_asks_for_since_then_is_asked_before_anything_is_ordered() {
    let order = with_details();
    let mut desk = Desk::new(&order);
    told(&mut desk);
    let mut more = with_details();
    let details = more.details.as_mut().unwrap();
    let name = "name = \"extra\"\nlabel = \"卡托\"\nask = \"单卡还是双卡？\"\nchoices = [{ code = \"1\", label = \"单\" }, { code = \"2\", label = \"双\" }]";
    details.steps.push(toml::from_str(name).unwrap());
    desk.kind = &more;
    let out = desk.say("确认");
    assert!(said(&out).starts_with("单卡还是双卡") && out.outbox.is_empty(), "{}", said(&out));
    let none = self::order();
    desk.kind = &none;
    assert!(said(&desk.say("1")).starts_with("确认"), "nothing is asked any more");
}

#[test]
fn of_an_order_that_was_never_put_nothing_that_was_told_for_it_is_kept() {
    let order = with_details();
    let mut desk = Desk::new(&order);
    told(&mut desk);
    desk.say("确认");
    let mut unpaid = desk.customer.orders.all().next().unwrap().clone();
    (unpaid.payment, unpaid.business) = (Payment::ByWeChat(Money::default()), Business::NotAsked);
    desk.customer.orders.put(unpaid.clone());
    let entry = Entry::Opened { words: "" };
    let closed = Happening::Unpaid(Reason::CustomerCancelled);
    let out = happen(Some(&order), &desk.view(&entry), (&unpaid.number, closed));
    assert!(out.orders.unwrap().get(&unpaid.number).unwrap().details.is_empty());
    assert_eq!(out.outbox, [], "there is nothing to forget later");
}

#[test]
fn details_that_cannot_work_are_named() {
    let mut bad = with_details();
    let details = bad.details.as_mut().unwrap();
    details.steps[0].name = "label".into();
    let fields: Vec<String> = bad.faults().into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["details.steps[0].name"]);
    let order = with_details();
    let texts = order.texts(&|_| BTreeSet::new());
    let confirm = texts.iter().find(|text| text.field == "confirm").unwrap();
    assert!(confirm.template.placeholders().is_subset(&confirm.allowed), "{:?}", confirm.allowed);
}

#[test]
fn an_order_can_cost_points_and_then_costs_no_money() {
    let mut points = Order { pay: PaidBy::Points, ..order() };
    for (choice, price) in points.choices.iter_mut().zip([500, 1_200]) {
        (choice.amount_fen, choice.points) = (0, price);
    }
    assert_eq!(points.faults(), []);
    let mut desk = Desk::new(&points);
    let (_, question, _) = asked(&buy(&mut desk));
    assert_eq!((&question.values["points"], &question.values["amount_fen"]), (&1_200.into(), &0.into()));
    let kept = desk.customer.orders.all().next().unwrap();
    assert_eq!((kept.points, kept.amount, kept.price().as_str()), (1_200, Fen(0), "1200 积分"));
    let gone = happen(None, &desk.view(&Entry::Opened { words: "" }), (&kept.number, Happening::Unclear));
    assert!(said(&gone).contains("（1200 积分）"), "{}", said(&gone));
    // What it costs changed since it was shown.
    let mut desk = Desk::new(&points);
    desk.tap();
    desk.say("2");
    let mut dearer = points.clone();
    dearer.choices[1].points = 1_300;
    desk.kind = &dearer;
    assert!(desk.say("确认").outbox.is_empty());

    let fields = |change: &dyn Fn(&mut Order)| {
        let mut bad = points.clone();
        change(&mut bad);
        bad.faults().into_iter().map(|fault| fault.field).collect::<Vec<_>>()
    };
    assert_eq!(fields(&|bad| bad.choices[0].points = 0), ["choices[0].points"]);
    assert_eq!(fields(&|bad| bad.choices[0].amount_fen = 5), ["choices[0].amount_fen"]);
    assert_eq!(fields(&|bad| bad.pay = PaidBy::Business), ["choices[0].points", "choices[1].points"]);
    // Texts speak of what is taken and of nothing else.
    let speaks_of = |order: &Order, name: &str| {
        let texts = order.texts(&|_| BTreeSet::new());
        texts.iter().find(|text| text.field == "confirm").unwrap().allowed.contains(name)
    };
    assert!(speaks_of(&points, "points") && !speaks_of(&points, "amount") && !speaks_of(&order(), "points"));
}
