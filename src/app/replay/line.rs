//! One line of a replay file.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::{Chunk, MAX_LINE_BYTES, Replay};
use crate::channel::official::{Reason, Unusable, read_clear};
use crate::domain::inbound::Inbound;
use crate::domain::time::UnixSecs;

/// The webhook takes no longer message either (contract.md "HTTP").
const MAX_XML_BYTES: usize = 64 * 1024;
/// 9999-12-31 23:59:59.
const MAX_AT: i64 = 253_402_300_799;

/// Lines that were understood as far as they can be without a customer.
#[derive(Debug, Default)]
pub struct Lines(pub(super) Vec<Line>);

/// A line and the first byte after it in the file.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) entry: Entry,
    pub(super) end: u64,
}

/// What a line is.
#[derive(Debug)]
pub(super) enum Entry {
    Blank,
    Useless(Useless),
    Delivery(Recorded),
}

/// A recorded delivery.
#[derive(Debug)]
pub(super) struct Recorded {
    /// When it arrived; the clock of its decision.
    pub(super) at: UnixSecs,
    /// Whose, by the place among the accounts of the replay.
    pub(super) account: usize,
    pub(super) what: Result<Inbound, Box<Unusable>>,
}

/// Why a line cannot be used. It never repeats what stands there: that may be a customer's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Useless {
    /// Longer than [`MAX_LINE_BYTES`].
    #[error("over 1 MiB")]
    TooLong,
    /// Not an object of JSON.
    #[error("not a JSON object (column {column})")]
    NotJson {
        /// Where, from 1.
        column: usize,
    },
    /// A field is not there.
    #[error("`{field}` is missing")]
    Missing {
        /// Its name.
        field: Cow<'static, str>,
    },
    /// A field is something else.
    #[error("`{field}` must be {kind}")]
    Kind {
        /// Its name.
        field: Cow<'static, str>,
        /// What it must be.
        kind: Cow<'static, str>,
    },
    /// `at` is no time.
    #[error("`at` is not a time in Unix seconds")]
    At,
    /// The settings have no such account.
    #[error("`account` is not configured")]
    Account,
    /// `xml` is longer than any delivery.
    #[error("`xml` is over 64 KiB")]
    TooLarge,
    /// `xml` is no message; it is kept in quarantine.
    #[error("`xml` cannot be used ({reason}); it is kept in quarantine")]
    Xml {
        /// The reason, as the metrics call it.
        reason: Cow<'static, str>,
    },
}

#[derive(Deserialize)]
struct Written<'l> {
    at: i64,
    #[serde(borrow)]
    account: Cow<'l, str>,
    #[serde(borrow)]
    xml: Cow<'l, str>,
}

impl From<Reason> for Useless {
    fn from(reason: Reason) -> Self {
        Self::Xml { reason: reason.as_str().into() }
    }
}

impl Replay {
    /// Understands the lines of a chunk. Needs no store, so the next chunk can be read while one is applied.
    pub fn read(&self, chunk: &Chunk) -> Lines {
        let lines = chunk.lines.strip_suffix(b"\n").unwrap_or(&chunk.lines);
        let mut end = chunk.from;
        let line = |line: &[u8]| {
            let first = if end == 0 { line.strip_prefix(b"\xef\xbb\xbf") } else { None };
            end += line.len() as u64 + 1;
            Line { entry: self.entry(first.unwrap_or(line)), end }
        };
        let mut lines: Vec<Line> = lines.split(|byte| *byte == b'\n').map(line).collect();
        // It may have been cut, or have no end.
        if let Some(last) = lines.last_mut() {
            last.end = chunk.to;
        }
        Lines(lines)
    }

    fn entry(&self, line: &[u8]) -> Entry {
        if line.len() > MAX_LINE_BYTES {
            return Entry::Useless(Useless::TooLong);
        }
        if line.trim_ascii().is_empty() {
            return Entry::Blank;
        }
        match self.delivery(line) {
            Ok(delivery) => Entry::Delivery(delivery),
            Err(useless) => Entry::Useless(useless),
        }
    }

    fn delivery(&self, line: &[u8]) -> Result<Recorded, Useless> {
        // A list of three would do for `serde` as well.
        if line.trim_ascii_start().first() != Some(&b'{') {
            return Err(Useless::NotJson { column: 1 });
        }
        let written: Written<'_> = serde_json::from_slice(line).map_err(|error| useless(line, &error))?;
        if !(1..=MAX_AT).contains(&written.at) {
            return Err(Useless::At);
        }
        let account = self.accounts.iter().position(|(id, _)| id.as_str() == written.account);
        let account = account.ok_or(Useless::Account)?;
        if written.xml.len() > MAX_XML_BYTES {
            return Err(Useless::TooLarge);
        }
        let what = read_clear(written.xml.as_bytes()).map_err(Box::new);
        // As at the door of live traffic.
        let sealed = |inbound: Inbound| Inbound { key: self.rules.discretion.seal(inbound.key), ..inbound };
        let what = what.map(sealed);
        Ok(Recorded { at: UnixSecs(written.at), account, what })
    }
}

/// Looks again at a line that was refused, to say why.
fn useless(line: &[u8], error: &serde_json::Error) -> Useless {
    let not_json = |error: &serde_json::Error| Useless::NotJson { column: error.column() };
    if error.classify() != Category::Data {
        return not_json(error);
    }
    let fields: serde_json::Map<String, serde_json::Value> = match serde_json::from_slice(line) {
        Ok(fields) => fields,
        Err(error) => return not_json(&error),
    };
    for (field, kind) in [("at", "a whole number"), ("account", "text"), ("xml", "text")] {
        let fits = match fields.get(field) {
            None => return Useless::Missing { field: field.into() },
            Some(value) => {
                if field == "at" {
                    value.is_i64()
                } else {
                    value.is_string()
                }
            }
        };
        if !fits {
            return Useless::Kind { field: field.into(), kind: kind.into() };
        }
    }
    // A field twice.
    not_json(error)
}
