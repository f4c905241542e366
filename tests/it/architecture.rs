//! The arrows of the house (src/lib.rs): which room may use which, and how large a file may grow.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A room and the rooms it may use besides itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("growth", &["domain"]),
    ("channel", &["domain"]),
    ("backend", &["domain"]),
    ("config", &["domain"]),
    ("store", &["domain", "growth"]),
    ("app", &["domain", "growth", "channel", "backend", "config", "store"]),
    ("http", &["domain", "growth", "channel", "config", "store", "app"]),
    ("sandbox", &["domain", "channel"]),
    ("cli", &["domain", "growth", "channel", "backend", "config", "store", "app", "http", "sandbox"]),
];

const MAX_LINES: usize = 400;

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// Whether a file is only compiled for tests: its parent declares it so, or it lies in a folder that is.
fn is_for_tests(path: &Path, src: &Path) -> bool {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem().and_then(|s| s.to_str())) else { return false };
    if path == src || folder == src.parent().unwrap() {
        return false;
    }
    let parents = [folder.join("mod.rs"), folder.with_extension("rs")];
    let declared = parents.iter().filter_map(|parent| std::fs::read_to_string(parent).ok()).any(|text| {
        ["mod", "pub(crate) mod", "pub(super) mod"]
            .iter()
            .any(|how| text.contains(&format!("#[cfg(test)]\n{how} {stem};")))
    });
    declared || is_for_tests(folder, src)
}

/// Every source below src/ as (room, path, text before its tests).
fn rooms() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources(&src)
        .into_iter()
        .filter(|path| !is_for_tests(path, &src))
        .filter_map(|path| {
            let inside = path.strip_prefix(&src).unwrap().to_owned();
            let room = inside.components().next()?.as_os_str().to_str()?.to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod").next().unwrap_or_default().to_owned();
            (inside.components().count() > 1).then_some((room, inside, code))
        })
        .collect()
}

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (room, path, code) in rooms() {
        let allowed = arrows.get(room.as_str()).unwrap_or_else(|| panic!("{room} has no place in the house"));
        if code.contains("crate::{") {
            wrong.push(format!("{} names rooms in a group, which this test does not read", path.display()));
        }
        for part in code.split("crate::").skip(1) {
            let used: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if arrows.contains_key(used.as_str()) && used != room && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that the house does not have:\n{}", wrong.join("\n"));
}

#[test]
fn domain_and_growth_are_pure() {
    let impure = ["async fn", ".await", "::now()", "std::fs", "std::net", "std::env", "tokio", "rand::", "reqwest"];
    let mut wrong = Vec::new();
    for (room, path, code) in rooms() {
        if room == "domain" || room == "growth" {
            let found = impure.iter().filter(|word| says(&code, word));
            wrong.extend(found.map(|word| format!("{}: {word}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "pure rooms do no I/O and read no clock:\n{}", wrong.join("\n"));
}

/// Whether these words stand somewhere, and not as the end of a longer one.
fn says(code: &str, words: &str) -> bool {
    let is_word = words.starts_with(char::is_alphabetic);
    code.match_indices(words).any(|(at, _)| !is_word || !code[..at].ends_with(char::is_alphanumeric))
}

#[test]
fn each_outside_format_has_one_room() {
    let owners = [("quick_xml", vec!["channel"]), ("rusqlite", vec!["store"]), ("actix_web", vec!["http", "sandbox"])];
    let mut wrong = Vec::new();
    for (room, path, code) in rooms() {
        for (name, may) in &owners {
            if code.contains(name) && !may.contains(&room.as_str()) {
                wrong.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "only channel knows XML, only store knows SQLite, only http and sandbox know actix:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_file_grows_beyond_its_reason() {
    let lines = |path: PathBuf| {
        let count = std::fs::read_to_string(&path).unwrap().lines().count();
        (path, count)
    };
    let benches = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches"));
    let long: Vec<String> = rooms()
        .into_iter()
        .map(|(_, path, code)| (path, code.lines().count()))
        .chain(benches.into_iter().map(lines))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{}: {lines}", path.display()))
        .collect();
    assert!(long.is_empty(), "over {MAX_LINES} lines before their tests:\n{}", long.join("\n"));
}
