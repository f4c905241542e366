//! From a place in a file to a value of ours, with every fault on the way and not only the first.
//!
//! serde stops at a fault. So the faulty part is noted and taken out, and what remains is read again.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Deserializer, Track};

use super::finding::{Code, Finding};
use super::site::Site;
use super::span::{Step, steps_of};
use crate::config::nearest::suggestion;
use crate::domain::template::Template;

/// More faults than this in one table are noise.
const MAX_FAULTS: usize = 50;

/// How a value is read; `Kind::read` for an action.
pub type Reader<'r, T> = &'r dyn Fn(Deserializer<'_, '_, &Value>) -> Result<T, serde_json::Error>;

/// Reads what stands at `site`.
pub fn read<T: DeserializeOwned>(site: &Site, findings: &mut Vec<Finding>) -> Option<T> {
    read_with(site, &|deserializer| T::deserialize(deserializer), findings)
}

/// Reads `site` without some of its keys. A value comes back also when there were faults, if what is left makes one:
/// whoever refers to it then does not hear that it is missing.
pub fn read_with<T>(site: &Site, reader: Reader<'_, T>, findings: &mut Vec<Finding>) -> Option<T> {
    read_without(site, &[], (reader, findings))
}

/// As [`read_with`], leaving out `keys`, which were read before.
pub fn read_without<T>(
    site: &Site,
    keys: &[&str],
    (reader, findings): (Reader<'_, T>, &mut Vec<Finding>),
) -> Option<T> {
    let mut value = site.value().clone();
    for key in keys {
        take_out(&mut value, &[Step::Key((*key).to_owned())]);
    }
    let mut taken: HashSet<Vec<Step>> = HashSet::new();
    for _ in 0..MAX_FAULTS {
        let mut track = Track::new();
        let error = match reader(Deserializer::new(&value, &mut track)) {
            Ok(read) => return Some(read),
            Err(error) => error.to_string(),
        };
        let mut path = steps_of(&track.path());
        let fault = Fault::of(&error);
        if let Fault::UnknownKey { name, .. } | Fault::MissingKey { name } = &fault {
            let step = Step::Key(name.clone());
            if path.last() != Some(&step) {
                path.push(step);
            }
        }
        if matches!(fault, Fault::MissingKey { .. }) {
            // Taken out before, so it was told; nothing can be made of the table around it.
            if !taken.contains(&path) {
                findings.push(fault.finding(site, &path));
            }
            path.pop();
        } else {
            findings.push(fault.finding(site, &path));
        }
        // An element cannot be taken out of a list: the others would change place.
        while matches!(path.last(), Some(Step::Index(_))) {
            path.pop();
        }
        if path.is_empty() || !take_out(&mut value, &path) {
            return None;
        }
        taken.insert(path);
    }
    None
}

fn take_out(value: &mut Value, path: &[Step]) -> bool {
    let Some((last, way)) = path.split_last() else { return false };
    let parent = way.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(*index),
    });
    match (parent, last) {
        (Some(Value::Object(table)), Step::Key(key)) => table.shift_remove(key).is_some(),
        _ => false,
    }
}

/// A serde error, read back from its words.
enum Fault<'e> {
    UnknownKey { name: String, known: Vec<&'e str> },
    MissingKey { name: String },
    UnknownVariant { name: String, known: Vec<&'e str> },
    WrongType { got: &'e str, expected: &'e str },
    Other(&'e str),
}

impl<'e> Fault<'e> {
    fn of(error: &'e str) -> Self {
        let mut quoted = error.split('`').skip(1).step_by(2);
        let mut name = || quoted.next().unwrap_or_default().to_owned();
        if error.starts_with("unknown field") {
            return Self::UnknownKey { name: name(), known: quoted.collect() };
        }
        if error.starts_with("missing field") {
            return Self::MissingKey { name: name() };
        }
        if error.starts_with("unknown variant") {
            return Self::UnknownVariant { name: name(), known: quoted.collect() };
        }
        let rest = error.strip_prefix("invalid type: ").or_else(|| error.strip_prefix("invalid value: "));
        match rest.and_then(|rest| rest.rsplit_once(", expected ")) {
            Some((got, expected)) => Self::WrongType { got, expected },
            None => Self::Other(error),
        }
    }

    fn finding(&self, site: &Site, path: &[Step]) -> Finding {
        let here = site.along(path.iter().cloned());
        match self {
            Self::UnknownKey { name, known } => here.name().error(
                Code::UnknownKey,
                format!("没有 {name} 这一项"),
                suggestion(name, known.iter().copied()),
            ),
            Self::MissingKey { name } => {
                here.error(Code::MissingKey, format!("缺少 {name}"), format!("请补上 {name} = …"))
            }
            Self::UnknownVariant { name, known } => {
                here.error(Code::WrongValue, format!("这里不能写 {name}"), suggestion(name, known.iter().copied()))
            }
            Self::WrongType { got, expected } => {
                let (got, expected) = (in_chinese(got), in_chinese(expected));
                here.error(Code::WrongValue, format!("这里要写{expected}，现在写的是{got}"), format!("改成{expected}"))
            }
            // A list is read into the fields in their order, and does not have as many.
            Self::Other(cause) if here.value().is_array() && cause.starts_with("invalid length") => here.error(
                Code::WrongValue,
                "这里要写一组名称和值，现在写的是列表",
                "把最外面的 [ ] 换成 { }，里面写上名称",
            ),
            Self::Other(cause) => match here.value().as_str().map(Template::new) {
                Some(Err(fault)) => {
                    let line = here.text_line(fault.line.unwrap_or(1));
                    line.error(
                        Code::BrokenText,
                        format!("话术写得不对：{}", fault.cause),
                        "检查 {{ }} 是否成对、里面的写法",
                    )
                }
                _ => here.error(Code::WrongValue, format!("这里写得不对：{cause}"), "请改正这一项"),
            },
        }
    }
}

/// serde's names of types, in words an operator knows.
fn in_chinese(serde: &str) -> String {
    let word = serde.split([' ', '`']).find(|part| !part.is_empty() && *part != "a" && *part != "an");
    let name = match word.unwrap_or_default() {
        "string" | "str" => "带引号的文字",
        "integer" | "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" => "整数",
        "floating" | "f64" | "f32" => "数字",
        "boolean" | "bool" => "true 或 false",
        "map" | "struct" => "一张表（[…] 或 { … }）",
        "sequence" => "列表（[…]）",
        "null" | "unit" => "空值",
        _ => return format!(" {serde} "),
    };
    let value = serde.split_once(['`', '"']).and_then(|(_, rest)| rest.split(['`', '"']).next());
    match value.filter(|v| !v.is_empty() && v.chars().count() <= 20 && *v != word.unwrap_or_default()) {
        Some(value) => format!("{name} {value}"),
        None => name.to_owned(),
    }
}
