//! TOML with the place of every value.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{Code, Finding};
use super::site::Document;
use super::span::{Entry, Items, Spans};

/// After so many syntax errors the rest is noise.
const MAX_ERRORS: usize = 20;

/// Reads a TOML file.
pub fn parse(file: String, text: String) -> Result<Document, Vec<Finding>> {
    let (table, errors) = DeTable::parse_recoverable(&text);
    let faults: Vec<(Range<usize>, String)> = errors
        .iter()
        .take(MAX_ERRORS)
        .map(|error| (error.span().unwrap_or_default(), error.message().to_owned()))
        .collect();
    let (at, table) = (table.span(), table.into_inner());
    let (value, items) = from_table(&table);
    let document = Document { file, value, spans: Spans { at, items }, text: text.clone() };
    if faults.is_empty() {
        return Ok(document);
    }
    let document = std::sync::Arc::new(document);
    let mut findings: Vec<Finding> = faults.into_iter().map(|(at, message)| fault(&document, at, &message)).collect();
    // What stands below a heading that is there twice seems to be there twice as well.
    let mut twice = findings.iter().filter(|finding| finding.code == Code::DuplicateKey).map(|f| f.line);
    let first = twice.next();
    findings.retain(|finding| finding.code != Code::DuplicateKey || Some(finding.line) == first);
    Err(findings)
}

fn fault(document: &std::sync::Arc<Document>, at: Range<usize>, message: &str) -> Finding {
    let site = super::site::Site::root(std::sync::Arc::clone(document)).within(at);
    if message.contains("duplicate key") {
        return site.error(Code::DuplicateKey, "这个名称前面已经写过了", "删掉其中一个，或者改名");
    }
    site.error(
        Code::Syntax,
        format!("TOML 语法不对：{message}"),
        "看看这一行或上一行是不是少了引号、等号或括号，标点要用英文的",
    )
}

fn from_table(table: &DeTable<'_>) -> (Value, Items) {
    let mut values = Map::new();
    let mut entries = Vec::new();
    for (key, value) in table {
        let (inner, spans) = from_value(value);
        let name = key.get_ref().to_string();
        values.insert(name.clone(), inner);
        entries.push(Entry { key: name, key_at: key.span(), value: spans });
    }
    (Value::Object(values), Items::Table(entries))
}

fn from_value(value: &Spanned<DeValue<'_>>) -> (Value, Spans) {
    let at = value.span();
    let (inner, items) = match value.get_ref() {
        DeValue::String(text) => (Value::String(text.to_string()), Items::Leaf),
        DeValue::Integer(n) => {
            (i64::from_str_radix(n.as_str(), n.radix()).map_or(Value::Null, Value::from), Items::Leaf)
        }
        DeValue::Float(n) => (n.as_str().parse::<f64>().map_or(Value::Null, Value::from), Items::Leaf),
        DeValue::Boolean(yes) => (Value::Bool(*yes), Items::Leaf),
        // A day or a moment reads the same written with quotes.
        DeValue::Datetime(when) => (Value::String(when.to_string()), Items::Leaf),
        DeValue::Array(list) => {
            let (values, spans): (Vec<Value>, Vec<Spans>) = list.iter().map(from_value).unzip();
            (Value::Array(values), Items::List(spans))
        }
        DeValue::Table(table) => from_table(table),
    };
    (inner, Spans { at, items })
}
