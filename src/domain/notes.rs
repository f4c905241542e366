//! Notes: what no open path could carry, kept for the customer's next message.

use serde::{Deserialize, Serialize};

use super::reply::Reply;
use super::time::UnixSecs;

/// At most so many notes wait; the oldest goes first.
pub const MAX_NOTES: usize = 5;

/// Something still to be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What.
    pub reply: Reply,
    /// After this it is of no use.
    pub expires: UnixSecs,
}

/// Adds a note, dropping expired ones and then the oldest beyond [`MAX_NOTES`].
pub fn keep(notes: &mut Vec<Note>, note: Note, now: UnixSecs) {
    notes.retain(|n| n.expires > now);
    notes.push(note);
    let surplus = notes.len().saturating_sub(MAX_NOTES);
    notes.drain(..surplus);
}
