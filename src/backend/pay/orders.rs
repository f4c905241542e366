//! Orders: made, asked after, closed (platform.md 6.3).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::{Host, Url};

use super::carry::{Call, encoded};
use super::client::Client;
use super::error::{Invalid, PayError};
use super::wire;
use crate::domain::ids::Openid;
use crate::domain::pay::{Fen, OutTradeNo, Payment, TransactionId};
use crate::domain::time::UnixSecs;

const MOST_URL_CHARS: usize = 255;

/// An order to be paid in the chat's browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Our number, made of the fact that it is about.
    pub out_trade_no: OutTradeNo,
    /// What the customer reads, 1 to 127 characters.
    pub description: String,
    /// What it costs.
    pub total: Fen,
    /// Who pays.
    pub payer: Openid,
    /// Where the notification goes: https, without a query.
    pub notify_url: Url,
    /// When it can no longer be paid.
    pub expires_at: UnixSecs,
    /// Comes back with every notification and query, at most 128 characters. The platform shows it to nobody.
    pub attach: String,
}

/// What the pay page needs to begin; good for two hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrepayId(String);

impl PrepayId {
    /// As the platform gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PrepayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
struct Prepaid {
    prepay_id: String,
}

impl Client {
    /// Makes an order. The same order may be made again: its number makes it one.
    ///
    /// # Errors
    /// [`PayError`]. `ORDERPAID` says that it is paid already, `OUT_TRADE_NO_USED` that the number was given to another
    /// order.
    pub async fn prepay(&self, order: &Order) -> Result<PrepayId, PayError> {
        let body = self.order_body(order)?;
        let answer = self.call(&Call::post("/v3/pay/transactions/jsapi", &body)).await?;
        let prepaid: Prepaid = serde_json::from_slice(&answer).map_err(|_| PayError::unreadable())?;
        let fits = (1..=64).contains(&prepaid.prepay_id.len())
            && prepaid.prepay_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if fits { Ok(PrepayId(prepaid.prepay_id)) } else { Err(PayError::unreadable()) }
    }

    fn order_body(&self, order: &Order) -> Result<Value, Invalid> {
        if !order.total.is_positive() {
            return Err(Invalid::Amount);
        }
        if !(1..=127).contains(&order.description.chars().count()) {
            return Err(Invalid::Description);
        }
        if order.attach.chars().count() > 128 {
            return Err(Invalid::Attach);
        }
        let mut body = json!({
            "appid": self.merchant().app_id(),
            "mchid": self.merchant().mchid(),
            "description": order.description,
            "out_trade_no": order.out_trade_no,
            "time_expire": wire::written(order.expires_at).ok_or(Invalid::Expiry)?,
            "notify_url": notify_url(&order.notify_url)?,
            "amount": {"total": order.total, "currency": "CNY"},
            "payer": {"openid": order.payer},
        });
        if let (Some(fields), false) = (body.as_object_mut(), order.attach.is_empty()) {
            fields.insert("attach".into(), json!(order.attach));
        }
        Ok(body)
    }

    /// What came of an order, by our number.
    ///
    /// # Errors
    /// [`PayError`]. `ORDER_NOT_EXIST`: the platform has no such order.
    pub async fn query(&self, out_trade_no: &OutTradeNo) -> Result<Payment, PayError> {
        let path = format!("/v3/pay/transactions/out-trade-no/{}", encoded(out_trade_no.as_str()));
        let payment = self.payment(path).await?;
        if payment.out_trade_no == *out_trade_no { Ok(payment) } else { Err(PayError::unreadable()) }
    }

    /// What came of an order, by the platform's number.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn query_transaction(&self, transaction_id: &TransactionId) -> Result<Payment, PayError> {
        let payment = self.payment(format!("/v3/pay/transactions/id/{}", encoded(transaction_id.as_str()))).await?;
        if payment.transaction_id.as_ref() == Some(transaction_id) { Ok(payment) } else { Err(PayError::unreadable()) }
    }

