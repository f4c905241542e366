use super::*;

/// A fault every few bytes of a file of one line, as many as there is room for in 60 KiB.
fn told(name: &str, text: &str) -> Vec<Finding> {
    let (playbook, findings) = Folder::good().with(name, text).read();
    assert!(playbook.is_none());
    assert!((1..=MAX_FINDINGS).contains(&findings.len()), "{name}: {}", findings.len());
    let told = |finding: &Finding| finding.message.len() + finding.mend.len() + finding.excerpt.len();
    let bytes: usize = findings.iter().map(told).sum();
    assert!(bytes < 1024 * 1024, "{name}: {bytes} bytes to say of {}", text.len());
    findings
}

#[test]
fn a_file_of_one_line_with_thousands_of_faults_is_told_in_little() {
    let empty =
        told("playbook/keywords.toml", &format!("[[rule]]\naction = \"plan\"\nexact = [{}]\n", "\"\",".repeat(20_000)));
    assert!(empty.iter().all(|finding| finding.code == Code::KeywordRule && finding.line == 3));
    let nowhere = told("playbook/keywords.toml", &"[[rule]]\naction = \"nobody\"\nexact = [\"a\"]\n".repeat(1_500));
    assert_eq!((nowhere[0].code, nowhere[0].line), (Code::UnknownAction, 2));
    told("menus/m.json", &format!("{{{}\"a\":1}}", "\"a\":1,".repeat(10_000)));
    let buttons = "{\"type\":\"clik\",\"name\":\"a\"},".repeat(2_000);
    told("menus/m.json", &format!("{{\"button\":[{buttons}{{\"name\":\"a\"}}]}}"));
}

#[test]
fn far_along_a_line_the_place_is_told_without_the_line() {
    let finding = menu(&format!("{}{{\"type\": \"clik\", \"name\": \"a\"}}", " ".repeat(5_000))).only();
    assert_eq!((finding.code, finding.line, finding.excerpt.as_str()), (Code::MenuType, 1, ""));
    assert!(finding.column > 5_000, "{finding:?}");
    let finding = menu(&format!("{{\"type\": \"clik\", \"name\": \"a\"}}{}", " ".repeat(5_000))).only();
    assert_eq!(finding.excerpt.chars().count(), 300);
}

#[test]
fn an_action_that_is_not_there_yet_is_there_once_the_mend_is_followed() {
    for (key, table) in [("shops", "[shops]"), ("营业厅", "[\"营业厅\"]"), ("a.b", "[\"a.b\"]")] {
        let folder = || Folder::good().with("menus/m.json", MENU.replace("plan", key));
        let unknown = |folder: &Folder| folder.read().1.into_iter().find(|told| told.code == Code::UnknownAction);
        let told = unknown(&folder()).unwrap();
        assert!(told.mend.contains("actions/") && told.mend.contains(table), "{}", told.mend);
        let mended = folder().with("playbook/actions/more.toml", format!("{table}\nkind = \"say\"\ntext = \"好\"\n"));
        assert_eq!(unknown(&mended), None);
    }
}
