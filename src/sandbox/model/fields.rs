//! Reading JSON as tolerantly as the platform does: numbers may be strings, ids may be either.

use serde_json::Value;

/// The text at a pointer; empty if there is none.
pub fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a pointer, written as a number or as a string.
pub fn number(value: &Value, pointer: &str) -> Option<i64> {
    match value.pointer(pointer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The id at a pointer as text, whichever way it is written; empty if there is none.
pub fn id(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The list at a pointer; empty if there is none.
pub fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The texts of the list at a pointer.
pub fn texts<'v>(value: &'v Value, pointer: &str) -> Vec<&'v str> {
    list(value, pointer).iter().filter_map(Value::as_str).collect()
}

/// Whether a switch (`true`, 1 or "1") is on.
pub fn is_on(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or_else(|| number(value, pointer) == Some(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_ids_may_be_written_either_way() {
        let body = json!({ "tag": { "id": "134" }, "n": 7, "on": 1, "names": ["a", 2, "b"] });
        assert_eq!((number(&body, "/tag/id"), number(&body, "/n"), number(&body, "/x")), (Some(134), Some(7), None));
        assert_eq!((id(&body, "/tag/id"), id(&body, "/n"), id(&body, "/x")), ("134".into(), "7".into(), String::new()));
        assert_eq!(texts(&body, "/names"), ["a", "b"]);
        assert!(is_on(&body, "/on") && !is_on(&body, "/n"));
    }
}
