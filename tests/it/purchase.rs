//! Buying a data pack on the demo account: charged once, whatever happens on the way.

use fuwu::domain::fact::FactKind;
use fuwu::domain::ids::Openid;
use fuwu::domain::order::State;
use serde_json::json;

use crate::harness::{World, until};
use crate::phone::Phone;

/// Where one customer's orders went, in the order it became known.
async fn orders(world: &World, openid: &Openid) -> Vec<(String, State)> {
    let facts = world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap();
    let own = facts.into_iter().filter(|logged| logged.of.openid == *openid);
    own.filter_map(|logged| match logged.fact.what {
        FactKind::OrderMoved { order, to, .. } => Some((order.to_string(), to)),
        _ => None,
    })
    .collect()
}

async fn outcomes(phone: &Phone<'_>) -> Vec<State> {
    let orders = orders(phone.world, &phone.openid).await;
    assert!(orders.windows(2).all(|two| two[0].0 == two[1].0), "one order: {orders:?}");
    orders.into_iter().map(|(_, state)| state).collect()
}

#[actix_web::test]
async fn a_pack_is_chosen_confirmed_charged_and_receipted() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let before = phone.balance_fen().await;
    assert!(phone.tap("buy_data").await.contains("想充哪个"));
    assert!(phone.say("1").await.contains("请您确认"));
    let receipt = phone.tap_link("确认").await;
    assert!(receipt.contains("办好了") && receipt.contains("扣费 5.00 元"), "{receipt}");
    assert_eq!(phone.balance_fen().await, before - 500);
    let left = before - 500;
    assert!(phone.say("查话费").await.contains(&format!("{}.{:02} 元", left / 100, left % 100)));
    assert_eq!(outcomes(&phone).await, [State::Confirmed, State::Fulfilling, State::Done]);
    assert!(phone.say("确认").await.contains("已经办好"), "a second confirmation is told how things stand");
    assert_eq!(phone.balance_fen().await, left);
}

#[actix_web::test]
async fn called_off_run_out_or_interrupted_nothing_is_charged() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let before = phone.balance_fen().await;
    phone.tap("buy_data").await;
    phone.say("2").await;
    assert!(phone.say("取消").await.contains("没有扣费"));
    assert!(phone.say("确认").await.contains("想充哪个"), "there is nothing left to confirm");

    phone.say("2").await;
    world.clock.advance_secs(601);
    assert!(phone.say("确认").await.contains("等太久"));

    phone.tap("buy_data").await;
    phone.say("2").await;
    assert!(phone.say("我是说，先查一下话费").await.contains("话费余额"));
    let answer = phone.say("好的").await;
    assert!(!answer.contains("办好"), "{answer}");
    assert_eq!(phone.balance_fen().await, before);
    assert_eq!(outcomes(&phone).await, []);
}

#[actix_web::test]
async fn a_pack_that_costs_more_than_there_is_gets_refused_and_not_charged() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let mut left = phone.balance_fen().await;
    let mut answer = String::new();
    for _ in 0..=left / 3000 {
        phone.tap("buy_data").await;
        phone.say("3").await;
        answer = phone.say("确认").await;
        let now = phone.balance_fen().await;
        assert_eq!(left - now, if answer.contains("办好了") { 3000 } else { 0 }, "{answer}");
        left = now;
    }
    assert!(answer.contains("余额不够") && left < 3000, "{answer}");
}

#[actix_web::test]
async fn an_order_whose_answer_is_late_gets_an_interim_answer_at_once_and_its_receipt_later_and_is_charged_once() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let before = phone.balance_fen().await;
    phone.tap("buy_data").await;
    phone.say("4").await;
    let interim = phone.say("确认").await;
    assert!(interim.contains("正在办理 100MB 体验包"), "{interim}");
    assert_eq!(phone.balance_fen().await, before - 100, "the business system had accepted it");
    world.business(json!({ "out": true })).await;
    assert!(phone.say("确认").await.contains("还在办理中"));
    assert!(phone.tap("buy_data").await.contains("还在办理中"), "while nobody knows, no second order");
    world.business(json!({ "out": false })).await;
    world.clock.advance_secs(60);
    phone.hears("办好了").await;
    assert!(phone.say("确认").await.contains("已经办好"));
    assert_eq!(phone.balance_fen().await, before - 100);
    assert_eq!(outcomes(&phone).await, [State::Confirmed, State::Fulfilling, State::Done]);
    assert_eq!(phone.heard("有效期"), 1, "one receipt");
}

#[actix_web::test]
async fn an_order_put_while_the_business_system_is_out_is_done_when_it_is_back() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let before = phone.balance_fen().await;
    phone.tap("buy_data").await;
    phone.say("1").await;
    world.business(json!({ "out": true })).await;
    assert!(phone.say("确认").await.contains("正在办理"));
    world.clock.advance_secs(2);
    assert!(phone.say("我的订单").await.contains("办理中"));
    world.business(json!({ "out": false })).await;
    world.clock.advance_secs(30);
    phone.hears("办好了").await;
    assert_eq!(phone.balance_fen().await, before - 500);
    assert_eq!(outcomes(&phone).await, [State::Confirmed, State::Fulfilling, State::Done]);
}

#[actix_web::test]
async fn an_order_nobody_ever_answers_is_handed_to_a_person_and_said_so() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let before = phone.balance_fen().await;
    phone.tap("buy_data").await;
    phone.say("1").await;
    world.business(json!({ "out": true })).await;
    assert!(phone.say("确认").await.contains("正在办理"));
    world.clock.advance_secs(3601);
    // Time went by while it was hardly tried: it is tried a few times more before it is given up.
    until("a person is called", async || {
        world.clock.advance_secs(1);
        phone.heard("专人核对") > 0
    })
    .await;
    assert!(phone.say("我的订单").await.contains("专人核对"));
    assert_eq!(outcomes(&phone).await, [State::Confirmed, State::Fulfilling, State::NeedsPerson]);
    world.business(json!({ "out": false })).await;
    assert_eq!(phone.balance_fen().await, before);
}

#[actix_web::test]
async fn two_customers_who_buy_in_the_same_second_have_two_orders() {
    let world = World::start().await;
    let (lin, chen) = (Phone::following(&world, "小林").await, Phone::following(&world, "小陈").await);
    for phone in [&lin, &chen] {
        phone.tap("buy_data").await;
        phone.say("1").await;
        assert!(phone.say("确认").await.contains("办好了"));
    }
    assert_ne!(orders(&world, &lin.openid).await[0].0, orders(&world, &chen.openid).await[0].0);
}
