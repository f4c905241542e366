//! Redis did what it was asked, and its answer came too late.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fuwu::domain::ids::Openid;
use fuwu::growth::counter::Metric;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::harness::{World, until};
use crate::phone::Phone;
use crate::redis_servers::RedisServer;

/// A way to Redis on which answers can be held up from the next write on.
#[derive(Clone)]
struct Way {
    /// Whose next commit it is.
    awaited: Arc<Mutex<Option<String>>>,
    holds: watch::Sender<bool>,
    /// How long every answer is on its way.
    takes: Arc<Mutex<Duration>>,
}

impl Way {
    async fn to(server: &RedisServer) -> (Self, String) {
        let way = Self { awaited: Arc::default(), holds: watch::Sender::new(false), takes: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (port, ways) = (server.port, way.clone());
        tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                let to = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let ((asks, hears), (answers, told)) = (from.into_split(), to.into_split());
                tokio::spawn(ways.clone().ask(asks, told));
                tokio::spawn(ways.clone().answer(answers, hears));
            }
        });
        (way, format!("redis://{address}"))
    }

    async fn ask(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = vec![0; 65_536];
        while let Ok(n @ 1..) = from.read(&mut bytes).await {
            let asked = String::from_utf8_lossy(&bytes[..n]).into_owned();
            let is_awaited = |who: &mut String| asked.contains("EVALSHA") && asked.contains(who.as_str());
            if self.awaited.lock().unwrap().take_if(is_awaited).is_some() {
                self.holds.send_replace(true);
            }
            if to.write_all(&bytes[..n]).await.is_err() {
                return;
            }
        }
    }

    async fn answer(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let (mut bytes, mut holds) = (vec![0; 65_536], self.holds.subscribe());
        while let Ok(n @ 1..) = from.read(&mut bytes).await {
            holds.wait_for(|holds| !holds).await.unwrap();
            let takes = *self.takes.lock().unwrap();
            tokio::time::sleep(takes).await;
            if to.write_all(&bytes[..n]).await.is_err() {
                return;
            }
        }
    }

    fn holds_the_answer_to_the_next_commit_of(&self, openid: &Openid) {
        *self.awaited.lock().unwrap() = Some(openid.as_str().to_owned());
    }

    fn takes(&self, long: Duration) {
        *self.takes.lock().unwrap() = long;
    }

    fn goes_on(&self) {
        self.holds.send_replace(false);
    }
}

#[actix_web::test]
async fn an_answer_that_redis_kept_without_saying_so_is_told_by_a_message_once() {
    let redis = RedisServer::start(&[]);
    let (way, url) = Way::to(&redis).await;
    let world = World::start_with(&[("FUWU__STORE__URL", &url)]).await;
    let phone = Phone::following(&world, "小林").await;
    let before = world.count(Metric::Messages).await;
    way.holds_the_answer_to_the_next_commit_of(&phone.openid);
    assert_eq!(phone.say("谢谢").await, "", "nobody knows yet what became of it");
    way.goes_on();
    phone.hears("不客气").await;
    assert_eq!(world.count(Metric::Messages).await, before + 1);
    // Whoever waits behind it is served, and nothing is said twice.
    until("nothing waits", async || phone.say("你好").await.contains("小禾在呢")).await;
    assert_eq!(phone.heard("不客气"), 1);
    assert_eq!(world.store().next_due().await.unwrap(), None);
}

#[actix_web::test]
async fn a_redis_that_is_slow_with_everything_keeps_nobody_waiting_longer_than_one_that_is_away() {
    let redis = RedisServer::start(&[]);
    let (way, url) = Way::to(&redis).await;
    let world = World::start_with(&[("FUWU__STORE__URL", &url)]).await;
    let phone = Phone::following(&world, "小林").await;
    // Each answer comes in time, and two of them do not.
    way.takes(Duration::from_millis(600));
    let since = Instant::now();
    assert_eq!(phone.say("谢谢").await, "");
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    way.takes(Duration::ZERO);
    phone.hears("不客气").await;
    until("nothing waits", async || phone.say("你好").await.contains("小禾在呢")).await;
    assert_eq!(phone.heard("不客气"), 1);
}
