//! What a field of a template takes: its key names its type, `thing1` is a `thing` (platform.md 4.11). Where the
//! platform's words leave room, what is sure to be refused is refused here and the rest is left to the platform.

use std::fmt;

/// What must hold of the whole value, and the form in words.
type Form = (fn(&str) -> bool, &'static str);

/// The currency signs that an amount may begin with.
const CURRENCIES: &str = "¥￥$€£";

/// Why a value is not what its field takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Nothing may be empty.
    Empty,
    /// More than so many characters.
    TooLong(usize),
    /// It is of another form.
    Form(&'static str),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("不能是空的"),
            Self::TooLong(most) => write!(f, "最多 {most} 个字"),
            Self::Form(form) => write!(f, "要写成{form}"),
        }
    }
}

/// The type that a key names: its letters, without the number behind them.
fn kind(key: &str) -> &str {
    key.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Whether a key names a type and a number, as all keys of today's templates do. Keys of the older free form
/// (`first`, `keyword1`, `remark`) do not.
pub fn is_typed(key: &str) -> bool {
    const KINDS: [&str; 14] = [
        "thing",
        "number",
        "letter",
        "symbol",
        "character_string",
        "time",
        "date",
        "amount",
        "phone_number",
        "car_number",
        "name",
        "phrase",
        "enum",
        "const",
    ];
    let kind = kind(key);
    kind.len() < key.len() && KINDS.contains(&kind)
}

/// Whether a value is of the type that its key names. A key of the older free form takes any words.
///
/// # Errors
/// Why it is not.
pub fn fits(key: &str, value: &str) -> Result<(), Misfit> {
    if value.trim().is_empty() {
        return Err(Misfit::Empty);
    }
    let (most, form): (usize, Option<Form>) = match kind(key) {
        "thing" | "const" | "enum" => (20, None),
        "number" => (32, Some((|value| all(value, |c| c.is_ascii_digit() || ".-".contains(c)), "数字"))),
        "letter" => (32, Some((|value| all(value, |c| c.is_ascii_alphabetic()), "字母"))),
        "symbol" => (5, Some((|value| !value.chars().any(char::is_alphanumeric), "符号"))),
        "character_string" => (32, Some((str::is_ascii, "数字、字母或符号，不能有汉字"))),
        "time" => (40, Some((|value| is_time(value) && value.contains(':'), "时间，例如 2026-03-02 12:00"))),
        "date" => (40, Some((is_time, "日期，例如 2026-03-02"))),
        "amount" => (20, Some((is_amount, "金额，例如 20.00元"))),
        "phone_number" => (17, Some((|value| all(value, |c| c.is_ascii() && !c.is_ascii_alphabetic()), "电话号码"))),
        "car_number" => (8, None),
        "name" if value.is_ascii() => (20, None),
        "name" => (10, None),
        "phrase" => (5, Some((|value| all(value, is_chinese), "汉字，不能有数字、字母、标点"))),
        _ => return Ok(()),
    };
    if let Some((holds, form)) = form
        && !holds(value)
    {
        return Err(Misfit::Form(form));
    }
    if value.contains('\n') {
        return Err(Misfit::Form("一行"));
    }
    if value.chars().count() > most { Err(Misfit::TooLong(most)) } else { Ok(()) }
}

fn all(value: &str, of: impl Fn(char) -> bool) -> bool {
    value.chars().all(of)
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3134f}')
}

fn is_time(value: &str) -> bool {
    let of_time = |c: char| c.is_ascii_digit() || " :-/.~年月日".contains(c);
    value.chars().any(|c| c.is_ascii_digit()) && all(value, of_time)
}

/// A currency sign, up to 10 digits before the point, and 元 behind it; only the digits must be there.
fn is_amount(value: &str) -> bool {
    let digits = value.strip_prefix(|c| CURRENCIES.contains(c)).unwrap_or(value);
    let digits = digits.strip_suffix('元').unwrap_or(digits);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |digits: &str| !digits.is_empty() && all(digits, |c| c.is_ascii_digit());
    plain(whole) && plain(part) && whole.len() <= 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_the_type_its_key_names() {
        for (key, good, bad) in [
            ("thing1", &["5GB 流量月包", "a"][..], &["长长长长长长长长长长长长长长长长长长长长长", " ", "一\n二"][..]),
            ("number2", &["12", "-1.5"], &["十", "1e5"]),
            ("letter1", &["abc"], &["a1", "甲"]),
            ("symbol1", &["!!"], &["!a", "!!!!!!"]),
            (
                "character_string4",
                &["20260302123456789012345678", "A-1"],
                &["订单", "123456789012345678901234567890123"],
            ),
            ("time3", &["2026-03-02 12:00", "12:00", "10:00~12:00", "2026年3月2日 9:30"], &["中午", "2026-03-02"]),
            ("date3", &["2026-03-02", "2026年3月2日"], &["明天", "~"]),
            (
                "amount2",
                &["¥99.00", "20.00元", "1", "￥1234567890"],
                &["二十", "12345678901", "¥", "1.2.3", "1.", "¥¥1"],
            ),
            ("phone_number1", &["138-0000-0000", "+86"], &["号码", "123456789012345678"]),
            ("car_number1", &["粤A8Z888挂"], &["粤A8Z888挂粤A"]),
            ("name1", &["abcdefghijklmnopqrst", "小林"], &["一二三四五六七八九十一", "abcdefghijklmnopqrstu"]),
            ("phrase2", &["没有办成"], &["六个字的短语", "OK", "好了。"]),
            ("const1", &["办理中"], &["长长长长长长长长长长长长长长长长长长长长长"]),
            ("first", &["您好，订单已支付，一共很长很长很长很长很长很长很长"], &[""]),
        ] {
            for value in good {
                assert_eq!(fits(key, value), Ok(()), "{key} {value}");
            }
            for value in bad {
                let told = fits(key, value).unwrap_err().to_string();
                assert!(!told.is_empty(), "{key} {value}");
            }
        }
        assert_eq!(fits("thing1", &"长".repeat(21)), Err(Misfit::TooLong(20)));
    }

    #[test]
    fn todays_keys_have_a_type_and_a_number() {
        assert!(["thing1", "character_string12", "enum3"].into_iter().all(is_typed));
        assert!(!["thing", "keyword1", "first", "things1", "1", ""].into_iter().any(is_typed));
    }
}
