//! The stamp of a response or a notification: who signed it, when, and whether it is true (platform.md 6.2, 6.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ring::{KeyRing, NoKey, PublicKey};
use super::sign;
use crate::domain::time::UnixSecs;

/// A stamp so far from our clock, or farther, is refused.
const WINDOW_SECS: i64 = 300;
/// Signatures that begin so are the platform's probes: they must fail, and mean nothing.
const PROBE: &str = "WECHATPAY/SIGNTEST/";
/// Longer than any header of a stamp is.
const MOST_CHARS: usize = 2048;

/// Why a stamp is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Disbelief {
    /// A header is missing, empty, there twice or too long.
    #[error("a header of the signature is missing, empty or there twice")]
    Headers,
    /// The platform tries out whether we verify.
    #[error("the platform's probe")]
    Probe,
    /// Five minutes from our clock or more.
    #[error("signed five minutes or more from our clock")]
    Stale,
    /// No key goes by this serial.
    #[error("signed with a key that we do not know")]
    UnknownKey,
    /// The certificate is over, or has not begun.
    #[error("signed with a certificate that is not valid now")]
    KeyNotValid,
    /// The signature is not the platform's.
    #[error("the signature is not the platform's")]
    Forged,
}

/// What the headers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    timestamp: String,
    nonce: String,
    signature: String,
    serial: String,
}

impl Stamp {
    /// Reads it of all headers, in any order, names in any case.
    ///
    /// # Errors
    /// [`Disbelief::Headers`] unless each of the four is there exactly once, and what says how it was signed says so.
    pub fn read<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<Self, Disbelief> {
        let mut found: [Option<String>; 5] = Default::default();
        for (name, value) in headers {
            let at = NAMES.iter().position(|own| name.eq_ignore_ascii_case(own));
            let Some(place) = at.and_then(|at| found.get_mut(at)) else { continue };
            let value = std::str::from_utf8(value).map_err(|_| Disbelief::Headers)?;
            let fits = (1..=MOST_CHARS).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic());
            if !fits || place.is_some() {
                return Err(Disbelief::Headers);
            }
            *place = Some(value.to_owned());
        }
        let [Some(timestamp), Some(nonce), Some(signature), Some(serial), kind] = found else {
            return Err(Disbelief::Headers);
        };
        if kind.is_some_and(|kind| kind != "WECHATPAY2-SHA256-RSA2048") {
            return Err(Disbelief::Headers);
        }
        Ok(Self { timestamp, nonce, signature, serial })
    }

    pub(super) fn serial(&self) -> &str {
        &self.serial
    }

    /// Whether the platform signed this body, at about this time, with a key that is good now.
    pub(super) fn verify(&self, body: &[u8], ring: &KeyRing, now: UnixSecs) -> Result<(), Disbelief> {
        self.is_plausible(now)?;
        let key = ring.key(&self.serial, now).map_err(|none| match none {
            NoKey::Unknown => Disbelief::UnknownKey,
            NoKey::NotValid => Disbelief::KeyNotValid,
        })?;
        self.verify_by(&key, body)
    }

    /// What can be said without a key.
    pub(super) fn is_plausible(&self, now: UnixSecs) -> Result<(), Disbelief> {
        if self.signature.starts_with(PROBE) {
            return Err(Disbelief::Probe);
        }
        let digits = self.timestamp.bytes().all(|b| b.is_ascii_digit());
        let at = self.timestamp.parse().ok().filter(|_| digits).map(UnixSecs);
        match at {
            Some(at) if now.secs_since(at).unsigned_abs() < WINDOW_SECS.unsigned_abs() => Ok(()),
            _ => Err(Disbelief::Stale),
        }
    }

    pub(super) fn verify_by(&self, key: &PublicKey, body: &[u8]) -> Result<(), Disbelief> {
        let signature = STANDARD.decode(&self.signature).map_err(|_| Disbelief::Forged)?;
        let message = sign::answer(&self.timestamp, &self.nonce, body);
        if key.verifies(&message, &signature) { Ok(()) } else { Err(Disbelief::Forged) }
    }
}

const NAMES: [&str; 5] =
    ["Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial", "Wechatpay-Signature-Type"];

impl Disbelief {
    /// Its name among metrics and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Probe => "probe",
            Self::Stale => "stale",
            Self::UnknownKey => "unknown_key",
            Self::KeyNotValid => "key_not_valid",
            Self::Forged => "forged",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Keys;
    use super::*;

    const NOW: UnixSecs = UnixSecs(1_767_225_600);
    const BODY: &[u8] = br#"{"id":"EV-1"}"#;

