//! JSON with the place of every value: serde_json reads it, a second pass over the then known-good text notes places.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::finding::{Code, Finding};
use super::site::{Document, Site};
use super::span::{Entry, Items, Spans};

/// After so many keys that are there twice the rest is noise.
const MAX_ERRORS: usize = 20;

/// Reads a JSON file.
pub fn parse(file: String, text: String) -> Result<Document, Vec<Finding>> {
    let value = match serde_json::from_str(&text) {
        Ok(value) => value,
        Err(error) => return Err(vec![fault(file, text, &error)]),
    };
    let mut scan = Scan { text: &text, at: 0, duplicates: Vec::new() };
    let spans = scan.value();
    let duplicates = scan.duplicates;
    let document = Document { file, value, spans, text };
    if duplicates.is_empty() {
        return Ok(document);
    }
    let site = Site::root(Arc::new(document));
    let twice = |at| site.within(at).error(Code::DuplicateKey, "这个名称前面已经写过了", "删掉其中一个");
    Err(duplicates.into_iter().take(MAX_ERRORS).map(twice).collect())
}

fn fault(file: String, text: String, error: &serde_json::Error) -> Finding {
    let line_start = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let at = line_start + error.column().saturating_sub(1);
    let message = error.to_string();
    let cause = message.split(" at line ").next().unwrap_or_default().to_owned();
    let document = Document { file, text, value: serde_json::Value::Null, spans: Spans::default() };
    let mend = "看看这里或上一行是不是多了或少了逗号、引号、括号，标点要用英文的";
    Site::root(Arc::new(document)).within(at..at + 1).error(Code::Syntax, format!("JSON 语法不对：{cause}"), mend)
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    duplicates: Vec<Range<usize>>,
}

impl Scan<'_> {
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(b'}')
    }

    /// Goes on to the next byte that is neither white space nor a separator.
    fn settle(&mut self) -> u8 {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n' | b',' | b':') && self.at < self.text.len() {
            self.at += 1;
        }
        self.peek()
    }

    fn value(&mut self) -> Spans {
        let first = self.settle();
        let start = self.at;
        let items = match first {
            b'{' => self.table(),
            b'[' => self.list(),
            b'"' => self.string(),
            _ => {
                while self.at < self.text.len() && !b",]} \t\r\n".contains(&self.peek()) {
                    self.at += 1;
                }
                Items::Leaf
            }
        };
        Spans { at: start..self.at, items }
    }

    fn string(&mut self) -> Items {
        self.at += 1;
        while self.at < self.text.len() && self.peek() != b'"' {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        Items::Leaf
    }

    fn list(&mut self) -> Items {
        self.at += 1;
        let mut list = Vec::new();
        while self.at < self.text.len() && self.settle() != b']' {
            list.push(self.value());
        }
        self.at += 1;
        Items::List(list)
    }

    fn table(&mut self) -> Items {
        self.at += 1;
        let mut table: Vec<Entry> = Vec::new();
        let mut known = HashSet::new();
        while self.at < self.text.len() && self.settle() != b'}' {
            let key_at = self.value().at;
            let key: String =
                self.text.get(key_at.clone()).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            if !known.insert(key.clone()) {
                self.duplicates.push(key_at.clone());
            }
            let value = self.value();
            table.push(Entry { key, key_at, value });
        }
        self.at += 1;
        Items::Table(table)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a\"\\\\{}\\[\\],:中 \n]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c\"\\\\ 中]{0,3}", inner, 0..4)
                    .prop_map(|table| Value::Object(table.into_iter().collect())),
            ]
        })
    }

    fn places_hold_values(text: &str, value: &Value, spans: &Spans) {
        assert_eq!(&serde_json::from_str::<Value>(&text[spans.at.clone()]).unwrap(), value);
        match (&spans.items, value) {
            (Items::List(items), Value::Array(values)) => {
                assert_eq!(items.len(), values.len());
                items.iter().zip(values).for_each(|(spans, value)| places_hold_values(text, value, spans));
            }
            (Items::Table(entries), Value::Object(values)) => {
                assert_eq!(entries.len(), values.len());
                entries.iter().for_each(|entry| places_hold_values(text, &values[&entry.key], &entry.value));
            }
            (Items::Leaf, value) => assert!(!value.is_object() && !value.is_array()),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn every_value_stands_where_it_is_said_to(value in any_json()) {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap().replace('\n', "\r\n")] {
                let document = parse("a.json".into(), text).unwrap();
                prop_assert_eq!(&document.value, &value);
                places_hold_values(&document.text, &document.value, &document.spans);
            }
        }
    }

    #[test]
    fn a_key_written_twice_and_broken_json_are_found_where_they_are() {
        let twice = parse("a.json".into(), "{\"中\": 1,\n \"a\": {\"b\": 1, \"b\": 2}}".into()).unwrap_err();
        assert_eq!((twice[0].code, twice[0].line, twice[0].column), (Code::DuplicateKey, 2, 16));
        let broken = parse("a.json".into(), "{\"button\": [\n  {\"中文\": 1,, }\n]}".into()).unwrap_err();
        assert_eq!((broken[0].code, broken[0].line, broken[0].column), (Code::Syntax, 2, 12));
        assert!(parse("a.json".into(), "".into()).is_err());
        assert_eq!(parse("a.json".into(), " 7 ".into()).unwrap().value, json!(7));
    }
}
