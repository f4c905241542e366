use std::fs;

use super::*;
use crate::config::playbook::finding::Severity;
use crate::domain::ids::ActionKey;

mod channels;
mod connectors;
mod faulty;
mod pools;

struct Folder(tempfile::TempDir);

const ACTIONS: &str = "[hello]\nkind = \"say\"\ntext = \"你好\"\n\n[plan]\nkind = \"say\"\ntext = \"套餐\"\n";
const MOMENTS: &str =
    "first_follow = \"hello\"\nrefollow = \"hello\"\nscan = \"hello\"\nfallback = \"hello\"\nnot_words = \"hello\"\n";
const MENU: &str = "{\"button\": [\n  {\"type\": \"click\", \"name\": \"套餐\", \"key\": \"plan\"}\n]}\n";

impl Folder {
    fn good() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(folder.0.path().join("playbook/actions")).unwrap();
        fs::create_dir_all(folder.0.path().join("menus")).unwrap();
        let folder = folder.with("playbook/actions.toml", ACTIONS).with("playbook/moments.toml", MOMENTS);
        folder.with("playbook/keywords.toml", "").with("menus/m.json", MENU)
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let file = self.0.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    fn dirs(&self) -> Dirs {
        Dirs { playbook: self.0.path().join("playbook"), menus: self.0.path().join("menus") }
    }

    fn read(&self) -> (Option<Playbook>, Vec<Finding>) {
        read(&self.dirs())
    }

    /// Severity, code, place: what most tests look at.
    fn found(&self) -> Vec<(Severity, Code, usize, usize)> {
        self.read().1.iter().map(|f| (f.severity, f.code, f.line, f.column)).collect()
    }

    fn only(&self) -> Finding {
        let (_, findings) = self.read();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.into_iter().next().unwrap()
    }
}

fn menu(buttons: &str) -> Folder {
    Folder::good().with("menus/m.json", format!("{{\"button\": [{buttons}]}}"))
}

use Severity::{Error, Warning};

#[test]
fn a_keyword_file_that_went_missing_does_not_go_live() {
    let folder = Folder::good();
    fs::remove_file(folder.0.path().join("playbook/keywords.toml")).unwrap();
    let finding = folder.only();
    assert_eq!((finding.severity, finding.code), (Error, Code::MissingFile));
    assert!(finding.file.ends_with("keywords.toml") && finding.mend.contains("空文件"), "{finding:?}");
}

#[test]
fn a_good_playbook_has_no_findings_and_everything_in_it() {
    let (playbook, findings) = Folder::good().read();
    assert_eq!(findings, []);
    let playbook = playbook.unwrap();
    assert_eq!(playbook.actions.keys().map(ActionKey::as_str).collect::<Vec<_>>(), ["hello", "plan"]);
    assert_eq!(playbook.menus[0].leaves().count(), 1);
    assert_eq!(playbook.moments.fallback.as_str(), "hello");
    assert_eq!(playbook.version.as_str().len(), 12);
}

#[test]
fn the_version_follows_every_byte_and_nothing_else() {
    let folder = Folder::good();
    let first = folder.read().0.unwrap().version;
    assert_eq!(Folder::good().read().0.unwrap().version, first);
    let folder = folder.with("playbook/.actions.toml.swp", "x").with("playbook/actions.toml~", "x");
    assert_eq!(folder.read().0.unwrap().version, first);
    let folder = folder.with("menus/m.json", format!("{MENU} "));
    assert_ne!(folder.read().0.unwrap().version, first);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let folder = Folder::good()
        .with("playbook/actions.toml", windows(ACTIONS))
        .with("playbook/moments.toml", windows(MOMENTS))
        .with("menus/m.json", windows(MENU));
    assert_eq!(folder.read().1, []);
    let folder = folder.with("playbook/actions.toml", windows(&ACTIONS.replace("say", "sya")));
    assert_eq!(folder.found(), [(Error, Code::UnknownKind, 2, 8), (Error, Code::UnknownKind, 6, 8)]);
}

