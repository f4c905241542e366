//! The payment client against the payment platform's model, over HTTP: every call, both ways to verify.

use std::sync::atomic::Ordering;

use fuwu::backend::pay::{BillError, Code, Order, PayError, PrepayId};
use fuwu::domain::pay::{Fen, OutRefundNo, RefundState, TradeState};
use fuwu::domain::time::UnixSecs;
use serde_json::{Value, json};

use crate::pay_till::{PAYER, START, Till, number, payments, refunds};

/// The code of a final refusal.
fn refusal<T: std::fmt::Debug>(done: Result<T, PayError>) -> Code {
    done.unwrap_err().refusal().cloned().unwrap()
}

async fn every_call(till: &Till) {
    let (client, order) = (&till.client, till.order(1, 100));
    assert_eq!(refusal(client.query(&number(1)).await), Code::OrderNotExist);
    let prepay_id = client.prepay(&order).await.unwrap();
    assert_eq!(client.prepay(&order).await.unwrap(), prepay_id, "the same order is the same order");
    let open = client.query(&number(1)).await.unwrap();
    assert_eq!((open.state, &open.amount, &open.transaction_id), (TradeState::NotPay, &None, &None));
    assert_eq!(till.act(&order, "begin").await.1, json!({ "state": "USERPAYING" }));
    assert_eq!(client.query(&number(1)).await.unwrap().state, TradeState::UserPaying);
    assert_eq!(till.act(&order, "no_money").await.1, json!({ "state": "PAYERROR" }));
    assert_eq!(till.act(&order, "cancel").await.1, json!({ "state": "NOTPAY" }));
    assert_eq!(till.act(&order, "pay").await.1, json!({ "state": "SUCCESS" }));
    let told = till.told().await;
    let [notice] = payments(&told)[..] else { panic!("{told:?}") };
    let queried = client.query(&number(1)).await.unwrap();
    assert_eq!(notice, &queried, "unasked and asked it says the same");
    assert_eq!(client.query_transaction(queried.transaction_id.as_ref().unwrap()).await.unwrap(), queried);
    assert!(queried.pays(Fen(100)) && queried.payer == Some(PAYER.into()) && queried.attach == "campaign=7");
    assert_eq!(queried.paid_at, Some(UnixSecs(START)));
    assert_eq!(refusal(client.prepay(&order).await), Code::OrderPaid);
    assert_eq!(refusal(client.close(&number(1)).await), Code::OrderPaid);

    let asked = till.refund(1, 1, (30, 100));
    assert_eq!(refusal(client.query_refund(&asked.out_refund_no).await), Code::ResourceNotExists);
    let refund = client.refund(&asked).await.unwrap();
    assert_eq!((refund.state, refund.refund, refund.refunded_at), (RefundState::Processing, Fen(30), None));
    assert_eq!(client.refund(&asked).await.unwrap(), refund, "the same refund is the same refund");
    assert_eq!(client.query(&number(1)).await.unwrap().state, TradeState::Refund);
    assert!(matches!(client.refund(&till.refund(2, 1, (30, 100))).await, Err(PayError::Later { .. })));
    till.pass(60).await;
    let told = till.told().await;
    let [ended] = refunds(&told)[..] else { panic!("{told:?}") };
    assert_eq!(&client.query_refund(&asked.out_refund_no).await.unwrap(), ended);
    assert_eq!((ended.state, ended.refunded_at), (RefundState::Success, Some(UnixSecs(START + 3))));
    assert_eq!(refusal(client.refund(&till.refund(3, 1, (71, 100))).await), Code::InvalidRequest);

    let other = till.order(2, 200);
    client.prepay(&other).await.unwrap();
    client.close(&number(2)).await.unwrap();
    client.close(&number(2)).await.unwrap();
    assert_eq!(client.query(&number(2)).await.unwrap().state, TradeState::Closed);
    assert_eq!(refusal(client.prepay(&other).await), Code::OrderClosed);
    let third = till.order(3, 300);
    client.prepay(&third).await.unwrap();
    let dearer = Order { total: Fen(301), ..third };
    assert_eq!(refusal(client.prepay(&dearer).await), Code::OutTradeNoUsed);
    assert_eq!(till.get("books").await["faults"], json!([]));
}

#[actix_web::test]
async fn every_call_is_understood_and_proven_by_the_public_key() {
    every_call(&Till::start().await).await;
}

#[actix_web::test]
async fn every_call_is_understood_and_proven_by_certificates() {
    every_call(&Till::with_certificates().await).await;
}

