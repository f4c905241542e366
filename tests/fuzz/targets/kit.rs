//! The account that the targets attack, and the platform that knows its secrets.

use std::sync::LazyLock;

use fuwu::channel::official::deliver::{Sender, Stamp};
use fuwu::channel::official::{Account, AccountSpec, Mode};

pub const TOKEN: &str = "rustgrowth2026";
pub const APP_ID: &str = "wx0123456789abcdef";
pub const ORIGINAL_ID: &str = "gh_0123456789ab";
pub const OPENID: &str = "oTESTopenid0000000000000001";
/// 43 characters that decode to [`AES_BYTES`].
const AES_KEY: &str = "Zm9yUnVzdEdyb3d0aFNlcnZlcktleVZlY3RvcjAwMDF";
pub const AES_BYTES: &[u8; 32] = b"forRustGrowthServerKeyVector0001";
pub const MODES: [Mode; 3] = [Mode::Plain, Mode::Compatible, Mode::Safe];

static ACCOUNTS: LazyLock<[Account; 3]> = LazyLock::new(|| MODES.map(made));

fn made(mode: Mode) -> Account {
    Account::new(AccountSpec {
        id: "demo".into(),
        app_id: APP_ID.into(),
        original_id: ORIGINAL_ID.into(),
        tokens: vec![TOKEN.into()],
        aes_keys: vec![AES_KEY.into()],
        mode,
    })
    .unwrap()
}

/// The account in this mode. The one in plain mode has a key too, so that it takes what is encrypted as well.
pub fn account(mode: Mode) -> &'static Account {
    &ACCOUNTS[MODES.iter().position(|known| *known == mode).unwrap()]
}

pub fn sender(mode: Mode) -> Sender {
    Sender { token: TOKEN.into(), aes_key: AES_KEY.into(), app_id: APP_ID.into(), mode }
}

pub fn stamp() -> Stamp {
    Stamp { timestamp: 1_735_689_600, nonce: "1234567890".into(), random: *b"0123456789abcdef" }
}

/// A text message with these words in it as the platform sends them: raw, whatever they are.
pub fn text_message(typed: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><FromUserName><![CDATA[{OPENID}]]></FromUserName>\
         <CreateTime>1735689600</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{typed}]]></Content>\
         <MsgId>24000000000000001</MsgId></xml>"
    )
}

/// A tap on the menu.
pub const TAP: &str = "<xml><ToUserName>gh_0123456789ab</ToUserName><FromUserName>oTESTopenid0000000000000001</FromUserName>\
    <CreateTime>1735689600</CreateTime><MsgType>event</MsgType><Event>CLICK</Event><EventKey>k</EventKey></xml>";

/// Whether XML 1.0 can hold this character (XML 1.0, production 2).
pub fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

pub fn legal(text: &str) -> String {
    text.chars().filter(|c| is_legal(*c)).collect()
}
