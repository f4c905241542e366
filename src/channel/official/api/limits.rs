//! The platform's limits, checked before it is asked: a refusal costs a call and says less.

use std::fmt;
use std::ops::RangeInclusive;

/// What the platform would not take, and why, in the words of an operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}：{why}")]
pub struct Invalid {
    /// The field, as the platform calls it.
    pub field: String,
    /// Why.
    pub why: String,
}

impl Invalid {
    pub(super) fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }
}

/// What a check comes to.
pub(super) type Checked = Result<(), Invalid>;

fn within<N: PartialOrd + fmt::Display + Copy>(
    field: &str,
    (found, unit): (N, &str),
    allowed: RangeInclusive<N>,
) -> Checked {
    let why = if found < *allowed.start() {
        format!("有 {found} {unit}，至少要 {} {unit}", allowed.start())
    } else if found > *allowed.end() {
        format!("有 {found} {unit}，最多 {} {unit}", allowed.end())
    } else {
        return Ok(());
    };
    Err(Invalid::new(field, why))
}

/// So many bytes of UTF-8.
pub(super) fn bytes(field: &str, text: &str, allowed: RangeInclusive<usize>) -> Checked {
    filled(field, text, *allowed.start())?;
    within(field, (text.len(), "字节"), allowed)
}

/// So many characters.
pub(super) fn chars(field: &str, text: &str, allowed: RangeInclusive<usize>) -> Checked {
    filled(field, text, *allowed.start())?;
    within(field, (text.chars().count(), "个字"), allowed)
}

/// So many entries.
pub(super) fn count(field: &str, found: usize, allowed: RangeInclusive<usize>) -> Checked {
    within(field, (found, "个"), allowed)
}

/// A number of this range.
pub(super) fn range(field: &str, found: i64, allowed: RangeInclusive<i64>) -> Checked {
    let why = format!("是 {found}，要在 {} 到 {} 之间", allowed.start(), allowed.end());
    if allowed.contains(&found) { Ok(()) } else { Err(Invalid::new(field, why)) }
}

/// Something that is not empty.
pub(super) fn required(field: &str, text: &str) -> Checked {
    filled(field, text, 1)
}

fn filled(field: &str, text: &str, least: usize) -> Checked {
    if least > 0 && text.is_empty() { Err(Invalid::new(field, "不能是空的")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(checked: Checked) -> String {
        checked.err().map(|invalid| invalid.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_limit_is_told_with_the_field_and_both_numbers() {
        assert_eq!(said(bytes("button.name", "很长的一个名字", 1..=16)), "button.name：有 21 字节，最多 16 字节");
        assert_eq!(said(bytes("button.name", "五个汉字名", 1..=16)), "");
        assert_eq!(said(chars("remark", &"长".repeat(31), 0..=30)), "remark：有 31 个字，最多 30 个字");
        assert_eq!(said(chars("remark", "", 0..=30)), "");
        assert_eq!(said(count("openid_list", 0, 1..=50)), "openid_list：有 0 个，至少要 1 个");
        assert_eq!(said(range("speed", 5, 0..=4)), "speed：是 5，要在 0 到 4 之间");
        assert_eq!(said(required("media_id", "")), "media_id：不能是空的");
    }
}
