//! Many orders at speed, while the business system falls silent after accepting, answers late and refuses, the payment
//! platform loses answers, and its notifications are repeated, reordered, late and forged: in the end every order is in
//! one final state that agrees with the books of both, to the fen.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use futures_util::future::join_all;
use fuwu::app::{Clock, ManualClock};
use fuwu::domain::fact::FactKind;
use fuwu::domain::ids::{Openid, OrderNumber};
use fuwu::domain::order::{Order, State};
use fuwu::domain::pay::Fen;
use fuwu::sandbox::pay::model::{Act, Books, RefundState, State as Trade};
use fuwu::sandbox::pay::{self, Pay, PaySpec};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::business::edit;
use crate::harness::{APP_ID, MONDAY, World};
use crate::orders_shop::{Entry, Mood, Shop, borrowed, order_of, page, playbook_paid_by_wechat};
use crate::phone::Phone;

/// Orders without a word from outside; `FUWU_TEST_ORDERS` says otherwise.
const USUAL: usize = 60;
/// So many customers buy at once, and again when all of it has ended.
const AT_ONCE: usize = 20;

/// So many of a hundred orders nobody pays.
const UNPAID: u8 = 4;

/// A number from 0 to 99 that depends on nothing but the text.
fn percent(salt: &str, text: &str) -> u8 {
    Sha256::digest(format!("{salt}/{text}").as_bytes())[0] % 100
}

fn mood(number: &str) -> Mood {
    match percent("mood", number) {
        0..10 => Mood::DoesInSilence,
        10..15 => Mood::Refuses,
        15..25 => Mood::DoesLate,
        _ => Mood::Does,
    }
}

/// A payment platform of its own that keeps nothing on disk.
struct Till {
    pay: Pay,
    base: String,
    server: ServerHandle,
}

impl Drop for Till {
    fn drop(&mut self) {
        self.pay.close();
        drop(self.server.stop(false));
    }
}

