//! The key that is the same for every retry of one delivery (platform.md 1.5, 9.3, 9.4).

use sha2::{Digest, Sha256};

use crate::channel::official::tree::Node;
use crate::domain::ids::DedupeKey;

/// What does not tell two deliveries apart, or may differ between two tries of one.
const NOT_TELLING: [&str; 4] = ["ToUserName", "MsgType", "Event", "Encrypt"];
/// Who it is from. Two customers who tap the same button in the same second differ in nothing else, and order numbers
/// are made from this key.
const CUSTOMER: &str = "FromUserName";

/// A message is its sender, its `MsgId` and its second: the id alone is not unique (platform.md 9.3).
pub(super) fn of_message(root: Node<'_>, message_id: u64) -> DedupeKey {
    let mut hash = Sha256::new();
    part(&mut hash, "message");
    part(&mut hash, root.get(CUSTOMER).trim());
    hash.update(message_id.to_be_bytes());
    part(&mut hash, root.get("CreateTime").trim());
    short(hash)
}

/// An event, or a message without an id, is everything it says: two events of one customer can share a second
/// (platform.md 9.4), and a retry repeats every word. Sorted, because the order of elements is not promised.
pub(super) fn of_content(root: Node<'_>, kind: &str) -> DedupeKey {
    let mut said: Vec<(&str, &str)> = root
        .descendants()
        .map(|node| (node.name(), node.value()))
        .filter(|(name, value)| !value.trim().is_empty() && !NOT_TELLING.contains(name))
        .collect();
    said.sort_unstable();
    let mut hash = Sha256::new();
    part(&mut hash, kind);
    for (name, value) in said {
        part(&mut hash, name);
        part(&mut hash, value);
    }
    short(hash)
}

/// A part with its length, so that no two lists of parts look the same.
fn part(hash: &mut Sha256, text: &str) {
    hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(text.as_bytes());
}

fn short(hash: Sha256) -> DedupeKey {
    let digest = hash.finalize();
    DedupeKey(digest.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte)))
}
