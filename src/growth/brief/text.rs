//! As plain text.

use super::page::{Line, Page, Place};

/// The longest text, in characters (growth.md 6.2).
pub const MOST_CHARS: usize = 600;

pub(super) fn written(page: &Page) -> String {
    page.fitted(line, |text| text.chars().count() <= MOST_CHARS)
}

fn line(line: &Line) -> String {
    let words: String = line.spans.iter().map(|(_, text)| text.as_str()).collect();
    match line.place {
        Place::Title => format!("【{words}】"),
        Place::Heading => format!("▍{words}"),
        Place::Line => words,
    }
}
