//! JSON into the same [`Tree`]: the shape of mini-program pushes, which some events for service accounts share
//! (platform.md 1.7). An array becomes repeated elements, a number its text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Reason;
use crate::channel::official::text::{has_control, has_noncharacter, without_controls};
use crate::channel::official::tree::{Element, MAX_DEPTH, MAX_ELEMENTS, MAX_NAME_BYTES, Tree};

/// Parses one message.
pub(super) fn parse(json: &str) -> Result<Tree<'static>, Reason> {
    let mut grown = Grown { elements: Vec::with_capacity(16), fault: None };
    let mut reader = serde_json::Deserializer::from_str(json);
    let read = Value { grown: &mut grown, name: "xml", depth: 0 }.deserialize(&mut reader).and_then(|()| reader.end());
    match (read, grown.fault) {
        (Ok(()), None) => Tree::new(grown.elements).ok_or(Reason::Malformed),
        (_, fault) => Err(fault.unwrap_or(Reason::Malformed)),
    }
}

struct Grown {
    elements: Vec<Element<'static>>,
    fault: Option<Reason>,
}

struct Value<'g, 'n> {
    grown: &'g mut Grown,
    name: &'n str,
    depth: u8,
}

impl Value<'_, '_> {
    fn push<E: Error>(&mut self, text: &str) -> Result<(), E> {
        let too_large = self.depth >= MAX_DEPTH || self.grown.elements.len() >= MAX_ELEMENTS;
        if too_large || self.name.len() > MAX_NAME_BYTES {
            return self.refuse(Reason::TooLarge);
        }
        if has_noncharacter(text) {
            return self.refuse(Reason::Character);
        }
        let text = if has_control(text) { without_controls(text) } else { text.to_owned() };
        let name = Cow::Owned(self.name.to_owned());
        self.grown.elements.push(Element { name, text: Cow::Owned(text), depth: self.depth });
        Ok(())
    }

    fn refuse<T, E: Error>(&mut self, reason: Reason) -> Result<T, E> {
        self.grown.fault = Some(reason);
        Err(E::custom(reason.as_str()))
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.push("")?;
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if seen.contains(&name) {
                return self.refuse(Reason::Repeated);
            }
            map.next_value_seed(Value { grown: self.grown, name: &name, depth: self.depth + 1 })?;
            seen.push(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        if self.depth == 0 {
            return self.refuse(Reason::Malformed);
        }
        while list.next_element_seed(Value { grown: self.grown, name: self.name, depth: self.depth })?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.push(text)
    }

    fn visit_u64<E: Error>(mut self, number: u64) -> Result<(), E> {
        self.push(&number.to_string())
    }

    fn visit_i64<E: Error>(mut self, number: i64) -> Result<(), E> {
        self.push(&number.to_string())
    }

    fn visit_f64<E: Error>(mut self, number: f64) -> Result<(), E> {
        self.push(&number.to_string())
    }

    fn visit_bool<E: Error>(mut self, flag: bool) -> Result<(), E> {
        self.push(if flag { "1" } else { "0" })
    }

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.push("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_nest_arrays_repeat_and_numbers_are_text() {
        let tree = parse(r#"{"A":1,"B":"2","List":[{"C":-3},{"C":null}],"D":true}"#).unwrap();
        let root = tree.root();
        assert_eq!((root.get("A"), root.get("B"), root.get("D")), ("1", "2", "1"));
        assert_eq!(root.all("List").map(|item| item.get("C")).collect::<Vec<_>>(), ["-3", ""]);
    }

    #[test]
    fn what_is_no_message_is_refused_with_its_reason() {
        let deep = format!("{}1{}", "{\"a\":".repeat(17), "}".repeat(17));
        for (json, reason) in [
            (r#"{"a":1} x"#, Reason::Malformed),
            (r#"{"a":1"#, Reason::Malformed),
            ("[]", Reason::Malformed),
            (r#"{"a":1,"a":2}"#, Reason::Repeated),
            (r#"{"a":"\u0000"}"#, Reason::Character),
            (deep.as_str(), Reason::TooLarge),
            (&format!("[{}]", "[".repeat(100_000)), Reason::Malformed),
        ] {
            assert_eq!(parse(json), Err(reason), "{json:.40}");
        }
    }
}