    fn ring() -> KeyRing {
        let key = PublicKey::from_pem(&Keys::one().public_pem()).unwrap();
        KeyRing::new(Some(("PUB_KEY_ID_1".into(), key)))
    }

    fn headers() -> Vec<(&'static str, String)> {
        let at = NOW.0.to_string();
        let signature = Keys::one().sign(&sign::answer(&at, "N1", BODY));
        vec![
            ("wechatpay-timestamp", at),
            ("Wechatpay-Nonce", "N1".into()),
            ("WECHATPAY-SIGNATURE", signature),
            ("Wechatpay-Serial", "PUB_KEY_ID_1".into()),
        ]
    }

    fn read(headers: &[(&'static str, String)]) -> Result<Stamp, Disbelief> {
        Stamp::read(headers.iter().map(|(name, value)| (*name, value.as_bytes())))
    }

    #[test]
    fn what_the_platform_signed_is_believed_for_five_minutes_both_ways() {
        let stamp = read(&headers()).unwrap();
        for (secs, expected) in [(0, Ok(())), (299, Ok(())), (-299, Ok(())), (300, Err(Disbelief::Stale))] {
            assert_eq!(stamp.verify(BODY, &ring(), NOW.plus_secs(secs)), expected, "{secs}");
        }
        assert_eq!(stamp.verify(BODY, &ring(), NOW.plus_secs(-300)), Err(Disbelief::Stale));
        assert_eq!(stamp.verify(BODY, &ring(), UnixSecs(i64::MIN)), Err(Disbelief::Stale));
        assert_eq!(stamp.verify(BODY, &KeyRing::default(), NOW), Err(Disbelief::UnknownKey));
    }

    #[test]
    fn every_byte_of_body_and_signature_counts() {
        let stamp = read(&headers()).unwrap();
        for at in 0..BODY.len() {
            let mut other = BODY.to_vec();
            other[at] ^= 1;
            assert_eq!(stamp.verify(&other, &ring(), NOW), Err(Disbelief::Forged));
        }
        for body in [&b"{\"id\": \"EV-1\"}"[..], b"", b"{\"id\":\"EV-1\"}\n"] {
            assert_eq!(stamp.verify(body, &ring(), NOW), Err(Disbelief::Forged));
        }
        let signature = STANDARD.decode(&stamp.signature).unwrap();
        for at in 0..signature.len() {
            let mut other = signature.clone();
            other[at] ^= 1;
            let other = Stamp { signature: STANDARD.encode(other), ..stamp.clone() };
            assert_eq!(other.verify(BODY, &ring(), NOW), Err(Disbelief::Forged));
        }
        let other = Stamp { nonce: "N2".into(), ..stamp.clone() };
        assert_eq!(other.verify(BODY, &ring(), NOW), Err(Disbelief::Forged));
        let other = Stamp { timestamp: (NOW.0 + 1).to_string(), ..stamp };
        assert_eq!(other.verify(BODY, &ring(), NOW), Err(Disbelief::Forged));
    }

    #[test]
    fn a_header_that_is_missing_empty_or_there_twice_is_no_stamp() {
        for at in 0..4 {
            let mut less = headers();
            less.remove(at);
            assert_eq!(read(&less), Err(Disbelief::Headers));
            let mut empty = headers();
            empty[at].1.clear();
            assert_eq!(read(&empty), Err(Disbelief::Headers));
            let mut twice = headers();
            let again = twice[at].clone();
            twice.push(again);
            assert_eq!(read(&twice), Err(Disbelief::Headers));
        }
        for (value, is_good) in [("WECHATPAY2-SHA256-RSA2048", true), ("HMAC-SHA256", false), ("x\u{0}", false)] {
            let mut more = headers();
            more.push(("Wechatpay-Signature-Type", value.into()));
            assert_eq!(read(&more).is_ok(), is_good, "{value}");
        }
    }

    #[test]
    fn probes_and_odd_times_are_named_as_what_they_are() {
        let stamp = read(&headers()).unwrap();
        let probe = Stamp { signature: format!("{PROBE}{}", stamp.signature), ..stamp.clone() };
        assert_eq!(probe.verify(BODY, &ring(), NOW), Err(Disbelief::Probe));
        for odd in ["-1767225600", "+1767225600", "1767225600000", "99999999999999999999", "1e9", "1767225600.0"] {
            let other = Stamp { timestamp: odd.into(), ..stamp.clone() };
            assert_eq!(other.verify(BODY, &ring(), NOW), Err(Disbelief::Stale), "{odd}");
        }
    }
}
