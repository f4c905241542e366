//! Amounts of money as people write them.

use super::{Wrong, narrow};

/// So many digits before the point: more is a slip, not a top-up.
const MOST_DIGITS: usize = 9;

/// An amount in fen of words like `50`, `５０元`, `￥19.9`, `19.90 块`. Nothing is guessed: a sign, an exponent, a
/// thousands separator or a third decimal is no amount.
pub fn fen(words: &str) -> Option<i64> {
    if !says_one_number(words) {
        return None;
    }
    let words = narrow(words);
    let words = words.strip_prefix(['¥', '￥']).unwrap_or(&words);
    let words = ["元", "块", "块钱", "元钱", "人民币"]
        .iter()
        .filter_map(|unit| words.strip_suffix(unit))
        .min_by_key(|rest| rest.len())
        .unwrap_or(words);
    let (yuan, fen) = words.split_once('.').unwrap_or((words, "0"));
    let is_number = |digits: &str, most: usize| {
        (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_number(yuan, MOST_DIGITS) || !is_number(fen, 2) {
        return None;
    }
    let tenfold = if fen.len() == 1 { 10 } else { 1 };
    Some(yuan.parse::<i64>().ok()? * 100 + fen.parse::<i64>().ok()? * tenfold)
}

/// What keeps words from being an amount, as far as it can be told.
pub(super) fn why_no_fen(words: &str) -> Wrong {
    let plain = narrow(words);
    let digits = plain.chars().filter(char::is_ascii_digit).count();
    let is_signed = plain.starts_with(['-', '+', '−', '－', '负']);
    let decimals = plain.split_once('.').map_or(0, |(_, rest)| rest.chars().take_while(char::is_ascii_digit).count());
    let rest: String = plain.chars().filter(|char| !char.is_ascii_digit()).collect();
    if digits == 0 || plain.chars().any(|char| char.is_ascii_alphabetic()) {
        Wrong::Unreadable
    } else if is_signed {
        Wrong::Sign
    } else if !says_one_number(words) || rest.matches('.').count() > 1 || rest.contains([',', '，', '、']) {
        Wrong::Several
    } else if decimals > 2 {
        Wrong::Decimals
    } else if digits > MOST_DIGITS {
        Wrong::Above
    } else {
        Wrong::Unreadable
    }
}

/// Whether the digits stand together and are plain ones: "10 20" is two numbers, and "5²" is not 52.
fn says_one_number(words: &str) -> bool {
    let is_digit = |char: char| char.is_ascii_digit() || ('０'..='９').contains(&char);
    let is_point = |char: char| matches!(char, '.' | '．');
    let mut runs = 0;
    let mut was_number = false;
    for char in words.chars() {
        if char.is_numeric() && !is_digit(char) {
            return false;
        }
        let is_number = is_digit(char) || is_point(char);
        runs += usize::from(is_number && !was_number);
        was_number = is_number;
    }
    runs == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_as_people_write_it() {
        for (words, expected) in [
            ("50", 5_000),
            ("５０", 5_000),
            ("50元", 5_000),
            (" 50 块钱 ", 5_000),
            ("¥19.9", 1_990),
            ("￥19.90元", 1_990),
            ("0.01", 1),
            ("007", 700),
            ("999999999.99", 99_999_999_999),
        ] {
            assert_eq!(fen(words), Some(expected), "{words}");
        }
    }

    #[test]
    fn what_could_be_meant_otherwise_is_no_amount() {
        for words in [
            "",
            "元",
            "-5",
            "+5",
            "5e2",
            "1e1",
            "0x10",
            "1,000",
            "1，000",
            "5.",
            ".5",
            "5.001",
            "5.0.0",
            "五十",
            "50 元吧",
            "1000000000",
            "5 0.1.2",
            "∞",
            "NaN",
            "5٫5",
            "٥٠",
            "50元元",
            "10 20",
            "1 000",
            "5 .5",
            "5²",
            "½",
            "①",
            "Ⅴ",
            "5\u{3000}0",
        ] {
            assert_eq!(fen(words), None, "{words}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(amount in 0..99_999_999_999_i64) {
            prop_assert_eq!(fen(&crate::domain::value::Value::Fen(amount).to_string()), Some(amount));
        }

        #[test]
        fn any_words_are_an_amount_or_none(words in "\\PC{0,20}") {
            if let Some(amount) = fen(&words) {
                prop_assert!((0..100_000_000_000).contains(&amount));
            }
        }
    }
}
