use std::fs;
use std::path::PathBuf;

use super::*;
use crate::config::playbook::finding::Code;

/// Far longer than an edit takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

const MOMENTS: &str = "first_follow = \"a\"\nrefollow = \"a\"\nscan = \"a\"\nfallback = \"a\"\nnot_words = \"a\"\n";

struct Desk {
    folder: tempfile::TempDir,
    live: Live,
    state: watch::Receiver<State>,
}

impl Desk {
    fn new() -> Self {
        Self::with(Live::start)
    }

    fn with(start: impl FnOnce(Dirs) -> Result<Live, Vec<Finding>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dirs = Dirs { playbook: folder.path().join("playbook"), menus: folder.path().join("menus") };
        write_all(&dirs, "零");
        let live = start(dirs).unwrap();
        let state = live.changed();
        Self { folder, live, state }
    }

    fn dirs(&self) -> Dirs {
        Dirs { playbook: self.folder.path().join("playbook"), menus: self.folder.path().join("menus") }
    }

    fn actions(&self) -> PathBuf {
        self.dirs().playbook.join("actions.toml")
    }

    /// Waits until the state is as wanted.
    async fn until(&mut self, wanted: impl FnMut(&State) -> bool) -> State {
        let state = tokio::time::timeout(PATIENCE, self.state.wait_for(wanted)).await;
        state.expect("in time").expect("still followed").clone()
    }

    async fn until_said(&mut self, text: &str) -> State {
        self.until(|state| said(state).contains(text)).await
    }
}

fn actions(text: &str) -> String {
    format!("[a]\nkind = \"say\"\ntext = \"{text}\"\n")
}

fn write_all(dirs: &Dirs, text: &str) {
    fs::create_dir_all(&dirs.playbook).unwrap();
    fs::create_dir_all(&dirs.menus).unwrap();
    fs::write(dirs.playbook.join("moments.toml"), MOMENTS).unwrap();
    fs::write(dirs.playbook.join("keywords.toml"), "").unwrap();
    fs::write(dirs.playbook.join("actions.toml"), actions(text)).unwrap();
}

fn said(state: &State) -> String {
    format!("{:?}", state.playbook.actions)
}

#[tokio::test]
async fn an_edit_goes_live_and_a_bad_one_leaves_the_last_good_one() {
    let mut desk = Desk::new();
    let first = desk.live.current().version.clone();

    fs::write(desk.actions(), actions("一")).unwrap();
    let good = desk.until_said("一").await;
    assert_ne!(good.playbook.version, first);
    assert_eq!(good.status.version, good.playbook.version);

    fs::write(desk.actions(), actions("{{ 坏")).unwrap();
    let bad = desk.until(|state| state.status.is_refused()).await;
    assert_eq!(bad.status.version, good.playbook.version);
    assert!(said(&bad).contains("一"));
    let found: Vec<_> = bad.status.findings.iter().map(|finding| (finding.code, finding.line)).collect();
    assert_eq!(found, [(Code::BrokenText, 3)]);

    fs::write(desk.actions(), actions("一")).unwrap();
    let mended = desk.until(|state| !state.status.is_refused()).await;
    assert_eq!((&mended.status.version, mended.status.since), (&good.status.version, good.status.since));
    assert_eq!(desk.live.status(), mended.status);
}

#[tokio::test]
async fn a_channel_file_that_comes_changes_or_goes_takes_effect() {
    let mut desk = Desk::new();
    let file = desk.dirs().playbook.join("channels.toml");
    let of = |state: &State| state.playbook.channels.of(Some(&"s1".into())).as_str().to_owned();
    for (key, named) in [("poster", "poster"), ("Poster", "poster"), ("shop", "shop")] {
        fs::write(&file, format!("[{key}]\ntitle = \"海报\"\nscenes = [\"s*\"]\n")).unwrap();
        let state = desk.until(|state| of(state) == named && state.status.is_refused() == (key != named)).await;
        assert_eq!(of(&state), named);
    }
    fs::remove_file(&file).unwrap();
    desk.until(|state| of(state) == "other").await;
}

#[tokio::test]
async fn an_editor_may_save_by_renaming_a_file_of_its_own() {
    let mut desk = Desk::new();
    for text in ["一", "二", "三"] {
        let own = desk.dirs().playbook.join(".actions.toml.tmp");
        fs::write(&own, actions(text)).unwrap();
        fs::rename(&own, desk.actions()).unwrap();
        desk.until_said(text).await;
    }
}

#[tokio::test]
async fn a_save_in_two_writes_ends_with_the_whole() {
    let mut desk = Desk::new();
    fs::write(desk.actions(), "[a]\nkind = \"sa").unwrap();
    fs::write(desk.actions(), actions("全")).unwrap();
    let state = desk.until_said("全").await;
    assert!(!state.status.is_refused());
    fs::write(desk.dirs().playbook.join("keywords.toml"), "[[rule]]\nexact = [\"x\"]\naction = \"a\"\n").unwrap();
    desk.until(|state| state.playbook.keywords.rules().len() == 1).await;
}

#[tokio::test]
async fn a_folder_may_be_removed_and_made_again() {
    let mut desk = Desk::new();
    for text in ["一", "二"] {
        fs::remove_dir_all(desk.dirs().playbook).unwrap();
        let gone = desk.until(|state| state.status.is_refused()).await;
        assert_eq!(gone.status.findings[0].code, Code::MissingFile);
        write_all(&desk.dirs(), text);
        desk.until_said(text).await;
        fs::write(desk.actions(), actions(&format!("又{text}"))).unwrap();
        desk.until_said(&format!("又{text}")).await;
    }
}

#[tokio::test]
async fn a_folder_may_be_exchanged_for_another() {
    let mut desk = Desk::new();
    let next = Dirs { playbook: desk.folder.path().join("next"), menus: desk.dirs().menus };
    write_all(&next, "新");
    fs::rename(desk.dirs().playbook, desk.folder.path().join("old")).unwrap();
    fs::rename(next.playbook, desk.dirs().playbook).unwrap();
    desk.until_said("新").await;
}

#[tokio::test]
async fn an_edit_is_seen_also_where_the_system_reports_none() {
    let mut desk = Desk::with(|dirs| Live::start_with(dirs, |_| None));
    for text in ["一", "二"] {
        fs::write(desk.actions(), actions(text)).unwrap();
        desk.until_said(text).await;
    }
}

#[tokio::test]
async fn nothing_good_to_begin_with_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let dirs = Dirs { playbook: folder.path().join("playbook"), menus: folder.path().join("menus") };
    assert!(!Live::start(dirs).unwrap_err().is_empty());
}

#[tokio::test]
async fn following_ends_with_the_last_owner() {
    let Desk { folder: _folder, live, mut state } = Desk::new();
    drop(live);
    let ended = async { while state.changed().await.is_ok() {} };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
}
