//! XML into a [`Tree`], with the event reader: tolerant in what the platform varies, strict in what only an attacker
//! sends (platform.md 2.1, 9.1, 9.25, 9.26; reliability.md 3.3).

use std::borrow::Cow;

use quick_xml::errors::SyntaxError;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::{Error, Reader};

use super::Reason;
use crate::channel::official::text::{has_control, has_noncharacter, is_allowed, without_controls};
use crate::channel::official::tree::{Element, MAX_DEPTH, MAX_ELEMENTS, MAX_NAME_BYTES, Tree};

const CONTENT_OPENS: &str = "<![CDATA[";
const CONTENT_CLOSES: &str = "]]></Content>";

/// How far the `Content` of a message reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::channel::official) enum ContentEnds {
    /// At its last possible end: the platform does not split `]]>` in what a customer typed, so `Content` would end
    /// early and the rest become elements (platform.md 9.26).
    Last,
    /// Where XML says.
    First,
}

/// Parses one message: exactly one root named `xml`.
pub(in crate::channel::official) fn parse(xml: &str, ends: ContentEnds) -> Result<Tree<'_>, Reason> {
    if has_noncharacter(xml) {
        return Err(Reason::Character);
    }
    let mut parser = Parser { xml, elements: Vec::with_capacity(16), open: Vec::with_capacity(8), closed: false };
    let mut reader = Reader::from_str(xml);
    // A second one is refused later; to look for its end as well would take the product of both lengths.
    let mut content_seen = false;
    loop {
        match reader.read_event().map_err(|error| reason(&error))? {
            Event::Start(tag) => {
                parser.start(&tag)?;
                if ends == ContentEnds::Last && parser.is_content() && !std::mem::replace(&mut content_seen, true) {
                    parser.content(&mut reader);
                }
            }
            Event::Empty(tag) => {
                parser.start(&tag)?;
                parser.end();
            }
            Event::End(_) => parser.end(),
            Event::Text(text) => parser.text(text.into_inner())?,
            Event::CData(text) => parser.cdata(text.into_inner())?,
            Event::GeneralRef(reference) => parser.reference(&reference)?,
            Event::Decl(declaration) if parser.elements.is_empty() => check_encoding(&declaration)?,
            Event::Decl(_) => return Err(Reason::Malformed),
            Event::Comment(_) | Event::PI(_) => return Err(Reason::Comment),
            Event::DocType(_) => return Err(Reason::Doctype),
            Event::Eof => return parser.finish(),
        }
    }
}

/// A DOCTYPE that does not end is a DOCTYPE all the same; comments likewise.
fn reason(error: &Error) -> Reason {
    match error {
        Error::Syntax(SyntaxError::UnclosedDoctype) => Reason::Doctype,
        Error::Syntax(SyntaxError::UnclosedComment | SyntaxError::UnclosedPI) => Reason::Comment,
        _ => Reason::Malformed,
    }
}

fn check_encoding(declaration: &BytesDecl<'_>) -> Result<(), Reason> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(_) => Err(Reason::Encoding),
    }
}

struct Parser<'a> {
    xml: &'a str,
    elements: Vec<Element<'a>>,
    /// The open elements by position, and whether each has had a CDATA section.
    open: Vec<(usize, bool)>,
    closed: bool,
}

impl<'a> Parser<'a> {
    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Reason> {
        let name = tag.name();
        let name = name.as_ref();
        if name.len() > MAX_NAME_BYTES || self.elements.len() >= MAX_ELEMENTS {
            return Err(Reason::TooLarge);
        }
        if !tag.attributes_raw().trim_ascii().is_empty() {
            return Err(Reason::Attribute);
        }
        let depth = u8::try_from(self.open.len()).ok().filter(|depth| *depth < MAX_DEPTH).ok_or(Reason::TooLarge)?;
        if depth == 0 && (self.closed || name != "xml") {
            return Err(Reason::Malformed);
        }
        self.open.push((self.elements.len(), false));
        self.elements.push(Element { name: within(self.xml, name), text: Cow::Borrowed(""), depth });
        Ok(())
    }

