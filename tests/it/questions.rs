//! Questions to the business system over real HTTP: whose they are, and that they leave time to answer.

use crate::harness::World;

#[actix_web::test]
async fn a_question_is_about_the_customer_who_asks() {
    let world = World::start().await;
    let sandbox = world.sandbox();
    let mut told = Vec::new();
    for nickname in ["甲", "乙", "丙", "丁"] {
        let openid = sandbox.add_customer(nickname).unwrap();
        sandbox.follow(&openid).await.unwrap();
        let seen = sandbox.say(&openid, "查话费").await.unwrap().text();
        assert!(seen.contains('元'), "{seen}");
        // The demo's business system makes a profile of the openid; each customer always reads their own.
        assert_eq!(sandbox.say(&openid, "查话费").await.unwrap().text(), seen);
        told.push(seen);
    }
    told.dedup();
    assert!(told.len() > 1, "every customer read the same: {told:?}");
    world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn a_confirmed_order_is_put_with_the_customer_and_its_receipt_is_the_answer() {
    let world = World::start().await;
    let sandbox = world.sandbox();
    let openid = sandbox.add_customer("小林").unwrap();
    sandbox.follow(&openid).await.unwrap();
    for words in ["充流量", "1"] {
        sandbox.say(&openid, words).await.unwrap();
    }
    let receipt = sandbox.say(&openid, "确认").await.unwrap().text();
    assert!(!receipt.contains("正在办理") && receipt.contains("流量日包"), "{receipt}");
    world.running.stop().await.unwrap();
}