    async fn payment(&self, path: String) -> Result<Payment, PayError> {
        let path = format!("{path}?mchid={}", self.merchant().mchid());
        let answer = self.call(&Call::get(path)).await?;
        wire::payment(self.merchant(), &answer).map_err(|_| PayError::unreadable())
    }

    /// Closes an order that nobody paid; it can be paid no longer. Closing twice is no harm.
    ///
    /// # Errors
    /// [`PayError`]. `ORDERPAID`: somebody was faster.
    pub async fn close(&self, out_trade_no: &OutTradeNo) -> Result<(), PayError> {
        let path = format!("/v3/pay/transactions/out-trade-no/{}/close", encoded(out_trade_no.as_str()));
        self.call(&Call::post(path, &json!({"mchid": self.merchant().mchid()}))).await.map(drop)
    }
}

/// On the loopback, where the sandbox is, also without TLS.
pub(super) fn notify_url(url: &Url) -> Result<&str, Invalid> {
    let is_here = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.as_str().len() <= MOST_URL_CHARS;
    if is_safe && is_plain { Ok(url.as_str()) } else { Err(Invalid::NotifyUrl) }
}

#[cfg(test)]
mod tests {
    use super::super::{client, fixture, merchant::Merchant};
    use super::*;

    fn client() -> Client {
        let spec = client::ClientSpec {
            hosts: Vec::new(),
            http: client::http_client().unwrap(),
            clock: std::sync::Arc::new(|| UnixSecs(1_767_225_600)),
            within: std::time::Duration::from_secs(1),
        };
        Client::new(Merchant::new(fixture::spec(fixture::Keys::one())).unwrap(), spec)
    }

    fn order() -> Order {
        Order {
            out_trade_no: OutTradeNo::new("RG20250101000001").unwrap(),
            description: "流量包 1GB".into(),
            total: Fen(100),
            payer: "oTEST".into(),
            notify_url: Url::parse("https://example.com/pay/notify").unwrap(),
            expires_at: UnixSecs(1_767_227_400),
            attach: String::new(),
        }
    }

    #[test]
    fn an_order_is_written_as_documented() {
        let body = client().order_body(&order()).unwrap();
        let expected = json!({
            "appid": fixture::APP_ID, "mchid": fixture::MCHID, "description": "流量包 1GB",
            "out_trade_no": "RG20250101000001", "time_expire": "2026-01-01T08:30:00+08:00",
            "notify_url": "https://example.com/pay/notify", "amount": {"total": 100, "currency": "CNY"},
            "payer": {"openid": "oTEST"},
        });
        assert_eq!(body, expected);
        let with = client().order_body(&Order { attach: "campaign=7".into(), ..order() }).unwrap();
        assert_eq!(with["attach"], "campaign=7");
    }

    #[test]
    fn what_the_platform_would_refuse_is_not_asked() {
        let fault = |order: Order| client().order_body(&order).unwrap_err();
        assert_eq!(fault(Order { total: Fen(0), ..order() }), Invalid::Amount);
        assert_eq!(fault(Order { description: String::new(), ..order() }), Invalid::Description);
        assert_eq!(fault(Order { description: "话".repeat(128), ..order() }), Invalid::Description);
        assert_eq!(fault(Order { attach: "a".repeat(129), ..order() }), Invalid::Attach);
        assert_eq!(fault(Order { expires_at: UnixSecs(i64::MAX), ..order() }), Invalid::Expiry);
        for bad in ["http://example.com/n", "https://example.com/n?a=1", "https://example.com/n#a", "ftp://127.0.0.1/"]
        {
            assert_eq!(fault(Order { notify_url: Url::parse(bad).unwrap(), ..order() }), Invalid::NotifyUrl, "{bad}");
        }
        for good in ["http://127.0.0.1:8080/pay/demo/notify", "http://[::1]:1/n", "http://localhost/n"] {
            assert!(client().order_body(&Order { notify_url: Url::parse(good).unwrap(), ..order() }).is_ok(), "{good}");
        }
    }
}
