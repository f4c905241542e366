//! An input taken apart: pieces that are text as far as possible, so that a kept input can be read and written by hand.

use std::borrow::Cow;

/// What stands between two pieces: a control character, which no text of ours means anything by.
const BETWEEN: u8 = 0x1e;

/// The pieces of an input, one by one; when there are no more, empty ones.
pub struct Pieces<'a>(Option<&'a [u8]>);

impl<'a> Pieces<'a> {
    pub fn of(input: &'a [u8]) -> Self {
        Self(Some(input))
    }

    pub fn bytes(&mut self) -> &'a [u8] {
        let rest = self.0.unwrap_or_default();
        match rest.iter().position(|byte| *byte == BETWEEN) {
            Some(at) => {
                self.0 = Some(&rest[at + 1..]);
                &rest[..at]
            }
            None => self.0.take().unwrap_or_default(),
        }
    }

    pub fn text(&mut self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// A small number: of the first byte of the piece.
    pub fn choice(&mut self, of: usize) -> usize {
        self.bytes().first().map_or(0, |byte| usize::from(*byte) % of)
    }

    pub fn is_done(&self) -> bool {
        self.0.is_none()
    }
}
