//! The words that messages without an answer are counted by.

use crate::domain::fold::{fold, without_marks};

/// A counter carries at most so much.
const MAX_CHARS: usize = 64;
/// A number of so many digits or more may be a phone, a card, an address: nothing a report should show.
const LONG_NUMBER: usize = 5;
const MASK: char = '＊';

/// The words of a message as [`super::counter::Metric::Unanswered`] counts them: what asks the same is written the same,
/// long numbers are masked, and it is short.
pub fn words_counted(text: &str) -> String {
    let folded = fold(text);
    let words = match without_marks(&folded) {
        "" => folded.as_str(),
        words => words,
    };
    let mut counted = String::new();
    let mut number = String::new();
    // What stands at the end closes the last number.
    for c in words.chars().map(Some).chain([None]) {
        if let Some(digit) = c.filter(|c| c.is_numeric()) {
            number.push(digit);
            continue;
        }
        if number.chars().count() < LONG_NUMBER {
            counted.push_str(&number);
        } else {
            counted.push(MASK);
        }
        number.clear();
        counted.extend(c);
    }
    counted.chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_asks_the_same_is_counted_as_the_same() {
        for (written, counted) in [
            ("　怎麼查ＩＰ？？", "怎么查ip"),
            ("怎么查ip", "怎么查ip"),
            ("？？？", "???"),
            ("", ""),
            ("10086 和 1008 和 １３８００１３８０００。", "＊ 和 1008 和 ＊"),
            ("号码13800138000", "号码＊"),
        ] {
            assert_eq!(words_counted(written), counted, "{written}");
        }
    }

    proptest! {
        #[test]
        fn they_are_short_and_never_show_a_long_number(text in "[0-9０-９ a①一?]{0,90}|\\PC{0,90}") {
            let counted = words_counted(&text);
            prop_assert!(counted.chars().count() <= MAX_CHARS);
            let mut run = 0;
            for c in counted.chars() {
                run = if c.is_numeric() { run + 1 } else { 0 };
                prop_assert!(run < LONG_NUMBER, "{counted}");
            }
        }
    }
}
