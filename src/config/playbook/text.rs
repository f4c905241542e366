//! Findings as a person reads them on a terminal.

use std::fmt::Write as _;

use super::finding::{Finding, Severity};

/// One finding: where, what, the line with the place marked, and how to mend it.
pub fn render(finding: &Finding) -> String {
    let name = match finding.severity {
        Severity::Error => "错误",
        Severity::Warning => "提醒",
    };
    let Finding { file, line, column, message, mend, excerpt, .. } = finding;
    let mut text = format!("{file}:{line}:{column}: {name}[{}] {message}\n", finding.code);
    if !excerpt.is_empty() {
        let margin = line.to_string();
        let shown: String = excerpt.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
        let before: usize = shown.chars().take(column - 1).map(cells).sum();
        let meant: usize = shown.chars().skip(column - 1).take(finding.width).map(cells).sum();
        let _ = writeln!(text, "  {margin} │ {shown}");
        let _ = writeln!(text, "  {:w$} │ {:before$}{}", "", "", "^".repeat(meant.max(1)), w = margin.len());
    }
    let _ = writeln!(text, "  改法：{mend}");
    text
}

/// Terminal cells of a character: Chinese characters, full-width signs and emoji take two.
fn cells(c: char) -> usize {
    match u32::from(c) {
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE4F => 2,
        0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::playbook::finding::Code;

    #[test]
    fn the_mark_stands_under_what_is_meant_also_after_chinese() {
        let finding = Finding {
            line: 12,
            column: 6,
            excerpt: "回复 = \"话费\"".into(),
            width: 4,
            ..Finding::of_file(Code::WrongValue, "a.toml", ("不对".into(), "改一改"))
        };
        let expected =
            "a.toml:12:6: 错误[wrong-value] 不对\n  12 │ 回复 = \"话费\"\n     │        ^^^^^^\n  改法：改一改\n";
        assert_eq!(render(&finding), expected);
        assert_eq!(render(&Finding { excerpt: String::new(), ..finding }).lines().count(), 2);
    }
}
