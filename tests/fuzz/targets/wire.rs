//! What a verified delivery says: understood, or kept aside with a reason, and always the same.
//!
//! An input is the clear text of a delivery; it stands as well for the words a customer typed.

use fuwu::channel::official::{Mode, Query, Reason, open, read_clear};
use fuwu::domain::inbound::{Message, What};

use super::kit::{account, is_legal, legal, sender, stamp, text_message};
use super::limits::{WEBHOOK, within};

pub fn run(input: &[u8]) {
    within(WEBHOOK, input, || {
        it_is_understood_or_kept_aside(input);
        if let Ok(typed) = std::str::from_utf8(input) {
            what_is_typed_arrives_as_typed(typed);
        }
    });
}

fn it_is_understood_or_kept_aside(input: &[u8]) {
    let read = read_clear(input);
    assert_eq!(read, read_clear(input), "reading a delivery twice");
    let query = Query::parse(&sender(Mode::Plain).push("", &stamp()).unwrap().query).unwrap();
    let opened = open(account(Mode::Plain), &query, input).expect("it is signed").delivery;
    match (&read, opened) {
        (_, Err(unusable)) if unusable.reason == Reason::OtherAccount => assert!(read.is_ok()),
        (_, opened) => assert_eq!(opened, read, "the same with a signature around it"),
    }
    match read {
        Err(unusable) => {
            assert_eq!(unusable.body, input, "what is kept aside is what came");
            assert_eq!(Reason::labelled(unusable.reason.as_str()), Some(unusable.reason));
        }
        Ok(inbound) => {
            let openid = inbound.openid.as_str();
            assert!((1..=128).contains(&openid.len()) && openid.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(inbound.at.0 > 0);
            // Every character is one of the input's; as it is printed here it may be escaped, beside names of fields.
            let printed = format!("{inbound:?}");
            assert!(printed.len() <= 2048 + 64 * input.len(), "{} bytes of {}", printed.len(), input.len());
            // A backslash is printed as two, so that a typed `\0` is no NUL.
            assert!(!printed.replace(r"\\", "").contains(r"\0"), "a NUL came through");
            if let What::Message(Message::Text { content, .. }) = inbound.what {
                assert!(content.len() <= input.len() && content.chars().all(is_legal));
            }
        }
    }
}

/// Whatever it is: markup, the end of the section it stands in, another message.
fn what_is_typed_arrives_as_typed(typed: &str) {
    let read = read_clear(text_message(typed).as_bytes());
    if typed.contains(['\0', '\u{fffe}', '\u{ffff}']) {
        assert_eq!(read.map_err(|unusable| unusable.reason), Err(Reason::Character));
        return;
    }
    match read.expect("a text message is understood").what {
        What::Message(Message::Text { content, .. }) => assert_eq!(content, legal(typed)),
        What::Message(Message::Unsupported) => assert!(!typed.is_empty()),
        other => panic!("a text message became {other:?}"),
    }
}
