//! Values that fill a template: each knows how a person reads it, so that no amount is ever printed in the wrong unit.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::private::Private;

/// Named values for a template or a question.
pub type Values = BTreeMap<String, Value>;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Words; whatever they contain is only ever shown, never obeyed.
    Text(String),
    /// A count.
    Integer(i64),
    /// Money in fen; shown as yuan with two digits.
    Fen(i64),
    /// Data volume in KiB; shown in the largest unit that reads well.
    Kib(i64),
    /// A [`Value::Private`] as it is kept: only `store::sealed` makes and opens these.
    Sealed(Vec<u8>),
    /// Minutes; shown with their unit.
    Minutes(i64),
    /// How long ago something was, in seconds; shown in the largest unit.
    Age(i64),
    /// Several of a kind, each with parts of its own. Whoever tells them fills a line for each.
    List(Vec<Values>),
    /// Something about the person; shown masked. It is never written anywhere as it is: to serialise it is an error. It
    /// stands last: what is skipped counts when the others are written and not when they are read.
    #[serde(skip)]
    Private(Private),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(n) => write!(f, "{n}"),
            Self::Fen(fen) => {
                let sign = if *fen < 0 { "-" } else { "" };
                let fen = fen.unsigned_abs();
                write!(f, "{sign}{}.{:02}", fen / 100, fen % 100)
            }
            Self::Kib(kib) => fmt_kib(*kib, f),
            // The key it was sealed with is lost, and the words with it.
            Self::Sealed(_) => f.write_str("****"),
            Self::Private(private) => write!(f, "{private}"),
            Self::Minutes(n) => write!(f, "{n} 分钟"),
            Self::Age(secs) => match secs {
                ..60 => write!(f, "{} 秒", secs.max(&0)),
                60..3_600 => write!(f, "{} 分钟", secs / 60),
                3_600.. => write!(f, "{} 小时", secs / 3_600),
            },
            Self::List(entries) => write!(f, "{}", entries.len()),
        }
    }
}

/// Integer arithmetic throughout: two digits, cut and not rounded, so that nobody reads more than they have.
fn fmt_kib(kib: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let sign = if kib < 0 { "-" } else { "" };
    let kib = kib.unsigned_abs();
    let (unit, name) = match kib {
        0..1024 => return write!(f, "{sign}{kib}KB"),
        1024..1_048_576 => (1024, "MB"),
        _ => (1_048_576, "GB"),
    };
    let hundredths = u128::from(kib) * 100 / unit;
    let (whole, part) = (hundredths / 100, hundredths % 100);
    match part {
        0 => write!(f, "{sign}{whole}{name}"),
        _ if part.is_multiple_of(10) => write!(f, "{sign}{whole}.{}{name}", part / 10),
        _ => write!(f, "{sign}{whole}.{part:02}{name}"),
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Integer(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_shown_masked_and_written_nowhere() {
        let number = Value::Private(Private::new("13800138000"));
        assert_eq!(number.to_string(), "138****8000");
        assert!(!format!("{number:?}").contains("8000"));
        assert!(postcard::to_stdvec(&number).is_err() && serde_json::to_string(&number).is_err());
        assert_eq!(Value::Sealed(vec![1]).to_string(), "****");
        assert_eq!(postcard::to_stdvec(&Value::Sealed(vec![7])).unwrap(), [4, 1, 7]);
    }

    #[test]
    fn ages_are_shown_in_the_unit_that_reads_well_and_what_is_new_is_kept_behind_what_was() {
        let shown: Vec<String> = [-5, 0, 59, 60, 3_599, 7_300].map(|secs| Value::Age(secs).to_string()).into();
        assert_eq!(shown, ["0 秒", "0 秒", "59 秒", "1 分钟", "59 分钟", "2 小时"]);
        let all = [Value::Minutes(3), Value::Age(3), Value::List(vec![Values::new()])];
        let kept: Vec<Vec<u8>> = all.iter().map(|value| postcard::to_stdvec(value).unwrap()).collect();
        assert_eq!(kept, [vec![5, 6], vec![6, 6], vec![7, 1, 0]]);
        for (value, kept) in all.iter().zip(kept) {
            assert_eq!(&postcard::from_bytes::<Value>(&kept).unwrap(), value);
        }
    }

    #[test]
    fn money_is_shown_in_yuan() {
        assert_eq!(Value::Fen(123_456).to_string(), "1234.56");
        assert_eq!(Value::Fen(-5).to_string(), "-0.05");
        assert_eq!(Value::Fen(i64::MIN).to_string(), "-92233720368547758.08");
    }

    #[test]
    fn volumes_are_shown_in_the_unit_that_reads_well() {
        let shown: Vec<String> =
            [0, 512, 1024, 1536, 1_048_576, 13_212_058, -2048].map(|n| Value::Kib(n).to_string()).into();
        assert_eq!(shown, ["0KB", "512KB", "1MB", "1.5MB", "1GB", "12.6GB", "-2MB"]);
    }
}
