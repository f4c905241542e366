//! Identity numbers of mainland China (GB 11643-1999): region, day of birth, sequence, check digit.

use super::{Wrong, narrow};
use crate::domain::time::BusinessDay;

/// The first two digits of every province.
const PROVINCES: &[&str] = &[
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83",
];
/// The weight of each of the first 17 digits (ISO 7064, MOD 11-2).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// The check digit by the remainder.
const CHECKS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];

/// An identity number of 18 characters with its X large. The province is one, the day of birth was one, and the check
/// digit holds; numbers of 15 digits are not valid any more since 2013.
pub fn identity(words: &str, today: BusinessDay) -> Option<String> {
    let number = narrow(words).to_uppercase();
    let chars: Vec<char> = number.chars().collect();
    let (digits, [check]) = chars.split_last_chunk::<1>()?;
    if digits.len() != WEIGHTS.len() {
        return None;
    }
    let digits: Vec<u32> = digits.iter().map(|char| char.to_digit(10)).collect::<Option<_>>()?;
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let expected = usize::try_from(sum % 11).ok().and_then(|rest| CHECKS.get(rest))?;
    let born = BusinessDay::parse(&format!("{}-{}-{}", number.get(6..10)?, number.get(10..12)?, number.get(12..14)?))?;
    let is_one =
        PROVINCES.contains(&number.get(..2)?) && number.get(6..10)? >= "1900" && born <= today && check == expected;
    is_one.then_some(number)
}

/// The first thing that is wrong, in the order in which people look.
pub(super) fn why_no_identity(words: &str, today: BusinessDay) -> Wrong {
    let number = narrow(words).to_uppercase();
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |range: std::ops::Range<usize>| number.get(range).unwrap_or_default();
    let body = number.strip_suffix('X').unwrap_or(&number);
    if body.is_empty() || !is_digits(body) {
        return Wrong::Unreadable;
    }
    if number.len() != WEIGHTS.len() + 1 {
        return if number.len() == 15 { Wrong::Old } else { Wrong::Length };
    }
    let born = BusinessDay::parse(&format!("{}-{}-{}", part(6..10), part(10..12), part(12..14)));
    if !PROVINCES.contains(&part(0..2)) {
        Wrong::Region
    } else if part(6..10) < "1900" || born.is_none_or(|born| born > today) {
        Wrong::Birthday
    } else {
        Wrong::Checksum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Option<String> {
        identity(words, BusinessDay::parse("2026-01-01").unwrap())
    }

    /// The check digit that belongs to 17 digits.
    fn whole(digits: &str) -> String {
        "0123456789X"
            .chars()
            .map(|check| format!("{digits}{check}"))
            .find(|number| {
                let sum: u32 =
                    number.chars().zip(WEIGHTS).map(|(char, weight)| char.to_digit(10).unwrap() * weight).sum();
                number.ends_with(CHECKS[sum as usize % 11])
            })
            .unwrap()
    }

    #[test]
    fn the_number_of_the_standard_is_one() {
        // The example of GB 11643-1999.
        assert_eq!(read("11010519491231002X").as_deref(), Some("11010519491231002X"));
        assert_eq!(read("１１０１０５ 19491231 002ｘ").as_deref(), Some("11010519491231002X"));
        assert_eq!(read("440524188001010014"), None, "born in 1880");
    }

    #[test]
    fn a_slip_of_one_digit_or_of_two_neighbours_is_found() {
        let number = "11010519491231002X";
        for at in 0..17 {
            let other: String = number
                .char_indices()
                .map(|(index, char)| if index == at { char::from(b'0' + (char as u8 - b'0' + 1) % 10) } else { char })
                .collect();
            assert_eq!(read(&other), None, "{other}");
            let mut turned: Vec<char> = number.chars().collect();
            turned.swap(at, at + 1);
            let turned: String = turned.into_iter().collect();
            assert!(turned == number || read(&turned).is_none(), "{turned}");
        }
    }

    #[test]
    fn a_right_check_digit_does_not_make_a_wrong_day_or_place_right() {
        assert!(read(&whole("11010520250228001")).is_some());
        for digits in [
            "00010519900101001", // no province
            "11010519900230001", // 30 February
            "11010519901301001", // a 13th month
            "11010520260102001", // tomorrow
            "11010518991231001", // nobody is so old
        ] {
            assert_eq!(read(&whole(digits)), None, "{digits}");
        }
        for words in
            ["", "X", "110105194912310", "11010519491231002XX", "1101051949123100 2Y", "身份证", "11010519491231０02"]
        {
            assert_eq!(read(words), None, "{words}");
        }
    }
}
