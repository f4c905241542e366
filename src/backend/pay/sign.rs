//! The strings that are signed, and the header that carries a signature (platform.md 6.2, 6.3).

use super::merchant::{Merchant, Unsigned};

/// What is to be signed, at one moment.
pub(super) struct Moment {
    /// Unix seconds.
    pub at: i64,
    /// Drawn at random for this signature only.
    pub nonce: String,
}

/// A request: each part ends its line, the last one too.
pub(super) fn request((method, target, body): (&str, &str, &str), moment: &Moment) -> String {
    format!("{method}\n{target}\n{}\n{}\n{body}\n", moment.at, moment.nonce)
}

/// A response or a notification: its stamp as it was written, and its body byte by byte.
pub(super) fn answer(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    [timestamp.as_bytes(), b"\n", nonce.as_bytes(), b"\n", body, b"\n"].concat()
}

/// What the chat's browser hands to the platform.
pub(super) fn page(app_id: &str, package: &str, moment: &Moment) -> String {
    format!("{app_id}\n{}\n{}\n{package}\n", moment.at, moment.nonce)
}

/// The `Authorization` of a request.
pub(super) fn authorization(
    merchant: &Merchant,
    parts: (&str, &str, &str),
    moment: &Moment,
) -> Result<String, Unsigned> {
    let signature = merchant.sign(request(parts, moment).as_bytes())?;
    Ok(format!(
        "WECHATPAY2-SHA256-RSA2048 mchid=\"{}\",nonce_str=\"{}\",signature=\"{signature}\",timestamp=\"{}\",serial_no=\"{}\"",
        merchant.mchid(),
        moment.nonce,
        moment.at,
        merchant.serial(),
    ))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn sha256(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn moment(nonce: &str) -> Moment {
        Moment { at: 1_735_689_600, nonce: nonce.to_owned() }
    }

    #[test]
    fn the_strings_to_sign_are_the_documented_ones() {
        let asked = ("POST", "/v3/pay/transactions/jsapi", r#"{"mchid":"1900000001"}"#);
        let request = request(asked, &moment("NONCE0001"));
        assert_eq!(sha256(request.as_bytes()), "ab3e347ec6041b9b521ad5e3d7d55dffd9841b57ac27c7d89b295621c7a26b8a");
        let answer = answer("1735689600", "NONCE0002", br#"{"id":"EV-1"}"#);
        assert_eq!(sha256(&answer), "432a274e82fe665b83851bafa0d4647187c19933fa665891e48ad4b0a227bbab");
        let package = "prepay_id=wx26112221580621e9b071c00d9e093b0000";
        let page = page("wx0123456789abcdef", package, &moment("NONCE0003"));
        assert_eq!(sha256(page.as_bytes()), "d721b6d40ad266b9ea65f025cbffe702eb9e6daae08c3edd727c06079571a4e4");
    }
}
