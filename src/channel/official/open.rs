//! From a request to a verified, understood delivery. Authentication lives here and nowhere else (platform.md 1.2 to
//! 1.4, reliability.md 3.1).

use serde::Deserialize;

use super::account::{Account, Mode};
use super::crypt::{self, Clear};
use super::query::Query;
use super::read::{Delivery, Reason, Unusable, read};
use super::signature::{matches, sign};
use crate::domain::inbound::{Inbound, What};

/// Why a request is turned away. No detail: whoever cannot sign learns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: not a delivery at all.
    #[error("not a delivery")]
    Malformed,
    /// 403: a signature, key or AppID does not fit, or the delivery is weaker than the account's mode.
    #[error("not verified")]
    Forbidden,
}

/// A verified delivery.
#[derive(Debug)]
pub struct Opened {
    /// What it says, or why that cannot be used.
    pub delivery: Result<Inbound, Unusable>,
    /// Where its reply goes.
    pub reply_to: ReplyTo,
    /// The message itself, as [`read_clear`] takes it.
    pub clear: Clear,
}

/// Where a reply goes and how it must travel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyTo {
    /// The sender of the delivery; empty if it could not be read, and then nothing but `success` can be said.
    pub(super) to: String,
    /// The account, as the delivery named it.
    pub(super) from: String,
    /// Articles the platform shows here (platform.md part 3).
    pub(super) max_articles: usize,
    /// The token and key the delivery came with, by position; `None` when it came in clear.
    pub(super) sealed_with: Option<(usize, usize)>,
}

/// Answers the platform's verification of the URL: the `echostr` to send back, as it is.
///
/// # Errors
/// [`Refusal::Forbidden`] if the signature does not fit or anything is missing.
pub fn verify_url(account: &Account, query: &Query) -> Result<String, Refusal> {
    check_url_signature(account, query)?;
    query.echostr.clone().ok_or(Refusal::Forbidden)
}

/// Verifies a delivery, decrypts it and reads it.
///
/// # Errors
/// [`Refusal`] for whatever is not verified; it was not looked at any further.
pub fn open(account: &Account, query: &Query, body: &[u8]) -> Result<Opened, Refusal> {
    match query.encrypt_type.as_deref() {
        Some("aes") => open_sealed(account, query, body),
        None | Some("raw") if account.mode == Mode::Plain => {
            check_url_signature(account, query)?;
            Ok(open_clear(account, body))
        }
        _ => Err(Refusal::Forbidden),
    }
}

/// Reads a message that is in clear already and trusted for another reason: a replay, a test.
///
/// # Errors
/// [`Unusable`] if it cannot be understood.
pub fn read_clear(xml: &[u8]) -> Result<Inbound, Unusable> {
    read(xml).map(|delivery| delivery.inbound).map_err(|reason| Unusable { reason, body: xml.to_vec() })
}

fn check_url_signature(account: &Account, query: &Query) -> Result<(), Refusal> {
    let given = query.signature.as_deref().ok_or(Refusal::Forbidden)?;
    let (timestamp, nonce) = stamp(query)?;
    let fits = |token: &String| matches(&sign([token, timestamp, nonce]), given);
    if account.tokens.iter().any(fits) { Ok(()) } else { Err(Refusal::Forbidden) }
}

fn stamp(query: &Query) -> Result<(&str, &str), Refusal> {
    query.timestamp.as_deref().zip(query.nonce.as_deref()).ok_or(Refusal::Forbidden)
}

fn open_clear(account: &Account, body: &[u8]) -> Opened {
    let ours = |delivery: &Delivery| account.original_id.is_empty() || delivery.account == account.original_id;
    match read(body) {
        Ok(delivery) if ours(&delivery) => opened(delivery, None, Clear::came(body)),
        Ok(_) => unusable(Reason::OtherAccount, body),
        Err(reason) => unusable(reason, body),
    }
}

