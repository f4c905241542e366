//! Notifications: what the platform tells unasked (platform.md 6.4). Nothing in them is believed before the signature
//! over the raw bytes is.

use serde::Deserialize;

use super::client::Client;
use super::merchant::{Merchant, Sealed};
use super::stamp::{Disbelief, Stamp};
use super::wire::{self, Unfit};
use crate::domain::pay::{Payment, Refund};

/// The longest body of a notification.
const MOST_BYTES: usize = 64 * 1024;

/// What was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notified {
    /// The platform's number of this notification, the same every time it is repeated.
    pub id: String,
    /// What it is about.
    pub notice: Notice,
}

/// What a notification is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An order was paid.
    Payment(Payment),
    /// A refund came to an end.
    Refund(Refund),
    /// Something that we do not know; it is genuine, and to be answered as taken.
    Other {
        /// Its `event_type`, at most 64 letters, digits, dots and underscores.
        event: String,
    },
}

/// Why a notification is not taken. Closed: a name for metrics, no detail for whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoticeRefused {
    /// Not the platform's, or not now.
    #[error(transparent)]
    Unbelieved(#[from] Disbelief),
    /// Signed, and not what the documents say.
    #[error("a signed notification that cannot be read")]
    Unreadable,
    /// Sealed with another APIv3 key, or changed.
    #[error("a signed notification that cannot be opened: check the APIv3 key")]
    Undecryptable,
    /// For another merchant.
    #[error("a notification for another merchant")]
    OtherMerchant,
    /// For another account.
    #[error("a notification for another account")]
    OtherApp,
}

impl NoticeRefused {
    /// Whether the platform surely sent it: it is then kept and looked after by a person, and answered as taken, where
    /// everything else is refused with 401. What cannot be opened may be opened once the key is right: it is refused,
    /// so that the platform repeats it.
    pub fn is_genuine(self) -> bool {
        matches!(self, Self::Unreadable | Self::OtherMerchant | Self::OtherApp)
    }

    /// The platform only tried us out: nobody is to be alarmed.
    pub fn is_probe(self) -> bool {
        self == Self::Unbelieved(Disbelief::Probe)
    }

    /// Its name among metrics and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unbelieved(disbelief) => disbelief.name(),
            Self::Unreadable => "unreadable",
            Self::Undecryptable => "undecryptable",
            Self::OtherMerchant => "other_merchant",
            Self::OtherApp => "other_app",
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    event_type: String,
    resource: Resource,
}

#[derive(Deserialize)]
struct Resource {
    algorithm: String,
    ciphertext: String,
    #[serde(default)]
    associated_data: String,
    nonce: String,
}

impl Client {
    /// Opens a notification as it came: all its headers, its body byte by byte. An unknown serial makes us fetch the
    /// platform's certificates, at most once a minute.
    ///
    /// # Errors
    /// [`NoticeRefused`].
    pub async fn open_notice<'a>(
        &self,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        body: &[u8],
    ) -> Result<Notified, NoticeRefused> {
        let stamp = Stamp::read(headers)?;
        if body.len() > MOST_BYTES {
            // Nobody looked whether it is signed: it is not genuine.
            return Err(Disbelief::Forged.into());
        }
        self.believe(&stamp, body).await?;
        opened(self.merchant(), body)
    }
}

