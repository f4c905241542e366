//! The real program on Redis, killed at any moment under signed traffic, while Redis serves or does not: what it
//! acknowledged is there once in the end. `FUWU_KILLS=300` makes a soak of it.

use std::collections::BTreeMap;

use fuwu::domain::fact::FactKind;
use fuwu::store::{PseudonymKey, Redis, Spec, Store};

use crate::harness::until;
use crate::kill_serve::run_and_kill;
use crate::process::Process;
use crate::redis_servers::RedisServer;

const KEY: &str = "a-pseudonym-key-of-the-tests-and-nobody-else";

/// How many messages of each customer are there.
async fn there(store: &Redis) -> BTreeMap<String, usize> {
    let mut there = BTreeMap::new();
    for logged in store.facts(&"demo".into(), 0, usize::MAX).await.unwrap() {
        if logged.fact.what == FactKind::Messaged {
            *there.entry(logged.of.openid.as_str().to_owned()).or_default() += 1;
        }
    }
    there
}

#[actix_web::test]
async fn what_the_real_program_acknowledged_before_it_was_killed_is_on_redis_once() {
    let kills: u64 = std::env::var("FUWU_KILLS").map_or(4, |kills| kills.parse().unwrap());
    let (redis, dir) = (RedisServer::start(&[]), tempfile::tempdir().unwrap());
    let url = redis.url();
    let env = [("FUWU__STORE__URL", url.as_str()), ("FUWU__PRIVACY__PSEUDONYM_KEY", KEY)];
    let (mut expected, mut later) = (BTreeMap::<String, usize>::new(), 0);
    for kill in 0..kills {
        let process = Process::start(dir.path(), &env);
        // Every second time Redis says nothing while the program lives: then all is in the journal only.
        if kill % 2 == 1 {
            redis.freeze();
        }
        let life = run_and_kill(process, kill).await;
        redis.thaw();
        for (sent, posted) in &life.acknowledged {
            *expected.entry(sent.openid.clone()).or_default() += 1;
            later += usize::from(posted.is_acknowledged_only());
        }
        let process = Process::start(dir.path(), &env);
        let hand = process.hand();
        for sent in &life.unanswered {
            assert_eq!(hand.deliver(&sent.xml).await.status, 200, "repeated after kill {kill}");
            *expected.entry(sent.openid.clone()).or_default() += 1;
        }
        let store = Redis::open(&url, Spec::default(), PseudonymKey::new(KEY)).await.unwrap();
        until(&format!("all of it is there after kill {kill}"), async || {
            there(&store).await.values().sum::<usize>() >= expected.values().sum::<usize>()
        })
        .await;
        assert_eq!(there(&store).await, expected, "after kill {kill}");
        process.kill();
    }
    let acknowledged = expected.values().sum::<usize>();
    println!("{kills} kills, {acknowledged} deliveries acknowledged, {later} of them while Redis said nothing");
    assert!(later > 0, "Redis was never away");
}
