//! Orders that are paid by WeChat Pay, from the phone to the books of both sides.

use fuwu::app::{CaseDecision, Taken, cases};
use fuwu::domain::fact::FactKind;
use fuwu::domain::ids::{Openid, OrderNumber};
use fuwu::domain::order::{Decided, Reason, State};
use fuwu::domain::pay::Fen;
use fuwu::sandbox::pay::model::{RefundState, State as Trade};
use serde_json::json;
use tempfile::TempDir;

use crate::business::edit;
use crate::harness::World;
use crate::orders_shop::{
    Mood, Shop, borrowed, order_of, page, pay, pay_books, playbook_paid_by_wechat, stands_at, stands_in_time, switch,
};
use crate::phone::Phone;

/// A world where packs are paid by WeChat Pay and done by `shop`.
pub async fn world(shop: Option<&Shop>) -> (World, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let env = playbook_paid_by_wechat(dir.path(), shop.map(|shop| shop.address.as_str()));
    (World::start_with(&borrowed(&env)).await, dir)
}

/// Chooses the second pack and confirms.
pub async fn buy(phone: &Phone<'_>) -> String {
    phone.tap("buy_data").await;
    phone.say("2").await;
    phone.say("确认").await
}

/// Where the customer's orders went, and why.
pub async fn moves(world: &World, openid: &Openid) -> Vec<(State, Reason)> {
    let facts = world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap();
    let own = facts.into_iter().filter(|logged| logged.of.openid == *openid);
    own.filter_map(|logged| match logged.fact.what {
        FactKind::OrderMoved { to, reason, .. } => Some((to, reason)),
        _ => None,
    })
    .collect()
}

/// What a person decides over the API.
pub async fn decide(world: &World, number: &OrderNumber, decision: &str) -> (u16, serde_json::Value) {
    let path = format!("/api/v1/orders/{number}/decide?decision={decision}");
    let answer = world.http.post(world.url(&path)).bearer_auth(crate::harness::API_TOKEN).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

const TO_BE_PAID: [(State, Reason); 2] =
    [(State::Confirmed, Reason::Agreed), (State::AwaitingPayment, Reason::Payable)];
const PAID: [(State, Reason); 2] = [(State::Paid, Reason::MoneyCame), (State::Fulfilling, Reason::Asked)];

#[actix_web::test]
async fn a_pack_is_ordered_paid_for_done_and_receipted() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, _dir) = world(Some(&shop)).await;
    let phone = Phone::following(&world, "小林").await;
    let link = buy(&phone).await;
    let order = order_of(&world, &phone.openid).await;
    assert!(link.contains(&format!("/orders/demo/{}", order.number)) && link.contains("20.00 元"), "{link}");
    assert!(shop.books().is_empty(), "nothing is done that is not paid for");
    pay(&world, &phone.openid).await.unwrap();
    let done = stands_at(&world, &phone.openid, State::Done).await;
    phone.hears("收到您付的 20.00 元").await;
    phone.hears("办好了").await;
    assert_eq!((shop.entry(&done).done, shop.entry(&done).put), (1, 1));
    let all = [&TO_BE_PAID[..], &PAID, &[(State::Done, Reason::BusinessDid)]].concat();
    assert_eq!(moves(&world, &phone.openid).await, all);
    let books = pay_books(&world);
    assert_eq!((books.balance_fen(), books.orders.len(), books.on_their_way()), (2000, 1, 0));
    let listed = phone.say("我的订单").await;
    assert!(
        listed.contains("一共有 1 笔") && listed.contains("已办好"),
        "the list, not what that order says: {listed}"
    );
    assert_eq!(cases(world.store().as_ref(), &"demo".into()).await.unwrap(), []);
}

#[actix_web::test]
async fn a_notification_that_is_late_repeated_or_out_of_order_counts_once() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, _dir) = world(Some(&shop)).await;
    for change in [json!({ "repeat": 4 }), json!({ "repeat": 2, "reorder": true }), json!({ "late_secs": 120 })] {
        switch(&world, change.clone()).await;
        let phone = Phone::following(&world, "小林").await;
        buy(&phone).await;
        pay(&world, &phone.openid).await.unwrap();
        let done = stands_at(&world, &phone.openid, State::Done).await;
        world.clock.advance_secs(200);
        world.sandbox().pay().catch_up().await;
        assert_eq!((shop.entry(&done).put, moves(&world, &phone.openid).await.len()), (1, 5), "{change}");
        assert_eq!(pay_books(&world).on_their_way(), 0, "it was taken: {change}");
        switch(&world, json!({ "repeat": null, "reorder": null, "late_secs": null })).await;
    }
}