    fn end(&mut self) {
        self.open.pop();
        self.closed |= self.open.is_empty();
    }

    /// Words between tags. Around CDATA or child elements blanks are layout; alone they are the value.
    fn text(&mut self, text: Cow<'a, str>) -> Result<(), Reason> {
        if has_control(&text) {
            return Err(Reason::Character);
        }
        let blank = text.trim_ascii().is_empty();
        match self.open.last() {
            None if blank => Ok(()),
            None => Err(Reason::Malformed),
            Some((_, true)) if blank => Ok(()),
            Some(_) => {
                self.append(text);
                Ok(())
            }
        }
    }

    /// CDATA. The platform forwards raw control characters inside it; nobody typed them on purpose.
    fn cdata(&mut self, text: Cow<'a, str>) -> Result<(), Reason> {
        let Some((at, had_cdata)) = self.open.last_mut() else { return Err(Reason::Malformed) };
        let first = !std::mem::replace(had_cdata, true);
        if let Some(element) = self.elements.get_mut(*at).filter(|e| first && e.text.trim_ascii().is_empty()) {
            element.text = Cow::Borrowed("");
        }
        self.append(if has_control(&text) { Cow::Owned(without_controls(&text)) } else { text });
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Reason> {
        let resolved = match reference.resolve_char_ref() {
            Ok(Some(char)) if is_allowed(char) => char,
            Ok(Some(_)) | Err(_) => return Err(Reason::Character),
            Ok(None) => match &**reference {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "apos" => '\'',
                "quot" => '"',
                _ => return Err(Reason::Entity),
            },
        };
        if self.open.is_empty() {
            return Err(Reason::Malformed);
        }
        self.append(Cow::Owned(resolved.to_string()));
        Ok(())
    }

    fn append(&mut self, more: Cow<'a, str>) {
        let Some(element) = self.open.last().and_then(|(at, _)| self.elements.get_mut(*at)) else { return };
        if element.text.is_empty() {
            element.text = more;
        } else {
            element.text.to_mut().push_str(&more);
        }
    }

    fn is_content(&self) -> bool {
        self.elements.last().is_some_and(|element| element.depth == 1 && element.name == "Content")
    }

    /// Takes `Content` up to its last possible end, if an earlier one could be meant, and lets the reader go on there.
    fn content(&mut self, reader: &mut Reader<&'a [u8]>) {
        let rest: &'a [u8] = reader.get_ref();
        let Some(rest) = self.xml.get(self.xml.len() - rest.len()..) else { return };
        let Some(typed) = rest.strip_prefix(CONTENT_OPENS) else { return };
        let Some(len) = typed.rfind(CONTENT_CLOSES) else { return };
        let Some((typed, _)) = typed.split_at_checked(len) else { return };
        if !typed.contains("]]>") {
            return;
        }
        let skip = CONTENT_OPENS.len() + len + "]]>".len();
        let Some(after) = rest.get(skip..) else { return };
        *reader.get_mut() = after.as_bytes();
        let typed = if has_control(typed) { Cow::Owned(without_controls(typed)) } else { Cow::Borrowed(typed) };
        self.append(typed);
    }

    fn finish(self) -> Result<Tree<'a>, Reason> {
        if !self.open.is_empty() {
            return Err(Reason::Malformed);
        }
        Tree::new(self.elements).ok_or(Reason::Malformed)
    }
}

/// The same name borrowed from the document, because the reader lends it only for a moment.
fn within<'a>(xml: &'a str, name: &str) -> Cow<'a, str> {
    let from = name.as_ptr().addr().wrapping_sub(xml.as_ptr().addr());
    match xml.get(from..from.saturating_add(name.len())) {
        Some(same) if same == name => Cow::Borrowed(same),
        _ => Cow::Owned(name.to_owned()),
    }
}
