//! The journal in front of Redis: while it is away nobody waits, and what it forgets is told to it again.

use std::process::Command;
use std::time::{Duration, Instant};

use fuwu::channel::official::Mode;
use fuwu::domain::fact::FactKind;
use fuwu::domain::reply::Reply;
use fuwu::growth::counter::Metric;
use fuwu::store::{CounterRange, CustomerRef, SharedKind, Stored};
use tempfile::TempDir;

use crate::hand::{event, text};
use crate::harness::{World, until};
use crate::phone::Phone;
use crate::redis_servers::RedisServer;

const OPENIDS: usize = 20;

fn openid(n: usize) -> String {
    format!("oJournal{n:02}")
}

async fn on(redis: &RedisServer) -> World {
    World::start_with(&[("FUWU__STORE__URL", &redis.url())]).await
}

async fn facts(world: &World) -> usize {
    world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap().len()
}

/// Everybody follows and says something.
async fn a_round(world: &World, id: u64) {
    let hand = world.hand(Mode::Safe);
    for n in 0..OPENIDS {
        let said = hand.deliver(&text(&openid(n), id + n as u64, "你好")).await;
        let Reply::Text(words) = hand.hear(&openid(n), &said) else { panic!("{said:?}") };
        assert!(words.contains("小禾在呢"), "{words}");
    }
}

#[actix_web::test]
async fn on_redis_a_customer_is_served_as_on_the_file() {
    let redis = RedisServer::start(&[]);
    let world = on(&redis).await;
    let phone = Phone::following(&world, "小林").await;
    assert!(phone.say("查话费").await.contains("话费余额"));
    assert!(phone.tap("query_balance").await.contains("话费余额"));
    let counted = [Metric::Messages, Metric::MenuTaps, Metric::Follows].map(async |metric| world.count(metric).await);
    assert_eq!(futures_util::future::join_all(counted).await, [2, 1, 1]);
}

