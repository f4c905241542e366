//! Forms between other things that are said.

use super::*;
use crate::domain::actions::Given;
use crate::domain::customer::Customer;
use crate::domain::decide::{Subject, abandon, decide, resume};
use crate::domain::decision::Decision;
use crate::domain::inbound::Inbound;
use crate::domain::playbook::Playbook;
use crate::domain::reply::Reply;
use crate::domain::route::route;
use crate::domain::sample::{NOON, inbound, moment, playbook, tap, text};

fn with_form() -> Playbook {
    let mut playbook = playbook();
    let settings: toml::Table = toml::from_str(FORM).unwrap();
    playbook.actions.insert("apply".into(), super::super::super::Kind::read("form", settings).unwrap().unwrap());
    playbook
}

fn decided(customer: &Customer, inbound: &Inbound, answer: Option<Answer>) -> Decision {
    let playbook = with_form();
    let route = route(&playbook, customer, inbound, moment());
    let given = Given { answer, ..Given::default() };
    decide(&playbook, Subject { customer, inbound, moment: moment(), awaited: true, invited: None }, &route, &given)
}

/// Somebody who is asked for an address.
fn asked() -> Customer {
    let begun = decided(&Customer::default(), &tap("apply"), None).customer;
    decided(&begun, &text("邮寄"), None).customer
}

fn said(decision: &Decision) -> &str {
    match &decision.reply {
        Reply::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

fn loaded() -> Answer {
    Answer::Loaded([("balance".to_owned(), Value::Fen(8650))].into())
}

#[test]
fn a_question_in_between_is_answered_and_the_open_one_asked_again() {
    let customer = asked();
    for asks in [text("查话费"), tap("balance")] {
        let decision = decided(&customer, &asks, Some(loaded()));
        assert_eq!(said(&decision), "话费余额 86.50 元\n\n接着填收货地址");
        let next = decided(&decision.customer, &text("南京市鼓楼区中山路1号"), None);
        assert_eq!(said(&next), "邮寄到家，怎么称呼？");
    }
    let unknown = decided(&customer, &text("嘿"), None);
    assert_eq!(said(&unknown), "收货地址不对：太短了", "what no rule knows is meant for it");
    let articles = decided(&customer, &tap("offers"), None);
    assert!(matches!(articles.reply, Reply::Articles(_)));
    assert_eq!(articles.customer.dialogue, customer.dialogue);
}

#[test]
fn so_is_one_that_is_answered_late() {
    let decision = decided(&asked(), &text("查话费"), Some(Answer::TimedOut));
    assert_eq!(said(&decision), "正在查询\n\n接着填收货地址");
    let work = &decision.outbox[0];
    let late = resume(&with_form(), &decision.customer, work, (&loaded(), moment()));
    assert_eq!(said(&late), "刚才查的结果：\n话费余额 86.50 元\n\n接着填收货地址");
    assert_eq!(late.customer.dialogue, decision.customer.dialogue);
    let never = abandon(&with_form(), &decision.customer, work, moment());
    assert_eq!(never.customer.dialogue, decision.customer.dialogue);
}

#[test]
fn a_dialogue_that_ran_out_is_not_asked_about() {
    let mut customer = asked();
    let dialogue = customer.dialogue.as_mut().unwrap();
    dialogue.slots.insert("until".to_owned(), Value::Integer(NOON.0));
    let decision = decided(&customer, &text("查话费"), Some(loaded()));
    assert_eq!(said(&decision), "话费余额 86.50 元");
    assert!(decision.customer.dialogue.is_some(), "it can still be gone on with");
}

#[test]
fn a_picture_keeps_the_place_as_well() {
    let picture = crate::domain::inbound::What::Message(crate::domain::inbound::Message::Unsupported);
    let decision = decided(&asked(), &inbound(picture), None);
    assert!(said(&decision).ends_with("\n\n接着填收货地址"), "{decision:?}");
}

#[test]
fn what_is_private_in_it_is_sealed_with_the_record() {
    let customer = decided(&asked(), &text("南京市鼓楼区中山路1号"), None).customer;
    let mut values = customer.clone();
    assert_eq!(values.values_mut().filter(|value| matches!(value, Value::Private(_))).count(), 1);
    let mut left = customer;
    left.forget();
    assert!(left.memory.is_empty());
}
