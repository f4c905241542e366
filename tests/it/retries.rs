//! Retries, also when several deliveries of one message are in flight at once, have one effect and get the same bytes.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use fuwu::channel::official::Mode;
use fuwu::domain::ids::Openid;
use fuwu::domain::reply::Reply;
use fuwu::growth::counter::Metric;
use serde_json::json;

use crate::hand::{Hand, Posted, event, text};
use crate::harness::World;

const OPENID: &str = "oPenIdOfTheRetryTests0000001";

/// Delivers copies of one message at the same moment, each with its own timestamp, nonce and signature, and gives back
/// what all of them got.
async fn at_once(hand: &Hand, copies: usize, xml: &str) -> Posted {
    let answers = join_all((0..copies).map(|_| hand.deliver(xml))).await;
    let distinct: BTreeSet<Vec<u8>> = answers.iter().map(|posted| posted.body.clone()).collect();
    assert_eq!(distinct.len(), 1, "every copy gets the same bytes");
    assert!(answers.iter().all(|posted| posted.status == 200));
    answers.into_iter().next().unwrap()
}

fn words(reply: Reply) -> String {
    match reply {
        Reply::Text(words) => words,
        other => panic!("no words: {other:?}"),
    }
}

#[actix_web::test]
async fn twenty_copies_in_flight_at_once_have_one_effect_and_one_answer() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    world.business(json!({ "delay_ms": 700 })).await;
    let answer = at_once(&hand, 20, &text(OPENID, 1, "查话费")).await;
    assert!(words(hand.hear(OPENID, &answer)).contains("话费余额"));
    assert_eq!(world.count(Metric::Messages).await, 1);
    let facts = world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap();
    let keys: BTreeSet<u64> = facts.iter().map(|logged| logged.fact.key.0).collect();
    assert_eq!((facts.len(), keys.len()), (2, 1), "said, and answered: {facts:?}");
}

#[actix_web::test]
async fn twenty_copies_of_a_confirmation_place_one_order() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let openid = Openid::from(OPENID);
    let before = world.balance_fen(&openid).await;
    at_once(&hand, 20, &event(OPENID, "CLICK", "buy_data")).await;
    at_once(&hand, 20, &text(OPENID, 1, "2")).await;
    world.business(json!({ "delay_ms": 700 })).await;
    let confirmation = text(OPENID, 2, "确认");
    let receipt = at_once(&hand, 20, &confirmation).await;
    assert!(words(hand.hear(OPENID, &receipt)).contains("办好了"));
    assert_eq!(hand.deliver(&confirmation).await, receipt, "and so does one that comes afterwards");
    world.business(json!({ "delay_ms": 0 })).await;
    assert_eq!(world.balance_fen(&openid).await, before - 2000);
    assert_eq!(world.count(Metric::Messages).await, 3);
}

#[actix_web::test]
async fn a_retry_gets_the_interim_answer_again_also_when_the_real_one_has_been_sent() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    world.business(json!({ "delay_ms": 2300 })).await;
    let question = text(OPENID, 1, "查话费");
    let interim = at_once(&hand, 3, &question).await;
    assert!(words(hand.hear(OPENID, &interim)).contains("查到马上告诉您"));
    crate::harness::until("the outbox is done", async || world.store().next_due().await.unwrap().is_none()).await;
    assert_eq!(hand.deliver(&question).await, interim);
}

#[actix_web::test]
async fn a_retry_after_a_restart_gets_the_same_bytes_and_changes_nothing() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let messages = [text(OPENID, 1, "你好"), event(OPENID, "CLICK", "sign_in"), text(OPENID, 2, "天下大势")];
    let mut answers = Vec::new();
    for message in &messages {
        answers.push(hand.deliver(message).await);
    }
    let record = world.customer(&Openid::from(OPENID)).await;
    let world = world.restart().await;
    let hand = world.hand(Mode::Safe);
    for (message, answer) in messages.iter().zip(&answers) {
        assert_eq!(hand.deliver(message).await, *answer);
    }
    assert_eq!(world.count(Metric::Messages).await, 3);
    assert_eq!(world.customer(&Openid::from(OPENID)).await, record);
}

#[actix_web::test]
async fn a_very_late_retry_still_has_no_effect() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let message = text(OPENID, 1, "签到");
    assert!(words(hand.hear(OPENID, &hand.deliver(&message).await)).contains("连续 1 天"));
    world.clock.advance_secs(599);
    hand.deliver(&text(OPENID, 2, "你好")).await;
    assert!(hand.deliver(&message).await.is_acknowledged_only(), "the reply is forgotten, the delivery is not");
    assert_eq!(world.count(Metric::Messages).await, 2);
}

#[actix_web::test]
async fn two_messages_in_the_same_second_are_two() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let answers = join_all((1..=5).map(|id| {
        let message = text(OPENID, id, "你好");
        let hand = hand.clone();
        async move { hand.deliver(&message).await }
    }));
    assert!(answers.await.iter().all(|posted| posted.status == 200));
    assert_eq!(world.count(Metric::Messages).await, 5);
}
