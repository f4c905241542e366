//! What an unfollow deletes and what a re-follow is, in each mode, through the real webhook.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use fuwu::channel::official::Mode;
use fuwu::domain::customer::Customer;
use fuwu::domain::fact::FactKind;
use fuwu::domain::ids::Openid;
use fuwu::domain::order::State;
use fuwu::growth::counter::{CounterKey, GAP_FIRST, Metric};
use fuwu::store::{CustomerRef, Logged, SharedKind};
use serde_json::json;

use crate::hand::{Hand, Posted, event, message_at, text};
use crate::harness::{MONDAY, World, until};
use crate::phone::Phone;

const OPENID: &str = "oPenIdOfOneWhoComesAndGoes01";
const WORDS: &str = "天下大势分久必合合久必分";
const DAY: i64 = 86_400;

async fn with(forget: &str) -> (World, Hand) {
    let world = World::start_with(&[("FUWU__PRIVACY__FORGET", forget)]).await;
    let hand = world.hand(Mode::Safe);
    (world, hand)
}

fn event_at(days: i64, secs: i64, name: &str) -> String {
    let rest = format!(
        "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event><EventKey><![CDATA[]]></EventKey>"
    );
    message_at(MONDAY.0 + days * DAY + secs, OPENID, &rest)
}

fn text_at(days: i64, secs: i64, words: &str) -> String {
    let id = 1_000 + days * DAY + secs;
    let rest = format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content><MsgId>{id}</MsgId>");
    message_at(MONDAY.0 + days * DAY + secs, OPENID, &rest)
}

async fn facts(world: &World) -> Vec<Logged> {
    world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap()
}

async fn counters(world: &World) -> BTreeMap<CounterKey, i64> {
    let mut all = BTreeMap::new();
    for metric in Metric::all() {
        all.extend(world.counters(metric).await);
    }
    all
}

/// Who was active for the first time ever: every customer counts here once.
async fn ever_active(world: &World) -> i64 {
    world.counters(Metric::Gap).await.iter().filter(|(key, _)| key.b == GAP_FIRST).map(|(_, n)| n).sum()
}

/// Follows, writes, leaves; the platform repeats the unfollow, and a message that was on its way arrives after it.
async fn comes_and_goes(world: &World, hand: &Hand) {
    for delivery in [event_at(0, 0, "subscribe"), text_at(0, 5, WORDS), text_at(0, 6, "签到")] {
        assert_eq!(hand.deliver(&delivery).await.status, 200);
    }
    world.clock.advance_secs(60);
    let unfollow = event_at(0, 20, "unsubscribe");
    for _ in 0..3 {
        assert!(hand.deliver(&unfollow).await.is_acknowledged_only());
    }
}

async fn late_message(hand: &Hand) -> Posted {
    hand.deliver(&text_at(0, 10, "鱼与熊掌怪问题")).await
}

async fn comes_back(world: &World, hand: &Hand) {
    world.clock.set(MONDAY.plus_secs(3 * DAY));
    assert_eq!(hand.deliver(&event_at(3, 0, "subscribe")).await.status, 200);
    assert_eq!(hand.deliver(&text_at(3, 1, "你好")).await.status, 200);
}

async fn follows(world: &World) -> [i64; 4] {
    let mut all = [0; 4];
    for (n, metric) in
        all.iter_mut().zip([Metric::FirstFollows, Metric::Refollows, Metric::Unfollows, Metric::Messages])
    {
        *n = world.count(metric).await;
    }
    all
}

#[actix_web::test]
async fn a_tombstone_knows_who_comes_back_and_nothing_else() {
    let (world, hand) = with("tombstone").await;
    comes_and_goes(&world, &hand).await;
    assert_eq!(follows(&world).await, [1, 0, 1, 2], "a retry of the unfollow changes nothing");
    assert_eq!(late_message(&hand).await.status, 200);
    assert_eq!(follows(&world).await, [1, 0, 1, 3], "and what was on its way still counts");

    let told = format!("{:?}", facts(&world).await);
    assert!(!told.contains(OPENID) && !told.contains(WORDS) && !told.contains("怪问题"), "{told}");
    let left = world.customer(&Openid::from(OPENID)).await;
    let bare = Customer {
        recent: left.recent.clone(),
        follow: left.follow.clone(),
        activity: left.activity,
        tapped: left.tapped.clone(),
        ..Customer::default()
    };
    assert_eq!(left, bare);
    assert!(left.follow.first_day.is_some() && left.activity.is_some());

    comes_back(&world, &hand).await;
    assert_eq!(follows(&world).await, [1, 1, 1, 4]);
    assert_eq!(ever_active(&world).await, 1, "one customer, also over the unfollow");
    let facts = facts(&world).await;
    assert!(facts.iter().all(|logged| logged.of.openid.as_str() == OPENID));
}