#[actix_web::test]
async fn a_forged_notification_moves_nothing_and_asking_finds_the_payment() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, _dir) = world(Some(&shop)).await;
    for forge in ["signature", "probe", "stale", "body", "serial", "seal", "merchant", "app"] {
        switch(&world, json!({ "forge": forge })).await;
        let phone = Phone::following(&world, &format!("小林{forge}")).await;
        buy(&phone).await;
        pay(&world, &phone.openid).await.unwrap();
        assert_eq!(order_of(&world, &phone.openid).await.state(), State::AwaitingPayment, "{forge}");
        let done = stands_at(&world, &phone.openid, State::Done).await;
        assert_eq!((shop.entry(&done).put, done.paid().unwrap().total), (1, Fen(2000)), "{forge}");
    }
}

#[actix_web::test]
async fn an_amount_that_differs_is_believed_only_if_the_platform_says_so_again() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, _dir) = world(Some(&shop)).await;
    switch(&world, json!({ "forge": "amount" })).await;
    let phone = Phone::following(&world, "小林").await;
    buy(&phone).await;
    pay(&world, &phone.openid).await.unwrap();
    let done = stands_at(&world, &phone.openid, State::Done).await;
    assert_eq!((done.paid().unwrap().total, shop.entry(&done).done), (Fen(2000), 1));
}

#[actix_web::test]
async fn what_the_business_system_refuses_is_paid_back_and_told() {
    let shop = Shop::open(|_| Mood::Refuses);
    let (world, _dir) = world(Some(&shop)).await;
    let phone = Phone::following(&world, "小林").await;
    buy(&phone).await;
    pay(&world, &phone.openid).await.unwrap();
    let refunded = stands_at(&world, &phone.openid, State::Refunded).await;
    phone.hears("正在原路退回").await;
    phone.hears("已经退回").await;
    let books = pay_books(&world);
    let [refund] = books.refunds.values().collect::<Vec<_>>()[..] else { panic!("{:?}", books.refunds) };
    assert_eq!((refund.refund_fen, refund.state), (2000, RefundState::Success));
    assert_eq!((books.balance_fen(), shop.entry(&refunded).done), (0, 0));
    assert_eq!(refunded.money().unwrap().went_back(), Fen(2000));
}

#[actix_web::test]
async fn a_refund_that_fails_goes_to_a_person_who_has_it_tried_again() {
    let shop = Shop::open(|_| Mood::Refuses);
    let (world, _dir) = world(Some(&shop)).await;
    switch(&world, json!({ "refund_outcome": "closed", "refund_secs": 1 })).await;
    let phone = Phone::following(&world, "小林").await;
    buy(&phone).await;
    pay(&world, &phone.openid).await.unwrap();
    let order = stands_at(&world, &phone.openid, State::NeedsPerson).await;
    let listed = async || cases(world.store().as_ref(), &"demo".into()).await.unwrap();
    crate::harness::until("a person is called", async || !listed().await.is_empty()).await;
    let waiting = listed().await;
    let [case] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert_eq!(
        (case.number.clone(), case.reason.as_str(), case.amount_fen),
        (order.number.clone(), "refund_failed", 2000)
    );
    switch(&world, json!({ "refund_outcome": "success" })).await;
    // The platform makes one refund a minute of one order.
    world.clock.advance_secs(61);
    let told = world.get_json("/api/v1/orders").await;
    assert_eq!(
        (&told["orders"][0]["number"], &told["orders"][0]["reason"]),
        (&json!(order.number), &json!("refund_failed"))
    );
    let (status, body) = decide(&world, &order.number, "undone").await;
    assert_eq!((status, &body["state"], &body["paid_fen"]), (200, &json!("refunding"), &json!(2000)), "{body}");
    assert_eq!(listed().await, []);
    stands_at(&world, &phone.openid, State::Refunded).await;
    let mut states: Vec<_> = pay_books(&world).refunds.values().map(|refund| refund.state).collect();
    states.sort_by_key(|state| *state == RefundState::Success);
    assert_eq!((states, pay_books(&world).balance_fen()), (vec![RefundState::Closed, RefundState::Success], 0));
    assert_eq!(decide(&world, &order.number, "undone").await.0, 409, "there is nothing to decide any more");
    assert_eq!(decide(&world, &order.number, "perhaps").await.0, 400);
    assert_eq!(decide(&world, &"20260101000000000000000009".into(), "done").await.0, 404);
    let shown = world.get_json(&format!("/api/v1/orders/{}", order.number)).await;
    assert_eq!((&shown["state"], &shown["returned_fen"]), (&json!("refunded"), &json!(2000)));
}

