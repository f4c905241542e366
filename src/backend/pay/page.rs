//! What the pay page in the chat's browser hands to the platform (platform.md 6.3).

use serde_json::{Value, json};

use super::client::Client;
use super::error::{Invalid, PayError};
use super::merchant::Merchant;
use super::orders::PrepayId;
use super::sign::{self, Moment};

/// The parameters, signed for one opening of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayPage {
    app_id: String,
    at: String,
    nonce: String,
    package: String,
    signature: String,
}

impl Client {
    /// The parameters for an order. They are not secret, but good for whoever opens the page: only the payer should.
    ///
    /// # Errors
    /// [`Invalid::Unsigned`].
    pub fn pay_page(&self, prepay_id: &PrepayId) -> Result<PayPage, PayError> {
        Ok(page(self.merchant(), prepay_id, &self.moment())?)
    }
}

fn page(merchant: &Merchant, prepay_id: &PrepayId, moment: &Moment) -> Result<PayPage, Invalid> {
    let package = format!("prepay_id={prepay_id}");
    let message = sign::page(merchant.app_id(), &package, moment);
    let signature = merchant.sign(message.as_bytes()).map_err(|_| Invalid::Unsigned)?;
    let app_id = merchant.app_id().to_owned();
    Ok(PayPage { app_id, at: moment.at.to_string(), nonce: moment.nonce.clone(), package, signature })
}

impl PayPage {
    /// For `WeixinJSBridge.invoke('getBrandWCPayRequest', …)`.
    pub fn bridge(&self) -> Value {
        json!({
            "appId": self.app_id, "timeStamp": self.at, "nonceStr": self.nonce, "package": self.package,
            "signType": "RSA", "paySign": self.signature,
        })
    }

    /// For `wx.chooseWXPay(…)`, which writes the time in small letters and knows the AppID.
    pub fn choose(&self) -> Value {
        json!({
            "timestamp": self.at, "nonceStr": self.nonce, "package": self.package, "signType": "RSA",
            "paySign": self.signature,
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::super::fixture::{self, Keys};
    use super::super::ring::PublicKey;
    use super::*;

    #[test]
    fn both_ways_to_pay_carry_the_same_signature() {
        let merchant = Merchant::new(fixture::spec(Keys::one())).unwrap();
        let prepay_id: PrepayId = serde_json::from_value(json!("wx26112221580621e9b071c00d9e093b0000")).unwrap();
        let moment = Moment { at: 1_735_689_600, nonce: "NONCE0003".into() };
        let page = page(&merchant, &prepay_id, &moment).unwrap();
        let (bridge, choose) = (page.bridge(), page.choose());
        assert_eq!((&bridge["timeStamp"], &choose["timestamp"]), (&json!("1735689600"), &json!("1735689600")));
        assert_eq!(bridge["paySign"], choose["paySign"]);
        let signed = "wx0123456789abcdef\n1735689600\nNONCE0003\nprepay_id=wx26112221580621e9b071c00d9e093b0000\n";
        let signature = STANDARD.decode(bridge["paySign"].as_str().unwrap()).unwrap();
        let key = PublicKey::from_pem(&Keys::one().public_pem()).unwrap();
        assert!(key.verifies(signed.as_bytes(), &signature));
    }
}
