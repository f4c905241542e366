//! From a reply to the bytes of the response (platform.md 1.4, 1.5, part 3).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::account::Account;
use super::crypt;
use super::key::AesKey;
use super::open::ReplyTo;
use super::render::{Xml, render};
use super::signature::{as_str, sign};
use crate::domain::recent::Earned;

/// What the platform takes for "nothing to say, and do not send it again"; never encrypted.
pub(super) const ACK: &[u8] = b"success";

/// Renders what was earned for the delivery it answers. The same delivery, or a retry of it, gets the same bytes:
/// nothing here is random, and nothing is taken from the try's own timestamp or nonce.
pub fn seal(account: &Account, reply_to: &ReplyTo, earned: &Earned) -> Vec<u8> {
    let Some(clear) = render(reply_to, earned) else { return ACK.to_vec() };
    let Some((token, key)) = reply_to.sealed_with else { return clear.into_bytes() };
    // Positions are of the account as it was when the delivery came; after a reload the newest will have to do.
    let token = account.tokens.get(token).or(account.tokens.first());
    let key = account.keys.get(key).or(account.keys.first());
    // An account without token or key cannot be made; saying nothing is the safe way out.
    let (Some(token), Some(key)) = (token, key) else { return ACK.to_vec() };
    let (random, nonce) = derived(key, clear.as_bytes());
    let encrypted = crypt::encrypt(key, &random, clear.as_bytes(), &account.app_id);
    sealed_xml(token, &encrypted, &earned.at.0.to_string(), &nonce)
}

/// The envelope around a ciphertext, signed.
pub(super) fn sealed_xml(token: &str, encrypted: &str, timestamp: &str, nonce: &str) -> Vec<u8> {
    let signature = sign([token, timestamp, nonce, encrypted]);
    let mut xml = Xml(String::with_capacity(encrypted.len() + 256));
    xml.group("xml", |xml| {
        xml.text("Encrypt", encrypted);
        xml.text("MsgSignature", as_str(&signature));
        xml.number("TimeStamp", timestamp);
        xml.text("Nonce", nonce);
    });
    xml.0.into_bytes()
}

/// The 16 "random" bytes and the nonce, both from the words under the key: unpredictable without the key, different
/// for different words, the same for the same.
fn derived(key: &AesKey, clear: &[u8]) -> ([u8; 16], String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut mac = Hmac::<Sha256>::from(key);
    mac.update(b"fuwu reply envelope 1\0");
    mac.update(clear);
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    let mut random = [0; 16];
    let mut nonce = 0_u64;
    for (index, byte) in digest.iter().enumerate() {
        match random.get_mut(index) {
            Some(slot) => *slot = ALPHABET.get(usize::from(byte % 64)).copied().unwrap_or(b'A'),
            None => nonce = (nonce << 8 | u64::from(*byte)) % 10_000_000_000,
        }
    }
    (random, nonce.to_string())
}

impl From<&AesKey> for Hmac<Sha256> {
    fn from(key: &AesKey) -> Self {
        let mut block = [0; 64];
        block.iter_mut().zip(key.bytes()).for_each(|(to, from)| *to = *from);
        Self::new(&block.into())
    }
}
