//! Honest inputs to start from: what the platform and the demo's operator write, in the shape that each target takes.

use std::fs;
use std::path::PathBuf;

use super::root;
use super::targets::kit::{MODES, sender, stamp};
use super::targets::playbook::FILES;

/// Samples longer than this are left out: what is made from them would be nothing but long.
const MAX_BYTES: usize = 4 * 1024;

/// The samples of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut samples: Vec<Vec<u8>> = match target {
        "signature" => deliveries().iter().step_by(7).flat_map(|message| pushed(message)).collect(),
        "envelope" => deliveries().into_iter().step_by(7).map(String::into_bytes).collect(),
        "wire" => deliveries().into_iter().map(String::into_bytes).collect(),
        "reply" => (0..8_u8).flat_map(replies).collect(),
        "playbook" => playbooks(),
        "template" => templates(),
        other => panic!("no samples for {other}"),
    };
    samples.retain(|sample| sample.len() <= MAX_BYTES);
    samples
}

/// What means something to a target, from the file that libFuzzer reads too.
pub fn words(target: &str) -> Vec<Vec<u8>> {
    let path = root().join("tests/fuzz/words").join(format!("{target}.dict"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let quoted = |line: &str| line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map(unescaped);
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| quoted(line).unwrap_or_else(|| panic!("{}: {line}", path.display()))).collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap() as u8;
                bytes.push(digit(high) * 16 + digit(low));
                rest = after;
            }
            (b'\\', [escaped, after @ ..]) => {
                bytes.push(*escaped);
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    bytes
}

fn files(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found: Vec<(PathBuf, String)> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)))
        .map(|path| (path.clone(), fs::read_to_string(&path).unwrap()))
        .collect();
    found.sort();
    found
}

/// One delivery of every kind.
fn deliveries() -> Vec<String> {
    files("fixtures/official", &["xml", "json"]).into_iter().map(|(_, text)| text.trim_end().to_owned()).collect()
}

/// A delivery as it is posted in each mode: its query and its body.
fn pushed(message: &str) -> Vec<Vec<u8>> {
    let sent = |mode| {
        let push = sender(mode).push(message, &stamp()).unwrap();
        let echo = sender(mode).verification("4375120948345356249", &stamp());
        [pieces(&[push.query.as_bytes(), &push.body]), pieces(&[echo.as_bytes(), b""])]
    };
    MODES.into_iter().flat_map(sent).collect()
}

fn pieces(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&0x1e)
}

fn replies(kind: u8) -> Vec<Vec<u8>> {
    let link = "<a href=\"weixin://bizmsgmenu?msgmenucontent=查流量&msgmenuid=1\">查流量</a>";
    let long = format!("{}{link}", "您的套餐：😀👨‍👩‍👧\n".repeat(60));
    let texts = [link, &long, "本期流量还剩 7.5GB ]]> <b>&amp;", ""];
    texts
        .iter()
        .zip(kind..)
        .map(|(text, way)| {
            pieces(&[
                &[kind],
                &[way],
                text.as_bytes(),
                "说明".as_bytes(),
                b"",
                b"https://example.com/?a=1&b=2",
                b"MEDIA",
            ])
        })
        .collect()
}

fn playbooks() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (folder, as_file) in
        [("config/playbook", ""), ("config/playbook/actions", "actions.toml"), ("menus", "menu.json")]
    {
        for (path, text) in files(folder, &["toml", "json"]) {
            let own = path.file_name().unwrap().to_str().unwrap();
            let name = if as_file.is_empty() { own } else { as_file };
            inputs.push(pieces(&[name.as_bytes(), text.as_bytes()]));
            // Table by table, so that each is short enough to be changed where it matters.
            let rest = if as_file == "actions.toml" { FILES[0].2 } else { "" };
            let alone = |table: &str| pieces(&[name.as_bytes(), format!("{table}\n\n{rest}").as_bytes()]);
            inputs.extend(text.split("\n\n").map(alone));
        }
    }
    inputs
}

/// Every text of the demo's playbook that fills in something, with something for its first placeholder.
fn templates() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (_, text) in files("config/playbook/actions", &["toml"]) {
        texts(&toml::from_str(&text).unwrap(), &mut inputs);
    }
    inputs
}

fn texts(value: &toml::Value, found: &mut Vec<Vec<u8>>) {
    match value {
        toml::Value::String(text) if text.contains(['{', '<']) => {
            let name = text.split("{{ ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("name");
            found.push(pieces(&[text.as_bytes(), name.as_bytes(), "<a href=\"x\">3</a>".as_bytes()]));
        }
        toml::Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
        toml::Value::Table(table) => table.iter().for_each(|(_, value)| texts(value, found)),
        _ => (),
    }
}
