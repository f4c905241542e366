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
    /// Whether it says what became of the customer's money ([`super::work::Work::is_receipt`]).
    pub is_receipt: bool,
}

/// Whether one more can be kept.
pub fn have_room(notes: &[Note], now: UnixSecs) -> bool {
    notes.iter().filter(|note| note.expires > now).count() < MAX_NOTES
}

/// Adds a note that is still of use, dropping expired ones and then the oldest beyond [`MAX_NOTES`]: whoever has to know
/// asks [`have_room`] before.
pub fn keep(notes: &mut Vec<Note>, note: Note, now: UnixSecs) {
    notes.retain(|n| n.expires > now);
    if note.expires <= now {
        return;
    }
    notes.push(note);
    let surplus = notes.len().saturating_sub(MAX_NOTES);
    notes.drain(..surplus);
}

/// Takes the notes that are still of use, oldest first, and forgets the others.
pub fn take(notes: &mut Vec<Note>, now: UnixSecs) -> Vec<Note> {
    let mut taken = std::mem::take(notes);
    taken.retain(|note| note.expires > now && !note.reply.is_silent());
    taken
}

/// Says notes together with a reply: words go before words, a blank line between, as long as one text message holds
/// them (platform.md part 3). Gives back what has to be said by itself.
pub fn join(notes: Vec<Note>, reply: &mut Reply) -> Vec<Note> {
    let Some(mut text) = words_of(reply) else { return notes };
    let mut before = String::new();
    let mut left = Vec::new();
    for note in notes {
        match &note.reply {
            Reply::Text(words) if before.len() + words.len() + 2 + text.len() <= MAX_TEXT_BYTES => {
                before.push_str(words);
                before.push_str(BETWEEN);
            }
            _ => left.push(note),
        }
    }
    text.insert_str(0, &before);
    let text = text.strip_suffix(BETWEEN).unwrap_or(&text);
    if !before.is_empty() {
        *reply = Reply::Text(text.to_owned());
    }
    left
}

/// What a text message carries (platform.md part 3).
pub const MAX_TEXT_BYTES: usize = 2048;
const BETWEEN: &str = "\n\n";

fn words_of(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Text(text) => Some(text.clone()),
        Reply::Silent => Some(String::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str, expires: i64) -> Note {
        Note { reply: Reply::Text(text.into()), expires: UnixSecs(expires), is_receipt: false }
    }

    #[test]
    fn the_oldest_note_gives_way() {
        let mut notes = Vec::new();
        for n in 0..8 {
            keep(&mut notes, note(&n.to_string(), 100 + n), UnixSecs(0));
        }
        assert_eq!(notes.len(), MAX_NOTES);
        assert_eq!(notes[0], note("3", 103));
        keep(&mut notes, note("new", 200), UnixSecs(105));
        assert_eq!(notes, [note("6", 106), note("7", 107), note("new", 200)]);
    }

    #[test]
    fn a_note_is_said_once_and_not_after_its_time() {
        let mut notes = vec![note("a", 10), note("b", 20)];
        assert_eq!(take(&mut notes, UnixSecs(10)), [note("b", 20)]);
        assert_eq!(take(&mut notes, UnixSecs(10)), []);
    }

    #[test]
    fn words_go_before_words() {
        let mut reply = Reply::Text("今天的".into());
        assert_eq!(join(vec![note("昨天的", 9), note("早上的", 9)], &mut reply), []);
        assert_eq!(reply, Reply::Text("昨天的\n\n早上的\n\n今天的".into()));
        let mut silent = Reply::Silent;
        assert_eq!(join(vec![note("昨天的", 9)], &mut silent), []);
        assert_eq!(silent, Reply::Text("昨天的".into()));
        assert_eq!(join(vec![], &mut Reply::Silent), []);
    }

    #[test]
    fn what_does_not_fit_or_is_no_text_is_said_by_itself() {
        let picture = Note { reply: Reply::Image { media_id: "m".into() }, expires: UnixSecs(9), is_receipt: false };
        let mut reply = Reply::Text("短".into());
        let long = note(&"长".repeat(600), 9);
        let left = join(vec![long.clone(), picture.clone(), note("中", 9)], &mut reply);
        assert_eq!(left, [picture]);
        let Reply::Text(text) = &reply else { panic!() };
        assert!(text.len() <= MAX_TEXT_BYTES);
        assert_eq!(join(vec![long.clone()], &mut reply).len(), 1);
        let mut articles = Reply::Articles(vec![]);
        assert_eq!(join(vec![long.clone()], &mut articles), [long]);
        assert_eq!(articles, Reply::Articles(vec![]));
    }

    #[test]
    fn exactly_what_fits_goes_along() {
        let mut reply = Reply::Text("x".repeat(1000));
        assert_eq!(join(vec![note(&"y".repeat(1046), 9)], &mut reply), []);
        let mut reply = Reply::Text("x".repeat(1000));
        assert_eq!(join(vec![note(&"y".repeat(1047), 9)], &mut reply).len(), 1);
    }
}