#[actix_web::test]
async fn strictly_nothing_is_kept_and_who_comes_back_is_new() {
    let (world, hand) = with("strict").await;
    comes_and_goes(&world, &hand).await;
    assert_eq!(follows(&world).await, [1, 0, 1, 2], "a retry of the unfollow changes nothing");
    let of = CustomerRef { account: "demo".into(), openid: OPENID.into() };
    assert_eq!(world.store().held(&of).await.unwrap(), None);
    let told = format!("{:?}", facts(&world).await);
    assert!(!told.contains(OPENID) && !told.contains(WORDS), "{told}");
    comes_back(&world, &hand).await;
    assert_eq!(follows(&world).await, [2, 0, 1, 3]);
    assert_eq!(ever_active(&world).await, 2, "as the small print says");
}

#[actix_web::test]
async fn strictly_a_delivery_that_the_platform_repeats_after_the_unfollow_counts_once() {
    let (world, hand) = with("strict").await;
    comes_and_goes(&world, &hand).await;
    let before = counters(&world).await;
    let repeated =
        [text_at(0, 5, WORDS), text_at(0, 6, "签到"), event_at(0, 0, "subscribe"), event_at(0, 20, "unsubscribe")];
    for delivery in &repeated {
        assert!(hand.deliver(delivery).await.is_acknowledged_only());
    }
    assert_eq!(counters(&world).await, before);
    let of = CustomerRef { account: "demo".into(), openid: OPENID.into() };
    assert_eq!(world.store().held(&of).await.unwrap(), None, "nothing is kept of the customer");

    assert_eq!(hand.deliver(&event_at(0, 70, "subscribe")).await.status, 200);
    let before = counters(&world).await;
    for delivery in &repeated {
        assert!(hand.deliver(delivery).await.is_acknowledged_only());
    }
    assert_eq!(counters(&world).await, before, "nor to whom comes back at once");

    let spent = async || world.store().shared_of(&"demo".into(), SharedKind::Spent).await.unwrap();
    assert_eq!(spent().await.len(), 4);
    assert!(!format!("{:?}", spent().await).contains(OPENID));
    world.clock.advance_secs(601);
    world.running.app.forget_spent().await.unwrap();
    assert_eq!(spent().await, [], "kept as long as a record would have kept them");
}

#[actix_web::test]
async fn softly_everything_is_kept_until_its_days_are_over() {
    let (world, hand) = with("soft").await;
    comes_and_goes(&world, &hand).await;
    assert_eq!(follows(&world).await, [1, 0, 1, 2]);
    late_message(&hand).await;
    let left = world.customer(&Openid::from(OPENID)).await;
    assert!(!left.memory.is_empty() && left.dialogue.is_none(), "kept, and hidden: {left:?}");
    assert!(format!("{:?}", facts(&world).await).contains(WORDS));
    comes_back(&world, &hand).await;
    assert_eq!(follows(&world).await, [1, 1, 1, 4]);
    assert_eq!(ever_active(&world).await, 1);
}

#[actix_web::test]
async fn what_is_kept_expires_and_who_returns_after_that_is_new() {
    for mode in ["tombstone", "soft"] {
        let (world, hand) = with(mode).await;
        comes_and_goes(&world, &hand).await;
        let of = CustomerRef { account: "demo".into(), openid: OPENID.into() };
        world.clock.set(MONDAY.plus_secs(180 * DAY));
        assert_eq!(world.running.app.forget_overdue().await.unwrap(), 0, "{mode}");
        assert!(world.store().held(&of).await.unwrap().is_some());
        world.clock.set(MONDAY.plus_secs(181 * DAY));
        assert_eq!(world.running.app.forget_overdue().await.unwrap(), 1, "{mode}");
        assert_eq!(world.running.app.forget_overdue().await.unwrap(), 0, "{mode}");
        assert_eq!(world.store().held(&of).await.unwrap(), None);
        let told = format!("{:?}", facts(&world).await);
        assert!(!told.contains(OPENID) && !told.contains(WORDS), "{told}");
        hand.deliver(&event_at(181, 0, "subscribe")).await;
        assert_eq!(follows(&world).await, [2, 0, 1, 2], "{mode}");
    }
}

#[actix_web::test]
async fn whoever_writes_after_an_unfollow_is_served_though_their_follow_was_lost() {
    let (world, hand) = with("tombstone").await;
    comes_and_goes(&world, &hand).await;
    hand.deliver(&text_at(0, 100, "充流量")).await;
    let choice = hand.deliver(&text_at(0, 101, "1")).await;
    assert!(format!("{:?}", hand.hear(OPENID, &choice)).contains("请您确认"), "the dialogue goes on");
    assert!(hand.deliver(&event_at(0, 110, "unsubscribe")).await.is_acknowledged_only());
    assert!(facts(&world).await.iter().all(|logged| logged.of.openid.as_str() != OPENID), "and buried when they leave");
}

