//! The query string and what it signs: whatever comes is verified exactly when the platform's rule says so, and every
//! other answer is one of two, without detail.
//!
//! An input is a query string and a body.

use fuwu::channel::official::deliver::Stamp;
use fuwu::channel::official::{Mode, Query, Refusal, open, verify_url};

use super::kit::{MODES, TOKEN, account, sender, stamp, text_message};
use super::limits::{WEBHOOK, within};
use super::pieces::Pieces;
use super::reference::{parameter, signature};

/// No longer query is read.
const MAX_QUERY_BYTES: usize = 4096;

pub fn run(input: &[u8]) {
    within(WEBHOOK, input, || {
        let mut pieces = Pieces::of(input);
        let (query, body) = (pieces.bytes(), pieces.bytes());
        if let Ok(query) = std::str::from_utf8(query) {
            what_comes_is_verified_by_the_rule(query, body);
        }
        what_the_platform_signs_is_verified_and_nothing_near_it(&String::from_utf8_lossy(query), body);
    });
}

fn what_comes_is_verified_by_the_rule(raw: &str, body: &[u8]) {
    let parsed = Query::parse(raw);
    assert_eq!(parsed, Query::parse(raw), "reading a query twice");
    let Ok(query) = parsed else { return assert_eq!(parsed, Err(Refusal::Malformed)) };
    assert!(raw.len() <= MAX_QUERY_BYTES);
    let given = |name| parameter(raw, name);
    let stamped = given("timestamp").zip(given("nonce"));
    let is_signed = stamped.as_ref().is_some_and(|(timestamp, nonce)| {
        given("signature").as_deref() == Some(&signature(&[TOKEN, timestamp, nonce]))
    });
    for mode in MODES {
        let echoed = verify_url(account(mode), &query);
        assert_eq!(echoed, given("echostr").filter(|_| is_signed).ok_or(Refusal::Forbidden));
        let opened = open(account(mode), &query, body).map(|_| ());
        match given("encrypt_type").as_deref() {
            Some("aes") if opened.is_ok() => {
                let (timestamp, nonce) = stamped.as_ref().unwrap();
                let fits = |part: &str| given("msg_signature") == Some(signature(&[TOKEN, timestamp, nonce, part]));
                assert!(base64s(body).any(fits) || body.contains(&b'\\'), "verified, but nothing in it is signed");
            }
            Some("aes") => (),
            None | Some("raw") if mode == Mode::Plain && is_signed => assert_eq!(opened, Ok(())),
            _ => assert_eq!(opened, Err(Refusal::Forbidden)),
        }
    }
}

/// Everything in a body that could be base64.
fn base64s(body: &[u8]) -> impl Iterator<Item = &str> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    body.split(move |byte| !is_base64(byte)).filter_map(|part| std::str::from_utf8(part).ok())
}

fn what_the_platform_signs_is_verified_and_nothing_near_it(words: &str, body: &[u8]) {
    let sum = words.bytes().chain(body.iter().copied()).fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    let mode = MODES[(sum % 3) as usize];
    let stamp = Stamp { timestamp: (sum % 1_000_000_000_000) as i64, nonce: sum.to_string(), ..stamp() };
    let push = sender(mode).push(&text_message(words), &stamp).unwrap();
    let verdict = |query: &str| open(account(mode), &Query::parse(query)?, &push.body).map(|_| ());
    assert_eq!(verdict(&push.query), Ok(()), "{mode:?}");
    let counts = if mode == Mode::Plain { "signature=" } else { "msg_signature=" };
    let digit = push.query.rfind(counts).unwrap() + counts.len() + (sum / 16 % 40) as usize;
    let mut near = push.query.clone();
    near.replace_range(digit..=digit, ["0", "1", "F", "g", "", "%00", "00"][(sum / 1024 % 7) as usize]);
    if near != push.query {
        assert_eq!(verdict(&near), Err(Refusal::Forbidden), "{mode:?} {near}");
    }
    let echo = sender(mode).verification(&stamp.nonce, &stamp);
    assert_eq!(verify_url(account(mode), &Query::parse(&echo).unwrap()).as_ref(), Ok(&stamp.nonce));
}