#[actix_web::test]
async fn only_the_payer_pays_and_only_what_the_merchant_signed() {
    let till = Till::start().await;
    let prepay_id: PrepayId = till.client.prepay(&till.order(1, 100)).await.unwrap();
    let page = till.client.pay_page(&prepay_id).unwrap();
    let act = |openid: &str, page: Value| json!({ "openid": openid, "page": page, "act": "pay" });
    for (name, value) in [
        ("package", json!("prepay_id=wx1")),
        ("timeStamp", json!("1767225601")),
        ("nonceStr", json!("N")),
        ("appId", json!("wxffffffffffffffff")),
        ("signType", json!("MD5")),
        ("paySign", json!("AAAA")),
    ] {
        let mut changed = page.bridge();
        changed[name] = value;
        let (status, answer) = till.post("act", act(PAYER, changed)).await;
        assert_eq!((status, &answer["error"]), (409, &json!("支付验证签名失败")), "{name}");
    }
    assert_eq!(till.post("act", act("oSOMEBODYELSE", page.bridge())).await.0, 409);
    assert_eq!(till.post("act", act(PAYER, page.choose())).await, (200, json!({ "state": "SUCCESS" })));
    assert_eq!(payments(&till.told().await).len(), 1);
}

#[actix_web::test]
async fn an_order_that_nobody_pays_ends_by_itself() {
    let till = Till::start().await;
    let order = Order { expires_at: UnixSecs(START + 1800), ..till.order(1, 100) };
    till.client.prepay(&order).await.unwrap();
    till.pass(1800).await;
    assert_eq!(till.client.query(&number(1)).await.unwrap().state, TradeState::Closed);
    assert_eq!(refusal(till.client.prepay(&order).await), Code::OrderClosed);
}

#[actix_web::test]
async fn a_refund_may_end_otherwise() {
    let till = Till::start().await;
    till.paid(1, 100).await;
    till.told().await;
    for (nth, outcome, state) in [(1, "closed", RefundState::Closed), (2, "abnormal", RefundState::Abnormal)] {
        till.switch(json!({ "refund_outcome": outcome })).await;
        till.client.refund(&till.refund(nth, 1, (40, 100))).await.unwrap();
        till.pass(60).await;
        let told = till.told().await;
        assert_eq!(refunds(&told).iter().map(|refund| refund.state).collect::<Vec<_>>(), [state]);
    }
    assert_eq!(till.get("books").await["balance_fen"], 60, "what was closed came back");
}

#[actix_web::test]
async fn the_bills_of_a_day_are_the_books_to_the_fen() {
    let till = Till::start().await;
    for (nth, total) in [(1, 100), (2, 1), (3, 123_456)] {
        till.paid(nth, total).await;
    }
    till.client.refund(&till.refund(1, 3, (456, 123_456))).await.unwrap();
    let day = UnixSecs(START).business_day();
    let none = till.client.trade_bill(day, |_| ()).await.unwrap_err();
    assert!(matches!(none, BillError::Pay(PayError::Refused { code: Code::NoStatement, .. })), "{none}");
    till.now.store(day.plus_days(1).start().0 + 9 * 3600, Ordering::SeqCst);
    let early = till.client.fund_bill(day, |_| ()).await.unwrap_err();
    assert!(matches!(early, BillError::Pay(PayError::Later { .. })), "{early}");
    till.pass(3600).await;
    till.switch(json!({ "spoiled_bills": 1 })).await;
    assert_eq!(till.client.trade_bill(day, |_| ()).await, Err(BillError::Hash));
    let (mut trades, mut funds) = (Vec::new(), Vec::new());
    let traded = till.client.trade_bill(day, |row| trades.push(row)).await.unwrap();
    let moved = till.client.fund_bill(day, |row| funds.push(row)).await.unwrap();
    assert_eq!((traded.rows, traded.total, traded.asked, traded.refunded), (4, Fen(123_557), Fen(456), Fen(456)));
    assert_eq!((moved.in_rows, moved.in_sum, moved.out_rows, moved.out_sum), (3, Fen(123_557), 1, Fen(456)));
    let books = till.pay.books();
    assert_eq!(funds.last().unwrap().balance, Fen(books.balance_fen()));
    for order in books.orders.values() {
        let row = trades.iter().find(|row| row.refund.is_none() && row.out_trade_no == order.out_trade_no).unwrap();
        assert_eq!((row.total, row.payer.as_str()), (Fen(order.total_fen), order.openid.as_str()));
        assert_eq!((Some(&row.transaction_id), row.attach.as_str()), (order.transaction_id.as_ref(), "campaign=7"));
        assert_eq!(Some(row.at.0), order.paid_at);
    }
    let back = trades.iter().find_map(|row| row.refund.as_ref()).unwrap();
    assert_eq!(OutRefundNo::new(back.out_refund_no.clone()), OutRefundNo::new("R1@a|b"));
    assert_eq!(back.state, "SUCCESS");
}
