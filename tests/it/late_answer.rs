//! A slow or absent business system: something is said at once, the rest as soon as a path is open.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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

#[actix_web::test]
async fn what_the_platform_refuses_to_send_is_not_lost_but_comes_with_the_customers_next_message() {
    let platform = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", platform.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            refuse(platform.accept().await.unwrap().0).await;
        }
    });
    let world = World::start_with(&[("FUWU__ACCOUNTS__DEMO__API_BASE", &base)]).await;
    let phone = Phone::following(&world, "小林").await;
    world.business(json!({ "delay_ms": 2300 })).await;
    assert!(phone.say("查话费").await.contains("查到马上告诉您"));
    until("the answer waits as a note", async || !world.customer(&phone.openid).await.notes.is_empty()).await;
    world.business(json!({ "delay_ms": 0 })).await;
    let answer = phone.say("谢谢").await;
    assert!(answer.contains("久等了，您的话费查到了") && answer.contains("不客气"), "{answer}");
}

/// A platform that gives tokens and refuses everything else: the account may not use this interface (48001).
async fn refuse(mut stream: TcpStream) {
    let mut request = Vec::new();
    let whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).to_ascii_lowercase();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.split("content-length: ").nth(1)?.lines().next()?.parse::<usize>().ok()?;
        Some(body.len() >= length)
    };
    while whole(&request) != Some(true) {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        assert!(read > 0, "half a request");
        request.extend_from_slice(&chunk[..read]);
    }
    let token = String::from_utf8_lossy(&request).starts_with("POST /cgi-bin/stable_token");
    let body = if token {
        "{\"access_token\":\"token\",\"expires_in\":7200}"
    } else {
        "{\"errcode\":48001,\"errmsg\":\"api unauthorized\"}"
    };
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await.unwrap();
}
