//! Templates: the sentences of the playbook, with placeholders.
//!
//! Syntax is checked when the text is read, placeholders when the playbook is checked; work and output are bounded.
//! What a customer or a business system says is only ever a value: it is shown, never obeyed, and a `<` in it becomes
//! `＜` so that it cannot open a link (platform.md 3.1).

mod grammar;
mod markup;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use minijinja::value::Value as Filling;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};
use schemars::JsonSchema;
use serde::Deserialize;

use super::value::{Value, Values};

/// Steps a template may take before it is stopped.
const FUEL: u64 = 10_000;
/// Output beyond this is cut; eight times what a text message can carry.
const MAX_OUTPUT_BYTES: usize = 16_384;
/// A longer source is refused: it could never be said.
const MAX_SOURCE_BYTES: usize = 16_384;
const NAME: &str = "text";

/// Functions a template may call.
pub const FUNCTIONS: [&str; 2] = ["tap", "link"];

/// A sentence of the playbook.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    source: Arc<str>,
    env: Arc<Environment<'static>>,
    /// What it says whatever the values, when it names none: most texts are like that, and filled once.
    fixed: Option<Arc<str>>,
    /// The value that stands there as a link which says it.
    tapped: Option<Arc<str>>,
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
        if source.len() > MAX_SOURCE_BYTES {
            let cause = format!("话术太长：{} 字节，最多 {MAX_SOURCE_BYTES}", source.len());
            return Err(TemplateFault { cause, line: None });
        }
        let mut env = Environment::empty();
        env.set_fuel(Some(FUEL));
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| AutoEscape::Custom("wechat".into()));
        env.set_formatter(markup::defuse);
        env.add_function("tap", markup::tap);
        env.add_function("link", markup::link);
        grammar::check(&source)?;
        env.add_template_owned(NAME, source.to_string()).map_err(fault)?;
        let mut template = Self { source, env: Arc::new(env), fixed: None, tapped: None };
        if template.placeholders().is_empty() {
            template.fixed = template.render(BTreeMap::new()).ok().map(Into::into);
        }
        Ok(template)
    }

    /// The same, with one value as a link that says it when it is tapped; as it is where the text makes its own links.
    pub fn tapping(self, name: &str) -> Self {
        let tapped = (!self.names().contains("tap")).then(|| name.into());
        Self { tapped, ..self }
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names it uses, functions left out.
    pub fn placeholders(&self) -> BTreeSet<String> {
        let mut names = self.names();
        names.retain(|name| !FUNCTIONS.contains(&name.as_str()));
        names
    }

    fn names(&self) -> BTreeSet<String> {
        let template = self.env.get_template(NAME);
        template.map(|template| template.undeclared_variables(false).into_iter().collect()).unwrap_or_default()
    }

    /// Fills the placeholders for a person to read.
    pub fn fill(&self, values: &Values) -> Result<String, TemplateFault> {
        if let Some(fixed) = &self.fixed {
            return Ok(fixed.to_string());
        }
        let filling = |(name, value): (&String, &Value)| {
            let text = value.to_string();
            let is_tapped = self.tapped.as_ref().is_some_and(|tapped| **tapped == **name);
            (name.clone(), if is_tapped { markup::tap(&text, None) } else { Filling::from(text) })
        };
        self.render(values.iter().map(filling).collect())
    }

    /// Fills the placeholders for a person to read, some of them with texts that templates have filled already: what is in
    /// those stays as it is.
    ///
    /// # Errors
    /// When a placeholder cannot be filled.
    pub fn fill_around(&self, values: &Values, texts: &BTreeMap<String, String>) -> Result<String, TemplateFault> {
        let mut context: BTreeMap<String, Filling> =
            values.iter().map(|(name, value)| (name.clone(), Filling::from(value.to_string()))).collect();
        context.extend(texts.iter().map(|(name, text)| (name.clone(), Filling::from_safe_string(text.clone()))));
        self.render(context)
    }

    /// Fills the placeholders for a machine to read: every value as `write` gives it, nothing replaced in it.
    pub fn fill_verbatim(&self, values: &Values, write: impl Fn(&Value) -> String) -> Result<String, TemplateFault> {
        let verbatim = |value| Filling::from_safe_string(write(value));
        self.render(values.iter().map(|(name, value)| (name.clone(), verbatim(value))).collect())
    }

    fn render(&self, context: BTreeMap<String, Filling>) -> Result<String, TemplateFault> {
        let template = self.env.get_template(NAME).map_err(fault)?;
        let mut text = Bounded { bytes: Vec::with_capacity(2 * self.source.len()), full: false };
        match template.render_captured_to(Filling::from(context), &mut text) {
            Err(error) if !text.full => Err(fault(error)),
            _ => Ok(text.into_string()),
        }
    }
}

/// Takes the first [`MAX_OUTPUT_BYTES`] and then stops the template.
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        let room = MAX_OUTPUT_BYTES.saturating_sub(self.bytes.len());
        if more.len() > room {
            self.full = true;
        }
        self.bytes.extend_from_slice(more.get(..room).unwrap_or(more));
        if self.full { Err(io::Error::other("full")) } else { Ok(more.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Bounded {
    /// What was taken, less a character that was cut through.
    fn into_string(self) -> String {
        String::from_utf8(self.bytes).unwrap_or_else(|error| {
            let whole = error.utf8_error().valid_up_to();
            String::from_utf8_lossy(error.as_bytes().get(..whole).unwrap_or_default()).into_owned()
        })
    }
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

#[cfg(test)]
mod tests;