#[test]
fn what_is_no_utf8_text_is_refused_with_its_line() {
    let gbk: &[u8] = b"[hello]\nkind = \"say\"\ntext = \"\xC4\xE3\xBA\xC3\"\n";
    let found = |bytes: &[u8]| {
        let finding = Folder::good().with("playbook/actions.toml", bytes).only();
        (finding.code, finding.line, finding.message)
    };
    let (code, line, message) = found(gbk);
    assert_eq!((code, line), (Code::Encoding, 3));
    assert!(message.contains("GBK"));
    assert_eq!(found(b"\xFF\xFEa\0").0, Code::Encoding);
    assert_eq!(found(b"a = 1\nb = \"\0\"\n").1, 2);
    assert_eq!(found(&vec![b'#'; 1024 * 1024 + 1]).0, Code::TooLarge);
}

#[test]
fn a_link_may_lead_about_in_the_folders_but_not_out_of_them() {
    let folder = Folder::good().with("playbook/..data", "[bye]\nkind = \"say\"\ntext = \"再见\"\n");
    let (inside, outside) = (folder.dirs().playbook.join("..data"), tempfile::NamedTempFile::new().unwrap());
    let link = folder.dirs().playbook.join("actions/more.toml");
    std::os::unix::fs::symlink(inside, &link).unwrap();
    assert!(folder.read().0.unwrap().actions.contains_key(&ActionKey::from("bye")));
    fs::write(outside.path(), "root:x:0:0:secret").unwrap();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(outside.path(), &link).unwrap();
    let (playbook, findings) = folder.read();
    assert!(playbook.is_none() && findings.iter().any(|finding| finding.code == Code::Unreadable), "{findings:?}");
    assert!(!format!("{findings:?}").contains("secret"));
}

#[test]
fn every_fault_of_a_file_is_listed_where_it_is() {
    let actions = "[a]\nkind = \"say\"\ntxet = \"x\"\ntext = 7\nextra = 1\n\n[b]\nkind = \"sya\"\n\n[c]\ntext = \"x\"\n\n[d]\nkind = \"say\"\ntext = \"\"\"\n好\n{{ 坏\n\"\"\"\n";
    let folder = Folder::good().with("playbook/actions.toml", format!("{ACTIONS}{actions}"));
    let found: Vec<_> = folder.read().1.into_iter().map(|f| (f.code, f.line, f.column, f.mend)).collect();
    let places: Vec<_> = found.iter().map(|(code, line, column, _)| (*code, line - 7, *column)).collect();
    let expected = [
        (Code::UnknownKey, 3, 1),
        (Code::WrongValue, 4, 8),
        (Code::UnknownKey, 5, 1),
        (Code::UnknownKind, 8, 8),
        (Code::MissingKey, 10, 2),
        (Code::BrokenText, 17, 1),
    ];
    assert_eq!(places, expected, "{found:#?}");
    assert!(found[0].3.contains("text"));
    assert!(found[3].3.contains("say"));
}

#[test]
fn syntax_errors_are_found_with_their_place_and_nothing_is_guessed_from_them() {
    let folder = Folder::good().with("playbook/actions.toml", "[hello]\nkind = “say”\n");
    assert_eq!(folder.only().line, 2);
    assert_eq!(folder.only().code, Code::Syntax);
    let folder = Folder::good().with("menus/m.json", "{\"button\": [\n  {\"name\" \"x\"}]}");
    assert_eq!(folder.found(), [(Error, Code::Syntax, 2, 11)]);
}

#[test]
fn a_name_written_twice_is_refused_also_across_files() {
    let folder = Folder::good().with("playbook/actions.toml", format!("{ACTIONS}[hello]\nkind = \"say\"\n"));
    assert_eq!(folder.found(), [(Error, Code::DuplicateKey, 8, 2)]);
    let folder = Folder::good().with("playbook/actions/more.toml", "[plan]\nkind = \"say\"\ntext = \"x\"\n");
    let finding = folder.only();
    assert_eq!((finding.code, finding.line, finding.column), (Code::DuplicateKey, 1, 2));
    assert!(finding.message.contains("actions.toml:5"), "{}", finding.message);
}

