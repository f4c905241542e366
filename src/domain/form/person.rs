//! Phone numbers, names, addresses and one-time codes as people write them.

use super::{Wrong, narrow};

/// Longer is no name.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=30;
/// Shorter leads to no door.
const ADDRESS_CHARS: std::ops::RangeInclusive<usize> = 5..=120;

/// A mobile number of mainland China, 11 digits, of words like `138 0013 8000`, `+86-13800138000`, `１３８…`.
pub fn phone(words: &str) -> Option<String> {
    let written: String =
        narrow(words).chars().filter(|char| !matches!(char, '-' | '—' | '–' | '.' | '(' | ')')).collect();
    let number = ["+86", "0086", "86"]
        .iter()
        .find_map(|prefix| written.strip_prefix(prefix).filter(|rest| rest.len() == 11))
        .unwrap_or(&written);
    let is_one = number.len() == 11
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(number.as_bytes(), [b'1', b'3'..=b'9', ..]);
    is_one.then(|| number.to_owned())
}

pub(super) fn why_no_phone(words: &str) -> Wrong {
    let digits: String = narrow(words).chars().filter(|char| !matches!(char, '-' | '+' | '.' | '(' | ')')).collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Wrong::Unreadable
    } else if digits.starts_with('0') && !digits.starts_with("00") {
        Wrong::Landline
    } else if digits.len() == 11 {
        Wrong::Prefix
    } else {
        Wrong::Length
    }
}

/// A one-time code.
pub fn code(words: &str) -> Option<String> {
    let code = narrow(words);
    ((4..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// A person's name: letters of any script, with the point and the blanks between the parts of some.
pub fn name(words: &str) -> Option<String> {
    let name = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_one = NAME_CHARS.contains(&name.chars().count())
        && name.chars().all(|char| char.is_alphabetic() || matches!(char, '·' | '•' | '.' | '\'' | '-' | ' '))
        && name.chars().next().is_some_and(char::is_alphabetic);
    is_one.then_some(name)
}

pub(super) fn why_no_name(words: &str) -> Wrong {
    match words.split_whitespace().collect::<Vec<_>>().join(" ").chars().count() {
        chars if chars < *NAME_CHARS.start() => Wrong::TooShort,
        chars if chars > *NAME_CHARS.end() => Wrong::TooLong,
        _ => Wrong::Symbols,
    }
}

pub(super) fn why_no_address(words: &str) -> Wrong {
    let address = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if address.chars().count() > *ADDRESS_CHARS.end() {
        Wrong::TooLong
    } else if address.chars().any(|char| char.is_control() || matches!(char, '<' | '>')) {
        Wrong::Symbols
    } else {
        Wrong::TooShort
    }
}

/// An address in one line. Of more than its length and that it has words nobody can tell whether it leads anywhere.
pub fn address(words: &str) -> Option<String> {
    let address = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_one = ADDRESS_CHARS.contains(&address.chars().count())
        && address.chars().filter(|char| char.is_alphabetic()).count() >= 3
        && !address.chars().any(|char| char.is_control() || matches!(char, '<' | '>'));
    is_one.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_as_people_write_it() {
        for words in [
            "13800138000",
            " 138 0013 8000 ",
            "138-0013-8000",
            "+86 13800138000",
            "0086-138-0013-8000",
            "8613800138000",
            "１３８００１３８０００",
            "(+86)13800138000",
        ] {
            assert_eq!(phone(words).as_deref(), Some("13800138000"), "{words}");
        }
        for words in
            ["", "1380013800", "138001380000", "12800138000", "02584000000", "1380013800a", "+8513800138000", "一三八"]
        {
            assert_eq!(phone(words), None, "{words}");
        }
    }

    #[test]
    fn a_code_is_4_to_8_digits() {
        assert_eq!(code(" １２３ 456 ").as_deref(), Some("123456"));
        for words in ["", "123", "123456789", "12a4", "-1234"] {
            assert_eq!(code(words), None, "{words}");
        }
    }

    #[test]
    fn a_name_has_letters_and_what_stands_between_them() {
        for (words, expected) in [
            (" 张小明\n", "张小明"),
            ("阿卜杜拉·买买提", "阿卜杜拉·买买提"),
            ("Anna  Maria O'Neill-Smith", "Anna Maria O'Neill-Smith"),
        ] {
            assert_eq!(name(words).as_deref(), Some(expected));
        }
        for words in ["", "张", "张3", "<b>张三</b>", "13800138000", "·张三", "🙂🙂"] {
            assert_eq!(name(words), None, "{words}");
        }
        assert_eq!(name(&"张".repeat(31)), None);
    }

    #[test]
    fn an_address_has_words_and_one_line() {
        assert_eq!(address(" 南京市鼓楼区\n中山路 1 号 ").as_deref(), Some("南京市鼓楼区 中山路 1 号"));
        for words in ["", "南京", "12345678", "<script>alert(1)</script>", "1 2 3 4 5 号"] {
            assert_eq!(address(words), None, "{words}");
        }
        assert_eq!(address(&"路".repeat(121)), None);
    }
}
