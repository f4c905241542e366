//! The payment client when the platform, the way to it, or our own keys are not well; and what the platform tells unasked,
//! late, repeated, out of order, lost or forged.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fuwu::backend::pay::{
    Cause, Client, ClientSpec, Code, Disbelief, Merchant, NoticeRefused, PayError, REFETCH_SECS, http_client,
};
use fuwu::domain::pay::{Fen, TradeState};
use fuwu::domain::time::UnixSecs;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use url::Url;

use crate::pay_till::{START, Till, client, number, payments, refunds, spec};

/// What the platform does to a call.
const FAULTS: [&str; 4] = ["system_error", "system_error_after", "lost_answers", "forged_answers"];

fn cause<T: std::fmt::Debug>(done: Result<T, PayError>) -> Cause {
    match done {
        Err(PayError::Unknown { cause }) => cause,
        other => panic!("{other:?}"),
    }
}

fn unproven(disbelief: Disbelief, claimed: Option<Code>) -> Cause {
    Cause::Unproven { disbelief, claimed }
}

/// An address where nobody is.
fn nobody() -> Url {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}/").parse().unwrap()
}

#[actix_web::test]
async fn after_every_fault_the_same_number_makes_it_good_and_nothing_is_done_twice() {
    let till = Till::start().await;
    for (nth, fault) in (1..).zip(FAULTS) {
        till.switch(json!({ fault: 1 })).await;
        let order = till.order(nth, 100);
        let lost = cause(till.client.prepay(&order).await);
        let expected = match fault {
            "lost_answers" => Cause::Lost,
            "forged_answers" => unproven(Disbelief::Forged, None),
            _ => Cause::Said(Code::SystemError),
        };
        assert_eq!(lost, expected, "{fault}");
        let order = till.paid(nth, 100).await;
        till.switch(json!({ fault: 1 })).await;
        let refund = till.refund(nth, nth, (100, 100));
        assert!(till.client.refund(&refund).await.unwrap_err().may_be_done(), "{fault}");
        till.client.refund(&refund).await.unwrap();
        till.switch(json!({ fault: 1 })).await;
        assert!(till.client.query(&order.out_trade_no).await.unwrap_err().may_be_done(), "{fault}");
        assert_eq!(till.client.query(&order.out_trade_no).await.unwrap().state, TradeState::Refund);
    }
    let books = till.pay.books();
    assert_eq!((books.orders.len(), books.refunds.len(), books.flows.len()), (4, 4, 8));
    assert_eq!((books.balance_fen(), books.faults()), (0, Vec::new()));
}

#[actix_web::test]
async fn the_other_address_is_tried_only_where_that_is_safe() {
    let till = Till::start().await;
    let merchant = || spec(&till.pay);
    let backed = client(merchant(), vec![nobody(), till.base()], &till.now);
    backed.prepay(&till.order(1, 100)).await.unwrap();
    let alone = client(merchant(), vec![nobody(), nobody()], &till.now);
    assert_eq!(alone.prepay(&till.order(2, 100)).await, Err(PayError::NotSent));
    assert_eq!(alone.query(&number(1)).await, Err(PayError::NotSent));

    // Takes connections and never says a word.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent: Url = format!("http://{}/", deaf.local_addr().unwrap()).parse().unwrap();
    let now = Arc::clone(&till.now);
    let patient = |hosts| {
        let now = Arc::clone(&now);
        let clock = Arc::new(move || UnixSecs(now.load(Ordering::SeqCst)));
        let spec = ClientSpec { hosts, http: http_client().unwrap(), clock, within: Duration::from_millis(300) };
        Client::new(Merchant::new(merchant()).unwrap(), spec)
    };
    let half = patient(vec![silent.clone(), till.base()]);
    assert_eq!(cause(half.prepay(&till.order(3, 100)).await), Cause::Lost, "it may have arrived: nobody else is asked");
    assert!(half.prepay(&till.order(3, 100)).await.is_ok(), "the next call begins at the other address");
    let asking = patient(vec![silent, till.base()]);
    assert_eq!(asking.query(&number(1)).await.unwrap().state, TradeState::NotPay);

    till.switch(json!({ "silent_answers": 1 })).await;
    let lone = patient(vec![till.base()]);
    assert_eq!(cause(lone.prepay(&till.order(4, 100)).await), Cause::Lost, "it was taken and nothing came back");
    assert!(till.pay.books().orders.contains_key(number(4).as_str()));
    assert!(lone.prepay(&till.order(4, 100)).await.is_ok());
}

