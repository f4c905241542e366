//! The payment platform where the sandbox mounts it: its address, its time, its kept keys and books.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fuwu::backend::pay::{Client, Order};
use fuwu::domain::pay::{Fen, TradeState};
use fuwu::domain::time::UnixSecs;
use fuwu::sandbox::SandboxSpec;
use serde_json::json;

use crate::pay_till::{PAYER, client, number, spec};
use crate::sandbox_double::{Answer, Double, START};

fn merchant(double: &Double, now: &Arc<AtomicI64>) -> Client {
    let base = format!("{}/sandbox/pay", double.origin).parse().unwrap();
    client(spec(double.sandbox.pay()), vec![base], now)
}

#[actix_web::test]
async fn the_sandbox_keeps_its_payments_and_moves_their_time_with_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sandbox.json");
    let keep = |own: &mut SandboxSpec| own.data_file = Some(file.clone());
    let double = Double::start_with(keep, |_, _| Answer::Raw(200, "success")).await;
    let now = Arc::new(AtomicI64::new(START));
    let pay = merchant(&double, &now);
    let order = |nth| Order {
        out_trade_no: number(nth),
        description: "话费充值".into(),
        total: Fen(5000),
        payer: PAYER.into(),
        notify_url: format!("{}/nobody/is/here", double.origin).parse().unwrap(),
        expires_at: UnixSecs(START + 1800),
        attach: String::new(),
    };
    let prepay_id = pay.prepay(&order(1)).await.unwrap();
    let page = pay.pay_page(&prepay_id).unwrap().bridge();
    let paid = json!({ "openid": PAYER, "page": page, "act": "pay" });
    assert_eq!(double.post("/sandbox/api/pay/act", &paid).await, (200, json!({ "state": "SUCCESS" })));
    pay.prepay(&order(2)).await.unwrap();
    double.post("/sandbox/api/clock", &json!({ "forward_secs": 1800 })).await;
    now.store(START + 1800, Ordering::SeqCst);
    assert_eq!(pay.query(&number(2)).await.unwrap().state, TradeState::Closed);
    double.stop().await;

    let again = Double::start_with(keep, |_, _| Answer::Raw(200, "success")).await;
    let pay = merchant(&again, &now);
    assert!(pay.query(&number(1)).await.unwrap().pays(Fen(5000)));
    assert_eq!(again.get("/sandbox/api/pay/books").await["balance_fen"], 5000);
    again.stop().await;
}
