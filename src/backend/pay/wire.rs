//! From the platform's JSON to values (platform.md 6.3 to 6.5).

use chrono::{DateTime, FixedOffset};
use serde::Deserialize;

use super::merchant::Merchant;
use crate::domain::ids::Openid;
use crate::domain::pay::{
    Amount, Currency, Fen, OutRefundNo, OutTradeNo, Payment, Refund, RefundId, RefundState, TradeState, TransactionId,
};
use crate::domain::time::UnixSecs;

/// Why what was sent and signed is none of ours, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Another merchant's.
    OtherMerchant,
    /// Another account's.
    OtherApp,
    /// Not what the documents say.
    Unreadable,
}

#[derive(Deserialize)]
struct PaymentWire {
    #[serde(default)]
    appid: String,
    #[serde(default)]
    mchid: String,
    out_trade_no: OutTradeNo,
    #[serde(default)]
    transaction_id: Option<String>,
    trade_state: String,
    #[serde(default)]
    attach: Option<String>,
    #[serde(default)]
    success_time: Option<String>,
    #[serde(default)]
    payer: Option<PayerWire>,
    #[serde(default)]
    amount: Option<AmountWire>,
}

#[derive(Deserialize)]
struct PayerWire {
    #[serde(default)]
    openid: Option<Openid>,
}

#[derive(Deserialize)]
struct AmountWire {
    #[serde(default)]
    total: Option<Fen>,
    #[serde(default)]
    payer_total: Option<Fen>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    payer_currency: Option<String>,
}

/// What the platform says of an order of this merchant.
pub(super) fn payment(merchant: &Merchant, bytes: &[u8]) -> Result<Payment, Unfit> {
    let wire: PaymentWire = serde_json::from_slice(bytes).map_err(|_| Unfit::Unreadable)?;
    if wire.mchid != merchant.mchid() {
        return Err(Unfit::OtherMerchant);
    }
    if wire.appid != merchant.app_id() {
        return Err(Unfit::OtherApp);
    }
    let state = trade_state(&wire.trade_state);
    let transaction_id = match filled(wire.transaction_id) {
        Some(text) => Some(TransactionId::new(text).ok_or(Unfit::Unreadable)?),
        None => None,
    };
    let amount = wire.amount.and_then(|wire| {
        let is_yuan = |word: Option<String>| filled(word).is_none_or(|word| word == "CNY");
        let currency =
            if is_yuan(wire.currency) && is_yuan(wire.payer_currency) { Currency::Cny } else { Currency::Other };
        wire.total.map(|total| Amount { total, payer_total: wire.payer_total, currency })
    });
    Ok(Payment {
        out_trade_no: wire.out_trade_no,
        transaction_id,
        state,
        payer: wire.payer.and_then(|payer| payer.openid).filter(|openid| !openid.as_str().is_empty()),
        amount,
        paid_at: time(wire.success_time)?,
        attach: wire.attach.unwrap_or_default(),
    })
}

#[derive(Deserialize)]
struct RefundWire {
    /// In notifications only.
    #[serde(default)]
    mchid: Option<String>,
    transaction_id: String,
    out_trade_no: OutTradeNo,
    refund_id: String,
    out_refund_no: OutRefundNo,
    /// In answers.
    #[serde(default)]
    status: Option<String>,
    /// In notifications.
    #[serde(default)]
    refund_status: Option<String>,
    #[serde(default)]
    success_time: Option<String>,
    amount: RefundAmountWire,
}

#[derive(Deserialize)]
struct RefundAmountWire {
    total: Fen,
    refund: Fen,
}

/// What the platform says of a refund of this merchant.
pub(super) fn refund(merchant: &Merchant, bytes: &[u8]) -> Result<Refund, Unfit> {
    let wire: RefundWire = serde_json::from_slice(bytes).map_err(|_| Unfit::Unreadable)?;
    if wire.mchid.is_some_and(|mchid| mchid != merchant.mchid()) {
        return Err(Unfit::OtherMerchant);
    }
    let status = wire.status.or(wire.refund_status).ok_or(Unfit::Unreadable)?;
    Ok(Refund {
        out_refund_no: wire.out_refund_no,
        refund_id: RefundId::new(wire.refund_id).ok_or(Unfit::Unreadable)?,
        out_trade_no: wire.out_trade_no,
        transaction_id: TransactionId::new(wire.transaction_id).ok_or(Unfit::Unreadable)?,
        state: refund_state(&status),
        refund: wire.amount.refund,
        total: wire.amount.total,
        refunded_at: time(wire.success_time)?,
    })
}

fn trade_state(word: &str) -> TradeState {
    match word {
        "SUCCESS" => TradeState::Success,
        "REFUND" => TradeState::Refund,
        "NOTPAY" => TradeState::NotPay,
        "CLOSED" => TradeState::Closed,
        "REVOKED" => TradeState::Revoked,
        "USERPAYING" => TradeState::UserPaying,
        "PAYERROR" => TradeState::PayError,
        _ => TradeState::Unknown,
    }
}

