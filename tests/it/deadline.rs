//! An answer leaves within four seconds whatever happens behind it; what cannot be kept is asked for again.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use fuwu::app::{App, Discretion, ManualClock, Rules, ServedAccount};
use fuwu::backend::{self, Backend};
use fuwu::channel::official::{Account, AccountSpec, Mode, api};
use fuwu::config::playbook::Live;
use fuwu::domain::forget::Forget;
use fuwu::domain::ids::Openid;
use fuwu::domain::reach::Rights;
use fuwu::domain::reply::Reply;
use fuwu::growth::counter::Metric;
use fuwu::growth::lateness::Lateness;
use fuwu::http::{ApiToken, Front, Observatory, Served, State, serve};
use fuwu::store::{CounterRange, Embedded, Spec};
use serde_json::json;
use tempfile::TempDir;
use url::Url;

use crate::gated_store::{Gate, Gated};
use crate::hand::{Hand, Posted, event, text};
use crate::harness::{AES_KEY, API_TOKEN, APP_ID, MONDAY, ORIGINAL_ID, TOKEN, World, settings};

const OPENID: &str = "oPenIdOfTheDeadlineTests0001";

/// Delivers, and says how long the answer took.
pub async fn timed(hand: &Hand, xml: &str) -> (Posted, Duration) {
    let began = Instant::now();
    (hand.deliver(xml).await, began.elapsed())
}

fn words(hand: &Hand, posted: &Posted) -> String {
    match hand.hear(OPENID, posted) {
        Reply::Text(words) => words,
        other => panic!("no words: {other:?}"),
    }
}

#[actix_web::test]
async fn with_a_business_system_that_never_answers_every_question_is_answered_in_time() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    hand.deliver(&event(OPENID, "CLICK", "buy_data")).await;
    hand.deliver(&text(OPENID, 1, "2")).await;
    world.business(json!({ "delay_ms": 60_000 })).await;
    let questions = ["查套餐", "查流量", "查话费", "查积分", "确认"];
    let messages: Vec<String> = (10..).zip(questions).map(|(id, words)| text(OPENID, id, words)).collect();
    // All at once on one customer: each commit makes the others decide again, and none may ask again from the start.
    for (answer, took) in join_all(messages.iter().map(|message| timed(&hand, message))).await {
        assert!(took < Duration::from_secs(4), "{took:?}");
        let said = words(&hand, &answer);
        assert!(said.contains("正在") || said.contains("想充哪个"), "{said}");
    }
}

#[actix_web::test]
async fn while_the_store_is_stuck_the_platform_is_asked_to_repeat_and_the_repetition_gets_the_reply() {
    let stuck = Stuck::start().await;
    let hand = stuck.hand();
    let message = text(OPENID, 1, "你好");
    stuck.gate.close();
    let (answer, took) = timed(&hand, &message).await;
    assert_eq!((answer.status, answer.body.len()), (503, 0), "{answer:?}");
    assert!((Duration::from_millis(3500)..Duration::from_millis(4700)).contains(&took), "{took:?}");
    // The platform repeats; while that waits, the store comes back.
    let (again, ()) = tokio::join!(timed(&hand, &message), async {
        stuck.gate.somebody_waits().await;
        stuck.gate.open();
    });
    assert!(words(&hand, &again.0).contains("小禾在呢"));
    assert_eq!(hand.deliver(&message).await, again.0);
    assert_eq!(stuck.messages().await, 1);
    stuck.stop().await;
}

#[actix_web::test]
async fn what_the_store_refuses_is_not_acknowledged_and_works_once_it_is_back() {
    let stuck = Stuck::start().await;
    let hand = stuck.hand();
    stuck.gate.refuse();
    let (answer, took) = timed(&hand, &text(OPENID, 1, "你好")).await;
    assert_eq!(answer.status, 503);
    assert!(took < Duration::from_secs(1), "a refusal need not be waited for: {took:?}");
    assert_eq!(hand.deliver("<xml>broken").await.status, 503, "nor can it be put in quarantine");
    stuck.gate.open();
    assert!(words(&hand, &hand.deliver(&text(OPENID, 1, "你好")).await).contains("小禾在呢"));
    assert!(hand.deliver("<xml>broken").await.is_acknowledged_only());
    assert_eq!(stuck.messages().await, 1);
    stuck.stop().await;
}

#[actix_web::test]
async fn a_commit_that_is_done_but_not_confirmed_is_answered_and_found_by_the_repetition() {
    let stuck = Stuck::start().await;
    let hand = stuck.hand();
    let message = text(OPENID, 1, "签到");
    stuck.gate.lose_the_next_answer();
    let first = hand.deliver(&message).await;
    let again = hand.deliver(&message).await;
    for answer in [first, again] {
        assert!(words(&hand, &answer).contains("连续 1 天"), "not “already signed”: the reply it earned");
    }
    assert_eq!(stuck.messages().await, 1);
    stuck.stop().await;
}

/// A fuwu put together by hand around a store with a gate.
pub struct Stuck {
    served: Served,
    app: Arc<App>,
    pub gate: Gate,
    _dir: TempDir,
}

impl Stuck {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Embedded::open(&dir.path().join("data"), Spec::default(), crate::harness::key()).unwrap();
        let (gate, store) = Gated::around(store);
        let client = backend::client().unwrap();
        let spec = AccountSpec {
            id: "demo".into(),
            app_id: APP_ID.into(),
            original_id: ORIGINAL_ID.into(),
            tokens: vec![TOKEN.into()],
            aes_keys: vec![AES_KEY.into()],
            mode: Mode::Safe,
        };
        let nowhere = Url::parse("http://127.0.0.1:9/").unwrap();
        let account = ServedAccount {
            channel: Account::new(spec).unwrap(),
            playbook: Live::start(settings(dir.path(), &[]).accounts[&"demo".into()].dirs.clone()).unwrap(),
            backend: Backend::new(None, backend::Secrets::default()),
            platform: api::Client::new(nowhere, APP_ID, "", client),
            merchant: None,
            rights: Rights::of_service(),
            site: "http://story.example".into(),
        };
        let discretion = Discretion { forget: Forget::Tombstone, keep_days: 180, key: crate::harness::key() };
        let rules = Rules { lateness: Lateness::default(), discretion };
        let app = App::new(vec![account], Arc::new(store), Arc::new(ManualClock::at(MONDAY)), rules);
        let state = State {
            app: Arc::clone(&app),
            draining: AtomicBool::new(false),
            observatory: Observatory::detached(),
            api_token: ApiToken::new(API_TOKEN),
            front: Front::Console,
        };
        let served = serve(TcpListener::bind("127.0.0.1:0").unwrap(), state, |_| {}).unwrap();
        Self { served, app, gate, _dir: dir }
    }

    pub fn hand(&self) -> Hand {
        Hand::to(self.served.address, Mode::Safe)
    }

    async fn messages(&self) -> i64 {
        let of = fuwu::store::CustomerRef { account: "demo".into(), openid: Openid::from(OPENID) };
        assert!(self.app.store().load(&of).await.unwrap().version.0 > 0);
        let range = CounterRange::all(Metric::Messages);
        self.app.store().counters(&"demo".into(), &[range]).await.unwrap().sum_to(Metric::Messages, i32::MAX)
    }

    pub async fn stop(self) {
        self.served.drain().await;
        self.app.drain().await.unwrap();
    }
}
