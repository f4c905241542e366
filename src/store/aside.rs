//! What every engine knows of a delivery that could not be used.

use super::Quarantined;
use crate::growth::counter::{CounterKey, Increment, Metric};

/// The delivery as a number, which outlives the delivery.
pub(super) fn counted(entry: &Quarantined) -> Increment {
    let day = entry.arrived.business_day();
    let key = CounterKey { metric: Metric::Quarantined, a: day.0, b: 0, dimension: entry.reason.clone() };
    Increment { key, by: 1, late_on: None }
}

/// Whether an openid stands in a body, and not only as a part of a longer one.
pub(super) fn names(body: &[u8], openid: &[u8]) -> bool {
    let inside =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    !openid.is_empty()
        && body.windows(openid.len()).enumerate().any(|(at, window)| {
            window == openid
                && !inside(at.checked_sub(1).and_then(|before| body.get(before)))
                && !inside(body.get(at + openid.len()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_names_an_openid_only_as_a_whole() {
        assert!(names(b"<FromUserName><![CDATA[oA-1]]></FromUserName>", b"oA-1"));
        assert!(names(b"oA-1", b"oA-1"));
        for other in ["oA-12", "xoA-1", "oA-1_", "oA", ""] {
            assert!(!names(other.as_bytes(), b"oA-1"), "{other}");
        }
        assert!(!names(b"any", b""));
    }
}