#[test]
fn actions_may_be_spread_over_files_and_keywords_lead_to_them() {
    let folder = Folder::good()
        .with("playbook/actions/more.toml", "[balance]\nkind = \"say\"\ntext = \"x\"\n")
        .with("playbook/keywords.toml", "[[rule]]\nexact = [\"话费\"]\naction = \"balance\"\n");
    let (playbook, findings) = folder.read();
    assert_eq!(findings, []);
    assert_eq!(playbook.unwrap().keywords.rules().len(), 1);
}

#[test]
fn names_that_lead_nowhere_are_found_with_the_nearest() {
    let folder = Folder::good()
        .with("menus/m.json", MENU.replace("plan", "plam"))
        .with("playbook/moments.toml", format!("{MOMENTS}farewell = \"bye\"\n[scenes]\nshop1 = \"helo\"\n"))
        .with("playbook/keywords.toml", "[[rule]]\nexact = [\"套餐\"]\naction = \"planx\"\n");
    let findings = folder.read().1;
    let found: Vec<_> = findings.iter().map(|f| (f.code, f.line, f.column)).collect();
    let expected = [(2, 42), (3, 10), (6, 12), (8, 9)].map(|(line, column)| (Code::UnknownAction, line, column));
    assert_eq!(found, expected, "{findings:#?}");
    assert!(findings[0].mend.contains("plan") && findings[3].mend.contains("hello"));
}

#[test]
fn an_action_that_nothing_leads_to_is_a_warning() {
    let folder = Folder::good().with("playbook/actions/x.toml", "[lost]\nkind = \"say\"\ntext = \"x\"\n");
    assert_eq!(folder.found(), [(Warning, Code::UnreachableAction, 1, 2)]);
    assert!(folder.read().0.is_some());
}

#[test]
fn a_placeholder_that_nothing_fills_is_found_inside_the_text() {
    let folder = Folder::good().with(
        "playbook/actions.toml",
        ACTIONS.replace("\"套餐\"", "\"\"\"\nname 是名字\n{{ tap('name') }}，{{ name }}\n\"\"\""),
    );
    assert_eq!(folder.found(), [(Error, Code::UnknownPlaceholder, 9, 22)]);
}

#[test]
fn a_text_is_filled_before_a_customer_waits_for_it() {
    let folder = Folder::good().with("playbook/actions.toml", ACTIONS.replace("套餐", &"长".repeat(683)));
    assert_eq!(folder.found(), [(Error, Code::TextTooLong, 7, 8)]);
    let folder = Folder::good().with("playbook/actions.toml", ACTIONS.replace("套餐", "{{ link('看', 'a.cn') }}"));
    assert_eq!(folder.only().code, Code::BrokenText);
    let streak = format!(
        "kind = \"sign_in\"\nsigned = \"{0}\"\nagain = \"签过了\"\nmilestones = [{{ streak = 3, text = \"{0}\" }}]",
        "长".repeat(342)
    );
    let folder =
        Folder::good().with("playbook/actions.toml", ACTIONS.replace("kind = \"say\"\ntext = \"套餐\"", &streak));
    assert_eq!(folder.found(), [(Error, Code::TextTooLong, 5, 2)]);
}

#[test]
fn missing_and_needless_files_are_named() {
    let folder = Folder::good();
    fs::remove_file(folder.0.path().join("playbook/moments.toml")).unwrap();
    assert_eq!(folder.only().code, Code::MissingFile);
    let folder = Folder::good().with("playbook/keyword.toml", "");
    let finding = folder.only();
    assert_eq!((finding.code, finding.severity), (Code::UnknownFile, Warning));
    assert!(finding.message.contains("keywords.toml"));
    let nowhere = Dirs { playbook: "no/such/folder".into(), menus: folder.dirs().menus };
    let (playbook, findings) = read(&nowhere);
    assert!(playbook.is_none());
    assert_eq!(findings.iter().map(|f| f.code).collect::<Vec<_>>(), [Code::MissingFile]);
}

