//! `fuwu test`: the playbook's conversation tests.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::app::rehearsal::{Failure, Summary, Trial, run};
use crate::domain::playbook::Playbook;

/// Runs these files, or every `*.toml` of `folder` when none is named, and prints what came of them. `false`: a
/// conversation did not go as expected, or there was none. An error: a file cannot be read.
pub fn test(playbook: &Arc<Playbook>, folder: &Path, files: &[PathBuf], out: &mut impl Write) -> anyhow::Result<bool> {
    let files = if files.is_empty() { listed(folder)? } else { files.to_vec() };
    let mut summary = Summary::default();
    for file in &files {
        let text = fs::read_to_string(file).with_context(|| format!("打不开 {}", file.display()))?;
        run(playbook, Trial { file: &file.display().to_string(), text: &text }, &mut summary);
    }
    for failure in &summary.failures {
        print_failure(failure, out)?;
    }
    if summary.conversations == 0 && summary.failures.is_empty() {
        writeln!(out, "没有对话测试：在 {} 里写一个，例如 hello.toml", folder.display())?;
        return Ok(false);
    }
    print_untouched(&summary, playbook, out)?;
    let (conversations, steps) = (summary.conversations, summary.steps);
    match summary.failures.len() {
        0 => writeln!(out, "{conversations} 个对话、{steps} 步，全部符合")?,
        failed => writeln!(out, "{conversations} 个对话、{steps} 步，{failed} 处不符")?,
    }
    Ok(summary.failures.is_empty())
}

fn listed(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("打不开 {}", folder.display()))?,
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut files = paths.with_context(|| format!("打不开 {}", folder.display()))?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    Ok(files)
}

fn print_failure(failure: &Failure, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "✗ {}:{} {}", failure.file, failure.line, failure.place)?;
    writeln!(out, "    {}", failure.cause)?;
    if let Some(said) = &failure.said {
        let said = if said.is_empty() { "（无）" } else { said };
        writeln!(out, "    实际：{}", said.replace('\n', "\n          "))?;
    }
    writeln!(out)
}

fn print_untouched(summary: &Summary, playbook: &Playbook, out: &mut impl Write) -> io::Result<()> {
    let left = summary.touched.untouched(playbook);
    if left.is_empty() {
        return Ok(());
    }
    writeln!(out, "还没有对话测到：")?;
    for (what, names) in
        [("菜单", &left.buttons), ("关键词", &left.rules), ("moments", &left.moments), ("动作", &left.actions)]
    {
        if !names.is_empty() {
            writeln!(out, "  {what}：{}", names.join("、"))?;
        }
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample::playbook;

    fn tested(files: &[(&str, &str)]) -> (anyhow::Result<bool>, String) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let mut out = Vec::new();
        let passed = test(&Arc::new(playbook()), folder.path(), &[], &mut out);
        (passed, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_good_conversation_passes_and_what_it_leaves_is_named() {
        let good = "[[conversation]]\nname = 'a'\nstep = [{ tap = 'balance', expect = '话费' }]\n";
        let (passed, shown) = tested(&[("a.toml", good), ("readme.md", "not a test")]);
        assert!(passed.unwrap());
        assert!(shown.contains("1 个对话、1 步，全部符合"), "{shown}");
        assert!(shown.contains("菜单：优惠（offers）"), "{shown}");
    }

    #[test]
    fn a_failure_says_where_and_what_was_said() {
        let bad = "[[conversation]]\nname = 'a'\n[[conversation.step]]\nsay = '查话费'\nexpect = '流量'\n";
        let (passed, shown) = tested(&[("a.toml", bad), ("b.toml", "x")]);
        assert!(!passed.unwrap());
        assert!(
            shown.contains("a.toml:3 「a」第 1 步\n    回复里没有「流量」\n    实际：话费余额 86.50 元"),
            "{shown}"
        );
        assert!(shown.contains("b.toml:1"), "{shown}");
        assert!(shown.contains("2 处不符"), "{shown}");
    }

    #[test]
    fn nothing_tested_is_not_a_success_and_a_missing_file_is_an_error() {
        let (passed, shown) = tested(&[]);
        assert!(!passed.unwrap() && shown.contains("没有对话测试"));
        let missing = [PathBuf::from("does/not/exist.toml")];
        assert!(test(&Arc::new(playbook()), Path::new("."), &missing, &mut Vec::new()).is_err());
        assert!(!test(&Arc::new(playbook()), Path::new("does/not/exist"), &[], &mut Vec::new()).unwrap());
    }
}
