//! Headers of a connector. What is secret in them stands in the environment and only its name in the playbook.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// What the name of a secret begins with: a playbook can send along what was put there for that, and nothing else of the
/// environment.
pub const SECRET_PREFIX: &str = "FUWU_SECRET_";

/// The value of a header: words, and `${FUWU_SECRET_…}` where a secret goes.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Header {
    source: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Words(String),
    Secret(String),
}

impl Header {
    /// Reads a value.
    ///
    /// # Errors
    /// In words, when it names what is no secret or could be no header.
    pub fn new(source: impl Into<String>) -> Result<Self, String> {
        let source = source.into();
        let mut parts = Vec::new();
        let mut rest = source.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}').ok_or_else(|| "${ 后面少了 }".to_owned())?;
            let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            if !name.starts_with(SECRET_PREFIX) || name.len() == SECRET_PREFIX.len() || !name.bytes().all(fits) {
                return Err(format!(
                    "{name} 不能用：环境变量的名称要以 {SECRET_PREFIX} 开头，用大写字母、数字和下划线"
                ));
            }
            parts.extend([Part::Words(before.to_owned()), Part::Secret(name.to_owned())]);
            rest = behind;
        }
        parts.push(Part::Words(rest.to_owned()));
        parts.retain(|part| *part != Part::Words(String::new()));
        if source.chars().any(|char| !(' '..='~').contains(&char)) {
            return Err("请求头里只能有英文字母、数字和符号".to_owned());
        }
        Ok(Self { source, parts })
    }

    /// The names of the secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Secret(name) => Some(name.as_str()),
            Part::Words(_) => None,
        })
    }

    /// The value with its secrets; the name of the first that is not there.
    ///
    /// # Errors
    /// The name of a secret that `of` does not know.
    pub fn fill<'s>(&self, of: impl Fn(&str) -> Option<&'s str>) -> Result<String, String> {
        let mut value = String::new();
        for part in &self.parts {
            match part {
                Part::Words(words) => value.push_str(words),
                Part::Secret(name) => value.push_str(of(name).ok_or_else(|| name.clone())?),
            }
        }
        Ok(value)
    }
}

/// As it was written: the names of secrets and not what they are.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.source)
    }
}

impl TryFrom<String> for Header {
    type Error = String;

    fn try_from(source: String) -> Result<Self, String> {
        Self::new(source)
    }
}

impl JsonSchema for Header {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Header".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "请求头的值；密钥写成 ${FUWU_SECRET_名称}，值放在环境变量里"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_in_the_playbook_and_filled_from_elsewhere() {
        let header = Header::new("Bearer ${FUWU_SECRET_A}-${FUWU_SECRET_B2}").unwrap();
        assert_eq!(header.secrets().collect::<Vec<_>>(), ["FUWU_SECRET_A", "FUWU_SECRET_B2"]);
        let of = |name: &str| (name == "FUWU_SECRET_A").then_some("one");
        assert_eq!(header.fill(of), Err("FUWU_SECRET_B2".to_owned()));
        assert_eq!(header.fill(|_| Some("s")), Ok("Bearer s-s".to_owned()));
        assert_eq!(
            format!("{header} {header:?}"),
            "Bearer ${FUWU_SECRET_A}-${FUWU_SECRET_B2} \"Bearer ${FUWU_SECRET_A}-${FUWU_SECRET_B2}\""
        );
        assert_eq!(Header::new("zh-CN $ {}").unwrap().fill(|_| None), Ok("zh-CN $ {}".to_owned()));
    }

    #[test]
    fn nothing_else_of_the_environment_can_be_sent_and_nothing_that_breaks_a_request() {
        for value in [
            "${HOME}",
            "${FUWU__ACCOUNTS__DEMO__TOKEN}",
            "${FUWU_SECRET_}",
            "${FUWU_SECRET_a}",
            "${FUWU_SECRET_A",
            "a\r\nb",
            "密钥",
        ] {
            assert!(Header::new(value).is_err(), "{value}");
        }
    }
}