fn open_sealed(account: &Account, query: &Query, body: &[u8]) -> Result<Opened, Refusal> {
    let given = query.msg_signature.as_deref().ok_or(Refusal::Forbidden)?;
    let (timestamp, nonce) = stamp(query)?;
    let envelope = Envelope::find(body).ok_or(Refusal::Malformed)?;
    let fits = |token: &String| matches(&sign([token, timestamp, nonce, envelope.encrypted()]), given);
    let token = account.tokens.iter().position(fits).ok_or(Refusal::Forbidden)?;
    let (key, clear) = decrypt(account, envelope.encrypted()).ok_or(Refusal::Forbidden)?;
    match read(clear.message()) {
        Ok(delivery) if envelope.account().is_none_or(|outer| outer == delivery.account) => {
            Ok(opened(delivery, Some((token, key)), clear))
        }
        Ok(_) => Err(Refusal::Forbidden),
        Err(reason) => Ok(unusable(reason, clear.message())),
    }
}

/// Tries every key that is still accepted, newest first; the AppID inside must be ours.
fn decrypt(account: &Account, encrypted: &str) -> Option<(usize, Clear)> {
    account.keys.iter().enumerate().find_map(|(at, key)| {
        let clear = crypt::decrypt(key, encrypted, account.app_id.as_bytes())?;
        Some((at, clear))
    })
}

fn opened(delivery: Delivery, sealed_with: Option<(usize, usize)>, clear: Clear) -> Opened {
    let Delivery { account, sender, inbound } = delivery;
    // Since October 2018 a reply to a message carries one article, to anything else eight (platform.md part 3).
    let max_articles = if matches!(inbound.what, What::Message(_)) { 1 } else { 8 };
    Opened { delivery: Ok(inbound), reply_to: ReplyTo { to: sender, from: account, max_articles, sealed_with }, clear }
}

fn unusable(reason: Reason, body: &[u8]) -> Opened {
    Opened {
        delivery: Err(Unusable { reason, body: body.to_vec() }),
        reply_to: ReplyTo::default(),
        clear: Clear::default(),
    }
}

/// The outside of an encrypted delivery. Nothing of it is trusted and only two texts are wanted, so they are searched
/// for rather than parsed: whatever a customer typed into the clear part of a compatible delivery cannot get in the way.
#[derive(Debug, PartialEq)]
enum Envelope<'b> {
    Xml { encrypted: &'b str, account: Option<&'b str> },
    Json(JsonEnvelope),
}

#[derive(Debug, PartialEq, Deserialize)]
struct JsonEnvelope {
    #[serde(rename = "Encrypt")]
    encrypted: String,
    #[serde(rename = "ToUserName")]
    account: Option<String>,
}

impl<'b> Envelope<'b> {
    fn find(body: &'b [u8]) -> Option<Self> {
        let body = std::str::from_utf8(body).ok()?;
        let body = body.strip_prefix('\u{feff}').unwrap_or(body).trim_ascii();
        if body.starts_with('{') {
            return serde_json::from_str(body).ok().map(Self::Json);
        }
        // The platform sends no declaration and no DOCTYPE; what begins with one is not the platform's.
        let inside = body.strip_prefix("<xml>")?.strip_suffix("</xml>")?;
        // The last one: a customer's words stand before it or were typed into it, and then the signature does not fit.
        let (_, encrypted) = inside.rsplit_once("<Encrypt>")?;
        let account = inside.split_once("<ToUserName>").and_then(|(_, rest)| rest.split_once("</ToUserName>"));
        Some(Self::Xml {
            encrypted: text(encrypted.split_once("</Encrypt>")?.0),
            account: account.map(|(account, _)| text(account)),
        })
    }

    fn encrypted(&self) -> &str {
        match self {
            Self::Xml { encrypted, .. } => encrypted,
            Self::Json(envelope) => envelope.encrypted.trim_ascii(),
        }
    }

    fn account(&self) -> Option<&str> {
        match self {
            Self::Xml { account, .. } => *account,
            Self::Json(envelope) => envelope.account.as_deref(),
        }
    }
}

/// CDATA or plain, with the blanks some senders put around it (platform.md 9.14).
fn text(element: &str) -> &str {
    let element = element.trim_ascii();
    element.strip_prefix("<![CDATA[").and_then(|rest| rest.strip_suffix("]]>")).unwrap_or(element).trim_ascii()
}
