//! Many orders at speed, while the business system falls silent after accepting, answers late and refuses, the payment
//! platform loses answers, and its notifications are repeated, reordered, late and forged: in the end every order is in
//! one final state that agrees with the books of both, to the fen.

pub mod audit;
mod course;
pub mod outside;
pub mod program;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use fuwu::app::{Clock, ManualClock};
use fuwu::domain::ids::Openid;
use fuwu::domain::order::{MOST_ORDERS, Order, State};
use fuwu::sandbox::pay::model::Act;

use self::audit::{Entry, Line, ThreeBooks, all_ends, moved};
use self::course::{Size, run};
use self::outside::{Till, mood, percent};
use crate::business::edit;
use crate::harness::{MONDAY, World};
use crate::orders_shop::{Shop, borrowed, order_of, page, playbook_paid_by_wechat};
use crate::phone::Phone;
use crate::redis_servers::RedisCluster;

/// Orders without a word from outside; `FUWU_TEST_ORDERS` says otherwise.
const USUAL: usize = 60;
/// Of these, so many customers buy at once, and again when all of it has ended.
const AT_ONCE: usize = 20;
/// So many of a hundred orders nobody pays.
const UNPAID: u8 = 4;

fn number_of(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|number| number.parse().unwrap())
}

/// `FUWU_FIGURE_ORDERS=10000` makes the figure of it: the real program on the machine's clock.
fn size() -> Size {
    match number_of("FUWU_FIGURE_ORDERS") {
        Some(orders) => Size { orders, kills: number_of("FUWU_KILLS").unwrap_or(orders.div_ceil(50)), rate: 0 },
        None => Size { orders: 96, kills: 3, rate: 30 },
    }
}

#[actix_web::test]
async fn every_order_ends_once_and_agrees_with_all_books_though_the_program_is_killed() {
    run(&size(), None).await;
}

#[actix_web::test]
#[ignore = "how long its end takes differs too much for every day: `make soak` runs it"]
async fn every_order_ends_once_and_agrees_with_all_books_on_a_redis_cluster_though_the_program_is_killed() {
    let cluster = RedisCluster::start();
    run(&size(), Some(&cluster.url())).await;
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

#[actix_web::test]
async fn every_order_ends_once_and_agrees_with_the_books_of_both_sides_to_the_fen() {
    let count = number_of("FUWU_TEST_ORDERS").unwrap_or(USUAL);
    // What has ended is buried by newer orders: none of these may be.
    let at_once = AT_ONCE.max(count.div_ceil(MOST_ORDERS)).min(count);
    let clock: Arc<OnceLock<Arc<ManualClock>>> = Arc::new(OnceLock::new());
    let till = Till::open({
        let clock = Arc::clone(&clock);
        Arc::new(move || clock.get().map_or(MONDAY.0, |clock| clock.now().0))
    });
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
    for n in 0..at_once {
        // Their orders are paid for by WeChat: what their numbers have on them does not matter.
        let phone = Phone::new(&world, &format!("顾客{n}"));
        phone.follow().await;
        phones.push(phone);
    }
    let mut orders = Vec::new();
    for nth in 0..count.div_ceil(at_once) {
        till.go_wrong(nth);
        let left = phones.len().min(count - orders.len());
        orders.extend(round(&world, &till, &phones[..left]).await);
    }
    let driven = began.elapsed();
    till.calm_down();
    while till.pay.look(|books| books.on_their_way()) > 0 {
        world.clock.advance_secs(3600);
        till.pay.catch_up().await;
    }

    let mut books = ThreeBooks { till: till.pay.look(moved), ..ThreeBooks::default() };
    for (openid, order) in &orders {
        // What is told once more, long after, changes nothing.
        let kept = world.customer(openid).await.orders.get(&order.number).cloned();
        assert_eq!(kept.as_ref(), Some(order), "it went on after its end, or is gone");
        books.ours.insert(order.number.as_str().to_owned(), Line::of(order));
    }
    for (number, end) in all_ends(world.store().as_ref()).await {
        books.ours.get_mut(number.as_str()).expect("a known order").ends.push(end);
    }
    let entry =
        |entry: crate::orders_shop::Entry| Entry { put: entry.put, done: entry.done, amount_fen: entry.amount_fen };
    books.business = shop.books().into_iter().map(|(number, kept)| (number, entry(kept))).collect();
    let (tally, sums, balance): (BTreeMap<_, _>, _, _) =
        (books.tally(), books.sums(), till.pay.look(|books| books.balance_fen()));
    println!(
        "{count} orders in {:.1} s and ended in {:.1} s: {tally:?}; {} put more than once, none done twice; {sums:?} fen; the \
         merchant has {balance} fen",
        driven.as_secs_f64(),
        began.elapsed().as_secs_f64(),
        books.business.values().filter(|entry| entry.put > 1).count(),
    );
    assert_eq!((books.faults(), till.pay.look(|books| books.faults())), (Vec::new(), Vec::new()));
    assert_eq!((books.ours.len(), balance), (count, sums.fulfilled));
}
