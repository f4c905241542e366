//! What the platform's documents say, written a second time and as plainly as can be (platform.md 1.2 to 1.4): what the
//! targets hold the channel against.

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use super::kit::{AES_BYTES, APP_ID};

/// The signature over these parts.
pub fn signature(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    Sha1::digest(parts.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of a query parameter, escapes undone.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(key, value)| (unescaped(key), value)).find(|(key, _)| key == name).map(|(_, value)| unescaped(value))
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(digits, 16));
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is encrypted for a message: 16 bytes, its length, itself, the AppID, and padding to 32.
pub fn padded(message: &[u8]) -> Vec<u8> {
    let mut buffer = b"0123456789abcdef".to_vec();
    buffer.extend((message.len() as u32).to_be_bytes());
    buffer.extend(message);
    buffer.extend(APP_ID.as_bytes());
    let padding = 32 - buffer.len() % 32;
    buffer.resize(buffer.len() + padding, padding as u8);
    buffer
}

/// The message in what was decrypted, if it is one for us.
pub fn message(clear: &[u8]) -> Option<&[u8]> {
    let padding = usize::from(*clear.last()?);
    if !(1..=32).contains(&padding)
        || clear.len() < 32
        || !clear[clear.len() - padding..].iter().all(|byte| usize::from(*byte) == padding)
    {
        return None;
    }
    let unpadded = &clear[..clear.len() - padding];
    let length = u32::from_be_bytes(clear[16..20].try_into().unwrap()) as usize;
    let rest = unpadded.get(20..)?;
    let (message, receiver) = rest.split_at_checked(length)?;
    (receiver == APP_ID.as_bytes()).then_some(message)
}

/// AES-256-CBC of whole blocks, with the first half of the key as IV.
pub fn encrypt(clear: &[u8]) -> String {
    let cipher = Aes256::new(AES_BYTES.into());
    let mut before: [u8; 16] = AES_BYTES[..16].try_into().unwrap();
    let mut out = Vec::new();
    for block in clear.as_chunks::<16>().0 {
        let mut block: [u8; 16] = std::array::from_fn(|at| block[at] ^ before[at]);
        cipher.encrypt_block((&mut block).into());
        out.extend(block);
        before = block;
    }
    STANDARD.encode(out)
}

/// What comes out of an `Encrypt` text, if it is whole blocks in base64.
pub fn decrypt(encrypted: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(encrypted).ok().filter(|bytes| bytes.len() % 16 == 0)?;
    let cipher = Aes256::new(AES_BYTES.into());
    let mut before: [u8; 16] = AES_BYTES[..16].try_into().unwrap();
    let mut out = Vec::new();
    for sealed in bytes.as_chunks::<16>().0 {
        let mut block = *sealed;
        cipher.decrypt_block((&mut block).into());
        out.extend(block.iter().zip(before).map(|(byte, before)| byte ^ before));
        before = *sealed;
    }
    Some(out)
}
