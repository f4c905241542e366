//! What seldom happens to an order: a platform or a business system that contradicts itself, somebody who leaves or is to
//! be erased under way, money that moves by hand.

use fuwu::app::{Case, cases};
use fuwu::domain::order::{MOST_ORDERS, Reason, State};
use fuwu::sandbox::pay::model::{RefundState, State as Trade};
use serde_json::json;
use tokio::net::TcpSocket;

use crate::harness::{API_TOKEN, World, until};
use crate::orders::{buy, decide, moves, once, world};
use crate::orders_shop::{
    Mood, Shop, borrowed, order_of, pay, pay_books, playbook_paid_by_wechat, stands_at, stands_in_time, switch,
};
use crate::phone::Phone;

async fn open_cases(world: &World) -> Vec<Case> {
    cases(world.store().as_ref(), &"demo".into()).await.unwrap()
}

/// Time goes by so that whoever looks after orders has done so, so many times.
async fn looked_after(world: &World, times: usize) {
    for _ in 0..times {
        world.clock.advance_secs(301);
        until("what is due is tried", async || {
            world.store().next_due().await.unwrap().is_none_or(|due| due.0 > world.clock_now())
        })
        .await;
    }
}

/// An address of our own where nobody listens yet.
fn nobody() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

#[actix_web::test]
async fn a_business_system_that_was_away_is_put_each_order_once_when_it_is_back() {
    for has_status in [true, false] {
        let (dir, socket) = (tempfile::tempdir().unwrap(), nobody());
        let address = format!("http://{}", socket.local_addr().unwrap());
        let env = playbook_paid_by_wechat(dir.path(), Some(&address));
        once(&dir, has_status);
        let world = World::start_with(&borrowed(&env)).await;
        let phone = Phone::following(&world, "小林").await;
        buy(&phone).await;
        pay(&world, &phone.openid).await.unwrap();
        stands_at(&world, &phone.openid, State::Fulfilling).await;
        // It is put again every half minute, and looked after every five.
        for times in 1..=11 {
            until("it is tried and not reached", async || {
                order_of(&world, &phone.openid).await.puts.unreached == times
            })
            .await;
            world.clock.advance_secs(30);
        }
        let shop = Shop::forgetful_at(socket.listen(64).unwrap().into_std().unwrap(), |_| Mood::Does);
        let done = stands_in_time(&world, &phone.openid, (State::Done, 20)).await;
        looked_after(&world, 2).await;
        assert_eq!((shop.entry(&done).put, shop.entry(&done).done), (1, 1), "status: {has_status}");
        assert_eq!(open_cases(&world).await, []);
    }
}

#[actix_web::test]
async fn that_nobody_knows_a_payment_is_not_believed_once_it_was_begun() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, _dir) = world(Some(&shop)).await;
    let phone = Phone::following(&world, "小林").await;
    buy(&phone).await;
    stands_at(&world, &phone.openid, State::AwaitingPayment).await;
    switch(&world, json!({ "unknown_orders": 2 })).await;
    phone.say("取消").await;
    assert_eq!(order_of(&world, &phone.openid).await.state(), State::AwaitingPayment, "it could still be paid");
    stands_at(&world, &phone.openid, State::Failed).await;
    assert_eq!(pay_books(&world).orders.values().map(|order| order.state).collect::<Vec<_>>(), [Trade::Closed]);
    assert!(pay(&world, &phone.openid).await.is_err());
}

#[actix_web::test]
async fn that_a_refund_cannot_be_asked_after_is_no_failed_refund() {
    let shop = Shop::open(|_| Mood::Refuses);
    let (world, _dir) = world(Some(&shop)).await;
    switch(&world, json!({ "refused_questions": 2, "refund_secs": 30, "lost_notices": 9 })).await;
    let phone = Phone::following(&world, "小林").await;
    buy(&phone).await;
    pay(&world, &phone.openid).await.unwrap();
    let refunded = stands_at(&world, &phone.openid, State::Refunded).await;
    let refunds: Vec<_> = pay_books(&world).refunds.values().map(|refund| refund.state).collect();
    assert_eq!((refunds, refunded.money().unwrap().asked), (vec![RefundState::Success], 1));
    let moved = moves(&world, &phone.openid).await;
    assert!(moved.iter().all(|(state, _)| *state != State::NeedsPerson), "{moved:?}");
}

