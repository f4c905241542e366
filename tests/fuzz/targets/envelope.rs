//! The envelope: what was sealed for us comes out, and whoever can sign but not encrypt is told nothing but no.
//!
//! An input is a message; it stands as well for what lies inside a ciphertext, for the ciphertext, and for the body.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fuwu::channel::official::{Mode, Opened, Query, Refusal, open, read_clear};

use super::kit::{TOKEN, account};
use super::limits::{Limits, TIME, within};
use super::reference::{decrypt, encrypt, message, padded, signature};

/// The input is there several times: in clear, encrypted, in base64, in the body and in what is compared with. Beside it
/// there is next to nothing, whatever length it claims to have.
const LIMITS: Limits = Limits { time: TIME, time_per_byte: Duration::ZERO, base_bytes: 128 * 1024, per_byte: 40 };

pub fn run(input: &[u8]) {
    within(LIMITS, input, || {
        what_was_sealed_comes_out(input);
        what_is_not_an_envelope_is_refused(input);
        a_changed_ciphertext_is_refused(input);
        a_body_is_refused_or_rightly_read(input);
    });
}

/// A query that signs `encrypted`.
fn signed(encrypted: &str) -> Query {
    let signature = signature(&[TOKEN, "1735689600", "1234567890", encrypted]);
    let raw = format!("encrypt_type=aes&timestamp=1735689600&nonce=1234567890&msg_signature={signature}");
    Query::parse(&raw).unwrap()
}

fn enveloped(encrypted: &str) -> Vec<u8> {
    format!("<xml><Encrypt>{encrypted}</Encrypt></xml>").into_bytes()
}

/// Sees that an envelope, rightly signed, is opened just when there is a message for us in it, and then that one.
fn opens_by_the_rule(encrypted: &str) {
    let opened = open(account(Mode::Safe), &signed(encrypted), &enveloped(encrypted));
    let clear = decrypt(encrypted);
    match clear.as_deref().and_then(message) {
        Some(message) => is(opened, message),
        None => assert_eq!(opened.err(), Some(Refusal::Forbidden)),
    }
}

fn is(opened: Result<Opened, Refusal>, message: &[u8]) {
    let delivery = opened.expect("a message for us is opened").delivery;
    assert_eq!(delivery, read_clear(message));
    if let Err(unusable) = delivery {
        assert_eq!(unusable.body, message, "what is kept aside is what came");
    }
}

fn what_was_sealed_comes_out(input: &[u8]) {
    let encrypted = encrypt(&padded(input));
    assert_eq!(decrypt(&encrypted).as_deref().and_then(message), Some(input));
    opens_by_the_rule(&encrypted);
}

/// The input as what is encrypted: it lies about length, padding and receiver as it likes.
fn what_is_not_an_envelope_is_refused(input: &[u8]) {
    opens_by_the_rule(&encrypt(input));
    let mut lying = padded(input);
    let end = lying.len().saturating_sub(32);
    let (head, tail) = lying.split_at_mut(end);
    let length = head.iter_mut().skip(16).take(4);
    length.chain(tail).zip(input).for_each(|(at, byte)| *at ^= byte & 0x11);
    opens_by_the_rule(&encrypt(&lying));
}

fn a_changed_ciphertext_is_refused(input: &[u8]) {
    let right = encrypt(&padded(input));
    let mut bytes = STANDARD.decode(&right).unwrap();
    let at = input.iter().fold(input.len(), |sum, byte| (sum * 3 + usize::from(*byte)) % 65_521) % bytes.len();
    bytes[at] ^= input.first().map_or(1, |byte| byte | 1);
    let changed = STANDARD.encode(&bytes);
    let refused = open(account(Mode::Safe), &signed(&right), &enveloped(&changed));
    assert_eq!(refused.err(), Some(Refusal::Forbidden), "changed after it was signed");
    opens_by_the_rule(&changed);
}

fn a_body_is_refused_or_rightly_read(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input)
        && !text.contains(['<', '&'])
        && text.trim_ascii() == text
        && !text.ends_with("]]>")
    {
        opens_by_the_rule(text);
    }
    for mode in [Mode::Safe, Mode::Compatible, Mode::Plain] {
        let refused = open(account(mode), &signed(""), input).err();
        assert!(refused.is_some(), "nothing was signed");
    }
}
