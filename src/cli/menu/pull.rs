//! `fuwu menu pull`: the platform's menus into the files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::{Desk, print};
use crate::app::{Clock as _, SystemClock};
use crate::config::playbook::{read, render};
use crate::domain::menu::{BUTTON_TYPES, Button, Menu, MenuSet};

/// Everybody's menu, where no file holds one.
const DEFAULT: &str = "default.json";

impl Desk<'_> {
    /// Writes the platform's menus into the account's menu folder. A file that says the same stays as it is; every other
    /// one is copied before it is written or put aside.
    pub(super) async fn pull(&self) -> anyhow::Result<ExitCode> {
        let standing = self.standing().await?;
        let Some(everybody) = &standing.everybody else {
            bail!("平台上没有用接口发布的菜单，没有改动任何文件；后台设置的菜单用 fuwu menu show 看");
        };
        takeable(&standing)?;
        let folder = &self.account.dirs.menus;
        let files = on_disk(folder)?;
        let set = MenuSet::of_files(&files.values().flatten().cloned().collect::<Vec<_>>());
        let stamp = SystemClock.now().0;
        let mut told = String::new();
        let mut changed = |line: String| told.push_str(&(line + "\n"));
        let holds = |menu: &Option<Menu>, conditional| {
            menu.as_ref().is_some_and(|menu| menu.matchrule.is_some() == conditional)
        };
        if set.everybody.as_ref() != Some(everybody) {
            let found = files.iter().find(|(_, menu)| holds(menu, false));
            let path = folder.join(found.map_or(DEFAULT, |(name, _)| name));
            let schema = found.and_then(|(_, menu)| menu.as_ref()?.schema.clone());
            changed(put(&path, &file((schema, everybody), None)?, stamp)?);
        }
        if set.conditional != standing.conditional {
            for (name, _) in files.iter().filter(|(_, menu)| holds(menu, true)) {
                let path = folder.join(name);
                let aside = copy(&path, stamp)?;
                fs::remove_file(&path).with_context(|| format!("{} 删不了", path.display()))?;
                changed(format!("{} 已移到 {}", path.display(), aside.display()));
            }
            // Of several that match, the last by name is shown.
            let mut free = (1..).map(|nth| folder.join(format!("tag-{nth:03}.json"))).filter(|path| !path.exists());
            for one in &standing.conditional {
                let path = free.next().context("没有可用的文件名")?;
                let rule = serde_json::to_value(&one.rule.known)?;
                changed(put(&path, &file((None, &one.button), Some(rule))?, stamp)?);
            }
        }
        if told.is_empty() {
            return print("文件里已经是平台上的菜单，没有改动\n");
        }
        print(&told)?;
        let (_, findings) = read(&self.account.dirs);
        let errors: Vec<String> = findings.iter().filter(|finding| finding.is_error()).map(render).collect();
        if errors.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        print(&format!("{}\n这些要先改正，新的菜单文件才会生效\n", errors.join("\n")))?;
        Ok(ExitCode::from(1))
    }
}

/// What a menu file cannot say would be lost.
fn takeable(set: &MenuSet) -> anyhow::Result<()> {
    if let Some(old) = set.conditional.iter().find(|one| !one.rule.other.is_empty()) {
        bail!("个性化菜单（{}）用了平台已停用的条件，写不进文件；没有改动任何文件", old.rule);
    }
    let lists = set.everybody.iter().chain(set.conditional.iter().map(|one| &one.button));
    let leaves = lists.flatten().flat_map(|top: &Button| match top.sub_button.is_empty() {
        true => std::slice::from_ref(top),
        false => &top.sub_button,
    });
    for leaf in leaves {
        let kind = leaf.kind.as_deref().unwrap_or_default();
        if !BUTTON_TYPES.iter().any(|(known, _)| *known == kind) {
            bail!("「{}」是 {kind} 按钮，菜单文件里没有这种；没有改动任何文件", leaf.name);
        }
    }
    Ok(())
}

/// The menu files by name; `None` for one that cannot be read as a menu.
fn on_disk(folder: &Path) -> anyhow::Result<BTreeMap<String, Option<Menu>>> {
    let entries = fs::read_dir(folder).with_context(|| format!("打不开文件夹 {}", folder.display()))?;
    let mut files = BTreeMap::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") && !name.starts_with(['.', '#']) {
            if entry.path().is_dir() {
                bail!("{} 是一个文件夹，不是文件；移走它再试，没有改动任何文件", entry.path().display());
            }
            let menu = fs::read(entry.path()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            files.insert(name, menu);
        }
    }
    Ok(files)
}

/// A menu file's text.
fn file((schema, button): (Option<String>, &[Button]), rule: Option<Value>) -> anyhow::Result<String> {
    let mut menu = serde_json::Map::new();
    menu.extend(schema.map(|schema| ("$schema".to_owned(), json!(schema))));
    menu.extend(rule.map(|rule| ("matchrule".to_owned(), rule)));
    menu.insert("button".to_owned(), serde_json::to_value(button)?);
    Ok(serde_json::to_string_pretty(&menu)? + "\n")
}

/// Writes a file, whole or not at all, after a copy of what was there, and tells both.
fn put(path: &Path, text: &str, stamp: i64) -> anyhow::Result<String> {
    let aside = if path.exists() { Some(copy(path, stamp)?) } else { None };
    let written = || -> std::io::Result<()> {
        let new = path.with_extension("json.new");
        let mut open = fs::File::create(&new)?;
        open.write_all(text.as_bytes())?;
        open.sync_all()?;
        fs::rename(&new, path)
    };
    written().with_context(|| format!("{} 写不了", path.display()))?;
    let kept = aside.map(|aside| format!("（原来的留在 {}）", aside.display())).unwrap_or_default();
    Ok(format!("已写入 {}{kept}", path.display()))
}

/// Copies a file beside itself, under a name that nothing has and nothing reads.
fn copy(path: &Path, stamp: i64) -> anyhow::Result<PathBuf> {
    let bytes = fs::read(path).with_context(|| format!("{} 读不了", path.display()))?;
    for nth in 0.. {
        let more = if nth == 0 { String::new() } else { format!("-{nth}") };
        let aside = path.with_extension(format!("json.{stamp}{more}.bak"));
        match fs::File::options().write(true).create_new(true).open(&aside) {
            Ok(mut open) => {
                open.write_all(&bytes).and_then(|()| open.sync_all())?;
                return Ok(aside);
            }
            Err(taken) if taken.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("{} 写不了，没有改动", aside.display())),
        }
    }
    bail!("没有可用的文件名")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_without_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("default.json");
        for text in ["一", "二", "三"] {
            put(&path, text, 7).unwrap();
        }
        let mut held: Vec<String> =
            fs::read_dir(dir.path()).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
        held.sort();
        assert_eq!(held, ["一", "三", "二"]);
        assert_eq!(fs::read_to_string(path).unwrap(), "三");
    }

    #[test]
    fn what_a_file_cannot_say_is_refused() {
        let mut set = MenuSet::default();
        set.add_platforms(&json!([{"type": "text", "name": "文字", "value": "好"}]), None);
        assert!(takeable(&set).unwrap_err().to_string().contains("text 按钮"));
        let mut set = MenuSet::default();
        set.add_platforms(&json!([]), Some(&json!({"sex": "1"})));
        assert!(takeable(&set).unwrap_err().to_string().contains("sex 1"));
    }
}