#[actix_web::test]
async fn our_own_faults_are_told_by_what_they_are() {
    let till = Till::start().await;
    let hosts = || vec![till.base()];
    let late = Arc::new(AtomicI64::new(START + 301));
    let done = client(spec(&till.pay), hosts(), &late).query(&number(1)).await;
    assert_eq!(cause(done), unproven(Disbelief::Stale, Some(Code::SignError)));
    let stranger = Till::start().await;
    let mut other = spec(&till.pay);
    other.private_key_pem = spec(&stranger.pay).private_key_pem;
    let refused = client(other, hosts(), &till.now).query(&number(1)).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(&Code::SignError));
    let mut other = spec(&till.pay);
    other.app_id = "wxffffffffffffffff".into();
    let refused = client(other, hosts(), &till.now).prepay(&till.order(1, 100)).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(&Code::AppIdMismatch));
    let mut other = spec(&till.pay);
    other.public_key = None;
    other.api_v3_key = "x".repeat(32);
    let done = client(other, hosts(), &till.now).query(&number(1)).await;
    assert_eq!(cause(done), unproven(Disbelief::UnknownKey, Some(Code::OrderNotExist)), "no certificate can be opened");
    assert!(!format!("{:?}", till.client).contains("KEY"));
}

#[actix_web::test]
async fn no_forged_notice_is_a_payment_and_the_genuine_one_comes_after_it() {
    let till = Till::start().await;
    let believed = |disbelief| NoticeRefused::Unbelieved(disbelief);
    for (nth, (forge, expected)) in (1..).zip([
        ("signature", believed(Disbelief::Forged)),
        ("probe", believed(Disbelief::Probe)),
        ("stale", believed(Disbelief::Stale)),
        ("body", believed(Disbelief::Forged)),
        ("serial", believed(Disbelief::UnknownKey)),
        ("seal", NoticeRefused::Undecryptable),
    ]) {
        till.switch(json!({ "forge": forge })).await;
        till.paid(nth, 100).await;
        assert_eq!(till.told().await, [Err(expected)], "{forge}");
        till.switch(json!({ "forge": null })).await;
        till.pass(15).await;
        let told = till.told().await;
        assert_eq!(payments(&told).iter().map(|paid| paid.out_trade_no.clone()).collect::<Vec<_>>(), [number(nth)]);
    }
    for (nth, forge, expected) in [(7, "merchant", NoticeRefused::OtherMerchant), (8, "app", NoticeRefused::OtherApp)] {
        till.switch(json!({ "forge": forge })).await;
        till.paid(nth, 100).await;
        assert_eq!(till.told().await, [Err(expected)], "{forge}");
        till.pass(3600).await;
        assert_eq!(till.told().await, [], "it was answered as taken");
    }
    till.switch(json!({ "forge": "amount" })).await;
    till.paid(9, 100).await;
    let told = till.told().await;
    assert!(!payments(&told)[0].pays(Fen(100)), "{told:?}");
    assert!(till.client.query(&number(9)).await.unwrap().pays(Fen(100)), "a query knows better");
}

#[actix_web::test]
async fn notices_come_late_often_in_any_order_or_never() {
    let till = Till::start().await;
    till.switch(json!({ "late_secs": 100 })).await;
    till.paid(1, 100).await;
    assert_eq!(till.told().await, []);
    till.pass(100).await;
    assert_eq!(payments(&till.told().await).len(), 1);
    till.switch(json!({ "late_secs": 0, "repeat": 3 })).await;
    till.paid(2, 100).await;
    let told = till.told().await;
    let first = told[0].as_ref().unwrap();
    assert!(told.len() == 4 && told.iter().all(|one| one.as_ref().unwrap() == first), "{told:?}");
    till.switch(json!({ "repeat": 0, "lost_notices": 1 })).await;
    till.paid(3, 100).await;
    till.pass(86_400).await;
    assert_eq!(till.told().await, []);
    assert!(till.client.query(&number(3)).await.unwrap().pays(Fen(100)));

    let till = Till::start().await;
    till.shut(true);
    till.paid(1, 100).await;
    till.pay.catch_up().await;
    till.client.refund(&till.refund(1, 1, (40, 100))).await.unwrap();
    till.switch(json!({ "reorder": true })).await;
    till.shut(false);
    till.pass(15).await;
    let told = till.told().await;
    assert_eq!((refunds(&told).len(), payments(&told).len()), (1, 1));
    assert_eq!(refunds(&told[..1]).len(), 1, "the refund came before the payment it is of");
}

#[actix_web::test]
async fn a_notice_that_nobody_takes_comes_again_until_somebody_does() {
    let till = Till::start().await;
    till.shut(true);
    till.paid(1, 100).await;
    for secs in [0, 15, 15, 30, 180] {
        till.pass(secs).await;
    }
    assert_eq!(till.get("books").await["notices"], 1);
    till.shut(false);
    till.pass(600).await;
    assert_eq!(payments(&till.told().await).len(), 1);
    assert_eq!(till.get("books").await["notices"], 0);
}

