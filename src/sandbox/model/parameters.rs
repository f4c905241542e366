//! What the keys of a template take (platform.md 4.11): a key's name says its type, `thing1` is a `thing`.

use serde_json::Value;

use super::fault::ApiFault;

/// The keys of a template's content, `{{thing1.DATA}}` and the like, in order.
pub fn keys(content: &str) -> Vec<&str> {
    let inside = content.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
    inside.filter_map(|(key, _)| key.strip_suffix(".DATA")).collect()
}

/// The content with its values, or 47003 naming the first key whose value is missing or breaks its type.
pub fn filled(content: &str, data: &Value) -> Result<String, ApiFault> {
    let mut words = content.to_owned();
    for key in keys(content) {
        let value = data.get(key).and_then(|field| field.get("value"));
        let value = match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        if value.is_empty() {
            return Err(ApiFault::new(47003, format!("argument invalid! data.{key}.value is empty")));
        }
        if !fits(key, &value) {
            return Err(ApiFault::new(47003, format!("argument invalid! data.{key}.value invalid")));
        }
        words = words.replace(&format!("{{{{{key}.DATA}}}}"), &value);
    }
    Ok(words)
}

/// Whether a value is of the type its key names; keys of the older free form take anything.
fn fits(key: &str, value: &str) -> bool {
    let chars = value.chars().count();
    let kind = key.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = value.chars().filter(char::is_ascii_digit).count();
    match kind {
        "thing" | "const" | "enum" => chars <= 20,
        "number" => chars <= 32 && value.parse::<f64>().is_ok(),
        "letter" => chars <= 32 && value.chars().all(|c| c.is_ascii_alphabetic()),
        "symbol" => chars <= 5 && !value.chars().any(char::is_alphanumeric),
        "character_string" => chars <= 32 && value.is_ascii(),
        "time" => digits >= 3 && value.contains(':'),
        "date" => digits >= 4,
        "amount" => amount(value),
        "phone_number" => chars <= 17 && value.chars().all(|c| c.is_ascii_digit() || c.is_ascii_punctuation()),
        "car_number" => chars <= 8,
        "name" => chars <= if value.is_ascii() { 20 } else { 10 },
        "phrase" => chars <= 5 && value.chars().all(|c| c.is_alphabetic() && !c.is_ascii()),
        _ => chars <= 200,
    }
}

/// One currency sign, at most ten digits, decimals, perhaps 元 at the end.
fn amount(value: &str) -> bool {
    let value = value.strip_suffix('元').unwrap_or(value);
    let value = value.strip_prefix(['¥', '￥', '$', '€', '£']).unwrap_or(value);
    let whole = value.split('.').next().unwrap_or_default();
    (1..=10).contains(&whole.len()) && whole.chars().all(|c| c.is_ascii_digit()) && value.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_type_has_its_limits() {
        for (key, good, bad) in [
            ("thing1", "二十个字以内都可以的", "一二三四五六七八九十一二三四五六七八九十一"),
            ("number2", "12.5", "12a"),
            ("letter1", "abc", "ab1"),
            ("symbol1", "+-", "+a"),
            ("character_string1", "A-001", "单号"),
            ("time3", "2026-01-01 12:00", "中午"),
            ("date1", "2026年01月01日", "明天"),
            ("amount2", "¥99.00", "九十九"),
            ("amount3", "99元", "12345678901"),
            ("phone_number1", "+86-025-1234567", "电话"),
            ("car_number1", "苏A12345", "苏A12345678"),
            ("name1", "林小雨", "这个名字实在是太长太长了"),
            ("phrase1", "已完成", "已完成了没有呢"),
            ("keyword1", "随便", &"长".repeat(201)),
        ] {
            assert!(fits(key, good), "{key} {good}");
            assert!(!fits(key, bad), "{key} {bad}");
        }
    }

    #[test]
    fn a_missing_or_wrong_value_is_named() {
        let content = "商品：{{thing1.DATA}}\n金额：{{amount2.DATA}}";
        assert_eq!(keys(content), ["thing1", "amount2"]);
        let data = |amount: &str| json!({ "thing1": { "value": "流量包" }, "amount2": { "value": amount } });
        assert_eq!(filled(content, &data("¥5.00")).unwrap(), "商品：流量包\n金额：¥5.00");
        let fault = filled(content, &data("五元钱")).unwrap_err();
        assert_eq!((fault.errcode, fault.errmsg.contains("data.amount2.value invalid")), (47003, true));
        assert!(filled(content, &json!({})).unwrap_err().errmsg.contains("data.thing1.value is empty"));
    }
}
