//! Notifications on their way (platform.md 6.4), wrong in the way that is switched on.

use futures_util::future::join_all;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::clock::write_time;
use super::keys::{By, Keys, seal};
use super::model::{Forgery, Notification, Sent, Switches, take};
use super::pair::{BadKey, Pair};
use super::platform::Pay;

/// A try so long ago is stale.
const STALE_SECS: i64 = 600;

/// A notification as it travels.
struct Sealed {
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Pay {
    /// Does everything that is due and tells the merchant of it; how many notifications went out. A second caller waits
    /// for the first.
    pub async fn catch_up(&self) -> usize {
        let _delivering = self.delivering().lock().await;
        let mut count = 0;
        loop {
            let switches = self.switches().clone();
            let now = self.now();
            let mut due = self.change(|books| books.due(switches.late_secs, now));
            if due.is_empty() {
                return count;
            }
            if switches.reorder {
                due.reverse();
            }
            for notification in due {
                count += 1;
                let sent = if take(&mut self.switches().lost_notices) {
                    Sent::Lost
                } else {
                    self.send(&notification, &switches).await
                };
                let now = self.now();
                self.change(|books| books.sent(&notification.id, sent, now));
            }
        }
    }

    /// One try, and its repetitions if they are switched on: taken if one of them was.
    async fn send(&self, notification: &Notification, switches: &Switches) -> Sent {
        let times = 1 + switches.repeat;
        let tries = join_all((0..times).map(|_| self.attempt(notification, switches))).await;
        if tries.contains(&true) { Sent::Taken } else { Sent::Refused }
    }

    async fn attempt(&self, notification: &Notification, switches: &Switches) -> bool {
        let Ok(sealed) = self.sealed(notification, switches) else { return false };
        let request = self.spec().http.post(&notification.url).header(CONTENT_TYPE, "application/json");
        let request = sealed.headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let sent = request.body(sealed.body).send();
        match tokio::time::timeout(self.spec().within, sent).await {
            Ok(Ok(response)) => matches!(response.status().as_u16(), 200 | 204),
            _ => false,
        }
    }

    fn sealed(&self, notification: &Notification, switches: &Switches) -> Result<Sealed, BadKey> {
        let keys = self.keys().map_err(|_| BadKey)?;
        let forge = switches.forge;
        let body = body(&keys, (&self.spec().app_id, forge), notification)?;
        let at = self.now() - if forge == Some(Forgery::Stale) { STALE_SECS } else { 0 };
        let (timestamp, nonce) = (at.to_string(), format!("{:032x}", rand::random::<u128>()));
        let message = format!("{timestamp}\n{nonce}\n{body}\n");
        let by = if switches.by_certificate { By::Certificate } else { By::PublicKey };
        let (mut serial, pair) = keys.signs(by);
        let mut signature = match forge {
            Some(Forgery::Signature) => keys.merchant.sign(message.as_bytes())?,
            _ => Pair::sign(pair, message.as_bytes())?,
        };
        let mut body = body;
        match forge {
            Some(Forgery::Probe) => signature = format!("WECHATPAY/SIGNTEST/{signature}"),
            Some(Forgery::Serial) => serial = "7F00000000000000000000000000000000000001".into(),
            Some(Forgery::Body) => body.push(' '),
            _ => {}
        }
        let headers = vec![
            ("Wechatpay-Timestamp", timestamp),
            ("Wechatpay-Nonce", nonce),
            ("Wechatpay-Signature", signature),
            ("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048".to_owned()),
            ("Wechatpay-Serial", serial),
        ];
        Ok(Sealed { headers, body })
    }
}

fn body(keys: &Keys, (app_id, forge): (&str, Option<Forgery>), notification: &Notification) -> Result<String, BadKey> {
    let mut clear = notification.resource.clone();
    let is_payment = notification.event.starts_with("TRANSACTION");
    if let Some(fields) = clear.as_object_mut() {
        let mchid = if forge == Some(Forgery::Merchant) { "1111111111" } else { &keys.mchid };
        fields.insert("mchid".into(), json!(mchid));
        if is_payment {
            let app_id = if forge == Some(Forgery::App) { "wxffffffffffffffff" } else { app_id };
            fields.insert("appid".into(), json!(app_id));
        }
    }
    if let (Some(Forgery::Amount), Some(total)) = (forge, clear.pointer_mut("/amount/total")) {
        *total = json!(total.as_i64().unwrap_or(0) - 1);
    }
    let original = if is_payment { "transaction" } else { "refund" };
    let bytes = clear.to_string();
    let mut resource = match forge {
        Some(Forgery::Seal) => seal(&"x".repeat(32), bytes.as_bytes(), original)?,
        _ => keys.sealed(bytes.as_bytes(), original)?,
    };
    if let Some(fields) = resource.as_object_mut() {
        fields.insert("original_type".into(), Value::from(original));
    }
    let whole = json!({
        "id": notification.id, "create_time": write_time(notification.at), "resource_type": "encrypt-resource",
        "event_type": notification.event, "summary": notification.summary, "resource": resource,
    });
    Ok(whole.to_string())
}