#[actix_web::test]
async fn an_order_on_its_way_is_ended_before_its_customer_is_buried() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let before = phone.balance_fen().await;
    phone.tap("buy_data").await;
    phone.say("4").await;
    world.business(json!({ "delay_ms": 3500 })).await;
    phone.say("确认").await;
    phone.unfollow().await;
    assert!(facts(&world).await.iter().any(|logged| logged.of.openid == phone.openid), "known as long as it takes");
    world.business(json!({ "delay_ms": 0 })).await;
    until("the order has ended and its customer is buried", async || {
        facts(&world).await.iter().all(|logged| logged.of.openid.as_str().starts_with('~'))
    })
    .await;
    let facts = facts(&world).await;
    let orders: Vec<_> = facts
        .iter()
        .filter_map(|logged| match &logged.fact.what {
            FactKind::OrderMoved { order, to, .. } => Some((order.as_str(), *to)),
            _ => None,
        })
        .collect();
    assert_eq!(
        orders,
        [State::Confirmed, State::Fulfilling, State::Done].map(|state| ("", state)),
        "without the number the till knows"
    );
    assert_eq!(phone.balance_fen().await, before - 100, "charged once");
    assert_eq!(world.store().next_due().await.unwrap(), None);
}

#[actix_web::test]
async fn an_erased_customer_is_gone_and_the_numbers_are_not() {
    let (world, hand) = with("tombstone").await;
    comes_and_goes(&world, &hand).await;
    comes_back(&world, &hand).await;
    hand.deliver(&text("oSomebodyElse", 1, WORDS)).await;
    hand.deliver(&event(OPENID, "CLICK", "sign_in")).await;
    let before = counters(&world).await;
    let url = world.url(&format!("/api/v1/customers/{OPENID}"));
    let ask = |method| world.http.request(method, url.clone());
    assert_eq!(ask(reqwest::Method::DELETE).send().await.unwrap().status(), 401);
    let held = world.get_json(&format!("/api/v1/customers/{OPENID}?account=demo")).await;
    assert_eq!(
        (held["openid"].as_str(), held["record"]["follow"]["first_day"].as_str()),
        (Some(OPENID), Some("2026-03-02"))
    );
    assert_eq!(held["record"]["active_days"], json!(["2026-03-02", "2026-03-05"]));
    assert_eq!(held["facts"][0]["day"], "2026-03-02");
    let ask = |method| ask(method).bearer_auth(crate::harness::API_TOKEN).send();
    assert_eq!(ask(reqwest::Method::DELETE).await.unwrap().status(), 204);
    assert_eq!(ask(reqwest::Method::DELETE).await.unwrap().status(), 404);
    assert_eq!(ask(reqwest::Method::GET).await.unwrap().status(), 404);
    let nobodys = world.url(&format!("/api/v1/customers/{OPENID}?account=nobody"));
    let wrong = world.http.get(nobodys).bearer_auth(crate::harness::API_TOKEN).send().await.unwrap();
    assert_eq!(wrong.status(), 404);
    let total = |all: &BTreeMap<CounterKey, i64>, metric| -> i64 {
        all.iter().filter(|(key, _)| key.metric == metric).map(|(_, n)| n).sum()
    };
    let after = counters(&world).await;
    for metric in Metric::all() {
        assert_eq!(total(&after, metric), total(&before, metric), "{metric:?}");
    }
    let exact = |all: &BTreeMap<CounterKey, i64>| {
        all.iter()
            .filter(|(key, _)| key.metric != Metric::Unanswered)
            .map(|(key, n)| (key.clone(), *n))
            .collect::<Vec<_>>()
    };
    assert_eq!(exact(&after), exact(&before));
    assert_eq!(facts(&world).await.len(), 2, "of somebody else");
    // Whoever comes back is new.
    let first = world.count(Metric::FirstFollows).await;
    hand.deliver(&event_at(3, 30, "subscribe")).await;
    assert_eq!(world.count(Metric::FirstFollows).await, first + 1);
    assert_eq!(world.count(Metric::Refollows).await, 1);
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn no_log_tells_who_came_what_they_said_or_who_was_erased() {
    let log = Captured::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    // One for the whole process: what other tests say at the same time may be in it too.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let (world, hand) = with("tombstone").await;
    world.business(json!({ "out": true })).await;
    comes_and_goes(&world, &hand).await;
    late_message(&hand).await;
    comes_back(&world, &hand).await;
    hand.deliver(&text(OPENID, 9, "查话费")).await;
    hand.deliver(&message_at(0, OPENID, "<MsgType>text</MsgType>")).await;
    let url = world.url(&format!("/api/v1/customers/{OPENID}"));
    let erased = world.http.delete(url).bearer_auth(crate::harness::API_TOKEN).send().await.unwrap();
    assert_eq!(erased.status(), 204);
    let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(told.contains("a customer was erased") && told.contains("quarantine"), "{told}");
    for secret in [OPENID, WORDS, "怪问题"] {
        assert!(!told.contains(secret), "{secret} in\n{told}");
    }
}
