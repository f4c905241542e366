//! A place in a file: whatever is found there can be shown to the operator.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::finding::{Code, Finding, Severity};
use super::span::{Spans, Step, steps, value_at};

/// So much of a line is shown: a whole file can be one line, and thousands of findings be in it.
const EXCERPT_CHARS: usize = 300;

/// A file that could be read as TOML or JSON.
#[derive(Debug)]
pub struct Document {
    /// Its path, as the settings name its folder.
    pub file: String,
    /// Its text.
    pub text: String,
    /// What it says.
    pub value: Value,
    /// Where it says it.
    pub spans: Spans,
}

/// A place in a document.
#[derive(Clone, Debug)]
pub struct Site {
    document: Arc<Document>,
    path: Vec<Step>,
    within: Option<Range<usize>>,
}

impl Site {
    /// The whole document.
    pub fn root(document: Arc<Document>) -> Self {
        Self { document, path: Vec::new(), within: None }
    }

    /// What stands here.
    pub fn value(&self) -> &Value {
        value_at(&self.document.value, &self.path).unwrap_or(&Value::Null)
    }

    /// The file.
    pub fn file(&self) -> &str {
        &self.document.file
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        position(&self.document.text, self.range().start).0
    }

    /// The place `steps` further in.
    pub fn along(&self, steps: impl IntoIterator<Item = Step>) -> Self {
        let path = self.path.iter().cloned().chain(steps).collect();
        Self { document: Arc::clone(&self.document), path, within: None }
    }

    /// The place of a field as an action names it: `choices[0].label`.
    pub fn field(&self, path: &str) -> Self {
        self.along(steps(path))
    }

    /// The entry of a table.
    pub fn key(&self, key: &str) -> Self {
        self.along([Step::Key(key.to_owned())])
    }

    /// The element of a list.
    pub fn item(&self, index: usize) -> Self {
        self.along([Step::Index(index)])
    }

    /// The entries of the table that stands here.
    pub fn entries(&self) -> Vec<(String, Self)> {
        let keys = self.value().as_object().into_iter().flat_map(|table| table.keys());
        keys.map(|key| (key.clone(), self.key(key))).collect()
    }

    /// The elements of the list that stands here.
    pub fn items(&self) -> Vec<Self> {
        let length = self.value().as_array().map_or(0, Vec::len);
        (0..length).map(|index| self.item(index)).collect()
    }

    /// The element of this list that is this word, else the list.
    pub fn word(&self, word: &str) -> Self {
        let words = self.value().as_array().map_or(&[][..], Vec::as_slice);
        let index = words.iter().position(|item| item.as_str() == Some(word));
        index.map_or_else(|| self.clone(), |index| self.item(index))
    }

    /// A stretch of the text.
    pub fn within(&self, range: Range<usize>) -> Self {
        Self { within: Some(range), ..self.clone() }
    }

    /// The key itself rather than what stands there.
    pub fn name(&self) -> Self {
        let within = self.document.spans.find(&self.path).0;
        Self { within, ..self.clone() }
    }

    /// The first `{{ … }}` or `{% … %}` in the text that stands here which names `placeholder`.
    pub fn placeholder(&self, placeholder: &str) -> Self {
        let whole = self.range();
        let text = self.document.text.get(whole.clone()).unwrap_or_default();
        let within = text
            .match_indices(placeholder)
            .find(|(at, _)| is_word(text, *at, placeholder) && opens_tag(text, *at))
            .map(|(at, _)| whole.start + at..whole.start + at + placeholder.len());
        Self { within, ..self.clone() }
    }

    /// Line `line` (from 1) of the text that stands here, when it is written over several lines.
    pub fn text_line(&self, line: usize) -> Self {
        let whole = self.range();
        let source = self.document.text.get(whole.clone()).unwrap_or_default();
        let opening = ["\"\"\"", "'''"].iter().find(|quotes| source.starts_with(**quotes)).map_or(0, |_| 3);
        let body = source.get(opening..).unwrap_or_default();
        // TOML drops a line break right after the opening quotes.
        let dropped = usize::from(opening > 0 && (body.starts_with('\n') || body.starts_with("\r\n")));
        let mut start = whole.start + opening;
        for (index, text) in body.split_inclusive('\n').enumerate() {
            if index + 1 == line + dropped {
                let indent = text.len() - text.trim_start().len();
                let within = Some(start + indent..start + text.trim_end().len().max(indent));
                return Self { within, ..self.clone() };
            }
            start += text.len();
        }
        self.clone()
    }

    /// Something here that cannot work.
    pub fn error(&self, code: Code, message: impl Into<String>, mend: impl Into<String>) -> Finding {
        let range = self.range();
        let text = &self.document.text;
        let (line, column) = position(text, range.start);
        let meant = text.get(range.clone()).unwrap_or_default().lines().next().unwrap_or_default();
        Finding {
            severity: Severity::Error,
            code,
            file: self.document.file.clone(),
            line,
            column,
            message: message.into(),
            mend: mend.into(),
            width: meant.trim_end().chars().take(EXCERPT_CHARS).count().max(1),
            excerpt: if column > EXCERPT_CHARS { String::new() } else { line_at(text, range.start) },
        }
    }

    /// Something here that is probably not meant.
    pub fn warning(&self, code: Code, message: impl Into<String>, mend: impl Into<String>) -> Finding {
        self.error(code, message, mend).as_warning()
    }

    /// A value where it stands; a table or a list at its key, because its own place may be many lines long.
    fn range(&self) -> Range<usize> {
        if let Some(within) = &self.within {
            return within.clone();
        }
        let (key, spans) = self.document.spans.find(&self.path);
        match key {
            Some(key) if !matches!(spans.items, super::span::Items::Leaf) => key,
            _ => spans.at.clone(),
        }
    }
}

fn is_word(text: &str, at: usize, word: &str) -> bool {
    // Between quotes it is a word to be said.
    let part = |c: char| c.is_alphanumeric() || "_'\"".contains(c);
    let before = text.get(..at).and_then(|t| t.chars().next_back());
    let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
    !before.is_some_and(part) && !after.is_some_and(part)
}

fn opens_tag(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let opened = before.rfind("{{").max(before.rfind("{%"));
    opened.is_some() && opened > before.rfind("}}").max(before.rfind("%}"))
}

/// Line and column, in characters, counted from 1.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count());
    (before.bytes().filter(|byte| *byte == b'\n').count() + 1, column + 1)
}

/// The line of this place, as far as it is shown.
fn line_at(text: &str, offset: usize) -> String {
    let (before, after) = text.split_at(text.floor_char_boundary(offset));
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = after.find('\n').map_or(text.len(), |at| before.len() + at);
    let line = text.get(start..end).unwrap_or_default();
    line.strip_suffix('\r').unwrap_or(line).chars().take(EXCERPT_CHARS).collect()
}
