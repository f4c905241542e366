//! The demo account's playbook: without a finding, and every entry of it answered as its own conversations say.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use fuwu::app::rehearsal::{Summary, Trial, run};
use fuwu::config::playbook::{Dirs, read};
use fuwu::domain::playbook::Playbook;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn playbook() -> Playbook {
    let dirs = Dirs { playbook: root().join("config/playbook"), menus: root().join("menus") };
    let (playbook, findings) = read(&dirs);
    assert!(findings.is_empty(), "{findings:#?}");
    playbook.unwrap()
}

#[test]
fn its_conversations_go_as_written_and_touch_all_of_it() {
    let playbook = Arc::new(playbook());
    let mut summary = Summary::default();
    for file in fs::read_dir(root().join("config/playbook/tests")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        run(&playbook, Trial { file: &path.display().to_string(), text: &text }, &mut summary);
    }
    assert!(summary.failures.is_empty(), "{:#?}", summary.failures);
    assert!(summary.conversations > 25, "{}", summary.conversations);
    let untouched = summary.touched.untouched(&playbook);
    assert!(untouched.is_empty(), "{untouched:#?}");
}

#[test]
fn every_article_it_links_to_is_there() {
    let text = fs::read_to_string(root().join("config/playbook/actions/news.toml")).unwrap();
    let slugs: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("url = \"/sandbox/articles/")?.strip_suffix('"')).collect();
    assert_eq!(slugs.len(), 9);
    for slug in slugs {
        let article = fs::read_to_string(root().join(format!("fixtures/articles/{slug}.md"))).unwrap();
        let title = article.lines().next().unwrap().trim_start_matches("# ");
        assert!(text.contains(&format!("title = \"{title}\"")), "{slug}: the link and the page have different titles");
        assert!(text.contains(&format!("picture_url = \"/sandbox/articles/{slug}.svg\"")), "{slug}");
    }
}
