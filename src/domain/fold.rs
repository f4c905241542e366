//! Folding: what a customer wrote, with everything taken away that makes no difference to what is meant.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// No more than so many characters are looked at. A text message of the platform is shorter (platform.md 2.2); the
/// limit keeps the work bounded whatever arrives.
pub const MAX_CHARS: usize = 2048;

/// Full and half width, case, simplified and traditional writing, spaces at the ends and runs of spaces, and
/// characters nobody sees are made the same.
///
/// ```
/// assert_eq!(fuwu::domain::fold::fold("　查話費　ＡＰＰ "), "查话费 app");
/// ```
pub fn fold(words: &str) -> String {
    let seen = words.chars().take(MAX_CHARS).filter(|c| !is_unseen(*c));
    if seen.clone().all(|c| plain(c).is_some()) {
        return closed_up(simplified(seen.filter_map(plain)), words.len());
    }
    closed_up(simplified(by_tables(seen)), words.len())
}

fn by_tables(seen: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    seen.nfkc().flat_map(char::to_lowercase).nfkc().take(MAX_CHARS)
}

/// A character that folds by itself, whatever stands beside it, without the tables of Unicode: those of nearly
/// everything that customers write.
fn plain(c: char) -> Option<char> {
    const FULL_WIDTH: u32 = '！' as u32 - '!' as u32;
    match c {
        '\0'..='\u{7f}' => Some(c.to_ascii_lowercase()),
        '一'..='\u{9fff}' | '、' | '。' => Some(c),
        '！'..='～' => char::from_u32(u32::from(c) - FULL_WIDTH).map(|c| c.to_ascii_lowercase()),
        '\u{3000}' => Some(' '),
        _ => None,
    }
}

/// Without spaces at the ends and runs of spaces.
fn closed_up(chars: impl Iterator<Item = char>, bytes: usize) -> String {
    let mut folded = String::with_capacity(bytes);
    let mut gap = false;
    for c in chars {
        if c.is_whitespace() {
            gap = !folded.is_empty();
        } else {
            if gap {
                folded.push(' ');
            }
            gap = false;
            folded.push(c);
        }
    }
    folded
}

/// Folded words without the punctuation at either end: "在吗？" asks what "在吗" asks.
pub fn without_marks(folded: &str) -> &str {
    const MARKS: &[char] = &[
        '.', ',', '!', '?', '~', ';', ':', '"', '\'', '(', ')', '[', ']', '{', '}', '。', '、', '“', '”', '‘', '’',
        '「', '」', '【', '】', '《', '》', '…', ' ',
    ];
    folded.trim_matches(MARKS)
}

/// Each character by itself: `fast2s` looks at its neighbours too, and a word would then be written differently
/// inside a sentence than alone.
pub(super) fn simplified(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    chars.map(|c| {
        let place = u32::from(c).checked_sub(u32::from(*COMMON.start())).and_then(|place| usize::try_from(place).ok());
        match place.and_then(|place| COMMON_SIMPLIFIED.get(place)) {
            Some(simplified) => *simplified,
            None if c.is_ascii() => c,
            None => simplify(c),
        }
    })
}

/// The characters of everyday writing.
const COMMON: RangeInclusive<char> = '一'..='\u{9fff}';

/// How each of [`COMMON`] is written in simplified writing.
static COMMON_SIMPLIFIED: LazyLock<Vec<char>> = LazyLock::new(|| COMMON.map(simplify).collect());

fn simplify(c: char) -> char {
    let mut simplified = fast2s::convert(c.encode_utf8(&mut [0; 4])).chars().collect::<Vec<_>>();
    // No character becomes two, or none.
    simplified.pop().filter(|_| simplified.is_empty()).unwrap_or(c)
}

/// Control characters, and the marks that steer writing without being seen.
fn is_unseen(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ways_to_write_the_same_are_the_same() {
        for (written, meant) in [
            ("ＡＢＣ　１２３", "abc 123"),
            ("查話費", "查话费"),
            ("  流量 \n\t 还有多少  ", "流量 还有多少"),
            ("查\u{200b}流\u{feff}量\0", "查流量"),
            ("ﾃｽﾄ", "テスト"),
            ("積分兌換", "积分兑换"),
            ("cafe\u{200b}\u{301}", "café"),
            ("", ""),
            ("\u{200b} ", ""),
        ] {
            assert_eq!(fold(written), meant, "{written:?}");
        }
    }

    #[test]
    fn punctuation_at_the_ends_makes_no_difference() {
        for (written, meant) in
            [("在吗？", "在吗"), ("“查流量”！！", "查流量"), ("5.5", "5.5"), ("？", ""), ("谢谢～", "谢谢")]
        {
            assert_eq!(without_marks(&fold(written)), meant, "{written}");
        }
    }

    #[test]
    fn a_word_is_folded_the_same_alone_and_in_a_sentence() {
        for (word, sentence) in [("乾", "乾隆"), ("畫", "企畫"), ("著", "看著"), ("藉", "藉口")] {
            assert!(fold(sentence).contains(&fold(word)), "{sentence}");
        }
    }

    #[test]
    fn every_common_character_is_simplified_as_if_it_stood_alone() {
        let apart: String = COMMON.flat_map(|c| [c, '\0']).collect();
        let expected: Vec<char> = fast2s::convert(&apart).chars().filter(|c| *c != '\0').collect();
        assert_eq!(simplified(COMMON).collect::<Vec<_>>(), expected);
    }

    proptest! {
        #[test]
        fn what_folds_by_itself_folds_as_the_tables_say(words in "[\\x00-\\x7f！-～　一-鿿、。]{0,20}") {
            prop_assert!(words.chars().all(|c| plain(c).is_some()));
            let seen = words.chars().filter(|c| !is_unseen(*c));
            prop_assert_eq!(fold(&words), closed_up(simplified(by_tables(seen)), 0));
        }

        #[test]
        fn folding_what_is_folded_changes_nothing(words in any::<String>()) {
            prop_assert_eq!(fold(&fold(&words)), fold(&words));
        }

        #[test]
        fn work_is_bounded_whatever_arrives(c in any::<char>()) {
            let long: String = std::iter::repeat_n(c, 50_000).collect();
            prop_assert!(fold(&long).chars().count() <= MAX_CHARS);
        }
    }
}