#[actix_web::test]
async fn what_was_accepted_in_silence_or_told_late_is_done_once() {
    for mood in [Mood::DoesInSilence, Mood::DoesLate] {
        let shop = Shop::open(move |_| mood);
        let (world, _dir) = world(Some(&shop)).await;
        let phone = Phone::following(&world, "小林").await;
        buy(&phone).await;
        pay(&world, &phone.openid).await.unwrap();
        let done = stands_at(&world, &phone.openid, State::Done).await;
        assert_eq!((shop.entry(&done).done, shop.entry(&done).put), (1, 2), "{mood:?}");
        phone.hears("办好了").await;
    }
}

/// Connectors that say of themselves that nothing may be put to them twice.
pub fn once(dir: &TempDir, status: bool) {
    let file = dir.path().join("playbook/connectors.toml");
    let then = if status { "idempotent = false\nstatus = \"order_status\"\n" } else { "idempotent = false\n" };
    edit(&file, "idempotency_header = \"Idempotency-Key\"\n", then);
    let text = std::fs::read_to_string(&file).unwrap();
    let status = r#"
[connectors.order_status]
method = "GET"
path = "/orders/{{ order }}"
timeout_ms = 400
late_timeout_ms = 400
refusal = { at = "/code", ok = "0" }
fields = { balance = { at = "/balance_fen", as = "fen" }, data_left = { at = "/data_left_kib", as = "kib" }, valid_until = { at = "/valid_until", as = "text" } }
example = { code = "0", balance_fen = 1, data_left_kib = 1, valid_until = "2026-01-31" }
"#;
    std::fs::write(&file, text + status).unwrap();
}

#[actix_web::test]
async fn what_cannot_be_told_twice_is_put_once_and_asked_after_or_left_to_a_person() {
    for (has_status, ends) in [(true, State::Done), (false, State::NeedsPerson)] {
        let shop = Shop::forgetful(|_| Mood::DoesInSilence);
        let dir = tempfile::tempdir().unwrap();
        let env = playbook_paid_by_wechat(dir.path(), Some(&shop.address));
        once(&dir, has_status);
        let world = World::start_with(&borrowed(&env)).await;
        let phone = Phone::following(&world, "小林").await;
        buy(&phone).await;
        pay(&world, &phone.openid).await.unwrap();
        let order = stands_at(&world, &phone.openid, ends).await;
        // Whatever looks after it later does not put it again either.
        for _ in 0..3 {
            world.clock.advance_secs(301);
            world.sandbox().pay().catch_up().await;
        }
        stands_at(&world, &phone.openid, ends).await;
        assert_eq!((shop.entry(&order).put, shop.entry(&order).done), (1, 1), "status: {has_status}");
    }
}

#[actix_web::test]
async fn what_nobody_pays_ends_and_what_is_called_off_cannot_be_paid() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, _dir) = world(Some(&shop)).await;
    let lin = Phone::following(&world, "小林").await;
    buy(&lin).await;
    world.clock.advance_secs(901);
    let order = stands_at(&world, &lin.openid, State::Failed).await;
    assert_eq!(moves(&world, &lin.openid).await.last(), Some(&(State::Failed, Reason::PaymentExpired)));
    lin.hears("订单已经关闭").await;
    assert_eq!(pay_books(&world).orders[order.number.as_str()].state, Trade::Closed);

    let chen = Phone::following(&world, "小陈").await;
    buy(&chen).await;
    let open = page(&world, &order_of(&world, &chen.openid).await);
    let said = chen.say("取消").await;
    assert!(said.contains("已经取消，没有扣费"), "{said}");
    let act = fuwu::sandbox::pay::model::Act::Pay;
    assert_eq!(world.sandbox().pay().act(chen.openid.as_str(), &open, act), Err("订单已关闭"));
    assert_eq!(order_of(&world, &chen.openid).await.state(), State::Failed);
    assert!(shop.books().is_empty());
    assert!(chen.tap("buy_data").await.contains("想充哪个"));
}

