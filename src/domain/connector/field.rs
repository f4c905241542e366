//! Parts of an answer: where each stands, what it is, and how it is read. Nothing is guessed: what is not of its unit is
//! no part.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::Unfit;
use crate::domain::time::BusinessDay;
use crate::domain::value::{Value, Values};

/// Entries of a list that are read when the operator does not say how many.
const FEW: u8 = 12;
/// The most an operator may ask for: a month, day by day.
pub const MOST_ENTRIES: u8 = 31;

/// One part of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// JSON pointer (RFC 6901): `/plan/name`; within a list it begins at the entry.
    #[schemars(description = "在回答里的位置（JSON 指针），例如 /plan/name；列表里的从每一条开始写")]
    pub at: String,
    /// What it is.
    #[serde(rename = "as")]
    #[schemars(description = "类型和单位")]
    pub unit: Unit,
    /// Of a list: the names of an entry's parts.
    #[serde(default)]
    #[schemars(description = "as = \"list\" 时，每一条里的字段")]
    pub fields: BTreeMap<String, Field>,
    /// Of a list: at most so many entries are read, 1 to 31, 12 when left out; what comes after them is left out.
    #[serde(default)]
    #[schemars(description = "as = \"list\" 时，最多取前几条（1 到 31，不写是 12）")]
    pub most: Option<u8>,
}

/// The type and unit of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Words.
    Text,
    /// A count.
    Integer,
    /// Money in fen, shown as yuan.
    Fen,
    /// Money in yuan with at most two decimals, a number or a string; shown as yuan.
    Yuan,
    /// Data volume in bytes, shown as KB, MB or GB.
    Bytes,
    /// Data volume in KiB, shown as KB, MB or GB.
    Kib,
    /// Data volume in MiB, with decimals if need be; shown as KB, MB or GB.
    Mib,
    /// Minutes, shown with their unit.
    Minutes,
    /// A day: `2026-01-31`, `20260131`, `2026/1/31`, with or without a time behind it; shown as `2026-01-31`.
    Date,
    /// A month: `2026-01`, `202601`; shown as `2026-01`.
    Month,
    /// Several of a kind, each with parts of its own.
    List,
}

impl Unit {
    /// As an operator writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Fen => "fen",
            Self::Yuan => "yuan",
            Self::Bytes => "bytes",
            Self::Kib => "kib",
            Self::Mib => "mib",
            Self::Minutes => "minutes",
            Self::Date => "date",
            Self::Month => "month",
            Self::List => "list",
        }
    }
}

impl Field {
    /// The most entries that are read of a list.
    pub fn most(&self) -> usize {
        usize::from(self.most.unwrap_or(FEW).min(MOST_ENTRIES))
    }

    /// This part of an answer.
    ///
    /// # Errors
    /// [`Unfit`] when it is not there or not of its unit; `name` is what it tells.
    pub fn read(&self, name: &str, body: &Json) -> Result<Value, Unfit> {
        let missing = || Unfit::Missing { name: name.to_owned(), at: self.at.clone() };
        let part = body.pointer(&self.at).filter(|part| !part.is_null()).ok_or_else(missing)?;
        if self.unit == Unit::List {
            return self.read_list(name, part);
        }
        self.read_one(part).ok_or_else(|| self.wrong(name, part))
    }

    fn read_list(&self, name: &str, part: &Json) -> Result<Value, Unfit> {
        let entries = part.as_array().ok_or_else(|| self.wrong(name, part))?;
        let of_entry = |entry: &Json| -> Result<Values, Unfit> {
            self.fields
                .iter()
                .map(|(inner, field)| Ok((inner.clone(), field.read(&format!("{name}.{inner}"), entry)?)))
                .collect()
        };
        entries.iter().take(self.most()).map(of_entry).collect::<Result<_, _>>().map(Value::List)
    }

    fn wrong(&self, name: &str, part: &Json) -> Unfit {
        Unfit::Wrong { name: name.to_owned(), at: self.at.clone(), unit: self.unit.name(), found: kind_of(part) }
    }