#[actix_web::test]
async fn while_redis_does_not_answer_deliveries_are_acknowledged_within_a_second_and_applied_later() {
    let redis = RedisServer::start(&[]);
    let world = on(&redis).await;
    let phone = Phone::following(&world, "小林").await;
    a_round(&world, 1_000).await;
    let before = world.count(Metric::Messages).await;
    redis.signal("STOP");
    let hand = world.hand(Mode::Safe);
    let mut slowest = Duration::ZERO;
    for n in 0..OPENIDS {
        let since = Instant::now();
        let posted = hand.deliver(&text(&openid(n), 2_000 + n as u64, "你好")).await;
        slowest = slowest.max(since.elapsed());
        assert!(posted.is_acknowledged_only(), "{posted:?}");
    }
    let own = phone.openid.as_str();
    for (id, words) in [(3_001, "查话费"), (3_002, "谢谢")] {
        assert!(hand.deliver(&text(own, id, words)).await.is_acknowledged_only());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    redis.signal("CONT");
    let all = before + OPENIDS as i64 + 2;
    until("everything is applied", async || world.count(Metric::Messages).await == all).await;
    // The answers follow by messages, in their order.
    phone.hears("话费余额").await;
    phone.hears("不客气").await;
    a_round(&world, 4_000).await;
    assert_eq!(world.count(Metric::Messages).await, all + OPENIDS as i64);
    assert_eq!((phone.heard("话费余额"), phone.heard("不客气")), (1, 1));
}

#[actix_web::test]
async fn what_redis_forgets_is_restored_once_and_nobody_is_told_again() {
    let mut redis = RedisServer::start(&[]);
    let world = on(&redis).await;
    a_round(&world, 1_000).await;
    assert_eq!(redis.ask(&["SAVE"]).as_deref(), Some("OK"));
    a_round(&world, 2_000).await;
    let follow = world.hand(Mode::Safe).deliver(&event(&openid(0), "subscribe", "")).await;
    assert_eq!(follow.status, 200);
    let (messages, facts_before) = (world.count(Metric::Messages).await, facts(&world).await);
    redis.kill_and_restart();
    // It knows what it knew when it was saved.
    until("it is restored", async || {
        world.store().facts(&"demo".into(), 0, usize::MAX).await.is_ok_and(|facts| facts.len() == facts_before)
    })
    .await;
    until("all is counted", async || world.count(Metric::Messages).await == messages).await;
    assert_eq!(world.count(Metric::Follows).await, 1);
    for n in 0..OPENIDS {
        let of = CustomerRef { account: "demo".into(), openid: openid(n).as_str().into() };
        let customer = world.store().load(&of).await.unwrap().customer;
        assert_eq!(customer.recent.keys().count(), if n == 0 { 3 } else { 2 });
    }
    assert_eq!(world.store().next_due().await.unwrap(), None, "nothing is said again");
}

#[actix_web::test]
async fn what_waited_when_the_process_ended_is_applied_after_the_next_start() {
    let redis = RedisServer::start(&[]);
    let world = on(&redis).await;
    a_round(&world, 1_000).await;
    redis.signal("STOP");
    let hand = world.hand(Mode::Safe);
    for n in 0..OPENIDS {
        assert!(hand.deliver(&text(&openid(n), 2_000 + n as u64, "你好")).await.is_acknowledged_only());
    }
    let World { running, dir, .. } = world;
    let stopped = running.stop().await;
    redis.signal("CONT");
    stopped.unwrap();
    let world = World::open(dir, &[("FUWU__STORE__URL", &redis.url())]).await;
    until("it is applied", async || world.count(Metric::Messages).await == 2 * OPENIDS as i64).await;
}

#[actix_web::test]
async fn somebody_of_whom_nothing_is_kept_leaves_once_whatever_redis_forgets() {
    let mut redis = RedisServer::start(&[]);
    let env = [("FUWU__STORE__URL", redis.url()), ("FUWU__PRIVACY__FORGET", "strict".into())];
    let world = World::start_with(&env.each_ref().map(|(key, value)| (*key, value.as_str()))).await;
    let hand = world.hand(Mode::Safe);
    let (comes, goes) = (event("oStrict", "subscribe", ""), event("oStrict", "unsubscribe", ""));
    assert_eq!(hand.deliver(&comes).await.status, 200);
    until("the mark is written", async || !redis.ask(&["KEYS", "*:mark:*"]).unwrap().is_empty()).await;
    assert_eq!(redis.ask(&["SAVE"]).as_deref(), Some("OK"));
    assert_eq!(hand.deliver(&goes).await.status, 200);
    assert_eq!(world.count(Metric::Unfollows).await, 1);
    // It knows them as a follower again, and neither that they left nor of which delivery that came.
    redis.kill_and_restart();
    until("they have left", async || {
        world
            .store()
            .counters(&"demo".into(), &[CounterRange::all(Metric::Unfollows)])
            .await
            .is_ok_and(|counters| counters.sum_to(Metric::Unfollows, i32::MAX) == 1)
    })
    .await;
    let of = CustomerRef { account: "demo".into(), openid: "oStrict".into() };
    assert_eq!(world.store().load(&of).await.unwrap(), Stored::default());
    for again in [&comes, &goes] {
        assert!(hand.deliver(again).await.is_acknowledged_only());
    }
    let counted = [Metric::Follows, Metric::Unfollows].map(async |metric| world.count(metric).await);
    assert_eq!(futures_util::future::join_all(counted).await, [1, 1]);
}

#[actix_web::test]
async fn somebody_who_was_erased_does_not_come_back_by_the_journal() {
    let redis = RedisServer::start(&[]);
    let world = on(&redis).await;
    a_round(&world, 1_000).await;
    let marks = || redis.asked::<Vec<String>>(&["KEYS", "*:mark:*"]).unwrap();
    until("the marks are written", async || !marks().is_empty()).await;
    let of = CustomerRef { account: "demo".into(), openid: openid(3).as_str().into() };
    assert!(world.store().erase(&of).await.unwrap());
    // As if Redis had forgotten how far it was: all of the journal is compared with it.
    for mark in marks() {
        redis.ask(&["DEL", &mark]);
    }
    until("all is compared", async || !marks().is_empty()).await;
    a_round(&world, 2_000).await;
    let held = world.store().held(&of).await.unwrap().unwrap();
    assert_eq!(held.facts.iter().filter(|logged| logged.fact.what == FactKind::Messaged).count(), 1);
    assert_eq!(world.count(Metric::Messages).await, 2 * OPENIDS as i64);
}

#[actix_web::test]
async fn a_process_without_the_first_ones_key_is_refused_and_told_what_to_do() {
    let redis = RedisServer::start(&[]);
    let _world = on(&redis).await;
    let dir: TempDir = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_fuwu");
    let env = crate::harness::environment(dir.path(), &[("FUWU__STORE__URL", &redis.url())]);
    let refused = Command::new(program).args(["serve"]).envs(env).output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("FUWU__PRIVACY__PSEUDONYM_KEY"), "{told}");
}

#[actix_web::test]
async fn of_two_processes_one_does_what_is_done_once_and_the_other_takes_it_up_when_it_dies() {
    let redis = RedisServer::start(&[]);
    let key = "a-pseudonym-key-of-the-tests-and-nobody-else";
    let env = [("FUWU__STORE__URL", redis.url()), ("FUWU__PRIVACY__PSEUDONYM_KEY", key.into())];
    let env: Vec<(&str, &str)> = env.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let first = World::start_with(&env).await;
    let owner = async |world: &World| {
        let duties = world.store().shared_of(&"demo".into(), SharedKind::Duty).await.unwrap();
        let of = |part: &str| duties.iter().find(|(name, _)| name == part).map(|(_, shared)| shared.body.clone());
        of("reports").map(|body| serde_json::from_slice::<serde_json::Value>(&body).unwrap()["owner"].clone())
    };
    until("somebody does it", async || owner(&first).await.is_some()).await;
    let its = owner(&first).await;
    let second = World::start_with(&env).await;
    // What one wrote, the other reads.
    let phone = Phone::following(&first, "小林").await;
    let hand = second.hand(Mode::Safe);
    let said = hand.deliver(&text(phone.openid.as_str(), 5_001, "谢谢")).await;
    assert!(matches!(hand.hear(phone.openid.as_str(), &said), Reply::Text(words) if words.contains("不客气")));
    assert_eq!(first.count(Metric::Messages).await, 1);
    assert_eq!(owner(&second).await, its);
    first.running.stop().await.unwrap();
    second.clock.advance_secs(300);
    until("another does it", async || owner(&second).await != its).await;
}
