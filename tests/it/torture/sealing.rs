//! The platform's side written a second time, so that it can lie about every part: ciphertexts, signatures, queries.

use aes::Aes256;
use aes::cipher::{Array, Block, BlockModeEncrypt, KeyIvInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use serde::Deserialize;
use sha1::{Digest as _, Sha1};

use crate::harness::{AES_KEY, APP_ID, ORIGINAL_ID};

pub const NEW_TOKEN: &str = "newtoken2027";
const NEW_KEY: &str = "QWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU";
/// Newest first.
pub const ROTATING_TOKENS: &str = "newtoken2027,storytoken2026";
pub const ROTATING_KEYS: &str =
    "QWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU,Zm9yUnVzdEdyb3d0aFNlcnZlcktleVZlY3RvcjAwMDF";

/// What is not as the platform would seal it. Whatever it is, the signature over it is right.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lie {
    /// This stands in place of the ciphertext.
    pub encrypt: Option<String>,
    /// So many bytes of nothing stand in place of the ciphertext.
    pub bytes: Option<usize>,
    /// For whom it is encrypted.
    pub receiver: Option<String>,
    /// The inner length: a number, or `+1`.
    pub length: Option<String>,
    /// The byte of the padding and how often it stands there.
    pub pad: Option<(u8, usize)>,
    /// So much padding, of which only the last byte is right.
    pub wrong_pad: Option<u8>,
    /// How the base64 is written: `url`, `spaces`, `unpadded`.
    pub base64: Option<String>,
    /// The account named outside.
    pub outer: Option<String>,
    /// The new key of the account that rotates.
    pub new_key: bool,
    /// The bit of this byte is changed after signing.
    pub flip_signed: Option<usize>,
}

/// The `Encrypt` text of a message.
pub fn encrypt(message: &[u8], lie: &Lie) -> String {
    if let Some(text) = &lie.encrypt {
        return text.clone();
    }
    if let Some(bytes) = lie.bytes {
        return STANDARD.encode(vec![7; bytes]);
    }
    let receiver = lie.receiver.as_deref().unwrap_or(APP_ID);
    let mut message = message.to_vec();
    let used = |message: &[u8]| 20 + message.len() + receiver.len();
    let pads = lie.pad.map(|(_, count)| count).or(lie.wrong_pad.map(usize::from));
    if let Some(pads) = pads {
        // White space after the message does no harm, and makes room for any padding.
        while (used(&message) + pads) % 16 != 0 || used(&message) + pads < 32 {
            message.push(b' ');
        }
    }
    // What has no padding to leave out is not written otherwise.
    while lie.base64.as_deref() == Some("unpadded") && (used(&message) / 32 + 1) % 3 == 0 {
        message.extend([b' '; 32]);
    }
    let actual = u32::try_from(message.len()).unwrap();
    let length = match lie.length.as_deref() {
        None => actual,
        Some("+1") => actual + 1,
        Some(number) => number.parse().unwrap(),
    };
    let mut buffer = b"0123456789abcdef".to_vec();
    buffer.extend(length.to_be_bytes());
    buffer.extend(&message);
    buffer.extend(receiver.as_bytes());
    match (lie.pad, lie.wrong_pad) {
        (Some((byte, count)), _) => buffer.extend(vec![byte; count]),
        (None, Some(count)) => {
            buffer.extend(vec![count ^ 0x40; usize::from(count) - 1]);
            buffer.push(count);
        }
        (None, None) => {
            let pad = 32 - buffer.len() % 32;
            buffer.extend(vec![u8::try_from(pad).unwrap(); pad]);
        }
    }
    let sealed = aes(buffer, if lie.new_key { NEW_KEY } else { AES_KEY });
    match lie.base64.as_deref() {
        Some("url") => URL_SAFE.encode(sealed),
        Some("unpadded") => STANDARD_NO_PAD.encode(sealed),
        Some("spaces") => {
            let text = STANDARD.encode(sealed);
            format!("{} {}", &text[..40], &text[40..])
        }
        Some(other) => panic!("no way to write base64: {other}"),
        None => STANDARD.encode(sealed),
    }
}

fn aes(mut buffer: Vec<u8>, key43: &str) -> Vec<u8> {
    let mut bits = key43.to_owned();
    // The spare bits of the last character are no part of the key.
    let last = bits.pop().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = alphabet.find(last).unwrap() & !3;
    bits.push(alphabet.as_bytes()[value].into());
    let key: [u8; 32] = STANDARD.decode(format!("{bits}=")).unwrap().try_into().unwrap();
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    let (blocks, rest) = Block::<Aes256>::slice_as_chunks_mut(&mut buffer);
    assert!(rest.is_empty(), "AES knows whole blocks only");
    cbc::Encryptor::<Aes256>::new(&Array(key), &Array(iv)).encrypt_blocks(blocks);
    buffer
}

/// SHA-1 over the sorted parts.
pub fn sign(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    Sha1::digest(parts.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The outside of a sealed delivery.
pub fn envelope(encrypt: &str, lie: &Lie) -> String {
    let outer = lie.outer.as_deref().unwrap_or(ORIGINAL_ID);
    let mut encrypt = encrypt.to_owned();
    if let Some(at) = lie.flip_signed {
        let mut bytes = STANDARD.decode(&encrypt).unwrap();
        bytes[at] ^= 1;
        encrypt = STANDARD.encode(bytes);
    }
    format!("<xml><ToUserName><![CDATA[{outer}]]></ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>")
}

/// The parameters of a delivery or verification in the order of the platform.
pub fn query(token: &str, (timestamp, nonce): (&str, &str), encrypt: Option<&str>) -> Vec<(String, String)> {
    let mut query = vec![
        ("signature", sign(&[token, timestamp, nonce])),
        ("timestamp", timestamp.to_owned()),
        ("nonce", nonce.to_owned()),
    ];
    if let Some(encrypt) = encrypt {
        query.push(("encrypt_type", "aes".to_owned()));
        query.push(("msg_signature", sign(&[token, timestamp, nonce, encrypt])));
    }
    query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
