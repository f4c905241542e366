//! The platform's signatures: SHA-1 over the sorted parts (platform.md 1.2, 1.4).

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

/// A signature as it travels: 40 lower-case hex digits.
pub(super) type Hex = [u8; 40];

/// Signs token, timestamp and nonce; with `encrypt` also the ciphertext. Parts are sorted as bytes, not as numbers.
pub(super) fn sign<const N: usize>(mut parts: [&str; N]) -> Hex {
    parts.sort_unstable();
    let mut sha1 = Sha1::new();
    for part in parts {
        sha1.update(part.as_bytes());
    }
    hex(&sha1.finalize().into())
}

fn hex(digest: &[u8; 20]) -> Hex {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    let mut out = [0; 40];
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(digest) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    out
}

/// Whether `given` is exactly the expected signature, in the same time wherever they differ. Upper case, a prefix or
/// anything longer is not.
pub(super) fn matches(expected: &Hex, given: &str) -> bool {
    expected.as_slice().ct_eq(given.as_bytes()).into()
}

/// The signature as text.
pub(super) fn as_str(hex: &Hex) -> &str {
    std::str::from_utf8(hex).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_signatures_come_out() {
        let sign = |ts, nonce| as_str(&sign(["AAAAA", ts, nonce])).to_owned();
        assert_eq!(sign("1714036504", "1514711492"), "f464b24fc39322e44b38aa78f5edd27bd1441696");
        assert_eq!(sign("1714037059", "486452656"), "899cf89e464efb63f54ddac96b0a0a235f53aa78");
    }

    #[test]
    fn parts_are_sorted_as_bytes() {
        // platform.md 1.8, vector G: as numbers, the nonce would come before the timestamp.
        let signed = sign(["rustgrowth2026", "1735689601", "987654321"]);
        assert_eq!(as_str(&signed), "5e91da1b876970f771e687ee3a0b1895e3097ff3");
    }

    #[test]
    fn only_exactly_the_expected_digits_match() {
        let expected = sign(["a", "b", "c"]);
        let right = as_str(&expected);
        assert!(matches(&expected, right));
        for cut in 0..40 {
            assert!(!matches(&expected, &right[..cut]), "cut to {cut}");
        }
        assert!(!matches(&expected, &format!("{right}0")));
        assert!(!matches(&expected, &right.to_uppercase()));
    }
}
