//! One EncodingAESKey, ready to use (platform.md 1.4).

use std::fmt;

use aes::Aes256;
use aes::cipher::KeyInit;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// 43 characters carry 258 bits; console-made keys leave the two spare ones set, which a strict decoder refuses.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Length of a key as the platform's console shows it.
const ENCODED_LEN: usize = 43;

/// A key whose schedule is computed once.
#[derive(Clone)]
pub(super) struct AesKey {
    bytes: [u8; 32],
    pub(super) cipher: Aes256,
}

impl AesKey {
    /// Decodes 43 base64 characters; `None` if they are no key.
    pub(super) fn decode(encoded: &str) -> Option<Self> {
        if encoded.len() != ENCODED_LEN {
            return None;
        }
        let bytes: [u8; 32] = LENIENT.decode(encoded).ok()?.try_into().ok()?;
        Some(Self { bytes, cipher: Aes256::new(&bytes.into()) })
    }

    /// The platform's fixed initialisation vector: the first half of the key.
    pub(super) fn iv(&self) -> [u8; 16] {
        let mut iv = [0; 16];
        iv.iter_mut().zip(self.bytes).for_each(|(to, from)| *to = from);
        iv
    }

    /// The key itself, for deriving others from it.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_spare_bits_set_is_a_key() {
        let key = AesKey::decode("Zm9yUnVzdEdyb3d0aFNlcnZlcktleVZlY3RvcjAwMDF").unwrap();
        assert_eq!(key.bytes(), b"forRustGrowthServerKeyVector0001");
        assert_eq!(&key.iv(), b"forRustGrowthSer");
    }

    #[test]
    fn anything_but_43_characters_is_none() {
        assert!(AesKey::decode("").is_none());
        assert!(AesKey::decode(&"A".repeat(42)).is_none());
        assert!(AesKey::decode(&"A".repeat(44)).is_none());
        assert!(AesKey::decode(&format!("{}!", "A".repeat(42))).is_none());
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", AesKey::decode(&"A".repeat(43)).unwrap()), "AesKey(…)");
    }
}
