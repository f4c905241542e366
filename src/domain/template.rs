//! Templates: the sentences of the playbook, with placeholders.
//!
//! Syntax is checked when the text is read, placeholders when the playbook is checked; work and output are bounded.
//! What a customer or a business system says is only ever a value: it is shown, never obeyed, and a `<` in it becomes
//! `＜` so that it cannot open a link (platform.md 3.1).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use minijinja::value::Value as Filling;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use schemars::JsonSchema;
use serde::Deserialize;

use super::value::Values;

/// Steps a template may take before it is stopped.
const FUEL: u64 = 10_000;
/// Output beyond this is cut; eight times what a text message can carry.
const MAX_OUTPUT_BYTES: usize = 16_384;
const NAME: &str = "text";

/// A sentence of the playbook.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    source: Arc<str>,
    env: Arc<Environment<'static>>,
}

/// Why a template is not one, or could not be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct TemplateFault {
    /// In words.
    pub cause: String,
    /// The line within the text, counted from 1.
    pub line: Option<usize>,
}

impl Template {
    /// Reads a template.
    pub fn new(source: impl Into<String>) -> Result<Self, TemplateFault> {
        let source: Arc<str> = source.into().into();
        let mut env = Environment::empty();
        env.set_fuel(Some(FUEL));
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| AutoEscape::Custom("wechat".into()));
        env.set_formatter(defuse);
        env.add_function("tap", tap);
        env.add_function("link", link);
        env.add_template_owned(NAME, source.to_string()).map_err(fault)?;
        Ok(Self { source, env: Arc::new(env) })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names it uses, functions left out.
    pub fn placeholders(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self
            .env
            .get_template(NAME)
            .map(|t| t.undeclared_variables(false).into_iter().collect())
            .unwrap_or_default();
        names.retain(|name| !FUNCTIONS.contains(&name.as_str()));
        names
    }

    /// Fills the placeholders.
    pub fn fill(&self, values: &Values) -> Result<String, TemplateFault> {
        let context: Filling = values.iter().map(|(name, value)| (name.as_str(), value.to_string())).collect();
        let template = self.env.get_template(NAME).map_err(fault)?;
        let mut text = template.render(context).map_err(fault)?;
        text.truncate(text.floor_char_boundary(MAX_OUTPUT_BYTES));
        Ok(text)
    }
}

/// Functions a template may call.
pub const FUNCTIONS: [&str; 2] = ["tap", "link"];

/// `tap("查流量")` or `tap("看看流量", "查流量")`: a link that makes the customer say the words (platform.md 3.1).
fn tap(label: &str, words: Option<&str>) -> Filling {
    let said: String = url::form_urlencoded::byte_serialize(words.unwrap_or(label).as_bytes())
        .flat_map(|part| if part == "+" { "%20".chars() } else { part.chars() })
        .collect();
    let mut html = String::new();
    let _ = write!(html, "<a href=\"weixin://bizmsgmenu?msgmenucontent={said}&msgmenuid=1\">{}</a>", shown(label));
    Filling::from_safe_string(html)
}

/// `link("官网", "https://example.com/")`.
fn link(label: &str, url: &str) -> Result<Filling, Error> {
    if !(url.starts_with("https://") || url.starts_with("http://")) || url.contains(['"', '<', '>', ' ']) {
        return Err(Error::new(ErrorKind::InvalidOperation, "link() needs an http or https address"));
    }
    Ok(Filling::from_safe_string(format!("<a href=\"{url}\">{}</a>", shown(label))))
}

/// A value as it may stand in a text: it cannot open a tag.
fn shown(value: &str) -> Cow<'_, str> {
    if value.contains('<') { Cow::Owned(value.replace('<', "＜")) } else { Cow::Borrowed(value) }
}

fn defuse(out: &mut Output<'_>, _state: &mut State<'_, '_>, value: &Filling) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let text = value.to_string();
    let text = if value.is_safe() { Cow::Borrowed(text.as_str()) } else { shown(&text) };
    out.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, "too long"))
}

fn fault(error: Error) -> TemplateFault {
    let cause = error.detail().map_or_else(|| error.kind().to_string(), |d| format!("{}: {d}", error.kind()));
    TemplateFault { cause, line: error.line() }
}

impl TryFrom<String> for Template {
    type Error = TemplateFault;
    fn try_from(source: String) -> Result<Self, TemplateFault> {
        Self::new(source)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "话术，可用 {{ 占位符 }}、{{ tap(\"文字\") }} 和 {{ link(\"文字\", \"https://…\") }}"
        })
    }
}
