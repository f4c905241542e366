//! Characters: which ones XML 1.0 allows, and cutting words without hurting them (platform.md part 3).

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

/// Whether XML 1.0 allows a character.
pub(super) fn is_allowed(char: char) -> bool {
    !matches!(char, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether there is a control character that XML does not allow.
pub(super) fn has_control(text: &str) -> bool {
    text.bytes().any(|byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
}

/// Whether there is a character that no XML can hold and nobody can type: NUL and the two noncharacters.
pub(super) fn has_noncharacter(text: &str) -> bool {
    text.as_bytes().contains(&0) || text.contains('\u{fffe}') || text.contains('\u{ffff}')
}

/// Without the characters XML does not allow.
pub(super) fn without_controls(text: &str) -> String {
    text.chars().filter(|char| is_allowed(*char)).collect()
}

/// The longest beginning of at most `max_bytes` that ends between two characters as people see them: not inside an
/// emoji sequence, not before a combining mark.
pub(super) fn cut(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let hard = text.floor_char_boundary(max_bytes);
    let mut end = hard;
    while end > 0 && joins(text, end) {
        end = text.floor_char_boundary(end - 1);
    }
    // One endless cluster is not a character anybody types: then any boundary will do.
    text.get(..if end == 0 { hard } else { end }).unwrap_or_default()
}

/// Whether what stands before and after `at` belongs together.
fn joins(text: &str, at: usize) -> bool {
    const JOINER: char = '\u{200d}';
    let Some((before, after)) = text.split_at_checked(at) else { return false };
    let (Some(last), Some(next)) = (before.chars().next_back(), after.chars().next()) else { return false };
    let is_flag = |char| ('\u{1f1e6}'..='\u{1f1ff}').contains(&char);
    last == JOINER
        || next == JOINER
        || is_combining_mark(next)
        || matches!(next, '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
        || (last == '\r' && next == '\n')
        || (is_flag(next) && before.chars().rev().take_while(|char| is_flag(*char)).count() % 2 == 1)
}

/// [`cut`] that never ends inside a link `<a …>…</a>` (platform.md 3.1): a link goes whole or not at all. A text that
/// begins with a link longer than everything keeps its words and loses the link.
pub(super) fn cut_around_links(text: &str, max_bytes: usize) -> &str {
    let short = cut(text, max_bytes);
    if short.len() == text.len() {
        return text;
    }
    match links(text).find(|link| link.end > short.len()) {
        Some(link) if link.start < short.len() => {
            match text.get(..link.start).filter(|before| !before.trim().is_empty()) {
                Some(before) => before,
                None => cut(label(text.get(link).unwrap_or_default()), max_bytes),
            }
        }
        _ => short,
    }
}

/// Where the links are: from `<a` to the next `</a>`.
fn links(text: &str) -> impl Iterator<Item = Range<usize>> {
    const CLOSES: &str = "</a>";
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find("<a")?;
            from = start + "<a".len();
            if text.get(from..)?.starts_with([' ', '\t', '\n', '\r', '>']) {
                let end = from + text.get(from..)?.find(CLOSES)? + CLOSES.len();
                from = end;
                return Some(start..end);
            }
        }
    })
}

/// The words of the link that `text` begins with.
fn label(text: &str) -> &str {
    let inner = text.split_once('>').map_or("", |(_, after)| after);
    inner.split_once("</a>").map_or(inner, |(words, _)| words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cut_falls_between_characters_as_people_see_them() {
        assert_eq!(cut("你好", 5), "你");
        assert_eq!(cut("你好", 6), "你好");
        assert_eq!(cut("a👨‍👩‍👧", 10), "a");
        assert_eq!(cut("e\u{301}e\u{301}", 5), "e\u{301}");
        assert_eq!(cut("a👍🏽", 5), "a");
        assert_eq!(cut("🇨🇳🇨🇳", 12), "🇨🇳");
        assert_eq!(cut("\u{301}\u{301}", 3), "\u{301}");
    }

    #[test]
    fn a_link_goes_whole_or_not_at_all() {
        let text = r#"看看<a href="https://example.com/">这里</a>吧"#;
        for max in 0..text.len() {
            let cut = cut_around_links(text, max);
            assert!(cut.len() <= max);
            assert_eq!(cut.matches("<a ").count(), cut.matches("</a>").count(), "{max}: {cut}");
        }
        assert_eq!(cut_around_links(text, text.len()), text);
        assert_eq!(cut_around_links("a <b and c <a", 12), "a <b and c <");
        assert_eq!(cut_around_links("<a x>1</a><a x>2</a>", 15), "<a x>1</a>");
        assert_eq!(cut_around_links("no link: <abc>1</a> <a ", 12), "no link: <ab");
    }

    #[test]
    fn a_link_that_is_too_long_keeps_its_words() {
        let text = format!("<a href=\"https://example.com/{}\">点我</a>", "x".repeat(3000));
        assert_eq!(cut_around_links(&text, 2048), "点我");
        assert_eq!(cut_around_links(&"<a ".repeat(1000), 2048).len(), 2048);
        assert_eq!(cut_around_links(&format!("{}</a>", "<a ".repeat(1000)), 2048), "");
    }

    proptest! {
        #[test]
        fn a_cut_is_a_beginning_and_fits(text in "\\PC{0,40}", max in 0_usize..60) {
            let cut = cut(&text, max);
            prop_assert!(text.starts_with(cut) && cut.len() <= max);
        }
    }
}