#[test]
fn a_folder_that_is_not_there_or_not_read_is_named() {
    let folder = Folder::good();
    fs::remove_dir_all(folder.dirs().menus).unwrap();
    assert_eq!(folder.only().code, Code::MissingFile);
    assert!(folder.read().0.is_none(), "the menu would silently be gone");
    for stray in ["playbook/actions/more/a.toml", "playbook/action/a.toml"] {
        let folder = Folder::good();
        fs::create_dir_all(folder.0.path().join(stray).parent().unwrap()).unwrap();
        let finding = folder.with(stray, "").only();
        assert_eq!((finding.code, finding.severity), (Code::UnknownFile, Warning), "{stray}");
    }
}

#[test]
fn a_rule_without_words_is_refused() {
    let folder = Folder::good().with("playbook/keywords.toml", "[[rule]]\naction = \"plan\"\n[[rules]]\n");
    assert_eq!(folder.found(), [(Error, Code::KeywordRule, 1, 1), (Error, Code::UnknownKey, 3, 3)]);
}

#[test]
fn a_keyword_that_another_rule_takes_and_a_broken_pattern_are_found_at_the_word() {
    let rules =
        "[[rule]]\nexact = [\"套餐\"]\naction = \"plan\"\n[[rule]]\nexact = [\"你好\", \"套餐\"]\naction = \"hello\"\n";
    let folder = Folder::good().with("playbook/keywords.toml", rules);
    assert_eq!(folder.found(), [(Warning, Code::KeywordOverlap, 5, 16)]);
    let broken = "[[rule]]\nexact = [\"套餐\"]\npattern = [\"ok\", \"(\"]\naction = \"plan\"\n";
    let folder = Folder::good().with("playbook/keywords.toml", broken);
    assert_eq!(folder.found(), [(Error, Code::KeywordRule, 3, 18)]);
}

/// An action that asks a connector.
fn asking(query: &str) -> Folder {
    Folder::good()
        .with("playbook/connectors.toml", CONNECTOR)
        .with("playbook/keywords.toml", "[[rule]]\nexact = [\"话费\"]\naction = \"balance\"\n")
        .with("playbook/actions/balance.toml", format!("[balance]\nkind = \"query\"\n{query}"))
}

#[test]
fn an_action_and_its_connector_are_held_against_each_other() {
    let query =
        "connector = \"balance\"\nreply = \"余额 {{ balance }}\"\nwaiting = \"请稍等\"\nunavailable = \"抱歉\"\n";
    assert_eq!(asking(query).read().1, []);
    assert_eq!(asking(&query.replace("{{ balance", "{{ balanc")).found(), [(Error, Code::UnknownPlaceholder, 4, 16)]);
    let unknown = asking(&query.replace("\"balance\"", "\"balanec\""));
    let found = unknown.found();
    assert_eq!(found, [(Error, Code::UnknownConnector, 3, 13), (Warning, Code::UnusedConnector, 2, 13)]);
    let other = asking(query).with("playbook/connectors.toml", CONNECTOR.replace("openid", "phone"));
    assert_eq!(other.found(), [(Error, Code::UnknownPlaceholder, 4, 21)]);
}

#[test]
fn the_demo_playbook_has_no_findings() {
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let dirs = Dirs { playbook: root.join("config/playbook"), menus: root.join("menus") };
    let (playbook, findings) = read(&dirs);
    assert_eq!(findings, []);
    assert!(!playbook.unwrap().actions.is_empty());
}

