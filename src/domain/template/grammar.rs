//! The part of the template language a playbook may use: placeholders, `tap()`, `link()`, `if`, comparisons and `~`.
//!
//! What is left out (loops, `set`, macros, includes, filters, repetition) is what could multiply work or output, or
//! would fail only when a customer is already waiting.

use super::TemplateFault;

const STATEMENTS: [&str; 4] = ["if", "elif", "else", "endif"];
const SYMBOLS: &str = "(),.=!<>~+-";
/// `is` names a test and there are none; the others are the engine's own names, never values.
const RESERVED: [&str; 4] = ["is", "self", "super", "loop"];
/// The engine compiles by recursion: a longer tag or more statements could exhaust the stack.
const MAX_PARTS: usize = 100;

/// Refuses what is left out. A tag that is not closed is left to the engine, which says so better.
pub fn check(source: &str) -> Result<(), TemplateFault> {
    let mut rest = source;
    let mut statements = 0;
    while let Some((_, after)) = rest.split_once('{') {
        let line = || 1 + source.len().checked_sub(after.len()).map_or(0, |end| newlines(source, end));
        statements += usize::from(after.starts_with('%'));
        if statements > MAX_PARTS {
            return Err(TemplateFault { cause: "话术里的条件太多".into(), line: Some(line()) });
        }
        rest = match after.chars().next() {
            Some('#') => after.split_once("#}").map_or("", |(_, next)| next),
            Some('{' | '%') => tag(after).map_err(|cause| TemplateFault { cause, line: Some(line()) })?,
            _ => after,
        };
    }
    Ok(())
}

fn newlines(source: &str, end: usize) -> usize {
    source.bytes().take(end).filter(|b| *b == b'\n').count()
}

/// Reads one tag from behind its first brace; gives what follows it.
fn tag(after: &str) -> Result<&str, String> {
    let statement = after.starts_with('%');
    let end = if statement { "%}" } else { "}}" };
    let mut rest = after.get(1..).unwrap_or_default();
    let mut words = 0;
    for _ in 0..MAX_PARTS {
        rest = rest.trim_start();
        if let Some(next) = rest.strip_prefix(end) {
            return Ok(next);
        }
        let Some(first) = rest.chars().next() else { return Ok("") };
        if first == '"' || first == '\'' {
            rest = after_string(rest, first);
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (word, next) = rest.split_at(length);
            if (statement && words == 0 && !STATEMENTS.contains(&word)) || RESERVED.contains(&word) {
                return Err(format!("话术里不能用 {word}"));
            }
            words += 1;
            rest = next;
        } else if SYMBOLS.contains(first) {
            rest = rest.strip_prefix(first).unwrap_or_default();
        } else if first == '|' {
            return Err("话术里没有过滤器，不能用 |".into());
        } else {
            return Err(format!("话术里不能用 {first}"));
        }
    }
    Err("一个标签里的内容太多".into())
}

fn after_string(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return text.get(at + 1..).unwrap_or_default();
        }
        escaped = c == '\\' && !escaped;
    }
    ""
}
