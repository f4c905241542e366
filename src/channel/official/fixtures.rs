//! Every kind of delivery, from a file: what it parses to is a snapshot beside it, and encrypted it is the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::deliver::{Sender, Stamp};
use super::{Account, AccountSpec, Mode, Query, open, read_clear};
use crate::domain::inbound::What;

const KEY: &str = "Zm9yUnVzdEdyb3d0aFNlcnZlcktleVZlY3RvcjAwMDF";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/official")
}

/// Name and text of every fixture.
pub(super) fn all() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "xml" || kind == "json") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            found.push((name, fs::read_to_string(&path).unwrap().trim_end().to_owned()));
        }
    }
    found.sort();
    found
}

pub(super) fn account(mode: Mode) -> Account {
    Account::new(AccountSpec {
        id: "demo".into(),
        app_id: "wx0123456789abcdef".into(),
        original_id: "gh_0123456789ab".into(),
        tokens: vec!["rustgrowth2026".into()],
        aes_keys: vec![KEY.into()],
        mode,
    })
    .unwrap()
}

pub(super) fn sender(mode: Mode) -> Sender {
    Sender { token: "rustgrowth2026".into(), aes_key: KEY.into(), app_id: "wx0123456789abcdef".into(), mode }
}

pub(super) fn stamp() -> Stamp {
    Stamp { timestamp: 1_735_689_600, nonce: "1234567890".into(), random: *b"0123456789abcdef" }
}

#[test]
fn every_fixture_parses_to_its_snapshot() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, text) in all() {
            insta::assert_debug_snapshot!(name.clone(), read_clear(text.as_bytes()).unwrap());
        }
    });
}

#[test]
fn every_kind_has_a_fixture_named_after_it() {
    let mut covered = BTreeSet::new();
    for (name, text) in all() {
        let parsed = read_clear(text.as_bytes()).unwrap().what.name();
        assert_eq!(name.split("--").next(), Some(parsed), "{name}");
        covered.insert(parsed);
    }
    assert_eq!(covered, What::names().collect());
}

#[test]
fn every_fixture_opens_to_the_same_value_in_every_mode() {
    for mode in [Mode::Plain, Mode::Compatible, Mode::Safe] {
        for (name, text) in all() {
            // A compatible delivery is a message with one more element, which JSON has no shape for.
            let mode = if text.starts_with('{') { Mode::Safe } else { mode };
            let push = sender(mode).push(&text, &stamp()).unwrap();
            let opened = open(&account(mode), &Query::parse(&push.query).unwrap(), &push.body).unwrap();
            let clear = read_clear(text.as_bytes()).unwrap();
            assert_eq!(opened.delivery, Ok(clear), "{name} {mode:?}");
        }
    }
}

#[test]
fn no_two_fixtures_have_the_same_key() {
    let keys: BTreeSet<_> = all().iter().map(|(_, text)| read_clear(text.as_bytes()).unwrap().key).collect();
    assert_eq!(keys.len(), all().len());
}
