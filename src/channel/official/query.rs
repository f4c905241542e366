//! The query string of a delivery or a verification (platform.md 1.2, 1.3).

use std::borrow::Cow;

use super::open::Refusal;
use crate::domain::time::UnixSecs;

/// Nothing the platform sends comes near; what is longer is not the platform's.
const MAX_QUERY_BYTES: usize = 4096;
/// A nonce is about ten digits.
const MAX_NONCE_BYTES: usize = 128;
/// An echostr is about twenty digits.
const MAX_ECHOSTR_BYTES: usize = 256;
/// Twelve digits reach the year 33658.
const MAX_TIMESTAMP_DIGITS: usize = 12;

/// A parsed query string. Every parameter we know occurs at most once; others are the operator's own and are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub(super) signature: Option<String>,
    pub(super) msg_signature: Option<String>,
    pub(super) timestamp: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) echostr: Option<String>,
    pub(super) encrypt_type: Option<String>,
}

impl Query {
    /// Parses the raw query string, without its question mark.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for a parameter given twice, broken percent escapes, a timestamp that is not 1 to 12
    /// digits, or anything absurdly long. What is missing is left to the verification.
    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        if raw.len() > MAX_QUERY_BYTES {
            return Err(Refusal::Malformed);
        }
        let mut query = Self::default();
        for pair in raw.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            let Some(slot) = query.slot(&name) else { continue };
            if slot.is_some() {
                return Err(Refusal::Malformed);
            }
            *slot = Some(decode(value)?.into_owned());
        }
        query.check()
    }

    /// When it was signed, if it says so.
    pub(super) fn sent_at(&self) -> Option<UnixSecs> {
        self.timestamp.as_deref()?.parse().ok().map(UnixSecs)
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "signature" => Some(&mut self.signature),
            "msg_signature" => Some(&mut self.msg_signature),
            "timestamp" => Some(&mut self.timestamp),
            "nonce" => Some(&mut self.nonce),
            "echostr" => Some(&mut self.echostr),
            "encrypt_type" => Some(&mut self.encrypt_type),
            _ => None,
        }
    }

    fn check(self) -> Result<Self, Refusal> {
        let is_time =
            |t: &str| (1..=MAX_TIMESTAMP_DIGITS).contains(&t.len()) && t.bytes().all(|digit| digit.is_ascii_digit());
        let fits = self.timestamp.as_deref().is_none_or(is_time)
            && self.nonce.as_deref().is_none_or(|nonce| (1..=MAX_NONCE_BYTES).contains(&nonce.len()))
            && self.echostr.as_deref().is_none_or(|echo| echo.len() <= MAX_ECHOSTR_BYTES);
        if fits { Ok(self) } else { Err(Refusal::Malformed) }
    }
}

/// Undoes percent escapes. A plus stays a plus: the platform sends base64 in queries (platform.md 9.16).
fn decode(text: &str) -> Result<Cow<'_, str>, Refusal> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { escaped(&mut rest).ok_or(Refusal::Malformed)? } else { byte });
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| Refusal::Malformed)
}

fn escaped(rest: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let mut digit = || char::from(rest.next()?).to_digit(16);
    u8::try_from(digit()? * 16 + digit()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_parameters_are_read_and_others_ignored() {
        let query = Query::parse("signature=ab&timestamp=1&nonce=2&openid=o1&x=1&x=2&echostr=a%2Bb+c&").unwrap();
        assert_eq!(query.signature.as_deref(), Some("ab"));
        assert_eq!(query.echostr.as_deref(), Some("a+b+c"));
        assert_eq!(query.encrypt_type, None);
        assert_eq!(Query::parse("").unwrap(), Query::default());
    }

    #[test]
    fn a_parameter_given_twice_is_malformed_in_any_spelling() {
        for twice in [
            "signature=a&signature=b",
            "signature=b&signature=a",
            "signature&signature=a",
            "nonce=1&nonce=1",
            "timestamp=1&timestamp=2",
            "encrypt_type=aes&encrypt_type=raw",
            "msg_signature=a&msg%5Fsignature=a",
            "echostr=1&echostr=1",
        ] {
            assert_eq!(Query::parse(twice), Err(Refusal::Malformed), "{twice}");
        }
    }

    #[test]
    fn a_timestamp_is_1_to_12_digits() {
        for bad in ["", "abc", "-1", "+1", "1.5", "1234567890123", "9223372036854775808", "%31%00", "１"] {
            assert_eq!(Query::parse(&format!("timestamp={bad}")), Err(Refusal::Malformed), "{bad}");
        }
        for good in ["0", "2147483648", "123456789012"] {
            assert!(Query::parse(&format!("timestamp={good}")).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_is_absurdly_long_or_badly_escaped_is_malformed() {
        let long = "1".repeat(10 * 1024);
        for bad in [
            format!("nonce={long}"),
            format!("other={long}"),
            format!("nonce={}", &long[..129]),
            "nonce=".to_owned(),
            format!("echostr={}", &long[..257]),
            "nonce=%".to_owned(),
            "nonce=%4".to_owned(),
            "nonce=%zz".to_owned(),
            "nonce=%ff".to_owned(),
        ] {
            assert_eq!(Query::parse(&bad), Err(Refusal::Malformed), "{bad:.20}");
        }
    }
}