/// Reads what the platform surely sent.
fn opened(merchant: &Merchant, body: &[u8]) -> Result<Notified, NoticeRefused> {
    let envelope: Envelope = serde_json::from_slice(body).map_err(|_| NoticeRefused::Unreadable)?;
    let is_id = (1..=64).contains(&envelope.id.len()) && envelope.id.bytes().all(|b| b.is_ascii_graphic());
    if !is_id || envelope.resource.algorithm != "AEAD_AES_256_GCM" {
        return Err(NoticeRefused::Unreadable);
    }
    let Resource { nonce, associated_data, ciphertext, .. } = &envelope.resource;
    let clear = merchant.unseal(&Sealed { nonce, associated_data, ciphertext }).ok_or(NoticeRefused::Undecryptable)?;
    let unfit = |unfit| match unfit {
        Unfit::OtherMerchant => NoticeRefused::OtherMerchant,
        Unfit::OtherApp => NoticeRefused::OtherApp,
        Unfit::Unreadable => NoticeRefused::Unreadable,
    };
    let notice = match envelope.event_type.as_str() {
        "TRANSACTION.SUCCESS" => Notice::Payment(wire::payment(merchant, &clear).map_err(unfit)?),
        "REFUND.SUCCESS" | "REFUND.ABNORMAL" | "REFUND.CLOSED" => {
            Notice::Refund(wire::refund(merchant, &clear).map_err(unfit)?)
        }
        other => {
            let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
            Notice::Other { event: other.chars().filter(fits).take(64).collect() }
        }
    };
    Ok(Notified { id: envelope.id, notice })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::super::fixture::{self, Keys};
    use super::*;
    use crate::domain::pay::{Fen, TradeState};

    /// The vector of platform.md 6.4.
    const CIPHERTEXT: &str = "DUcSk7X3A8MEOkEDtMLUwwNvy17oyI7CX1dOdDZp7Le7Yh4fwJp7KJPSO4KcjLkLW6SrqBdzgGy/sMCWIPKVQdMoXvVNx2kn\
        YhN/TH0OBs8X7FCe6QtDzy2xLo2RH4mGD2HEnAqBwDoZGTSkNREMzUSWdSIfguoGn3isNS4C5dQEMLa1vFM8bSKatwKq/KD5ZtHAHPl3WI87TiPnWrbT\
        jeG7l0uDX3zdLNsFt552PahUZmpoygcam6xZTdBFDzK06D3gv/7XNyZyu8/LsAx1l8fQxDQNO4U+w5Ash2sRFzZdNJi+A7rZQ9Wd043YiU4+S0FzrXxq\
        tmk0/dv2wDbzeFOrVQF/7vawfff7BkUq8G96VA+xbXxISJOXS2OOhsFOvlekLlMqNuRAYFFVgTB+Sh5m3HxJV51wrfn9ox5G5ygT/zCQ/sIxwFju35iF\
        j4piwps6M0Vs9oYFj4UFeBDXDeEEt3QrAOzxGkGDzS/z/thGjmDfy+xiNz+HYyoAbO9wWFJlhb5J4XdsLSXDaEo7QXzpSs0KV0hBqQPFguzBH3FUPROQ\
        xQCqJ2YYwUtPcNIpgRg=";

    fn merchant() -> Merchant {
        Merchant::new(fixture::spec(Keys::one())).unwrap()
    }

    fn envelope() -> Value {
        json!({
            "id": "EV-1", "create_time": "2025-01-01T08:00:01+08:00", "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS", "summary": "支付成功",
            "resource": {
                "original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "ciphertext": CIPHERTEXT,
                "associated_data": "transaction", "nonce": "fdasflkja484",
            },
        })
    }

    fn open(envelope: &Value) -> Result<Notified, NoticeRefused> {
        opened(&merchant(), envelope.to_string().as_bytes())
    }

    /// An envelope around this, sealed with the merchant's key.
    fn sealed(event: &str, clear: &Value) -> Value {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, fixture::API_V3_KEY.as_bytes()).unwrap());
        let mut bytes = clear.to_string().into_bytes();
        let nonce = Nonce::assume_unique_for_key(*b"fdasflkja484");
        key.seal_in_place_append_tag(nonce, Aad::from("refund"), &mut bytes).unwrap();
        let mut whole = envelope();
        whole["event_type"] = json!(event);
        whole["resource"]["associated_data"] = json!("refund");
        whole["resource"]["ciphertext"] = json!(STANDARD.encode(bytes));
        whole
    }

    #[test]
    fn the_documented_notification_is_opened() {
        let Notified { id, notice: Notice::Payment(payment) } = open(&envelope()).unwrap() else { panic!() };
        assert_eq!((id.as_str(), payment.state), ("EV-1", TradeState::Success));
        assert_eq!(payment.payer, Some("oTESTopenid0000000000000001".into()));
        assert!(payment.pays(Fen(100)) && !payment.pays(Fen(99)));
    }

    #[test]
    fn every_sealed_byte_counts_and_so_do_nonce_and_associated_data() {
        let bytes = STANDARD.decode(CIPHERTEXT).unwrap();
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            let mut whole = envelope();
            whole["resource"]["ciphertext"] = json!(STANDARD.encode(other));
            assert_eq!(open(&whole), Err(NoticeRefused::Undecryptable), "byte {at}");
        }
        for (field, value) in [
            ("nonce", "fdasflkja48"),
            ("nonce", "fdasflkja4845"),
            ("nonce", "fdasflkja485"),
            ("associated_data", "refund"),
            ("associated_data", ""),
            ("ciphertext", ""),
            ("ciphertext", "?"),
        ] {
            let mut whole = envelope();
            whole["resource"][field] = json!(value);
            assert_eq!(open(&whole), Err(NoticeRefused::Undecryptable), "{field} {value}");
        }
        let mut whole = envelope();
        whole["resource"]["algorithm"] = json!("AEAD_AES_128_GCM");
        assert_eq!(open(&whole), Err(NoticeRefused::Unreadable));
        assert_eq!(opened(&merchant(), b"<xml></xml>"), Err(NoticeRefused::Unreadable));
    }

    #[test]
    fn a_refund_and_what_nobody_knows_are_told_apart() {
        let refund = json!({
            "mchid": fixture::MCHID, "transaction_id": "4200", "out_trade_no": "RG20250101000001", "refund_id": "5000",
            "out_refund_no": "R1", "refund_status": "SUCCESS", "success_time": "2025-01-01T08:00:00+08:00",
            "amount": {"total": 100, "refund": 30, "payer_total": 100, "payer_refund": 30},
        });
        let Notice::Refund(read) = open(&sealed("REFUND.SUCCESS", &refund)).unwrap().notice else { panic!() };
        assert_eq!((read.refund, read.total), (Fen(30), Fen(100)));
        let other = open(&sealed("MCHTRANSFER.BILL.FINISHED", &json!({}))).unwrap().notice;
        assert_eq!(other, Notice::Other { event: "MCHTRANSFER.BILL.FINISHED".into() });
        let mut foreign = refund;
        foreign["mchid"] = json!("1900000002");
        assert_eq!(open(&sealed("REFUND.SUCCESS", &foreign)), Err(NoticeRefused::OtherMerchant));
        assert_eq!(open(&sealed("TRANSACTION.SUCCESS", &json!({}))), Err(NoticeRefused::Unreadable));
    }

    #[test]
    fn only_what_is_surely_the_platforms_is_answered_as_taken() {
        let all = [
            NoticeRefused::Unbelieved(Disbelief::Forged),
            NoticeRefused::Unbelieved(Disbelief::Probe),
            NoticeRefused::Undecryptable,
            NoticeRefused::Unreadable,
            NoticeRefused::OtherMerchant,
            NoticeRefused::OtherApp,
        ];
        assert_eq!(all.map(NoticeRefused::is_genuine), [false, false, false, true, true, true]);
        assert_eq!(all.map(NoticeRefused::is_probe), [false, true, false, false, false, false]);
    }
}