#[actix_web::test]
async fn money_given_back_by_hand_is_decided_and_what_needs_a_decision_is_not_just_seen() {
    let shop = Shop::open(|_| Mood::Refuses);
    let (world, _dir) = world(Some(&shop)).await;
    switch(&world, json!({ "refund_outcome": "closed", "refund_secs": 1 })).await;
    let phone = Phone::following(&world, "小林").await;
    buy(&phone).await;
    pay(&world, &phone.openid).await.unwrap();
    let order = stands_at(&world, &phone.openid, State::NeedsPerson).await;
    until("a person is called", async || !open_cases(&world).await.is_empty()).await;
    let (status, body) = decide(&world, &order.number, "seen").await;
    assert_eq!((status, open_cases(&world).await.len()), (409, 1), "{body}");
    let (status, body) = decide(&world, &order.number, "returned").await;
    assert_eq!((status, &body["state"], &body["returned_fen"]), (200, &json!("refunded"), &json!(2000)), "{body}");
    assert_eq!(open_cases(&world).await, []);
    assert_eq!(moves(&world, &phone.openid).await.last(), Some(&(State::Refunded, Reason::PersonDecided)));
    // Not by WeChat Pay, as the playbook's words have it.
    phone.hears("已经由工作人员退给您").await;
    assert!(phone.say("我的订单").await.contains("已退款"));
    assert_eq!(decide(&world, &order.number, "returned").await.0, 409);
}

#[actix_web::test]
async fn whose_order_is_under_way_is_not_erased_before_it_has_ended() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, _dir) = world(Some(&shop)).await;
    let phone = Phone::following(&world, "小林").await;
    buy(&phone).await;
    let url = world.url(&format!("/api/v1/customers/{}", phone.openid));
    let erase = async || world.http.delete(&url).bearer_auth(API_TOKEN).send().await.unwrap();
    let refused = erase().await;
    let number = order_of(&world, &phone.openid).await.number;
    assert_eq!(refused.status(), 409);
    assert!(refused.text().await.unwrap().contains(number.as_str()));
    // Whoever leaves meanwhile has paid all the same.
    world.sandbox().unfollow(&phone.openid).await.unwrap();
    pay(&world, &phone.openid).await.unwrap();
    until("it is done", async || shop.books().values().any(|entry| entry.done == 1)).await;
    until("nothing is under way", async || !world.customer(&phone.openid).await.orders.are_open()).await;
    assert_eq!(open_cases(&world).await, []);
}

#[actix_web::test]
async fn a_genuine_notification_that_is_none_of_ours_is_taken_and_shown_to_a_person() {
    for (forge, reason) in [("merchant", "notice_other_merchant"), ("app", "notice_other_app")] {
        let shop = Shop::open(|_| Mood::Does);
        let (world, _dir) = world(Some(&shop)).await;
        switch(&world, json!({ "forge": forge })).await;
        let phone = Phone::following(&world, "小林").await;
        buy(&phone).await;
        pay(&world, &phone.openid).await.unwrap();
        until("a person is called", async || !open_cases(&world).await.is_empty()).await;
        // What was paid is found by asking.
        stands_at(&world, &phone.openid, State::Done).await;
        let listed = open_cases(&world).await;
        assert_eq!(listed.iter().map(|case| case.reason.as_str()).collect::<Vec<_>>(), [reason]);
        // Nobody but a person takes it off the list.
        looked_after(&world, 2).await;
        assert_eq!(open_cases(&world).await.len(), 1);
        assert_eq!(decide(&world, &listed[0].number, "seen").await.0, 200);
        assert_eq!(open_cases(&world).await, []);
    }
}

