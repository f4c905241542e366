//! Refunds: asked for, asked after (platform.md 6.5).

use serde_json::{Value, json};
use url::Url;

use super::carry::{Call, encoded};
use super::client::Client;
use super::error::{Invalid, PayError};
use super::orders::notify_url;
use super::wire;
use crate::domain::pay::{Fen, OutRefundNo, OutTradeNo, Refund};

/// Money to go back to the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundOrder {
    /// Our number, made of the fact that it is about.
    pub out_refund_no: OutRefundNo,
    /// Of which order.
    pub out_trade_no: OutTradeNo,
    /// How much.
    pub refund: Fen,
    /// What the order cost.
    pub total: Fen,
    /// What the customer reads, at most 80 characters; may be empty.
    pub reason: String,
    /// Where the notification goes.
    pub notify_url: Option<Url>,
}

impl Client {
    /// Asks for a refund. The same refund may be asked for again: its number makes it one.
    ///
    /// # Errors
    /// [`PayError`]. After `NOT_ENOUGH` the same number is asked again once the merchant has money.
    pub async fn refund(&self, order: &RefundOrder) -> Result<Refund, PayError> {
        let answer = self.call(&Call::post("/v3/refund/domestic/refunds", &refund_body(order)?)).await?;
        self.refund_of(&answer, &order.out_refund_no)
    }

    /// What came of a refund.
    ///
    /// # Errors
    /// [`PayError`]. `RESOURCE_NOT_EXISTS`: the platform has no such refund.
    pub async fn query_refund(&self, out_refund_no: &OutRefundNo) -> Result<Refund, PayError> {
        let path = format!("/v3/refund/domestic/refunds/{}", encoded(out_refund_no.as_str()));
        let answer = self.call(&Call::get(path)).await?;
        self.refund_of(&answer, out_refund_no)
    }

    fn refund_of(&self, answer: &[u8], asked: &OutRefundNo) -> Result<Refund, PayError> {
        let refund = wire::refund(self.merchant(), answer).map_err(|_| PayError::unreadable())?;
        if refund.out_refund_no == *asked { Ok(refund) } else { Err(PayError::unreadable()) }
    }
}

fn refund_body(order: &RefundOrder) -> Result<Value, Invalid> {
    if !order.refund.is_positive() || order.refund > order.total {
        return Err(Invalid::Amount);
    }
    if order.reason.chars().count() > 80 {
        return Err(Invalid::Reason);
    }
    let mut body = json!({
        "out_trade_no": order.out_trade_no,
        "out_refund_no": order.out_refund_no,
        "amount": {"refund": order.refund, "total": order.total, "currency": "CNY"},
    });
    if let Some(fields) = body.as_object_mut() {
        if !order.reason.is_empty() {
            fields.insert("reason".into(), json!(order.reason));
        }
        if let Some(url) = &order.notify_url {
            fields.insert("notify_url".into(), json!(notify_url(url)?));
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> RefundOrder {
        RefundOrder {
            out_refund_no: OutRefundNo::new("R1").unwrap(),
            out_trade_no: OutTradeNo::new("RG20250101000001").unwrap(),
            refund: Fen(30),
            total: Fen(100),
            reason: String::new(),
            notify_url: None,
        }
    }

    #[test]
    fn a_refund_is_written_as_documented_and_never_more_than_was_paid() {
        let body = refund_body(&order()).unwrap();
        let expected = json!({
            "out_trade_no": "RG20250101000001", "out_refund_no": "R1",
            "amount": {"refund": 30, "total": 100, "currency": "CNY"},
        });
        assert_eq!(body, expected);
        let more = RefundOrder { reason: "退款".into(), notify_url: Url::parse("https://h/n").ok(), ..order() };
        let body = refund_body(&more).unwrap();
        assert_eq!((&body["reason"], &body["notify_url"]), (&json!("退款"), &json!("https://h/n")));
        for (refund, total) in [(0, 100), (-1, 100), (101, 100)] {
            let wrong = RefundOrder { refund: Fen(refund), total: Fen(total), ..order() };
            assert_eq!(refund_body(&wrong), Err(Invalid::Amount));
        }
        assert_eq!(refund_body(&RefundOrder { reason: "因".repeat(81), ..order() }), Err(Invalid::Reason));
    }
}