fn refund_state(word: &str) -> RefundState {
    match word {
        "SUCCESS" => RefundState::Success,
        "CLOSED" => RefundState::Closed,
        "PROCESSING" => RefundState::Processing,
        "ABNORMAL" => RefundState::Abnormal,
        _ => RefundState::Unknown,
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// A moment as the platform writes it.
pub(super) fn moment(text: &str) -> Option<UnixSecs> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| UnixSecs(time.timestamp()))
}

fn time(text: Option<String>) -> Result<Option<UnixSecs>, Unfit> {
    filled(text).map(|text| moment(&text).ok_or(Unfit::Unreadable)).transpose()
}

/// As the platform wants a moment; `None` for one beyond the calendar.
pub(super) fn written(at: UnixSecs) -> Option<String> {
    let zone = FixedOffset::east_opt(8 * 3600)?;
    Some(DateTime::from_timestamp(at.0, 0)?.with_timezone(&zone).to_rfc3339())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{self, Keys};
    use super::*;

    fn merchant() -> Merchant {
        Merchant::new(fixture::spec(Keys::one())).unwrap()
    }

    fn paid() -> Value {
        json!({
            "appid": fixture::APP_ID, "mchid": fixture::MCHID, "out_trade_no": "RG20250101000001",
            "transaction_id": "4200000000202501010000000001", "trade_type": "JSAPI", "trade_state": "SUCCESS",
            "attach": "", "success_time": "2025-01-01T08:00:00+08:00", "payer": {"openid": "oTEST"},
            "amount": {"total": 100, "payer_total": 100, "currency": "CNY", "payer_currency": "CNY"},
        })
    }

    fn with(mut json: Value, pointer: &str, value: Value) -> Vec<u8> {
        *json.pointer_mut(pointer).unwrap() = value;
        json.to_string().into_bytes()
    }

    #[test]
    fn a_payment_is_read_and_another_merchants_is_not_ours() {
        let read = payment(&merchant(), paid().to_string().as_bytes()).unwrap();
        assert_eq!((read.state, read.paid_at), (TradeState::Success, Some(UnixSecs(1_735_689_600))));
        assert!(read.pays(Fen(100)));
        let of = |pointer, value| payment(&merchant(), &with(paid(), pointer, value));
        assert_eq!(of("/mchid", json!("1900000002")), Err(Unfit::OtherMerchant));
        assert_eq!(of("/appid", json!("wxffffffffffffffff")), Err(Unfit::OtherApp));
        for (pointer, value) in [
            ("/amount/total", json!(1.5)),
            ("/amount/total", json!("100")),
            ("/amount/total", json!(99_999_999_999_999_999_999_u128 as f64)),
            ("/success_time", json!("yesterday")),
            ("/out_trade_no", json!("../1")),
            ("/transaction_id", json!("4200/..")),
        ] {
            assert_eq!(of(pointer, value.clone()), Err(Unfit::Unreadable), "{pointer} {value}");
        }
        assert!(!of("/amount/currency", json!("USD")).unwrap().pays(Fen(100)));
        assert!(!of("/amount/payer_currency", json!("USD")).unwrap().pays(Fen(100)));
        assert!(!of("/amount/total", json!(99)).unwrap().pays(Fen(100)));
        assert_eq!(of("/trade_state", json!("NEW_WORD")).unwrap().state, TradeState::Unknown);
    }

    #[test]
    fn an_order_that_nobody_paid_has_neither_payer_nor_amount() {
        let open = json!({
            "appid": fixture::APP_ID, "mchid": fixture::MCHID, "out_trade_no": "RG20250101000001", "trade_state": "NOTPAY",
            "transaction_id": "", "payer": {}, "amount": {"payer_currency": "CNY"}, "success_time": "",
        });
        let read = payment(&merchant(), open.to_string().as_bytes()).unwrap();
        let seen = (read.state, read.transaction_id, read.payer, read.amount);
        assert_eq!(seen, (TradeState::NotPay, None, None, None));
    }

    #[test]
    fn a_refund_is_read_from_answers_and_from_notifications() {
        let answer = json!({
            "transaction_id": "4200", "out_trade_no": "RG20250101000001", "refund_id": "5000", "out_refund_no": "R1",
            "status": "PROCESSING", "amount": {"total": 100, "refund": 30},
        });
        let read = refund(&merchant(), answer.to_string().as_bytes()).unwrap();
        assert_eq!((read.state, read.refund, read.refunded_at), (RefundState::Processing, Fen(30), None));
        let mut notice = answer.clone();
        notice.as_object_mut().unwrap().remove("status");
        assert_eq!(refund(&merchant(), notice.to_string().as_bytes()), Err(Unfit::Unreadable));
        notice["refund_status"] = json!("ABNORMAL");
        notice["mchid"] = json!(fixture::MCHID);
        assert_eq!(refund(&merchant(), notice.to_string().as_bytes()).unwrap().state, RefundState::Abnormal);
        notice["mchid"] = json!("1");
        assert_eq!(refund(&merchant(), notice.to_string().as_bytes()), Err(Unfit::OtherMerchant));
    }

    #[test]
    fn moments_are_written_as_the_platform_reads_them() {
        assert_eq!(written(UnixSecs(1_735_689_600)).as_deref(), Some("2025-01-01T08:00:00+08:00"));
        assert_eq!(written(UnixSecs(i64::MAX)), None);
    }
}