impl Till {
    fn open(clock: &Arc<OnceLock<Arc<ManualClock>>>) -> Self {
        let clock = Arc::clone(clock);
        let pay = Pay::open(PaySpec {
            app_id: APP_ID.into(),
            data_file: None,
            clock: Arc::new(move || clock.get().map_or(MONDAY.0, |clock| clock.now().0)),
            http: reqwest::Client::new(),
            within: Duration::from_secs(5),
        })
        .unwrap();
        let mounted = Data::new(pay.clone());
        let server = HttpServer::new(move || {
            App::new().app_data(mounted.clone()).service(web::scope("/sandbox/pay").configure(pay::configure))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/sandbox/pay", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { pay, base, server: handle }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let own = self.pay.credentials().unwrap();
        vec![
            ("FUWU__ACCOUNTS__DEMO__PAY__MCHID", own.mchid),
            ("FUWU__ACCOUNTS__DEMO__PAY__SERIAL", own.serial),
            ("FUWU__ACCOUNTS__DEMO__PAY__PRIVATE_KEY", own.private_key_pem),
            ("FUWU__ACCOUNTS__DEMO__PAY__API_V3_KEY", own.api_v3_key),
            ("FUWU__ACCOUNTS__DEMO__PAY__PUBLIC_KEY_ID", own.public_key_id),
            ("FUWU__ACCOUNTS__DEMO__PAY__PUBLIC_KEY", own.public_key_pem),
            ("FUWU__ACCOUNTS__DEMO__PAY__API_BASE", self.base.clone()),
        ]
    }
}

/// What is wrong in the n-th round.
fn faults(nth: usize) -> Value {
    let notices = match nth % 5 {
        0 => json!({ "repeat": 3, "reorder": true, "late_secs": null, "forge": null }),
        1 => json!({ "repeat": null, "reorder": null, "late_secs": 90, "forge": null }),
        2 => json!({ "repeat": 1, "reorder": null, "late_secs": null, "forge": "signature" }),
        3 => json!({ "repeat": null, "reorder": true, "late_secs": null, "forge": "amount", "lost_notices": 5 }),
        _ => json!({ "repeat": null, "reorder": null, "late_secs": null, "forge": "seal" }),
    };
    let mut all = json!({ "lost_answers": 2, "system_error_after": 2, "system_error": 2, "forged_answers": 1 });
    all.as_object_mut().unwrap().extend(notices.as_object().unwrap().clone());
    all
}

/// Everybody orders and, most of them, pays; the orders as they stand when the last of them has ended.
async fn round(world: &World, till: &Till, phones: &[Phone<'_>]) -> Vec<(Openid, Order)> {
    for words in ["充流量", "2", "确认"] {
        world.clock.advance_secs(1);
        for seen in join_all(phones.iter().map(|phone| world.sandbox().say(&phone.openid, words))).await {
            seen.unwrap();
        }
    }
    for phone in phones {
        let openid = &phone.openid;
        // Somebody whose payment the platform would not begin at once is asked again by the outbox.
        let order = waits(world, (till, openid, 1), |order| order.state() != State::Confirmed).await;
        match percent("payer", order.number.as_str()) {
            0..UNPAID => {}
            UNPAID..7 => drop(world.sandbox().say(openid, "取消").await.unwrap()),
            _ => drop(till.pay.act(openid.as_str(), &page(world, &order), Act::Pay).unwrap()),
        }
    }
    // What nobody pays ends in an hour: time flies only when everything else has ended.
    let mut ended = Vec::new();
    for step_secs in [5, 60] {
        for Phone { openid, .. } in phones {
            let is_paid = percent("payer", order_of(world, openid).await.number.as_str()) >= UNPAID;
            if is_paid == (step_secs == 5) {
                ended.push((openid.clone(), waits(world, (till, openid, step_secs), Order::is_over).await));
            }
        }
    }
    ended
}

async fn waits(
    world: &World,
    (till, openid, step_secs): (&Till, &Openid, i64),
    holds: impl Fn(&Order) -> bool,
) -> Order {
    let began = Instant::now();
    loop {
        let order = order_of(world, openid).await;
        if holds(&order) {
            return order;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{order:?}");
        world.clock.advance_secs(step_secs);
        till.pay.catch_up().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How often each order came to an end.
async fn ends(world: &World) -> BTreeMap<OrderNumber, usize> {
    let facts = world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap();
    let mut ends = BTreeMap::new();
    for logged in facts {
        if let FactKind::OrderMoved { order, to, .. } = logged.fact.what
            && to.is_final()
        {
            *ends.entry(order).or_default() += 1;
        }
    }
    ends
}

/// What an order is in the books of both.
fn assert_agrees(order: &Order, entry: Entry, books: &Books) -> &'static str {
    let number = order.number.as_str();
    let trade = books.orders.get(number);
    let refunds: i64 = books
        .refunds
        .values()
        .filter(|refund| refund.out_trade_no == number && refund.state == RefundState::Success)
        .map(|refund| refund.refund_fen)
        .sum();
    let is_paid = trade.is_some_and(|trade| trade.transaction_id.is_some());
    assert!(entry.done <= 1, "done twice: {order:?}");
    assert!(is_paid || entry.put == 0, "asked for and not paid: {order:?}");
    assert_eq!(order.money().unwrap().came(), Fen(if is_paid { 2000 } else { 0 }), "{order:?}");
    assert_eq!(order.money().unwrap().went_back(), Fen(refunds), "{order:?}");
    match order.state() {
        State::Done => assert!(is_paid && refunds == 0 && entry.done == 1, "{order:?} {entry:?}"),
        State::Refunded => assert!(is_paid && refunds == 2000 && entry.done == 0, "{order:?} {entry:?}"),
        State::Failed => {
            assert!(!is_paid && entry.put == 0 && trade.is_none_or(|trade| trade.state != Trade::Success), "{order:?}");
        }
        other => panic!("{other:?} is no end: {order:?}"),
    }
    order.state().as_str()
}

#[actix_web::test]
async fn every_order_ends_once_and_agrees_with_the_books_of_both_sides_to_the_fen() {
    let count = std::env::var("FUWU_TEST_ORDERS").ok().and_then(|count| count.parse().ok()).unwrap_or(USUAL);
    let clock = Arc::new(OnceLock::new());
    let till = Till::open(&clock);
    let shop = Shop::open(mood);
    let dir = tempfile::tempdir().unwrap();
    let mut env = playbook_paid_by_wechat(dir.path(), Some(&shop.address));
    edit(&dir.path().join("playbook/actions/buy.toml"), "pay = \"wechat\"\n", "pay = \"wechat\"\npay_secs = 7200\n");
    // The clock runs far ahead of the one by which a business system that failed is left alone for a while.
    edit(&dir.path().join("playbook/actions/buy.toml"), "settle_secs = 3600", "settle_secs = 86400");
    env.extend(till.settings());
    let world = World::start_with(&borrowed(&env)).await;
    assert!(clock.set(Arc::clone(&world.clock)).is_ok());

    let began = Instant::now();
    let mut phones = Vec::new();
    for n in 0..AT_ONCE.min(count) {
        phones.push(Phone::following(&world, &format!("顾客{n}")).await);
    }
    let mut orders = Vec::new();
    for nth in 0..count.div_ceil(AT_ONCE) {
        till.pay.switch_faults(&faults(nth)).unwrap();
        let left = phones.len().min(count - orders.len());
        orders.extend(round(&world, &till, &phones[..left]).await);
    }
    let driven = began.elapsed();
    let calm = json!({ "repeat": null, "reorder": null, "late_secs": null, "forge": null, "lost_notices": 0, "lost_answers": 0,
        "system_error": 0, "system_error_after": 0, "forged_answers": 0 });
    till.pay.switch_faults(&calm).unwrap();

    while till.pay.books().on_their_way() > 0 {
        world.clock.advance_secs(3600);
        till.pay.catch_up().await;
    }
    // What is told once more, long after, changes nothing.
    let (books, entries, ends) = (till.pay.books(), shop.books(), ends(&world).await);
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    for (openid, order) in &orders {
        let kept = world.customer(openid).await.orders.get(&order.number).cloned();
        assert!(kept.is_none_or(|kept| kept == *order), "it went on after its end: {order:?}");
        assert_eq!(ends[&order.number], 1, "it ended more than once: {order:?}");
        let entry = entries.get(order.number.as_str()).copied().unwrap_or_default();
        *tally.entry(assert_agrees(order, entry, &books)).or_default() += 1;
    }
    let of = |name| i64::try_from(tally.get(name).copied().unwrap_or_default()).unwrap();
    assert_eq!((orders.len(), ends.len(), books.faults()), (count, count, Vec::<String>::new()));
    assert!(entries.keys().all(|number| orders.iter().any(|(_, order)| order.number.as_str() == number)));
    let sum = |of: fn(&Order) -> Fen| orders.iter().map(|(_, order)| of(order).0).sum::<i64>();
    let charged = sum(|order| order.money().unwrap().came());
    let returned = sum(|order| order.money().unwrap().went_back());
    assert_eq!((books.balance_fen(), charged - returned), (of("done") * 2000, of("done") * 2000));
    let put_again = entries.values().filter(|entry| entry.put > 1).count();
    println!(
        "{count} orders in {:.1} s and ended in {:.1} s: {tally:?}; {put_again} put more than once, none done twice; charged \
         {charged} fen, returned {returned} fen, the merchant has {} fen",
        driven.as_secs_f64(),
        began.elapsed().as_secs_f64(),
        books.balance_fen()
    );
}
