//! Questions to the business system over real HTTP: whose they are, and that they leave time to answer.

use std::time::Duration;

use futures_util::future::join_all;
use fuwu::domain::ids::Openid;
use serde_json::json;

use crate::harness::{World, until};

async fn follower(world: &World, nickname: &str) -> Openid {
    let openid = world.sandbox().add_customer(nickname).unwrap();
    world.sandbox().follow(&openid).await.unwrap();
    openid
}

async fn slow_by(world: &World, delay_ms: u64) {
    let address = format!("http://{}/sandbox/telecom/mode", world.running.served.address);
    let asked = reqwest::Client::new().post(address).json(&json!({"delay_ms": delay_ms})).send().await.unwrap();
    assert!(asked.status().is_success());
}

/// Questions that wait for a slow business system must not keep another customer's answer waiting.
#[actix_web::test]
async fn slow_questions_keep_no_other_answer_waiting() {
    let world = World::start().await;
    let sandbox = world.sandbox();
    let quick = follower(&world, "快").await;
    let mut slow = Vec::new();
    for n in 0..3 {
        slow.push(follower(&world, &format!("慢{n}")).await);
    }
    slow_by(&world, 9_500).await;
    for seen in join_all(slow.iter().map(|openid| sandbox.say(openid, "查话费"))).await {
        assert!(seen.unwrap().text().contains("正在"), "the interim answer comes first");
    }
    slow_by(&world, 2_300).await;
    let seen = sandbox.say(&quick, "查话费").await.unwrap();
    let after = seen.entries.last().unwrap().seq;
    let late = until("the late answer is there", async || !sandbox.history(&quick, after).unwrap().is_empty());
    let in_time = tokio::time::timeout(Duration::from_secs(5), late).await;
    assert!(in_time.is_ok(), "the late answer stands behind the slow questions of others");
}

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
