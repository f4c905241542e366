//! What a template may put into a text: links, and values that cannot open one.

use std::borrow::Cow;
use std::fmt::Write as _;

use minijinja::value::Value as Filling;
use minijinja::{Error, ErrorKind, Output, State};

use crate::domain::taps::{FREE, ID, OPENS};

/// `tap("查流量")` or `tap("看看流量", "查流量")`: a link that makes the customer say the words (platform.md 3.1).
pub fn tap(label: &str, words: Option<&str>) -> Filling {
    let said: String = url::form_urlencoded::byte_serialize(words.unwrap_or(label).as_bytes())
        .flat_map(|part| if part == "+" { "%20".chars() } else { part.chars() })
        .collect();
    let mut html = String::new();
    let _ = write!(html, "{OPENS}{said}{ID}{FREE}\">{}</a>", shown(label));
    Filling::from_safe_string(html)
}

/// `link("官网", "https://example.com/")`; `link("看订单", page)` with a path on this server.
pub fn link(label: &str, url: &str) -> Result<Filling, Error> {
    let is_here = url.starts_with('/') && !url.starts_with("//");
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if !(is_here || is_web) || url.contains(['"', '<', '>', ' ']) {
        return Err(Error::new(ErrorKind::InvalidOperation, "link() needs an http or https address"));
    }
    Ok(Filling::from_safe_string(format!("<a href=\"{url}\">{}</a>", shown(label))))
}

/// Writes one value: as it is when we made it, defused when it came from outside.
pub fn defuse(out: &mut Output<'_>, _state: &mut State<'_, '_>, value: &Filling) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let text = value.to_string();
    let text = if value.is_safe() { Cow::Borrowed(text.as_str()) } else { shown(&text) };
    out.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, "too long"))
}

/// A value as it may stand in a text: it cannot open a tag.
fn shown(value: &str) -> Cow<'_, str> {
    if value.contains('<') { Cow::Owned(value.replace('<', "＜")) } else { Cow::Borrowed(value) }
}
