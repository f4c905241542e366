//! The fields every delivery has (platform.md 2.1), and where each kind goes.

use super::unusable::Reason;
use super::{ContentEnds, dedupe, event, json, message, xml};
use crate::channel::official::tree::{Node, Tree};
use crate::domain::ids::Openid;
use crate::domain::inbound::{Inbound, What};
use crate::domain::time::UnixSecs;

/// A delivery that was read: what it says, and between whom.
#[derive(Debug)]
pub(in crate::channel::official) struct Delivery {
    /// `ToUserName`: the account's original id.
    pub(in crate::channel::official) account: String,
    /// `FromUserName`: whom a reply would go to.
    pub(in crate::channel::official) sender: String,
    /// What it says.
    pub(in crate::channel::official) inbound: Inbound,
}

/// Fields that occur once. A second one is somebody trying to override the first (platform.md 9.26).
const ONCE: [&str; 12] = [
    "ToUserName",
    "FromUserName",
    "CreateTime",
    "MsgType",
    "MsgId",
    "Content",
    "Event",
    "EventKey",
    "Ticket",
    "OpenID",
    "bizmsgmenuid",
    "Encrypt",
];

const MAX_OPENID_CHARS: usize = 128;
/// What a name begins with that stands in place of an openid (`store`).
const PSEUDONYM_STARTS: [char; 2] = ['~', '!'];
/// 9999-12-31 23:59:59.
const MAX_TIME: i64 = 253_402_300_799;

/// Reads the clear text of one delivery.
pub(in crate::channel::official) fn read(clear: &[u8]) -> Result<Delivery, Reason> {
    let text = std::str::from_utf8(clear).map_err(|_| Reason::Encoding)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree: Tree<'_> =
        if text.trim_start().starts_with('{') { json::parse(text)? } else { xml::parse(text, ContentEnds::Last)? };
    understand(tree.root())
}

fn understand(root: Node<'_>) -> Result<Delivery, Reason> {
    let mut seen = [false; ONCE.len()];
    for child in root.children() {
        let known = ONCE.iter().position(|name| *name == child.name()).and_then(|at| seen.get_mut(at));
        if known.is_some_and(|seen| std::mem::replace(seen, true)) {
            return Err(Reason::Repeated);
        }
    }
    let sender = required(root, "FromUserName")?;
    let kind = required(root, "MsgType")?.trim();
    let account = required(root, "ToUserName")?.trim().to_owned();
    let at = time(required(root, "CreateTime")?)?;
    check_openid(sender)?;
    let is_event = kind.eq_ignore_ascii_case("event");
    let (key, what) = if is_event {
        let name = required(root, "Event")?.trim().to_ascii_lowercase();
        (dedupe::of_content(root, &name), What::Event(event::read(root, &name)))
    } else {
        let kind = kind.to_ascii_lowercase();
        let key = match message_id(root)? {
            Some(id) => dedupe::of_message(root, id),
            None => dedupe::of_content(root, &kind),
        };
        (key, What::Message(message::read(root, &kind)))
    };
    // The platform speaks for itself in these: the customer it is about stands in `OpenID` (platform.md 2.3).
    let about = if is_event { root.get("OpenID") } else { "" };
    if !about.is_empty() {
        check_openid(about)?;
    }
    let openid = Openid::new(if about.is_empty() { sender } else { about });
    Ok(Delivery { account, sender: sender.to_owned(), inbound: Inbound { openid, at, key, what } })
}

fn required<'t>(root: Node<'t>, name: &str) -> Result<&'t str, Reason> {
    let text = root.child(name).map(Node::value).ok_or(Reason::MissingField)?;
    match (text.trim().is_empty(), name) {
        (false, _) => Ok(text),
        (true, "FromUserName") => Err(Reason::Sender),
        (true, _) => Err(Reason::MissingField),
    }
}

fn time(text: &str) -> Result<UnixSecs, Reason> {
    let text = text.trim();
    if !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Reason::Time);
    }
    text.parse().ok().filter(|time| (1..=MAX_TIME).contains(time)).map(UnixSecs).ok_or(Reason::Time)
}

/// A `MsgId` is a positive 64-bit number; one that is missing or empty is none.
fn message_id(root: Node<'_>) -> Result<Option<u64>, Reason> {
    match root.get("MsgId").trim() {
        "" => Ok(None),
        id if !id.bytes().all(|digit| digit.is_ascii_digit()) => Err(Reason::MessageId),
        id => id.parse().ok().filter(|id| *id > 0).map(Some).ok_or(Reason::MessageId),
    }
}

/// An OpenID is opaque, but nothing that could mean something in a key, a log line or a URL is one (reliability.md
/// W58), nor what the store calls customers who left.
fn check_openid(openid: &str) -> Result<(), Reason> {
    let odd = |char: char| !char.is_ascii_graphic() || matches!(char, ':' | '{' | '}' | '*' | '/' | '?' | '"' | '\\');
    let fits = !openid.starts_with(PSEUDONYM_STARTS)
        && !openid.is_empty()
        && openid.len() <= MAX_OPENID_CHARS
        && !openid.contains(odd);
    if fits { Ok(()) } else { Err(Reason::Sender) }
}