#[actix_web::test]
async fn money_that_comes_after_the_order_has_ended_goes_back() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, _dir) = world(Some(&shop)).await;
    let phone = Phone::following(&world, "小林").await;
    buy(&phone).await;
    // The payment is told in two days, and until then the platform answers nothing.
    switch(&world, json!({ "late_secs": 172_800 })).await;
    pay(&world, &phone.openid).await.unwrap();
    switch(&world, json!({ "system_error": 100_000 })).await;
    let order = stands_in_time(&world, &phone.openid, (State::NeedsPerson, 7200)).await;
    assert_eq!(order.learned, Some(Reason::PaymentSilent), "nobody can say whether it was paid");
    let account = world.running.app.account("demo").unwrap();
    let undone = CaseDecision::Of(Decided::Undone);
    let taken = world.running.app.decide_case(account, (&order.number, undone)).await.unwrap();
    assert!(matches!(taken, Taken::Order(order) if order.state() == State::Failed));
    switch(&world, json!({ "system_error": 0, "late_secs": null })).await;
    world.clock.advance_secs(172_800);
    stands_at(&world, &phone.openid, State::Refunded).await;
    let late = moves(&world, &phone.openid).await;
    assert!(late.contains(&(State::Refunding, Reason::PaidTooLate)), "{late:?}");
    assert_eq!((pay_books(&world).balance_fen(), shop.books().len()), (0, 0));
}

#[actix_web::test]
async fn a_payment_for_an_order_that_is_not_here_is_taken_and_shown_to_a_person() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, _dir) = world(Some(&shop)).await;
    let phone = Phone::following(&world, "小林").await;
    let account = world.running.app.account("demo").unwrap();
    let merchant = account.merchant.as_ref().unwrap();
    let order = fuwu::backend::pay::Order {
        out_trade_no: fuwu::domain::pay::OutTradeNo::new("ELSEWHERE0001").unwrap(),
        description: "x".into(),
        total: Fen(700),
        payer: phone.openid.clone(),
        notify_url: account.pay_notify_url().unwrap(),
        expires_at: world.clock_now_secs().plus_secs(600),
        attach: String::new(),
    };
    let prepay_id = merchant.prepay(&order).await.unwrap();
    let page = merchant.pay_page(&prepay_id).unwrap().bridge();
    let act = fuwu::sandbox::pay::model::Act::Pay;
    world.sandbox().pay().act(phone.openid.as_str(), &page, act).unwrap();
    world.sandbox().pay().catch_up().await;
    assert_eq!(pay_books(&world).on_their_way(), 0, "it need not be told again");
    let listed = cases(world.store().as_ref(), &"demo".into()).await.unwrap();
    assert_eq!(
        listed.iter().map(|case| (case.reason.as_str(), case.amount_fen)).collect::<Vec<_>>(),
        [("unknown_order", 700)]
    );
    let taken = world.running.app.decide_case(account, (&listed[0].number, CaseDecision::Seen)).await.unwrap();
    assert_eq!((taken, cases(world.store().as_ref(), &"demo".into()).await.unwrap()), (Taken::Closed, vec![]));
}

#[actix_web::test]
async fn a_product_that_is_sold_no_more_is_still_done_for_whoever_has_paid() {
    let shop = Shop::open(|_| Mood::Does);
    let (world, dir) = world(Some(&shop)).await;
    let phone = Phone::following(&world, "小林").await;
    buy(&phone).await;
    let before = world.running.app.account("demo").unwrap().playbook().version.clone();
    let line = "    { code = \"M5G\", label = \"5GB 流量月包\", amount_fen = 2000, description = \"用到月底\" },\n";
    edit(&dir.path().join("playbook/actions/buy.toml"), line, "");
    crate::harness::until("the playbook is read anew", async || {
        world.running.app.account("demo").unwrap().playbook().version != before
    })
    .await;
    pay(&world, &phone.openid).await.unwrap();
    stands_at(&world, &phone.openid, State::Done).await;
    phone.hears("办好了").await;
    assert_eq!(phone.heard("5GB 流量月包，扣费 20.00 元"), 1);
}

#[actix_web::test]
async fn only_notifications_come_in_where_notifications_come_in() {
    let (world, _dir) = world(None).await;
    let post = |path: &str, body: Vec<u8>| world.http.post(world.url(path)).body(body).send();
    for (path, body, status) in [
        ("/pay/demo/notify", b"{}".to_vec(), 401),
        ("/pay/demo/notify", b"<xml><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]></xml>".to_vec(), 401),
        ("/pay/demo/notify", vec![b'x'; 70_000], 413),
        ("/pay/nobody/notify", b"{}".to_vec(), 404),
    ] {
        let answer = post(path, body).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
    let gzip = world.http.post(world.url("/pay/demo/notify")).header("content-encoding", "gzip").body("x").send();
    assert_eq!(gzip.await.unwrap().status().as_u16(), 415);
    let get = world.http.get(world.url("/pay/demo/notify")).send().await.unwrap();
    assert_eq!(get.status().as_u16(), 405);
}