#[test]
fn the_platforms_menu_limits_are_found_before_the_platform_finds_them() {
    let click = r#"{"type":"click","name":"a","key":"plan"}"#;
    let cases = [
        (String::new(), Code::MenuLimit),
        ([click; 4].join(","), Code::MenuLimit),
        (format!(r#"{{"name":"a","sub_button":[{}]}}"#, [click; 6].join(",")), Code::MenuLimit),
        (format!(r#"{{"name":"a","sub_button":[{{"name":"b","sub_button":[{click}]}}]}}"#), Code::MenuLimit),
        (r#"{"type":"click","name":"六个汉字长的","key":"plan"}"#.into(), Code::MenuLimit),
        (r#"{"type":"click","name":" ","key":"plan"}"#.into(), Code::MenuLimit),
        (format!(r#"{{"type":"click","name":"a","key":"{}"}}"#, "k".repeat(129)), Code::MenuLimit),
        (format!(r#"{{"type":"view","name":"a","url":"https://a.cn/{}"}}"#, "k".repeat(1024)), Code::MenuLimit),
        (r#"{"type":"view","name":"a","url":"ftp://a.cn/"}"#.into(), Code::MenuLimit),
        (r#"{"type":"clik","name":"a","key":"plan"}"#.into(), Code::MenuType),
        (r#"{"type":"click","name":"a"}"#.into(), Code::MenuField),
        (r#"{"type":"miniprogram","name":"a","url":"https://a.cn/","appid":"wx1"}"#.into(), Code::MenuField),
        (r#"{"type":"view","name":"a","url":"https://a.cn/","key":"plan"}"#.into(), Code::MenuField),
        (r#"{"name":"a","key":"plan"}"#.into(), Code::MenuField),
        (format!(r#"{{"type":"click","name":"a","sub_button":[{click}]}}"#), Code::MenuField),
        (r#"{"type":"click","name":"a","key":"plan","colour":1}"#.into(), Code::UnknownKey),
    ];
    for (buttons, code) in cases {
        let (playbook, findings) = menu(&buttons).read();
        assert!(playbook.is_none(), "{buttons}");
        assert!(findings.iter().any(|f| f.is_error() && f.code == code && f.line == 1 && f.column > 1), "{findings:?}");
    }
    let five = format!(r#"{{"name":"五个汉字长","sub_button":[{}]}},{click},{click}"#, [click; 5].join(","));
    assert_eq!(menu(&five).read().1, []);
}

#[test]
fn there_is_one_menu_for_everybody_and_match_rules_match_somebody() {
    let with_rule = |rule: &str| MENU.replace("]}", &format!("], \"matchrule\": {rule}}}"));
    let folder = Folder::good().with("menus/n.json", MENU);
    assert_eq!(folder.only().code, Code::MenuDefault);
    assert_eq!(Folder::good().with("menus/n.json", with_rule("{\"tag_id\": \"2\"}")).read().1, []);
    assert_eq!(Folder::good().with("menus/m.json", with_rule("{\"tag_id\": \"2\"}")).only().code, Code::MenuDefault);
    let cases = [
        ("{}", Code::MenuMatch),
        ("{\"tag_id\": \"vip\"}", Code::MenuMatch),
        ("{\"client_platform_type\": \"4\"}", Code::MenuMatch),
        ("{\"sex\": \"1\", \"tag_id\": \"2\"}", Code::UnknownKey),
    ];
    for (rule, code) in cases {
        assert_eq!(Folder::good().with("menus/n.json", with_rule(rule)).only().code, code, "{rule}");
    }
}

const CONNECTOR: &str = r#"base_url = "sandbox:"
[connectors.balance]
method = "GET"
path = "/balance/{{ openid }}"
timeout_ms = 800
late_timeout_ms = 5000
fields.balance = { at = "/data/fen", as = "fen" }
refusal = { at = "/code", ok = "0" }
example = { code = 0, data = { fen = 1234 } }
"#;

const DAY_BOOK: &str = r#"base_url = "sandbox:"
day_book = "list"
[connectors.list]
method = "GET"
path = "/days/{{ day }}"
query = { page = "{{ page }}" }
timeout_ms = 800
late_timeout_ms = 5000
fields.orders = { at = "/orders", as = "list", fields = { order = { at = "/no", as = "text" }, amount = { at = "/fen", as = "fen" } } }
example = { orders = [{ no = "1", fen = 100 }] }
"#;

#[test]
fn too_many_actions_are_refused_and_many_are_read_quickly() {
    let many = |n: usize| (0..n).map(|n| format!("[a{n}]\nkind = \"say\"\ntext = \"x\"\n")).collect::<String>();
    let folder = Folder::good().with("playbook/actions/many.toml", many(10_000));
    assert_eq!(folder.found(), [(Error, Code::TooLarge, 1, 1)]);
}
