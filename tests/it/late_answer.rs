//! A slow or absent business system: something is said at once, the rest as soon as a path is open.

use serde_json::json;

use crate::harness::{World, until};
use crate::phone::Phone;

#[actix_web::test]
async fn a_late_answer_to_a_question_follows_by_a_message_of_its_own() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    world.business(json!({ "delay_ms": 2500 })).await;
    assert!(phone.say("查话费").await.contains("查到马上告诉您"));
    world.business(json!({ "delay_ms": 0 })).await;
    phone.hears("久等了，您的话费查到了").await;
    assert_eq!(phone.heard("话费余额"), 1);
}

#[actix_web::test]
async fn a_late_answer_that_no_open_window_can_carry_comes_with_the_customers_next_message() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    world.business(json!({ "delay_ms": 3000 })).await;
    assert!(phone.tap("query_balance").await.contains("查到马上告诉您"));
    // A tap opens one minute; the answer is still on its way.
    world.clock.advance_secs(120);
    until("the answer waits as a note", async || !world.customer(&phone.openid).await.notes.is_empty()).await;
    assert_eq!(phone.heard("话费余额"), 0);
    world.business(json!({ "delay_ms": 0 })).await;
    let answer = phone.say("谢谢").await;
    let (note, thanks) = (answer.find("久等了"), answer.find("不客气"));
    assert!(note.is_some() && thanks.is_some() && note < thanks, "{answer}");
    assert!(!phone.say("谢谢").await.contains("久等了"), "said once");
}

#[actix_web::test]
async fn a_note_that_cannot_stand_beside_articles_follows_them() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    world.business(json!({ "delay_ms": 3000 })).await;
    phone.tap("query_balance").await;
    world.clock.advance_secs(120);
    until("the answer waits as a note", async || !world.customer(&phone.openid).await.notes.is_empty()).await;
    phone.tap("offers").await;
    phone.hears("久等了").await;
    assert_eq!(phone.heard("久等了"), 1);
}

#[actix_web::test]
async fn a_business_system_that_is_out_is_admitted_at_once() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    world.business(json!({ "out": true })).await;
    assert!(phone.say("查话费").await.contains("暂时查不到"));
    assert!(phone.say("你好").await.contains("小禾在呢"), "what needs no business system goes on");
    world.business(json!({ "out": false })).await;
    assert!(phone.say("查话费").await.contains("话费余额"));
}