#[actix_web::test]
async fn money_that_is_told_when_its_customer_is_forgotten_is_known_for_ours_and_can_go_back() {
    for is_erased in [false, true] {
        let shop = Shop::open(|_| Mood::Does);
        let (world, _dir) = world(Some(&shop)).await;
        switch(&world, json!({ "late_secs": 600, "refund_secs": 1 })).await;
        let phone = Phone::following(&world, "小林").await;
        buy(&phone).await;
        pay(&world, &phone.openid).await.unwrap();
        // Asking was faster. Then they leave, or are erased.
        let order = stands_at(&world, &phone.openid, State::Done).await;
        if is_erased {
            let url = world.url(&format!("/api/v1/customers/{}", phone.openid));
            let erased = world.http.delete(&url).bearer_auth(API_TOKEN).send().await.unwrap();
            assert_eq!(erased.status(), 204, "{}", erased.text().await.unwrap());
        } else {
            phone.unfollow().await;
        }
        let record = async || world.customer(&phone.openid).await;
        let before = record().await;
        assert!(before.orders.is_empty());
        world.clock.advance_secs(601);
        switch(&world, json!({ "late_secs": null })).await;
        world.sandbox().pay().catch_up().await;
        until("a person is called", async || !open_cases(&world).await.is_empty()).await;
        let [case] = &open_cases(&world).await[..] else { panic!() };
        let paid = &pay_books(&world).orders[order.number.as_str()];
        let forgotten = case.forgotten.as_ref().unwrap();
        assert_eq!((&case.number, case.amount_fen), (&order.number, 2_000));
        assert_eq!((case.reason.as_str(), forgotten.action.as_str()), ("forgotten_order", "buy_data"));
        assert_eq!(Some(&forgotten.transaction), paid.transaction_id.as_ref());
        let listed = world.get_json("/api/v1/orders").await;
        assert_eq!(listed["orders"][0]["action"], "buy_data");
        assert!(!listed.to_string().contains(phone.openid.as_str()), "it is not told whose");

        let (status, body) = decide(&world, &order.number, "undone").await;
        assert_eq!((status, body["returning"].as_bool().or(body["closed"].as_bool())), (200, Some(true)), "{body}");
        until("the money is back", async || {
            world.clock.advance_secs(1);
            world.sandbox().pay().catch_up().await;
            pay_books(&world).balance_fen() == 0 && open_cases(&world).await.is_empty()
        })
        .await;
        assert_eq!(pay_books(&world).refunds.len(), 1);
        assert_eq!(record().await, before, "nothing is kept of them for it");
        assert_eq!(decide(&world, &order.number, "undone").await.0, 404, "it goes back once");
    }
}

#[actix_web::test]
async fn a_notification_that_comes_when_its_order_is_forgotten_is_no_news() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, _dir) = world(Some(&shop)).await;
    switch(&world, json!({ "late_secs": 600 })).await;
    let phone = Phone::following(&world, "小林").await;
    buy(&phone).await;
    pay(&world, &phone.openid).await.unwrap();
    // Asking was faster. Then they buy so much that the record keeps the first one no more.
    let first = stands_at(&world, &phone.openid, State::Done).await;
    switch(&world, json!({ "late_secs": null })).await;
    for _ in 0..MOST_ORDERS {
        buy(&phone).await;
        pay(&world, &phone.openid).await.unwrap();
        stands_at(&world, &phone.openid, State::Done).await;
    }
    assert!(world.customer(&phone.openid).await.orders.get(&first.number).is_none());
    world.clock.advance_secs(601);
    world.sandbox().pay().catch_up().await;
    assert_eq!(pay_books(&world).on_their_way(), 0, "it was taken");
    assert_eq!(open_cases(&world).await, []);
}