#[actix_web::test]
async fn certificates_rotate_under_way_and_nothing_is_lost() {
    let till = Till::with_certificates().await;
    till.paid(1, 100).await;
    assert_eq!(payments(&till.told().await).len(), 1);
    till.now.fetch_add(REFETCH_SECS, Ordering::SeqCst);
    assert_eq!(till.post("rotate", json!({})).await.0, 200);
    till.switch(json!({ "repeat": 9 })).await;
    till.paid(2, 100).await;
    assert_eq!(payments(&till.told().await).len(), 10, "the new certificate was fetched; who came meanwhile waited");
    till.switch(json!({ "repeat": 0 })).await;
    // A second one within the minute: it is not asked for again so soon, and the platform repeats what was refused.
    assert_eq!(till.post("rotate", json!({})).await.0, 200);
    assert_eq!(cause(till.client.query(&number(1)).await), unproven(Disbelief::UnknownKey, None));
    till.now.fetch_add(REFETCH_SECS, Ordering::SeqCst);
    assert_eq!(till.client.query(&number(1)).await.unwrap().state, TradeState::Success);
    till.paid(3, 100).await;
    assert_eq!(payments(&till.told().await).len(), 1);
}

#[actix_web::test]
async fn a_merchant_on_the_way_to_the_public_key_believes_certificates_too() {
    let till = Till::start().await;
    for (nth, by_certificate) in [(1, true), (2, false), (3, true)] {
        till.switch(json!({ "by_certificate": by_certificate })).await;
        till.paid(nth, 100).await;
        assert_eq!(payments(&till.told().await).len(), 1, "{by_certificate}");
    }
}

/// One walk through acts and faults; what the merchant knows at the end is what the books say.
async fn walk(seed: u64) {
    let till = Till::start().await;
    let mut rng = StdRng::seed_from_u64(seed);
    for step in 0..40_u32 {
        let nth = rng.random_range(1..5);
        match rng.random_range(0..8) {
            0 => till.switch(json!({ FAULTS[rng.random_range(0..4)]: rng.random_range(0..3) })).await,
            1 => {
                let forge =
                    [json!(null), json!("signature"), json!("body"), json!("seal")][rng.random_range(0..4)].clone();
                let outcome = ["success", "closed", "abnormal"][rng.random_range(0..3)];
                let change = json!({ "forge": forge, "refund_outcome": outcome, "repeat": rng.random_range(0..3),
                    "lost_notices": rng.random_range(0..2), "reorder": rng.random_bool(0.5) });
                till.switch(change).await;
            }
            2 => drop(till.client.close(&number(nth)).await),
            3 => drop(till.client.refund(&till.refund(step, nth, (rng.random_range(1..120), 100))).await),
            4 => till.pass(rng.random_range(0..120)).await,
            _ => {
                if let Ok(prepay_id) = till.client.prepay(&till.order(nth, 100)).await {
                    let page = till.client.pay_page(&prepay_id).unwrap().bridge();
                    let act = ["begin", "pay", "pay", "cancel", "no_money"][rng.random_range(0..5)];
                    let order = till.order(nth, 100);
                    till.post("act", json!({ "openid": order.payer, "page": page, "act": act })).await;
                }
            }
        }
        assert_eq!(till.pay.books().faults(), Vec::<String>::new(), "seed {seed}, step {step}");
    }
    till.switch(json!({ "system_error": 0, "system_error_after": 0, "lost_answers": 0, "forged_answers": 0 })).await;
    till.switch(json!({ "forge": null, "lost_notices": 0 })).await;
    till.pass(86_400).await;
    let told = till.told().await;
    let books = till.pay.books();
    for order in books.orders.values() {
        let known = till.client.query(&fuwu::domain::pay::OutTradeNo::new(order.out_trade_no.clone()).unwrap()).await;
        let known = known.unwrap();
        let is_paid = order.transaction_id.is_some();
        let went_back = known.state == TradeState::Refund;
        assert_eq!(known.pays(Fen(100)) || went_back, is_paid, "seed {seed}");
        let ids: std::collections::BTreeSet<_> = payments(&told)
            .iter()
            .filter(|paid| paid.out_trade_no == known.out_trade_no)
            .map(|paid| paid.transaction_id.clone())
            .collect();
        assert!(ids.len() <= 1 && (is_paid || ids.is_empty()), "seed {seed}: paid twice");
    }
}

#[actix_web::test]
async fn whatever_happens_each_order_is_paid_at_most_once_and_the_books_balance() {
    for seed in 0..6 {
        walk(seed).await;
    }
}
