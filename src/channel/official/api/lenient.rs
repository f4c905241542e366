//! What the platform writes now as a number, now as text (platform.md 4.0), read either way.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::error::number;

/// A number, or a number written as text.
pub(super) fn int<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(from)?;
    // What was found is not told: an error of the reader may end in a log.
    number(&value).ok_or_else(|| D::Error::custom("no number"))
}

/// An identifier, whether it comes as text or as a number.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(D::Error::custom("no text")),
    }
}

/// A flag as 0 or 1, as text of these, or as true and false.
pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match Value::deserialize(from)? {
        Value::Bool(flag) => Ok(flag),
        value => number(&value).map(|number| number != 0).ok_or_else(|| D::Error::custom("no flag")),
    }
}

/// Identifiers, each as [`text`].
pub(super) fn ints<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<i64>, D::Error> {
    let values = Option::<Vec<Value>>::deserialize(from)?.unwrap_or_default();
    values.iter().map(|value| number(value).ok_or_else(|| D::Error::custom("no number"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        #[serde(deserialize_with = "int")]
        count: i64,
        #[serde(deserialize_with = "text")]
        id: String,
        #[serde(deserialize_with = "flag")]
        open: bool,
        #[serde(default, deserialize_with = "ints")]
        tags: Vec<i64>,
    }

    #[test]
    fn numbers_and_texts_are_the_same() {
        let row = Row { count: 7, id: "42".into(), open: true, tags: vec![2, 128] };
        for body in [
            json!({"count": 7, "id": 42, "open": 1, "tags": [2, "128"]}),
            json!({"count": "7", "id": "42", "open": true, "tags": [2, 128]}),
        ] {
            assert_eq!(serde_json::from_value::<Row>(body).unwrap(), row);
        }
        let error = serde_json::from_value::<Row>(json!({"count": "s3cret", "id": 1, "open": 1})).unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
    }
}