    fn read_one(&self, part: &Json) -> Option<Value> {
        match self.unit {
            // A number is not taken for words: what is mapped wrongly should not be told to a customer.
            Unit::Text => part.as_str().map(Value::from),
            Unit::Integer => integer(part).map(Value::Integer),
            Unit::Fen => integer(part).map(Value::Fen),
            Unit::Yuan => scaled(part, 2).and_then(|fen| i64::try_from(fen).ok()).map(Value::Fen),
            Unit::Bytes => integer(part).map(|bytes| Value::Kib(bytes / 1024)),
            Unit::Kib => integer(part).map(Value::Kib),
            Unit::Mib => {
                let millionths = scaled(part, 6)?.checked_mul(1024)?;
                i64::try_from(millionths / 1_000_000).ok().map(Value::Kib)
            }
            Unit::Minutes => integer(part).map(Value::Minutes),
            Unit::Date => day(&word(part)?).map(Value::from),
            Unit::Month => month(&word(part)?).map(Value::from),
            Unit::List => None,
        }
    }
}

/// What a part is, for an operator who has to find it.
fn kind_of(part: &Json) -> &'static str {
    match part {
        Json::Null => "null",
        Json::Bool(_) => "true/false",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// Words, or a number as it was written: codes and days come as either.
pub(super) fn word(part: &Json) -> Option<String> {
    match part {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Many business systems send integers as strings.
fn integer(part: &Json) -> Option<i64> {
    part.as_i64().or_else(|| part.as_str()?.trim().parse().ok())
}

/// A decimal number times ten to the power of `digits`, exactly: no digit beyond them but zeros, no exponent.
fn scaled(part: &Json, digits: usize) -> Option<i128> {
    let text = word(part)?;
    let text = text.trim();
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let decimals = decimals.trim_end_matches('0');
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 15 || decimals.len() > digits || !all_digits(whole) || !all_digits(decimals) {
        return None;
    }
    let number: i128 = format!("{whole}{decimals:0<digits$}").parse().ok()?;
    Some(if is_negative { -number } else { number })
}

/// `2026-01-31` of what stands for that day.
fn day(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.split(['T', ' ']).next().unwrap_or(text);
    let (year, month, day) = match text.split(['-', '/']).collect::<Vec<_>>().as_slice() {
        // `20260131`, or `20260131235959`.
        [digits] if matches!(digits.len(), 8 | 14) => (digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?),
        [year, month, day] => (*year, *month, *day),
        _ => return None,
    };
    let day = format!("{year:0>4}-{month:0>2}-{day:0>2}");
    BusinessDay::parse(&day).map(|_| day)
}

/// `2026-01` of what stands for that month.
fn month(text: &str) -> Option<String> {
    let text = text.trim();
    let (year, month) = match text.split(['-', '/']).collect::<Vec<_>>().as_slice() {
        [digits] if digits.len() == 6 => (digits.get(..4)?, digits.get(4..)?),
        [year, month] => (*year, *month),
        _ => return None,
    };
    let month = format!("{year:0>4}-{month:0>2}");
    BusinessDay::parse(&format!("{month}-01")).map(|_| month)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(unit: &str, part: Json) -> Option<Value> {
        let field: Field = serde_json::from_value(json!({"at": "/x", "as": unit})).unwrap();
        field.read("x", &json!({ "x": part })).ok()
    }

    #[test]
    fn money_in_yuan_is_read_to_the_fen_or_not_at_all() {
        let cases = [
            (json!("12.3"), 1_230),
            (json!(12.34), 1_234),
            (json!(0.29), 29),
            (json!("8"), 800),
            (json!(" 1.500 "), 150),
            (json!("-3.20"), -320),
            (json!("999999999999.99"), 99_999_999_999_999),
        ];
        for (part, fen) in cases {
            assert_eq!(read("yuan", part.clone()), Some(Value::Fen(fen)), "{part}");
        }
        let wrong = ["1.234", "1e2", "", ".5", "1,000", "１２", "+1", "--1", "12元", "1.2.3", "9999999999999999"];
        for part in wrong.map(Json::from).into_iter().chain([json!(0.001), json!(1e30), json!(true), json!([1])]) {
            assert_eq!(read("yuan", part.clone()), None, "{part}");
        }
    }

    #[test]
    fn volumes_and_minutes_come_in_the_units_that_systems_use() {
        assert_eq!(read("bytes", json!(1_048_576)), Some(Value::Kib(1024)));
        assert_eq!(read("bytes", json!(1_500)), Some(Value::Kib(1)), "cut: nobody reads more than they have");
        assert_eq!(read("kib", json!("2048")), Some(Value::Kib(2048)));
        assert_eq!(read("mib", json!(1.5)), Some(Value::Kib(1536)));
        assert_eq!(read("mib", json!("20480")), Some(Value::Kib(20_971_520)));
        assert_eq!(read("minutes", json!(174)).unwrap().to_string(), "174 分钟");
        assert_eq!(
            [read("bytes", json!(1.5)), read("mib", json!("x")), read("minutes", json!("3 分"))],
            [None, None, None]
        );
    }

    #[test]
    fn days_and_months_are_read_in_whatever_shape_and_only_if_they_are() {
        for text in ["2026-01-31", "20260131", "2026/1/31", "2026-01-31 23:59:59", "2026-01-31T23:59:59+08:00"] {
            assert_eq!(read("date", json!(text)), Some(Value::from("2026-01-31")), "{text}");
        }
        assert_eq!(read("date", json!(20_260_131)), Some(Value::from("2026-01-31")));
        for text in ["2026-02-30", "2026", "", "31-01-2026", "明天", "2026-13-01", "２０２６-01-31"] {
            assert_eq!(read("date", json!(text)), None, "{text}");
        }
        for text in ["2026-01", "202601", "2026/1"] {
            assert_eq!(read("month", json!(text)), Some(Value::from("2026-01")), "{text}");
        }
        assert_eq!([read("month", json!("2026-13")), read("month", json!("2601"))], [None, None]);
    }

    #[test]
    fn a_list_is_read_entry_by_entry_and_no_further_than_it_may() {
        let field: Field = serde_json::from_value(json!({
            "at": "/bills", "as": "list", "most": 2,
            "fields": {"month": {"at": "/m", "as": "month"}, "sum": {"at": "/fen", "as": "fen"}},
        }))
        .unwrap();
        let body = json!({"bills": [{"m": "202601", "fen": 1}, {"m": "202512", "fen": 2}, {"m": "broken"}]});
        let entry = |month: &str, fen| {
            Values::from([("month".to_owned(), Value::from(month)), ("sum".to_owned(), Value::Fen(fen))])
        };
        assert_eq!(field.read("bills", &body), Ok(Value::List(vec![entry("2026-01", 1), entry("2025-12", 2)])));
        assert_eq!(field.read("bills", &json!({"bills": []})), Ok(Value::List(Vec::new())));
        let fault = |body: Json| field.read("bills", &body).unwrap_err().to_string();
        assert!(fault(json!({"bills": {"m": 1}})).contains("object"));
        assert!(fault(json!({"bills": [{"m": "202601", "fen": "1.5"}]})).contains("bills.sum"));
        assert!(fault(json!({"bills": [7]})).contains("bills.month"));
        let long = Field { most: None, ..field.clone() };
        assert_eq!((long.most(), Field { most: Some(200), ..field }.most()), (12, 31));
    }

    #[test]
    fn a_number_is_not_taken_for_words_nor_words_for_a_number() {
        assert_eq!([read("text", json!(1)), read("text", json!(null)), read("text", json!({}))], [None, None, None]);
        assert_eq!(
            [read("integer", json!("一")), read("integer", json!(1.5)), read("fen", json!("12.3"))],
            [None, None, None]
        );
        assert_eq!(read("integer", json!(u64::MAX)), None);
    }
}
