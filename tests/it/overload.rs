//! More than can be served (reliability.md part 5): early and cheap refusals instead of late answers, a place for what
//! matters most, and a dead business system that takes nobody else's place.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use fuwu::channel::official::Mode;
use fuwu::domain::reply::Reply;
use serde_json::json;

use crate::deadline::{Stuck, timed};
use crate::hand::{event, text};
use crate::harness::World;

/// As many customers are served at once.
const CUSTOMERS_AT_ONCE: usize = 256;
/// As many of their questions are waited for at once.
const QUESTIONS_AT_ONCE: usize = 64;
/// Longer than what is refused or put off at once takes on a busy machine, shorter than a question.
const AT_ONCE: Duration = Duration::from_millis(1500);

fn openid(n: usize) -> String {
    format!("oOverloaded00000000{n:08}")
}

#[actix_web::test]
async fn those_for_whom_there_is_no_place_are_asked_to_come_again_at_once_and_a_follow_has_one() {
    let stuck = Stuck::start().await;
    let hand = stuck.hand();
    stuck.gate.close();
    let surplus = 40;
    let customers: Vec<String> = (0..CUSTOMERS_AT_ONCE + surplus).map(openid).collect();
    let messages: Vec<String> = (1..).zip(&customers).map(|(id, openid)| text(openid, id, "你好")).collect();
    let mut answers: FuturesUnordered<_> = messages.iter().map(|message| timed(&hand, message)).collect();
    for _ in 0..surplus {
        let (answer, took) = answers.next().await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (503, 0));
        assert!(took < Duration::from_secs(3), "early, not after four seconds: {took:?}");
    }
    let follow = event(&openid(9_999), "subscribe", "");
    let (followed, ()) = tokio::join!(hand.deliver(&follow), async {
        stuck.gate.somebody_waits().await;
        stuck.gate.open();
    });
    assert_eq!(followed.status, 200);
    let statuses: Vec<u16> = answers.map(|(answer, _)| answer.status).collect().await;
    assert_eq!(statuses, [200; CUSTOMERS_AT_ONCE]);
    // Whoever was refused is served when the platform repeats it.
    for answer in join_all(messages.iter().map(|message| hand.deliver(message))).await {
        assert_eq!(answer.status, 200);
    }
    stuck.stop().await;
}

#[actix_web::test]
async fn a_dead_business_system_keeps_nobody_waiting_but_those_who_asked_it_first() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    world.business(json!({ "delay_ms": 60_000 })).await;
    let ask = |n: usize| text(&openid(n), 1, "查话费");
    let asked: Vec<String> = (0..QUESTIONS_AT_ONCE + 30).map(ask).collect();
    let mut questions: FuturesUnordered<_> = asked.iter().map(|message| timed(&hand, message)).collect();
    for _ in 0..30 {
        let (answer, took) = questions.next().await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(took < Duration::from_secs(2), "no place, so it is asked later: {took:?}");
    }
    let others: Vec<String> = (0..30).map(|n| text(&openid(1000 + n), 1, "你好")).collect();
    for (answer, took) in join_all(others.iter().map(|message| timed(&hand, message))).await {
        assert_eq!(answer.status, 200);
        assert!(took < AT_ONCE, "{took:?}");
    }
    while let Some((answer, took)) = questions.next().await {
        assert_eq!(answer.status, 200);
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
    // By now everybody knows that it does not answer.
    let mut slow = 0;
    for n in 2000..2020 {
        let message = ask(n);
        let (answer, took) = timed(&hand, &message).await;
        let Reply::Text(words) = hand.hear(&openid(n), &answer) else { panic!("no words") };
        assert!(words.contains("正在帮您查话费"), "{words}");
        slow += usize::from(took > AT_ONCE);
    }
    assert!(slow <= 2, "of twenty only one every five seconds finds out whether it is back: {slow}");
}
