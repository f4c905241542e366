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
fn an_action_that_is_not_there_yet_is_told_where_it_would_go() {
    let many: String = (0..14).map(|n| format!("[x{n}]\nkind = \"say\"\ntext = \"好\"\n")).collect();
    let folder =
        Folder::good().with("playbook/actions/more.toml", many).with("menus/m.json", MENU.replace("plan", "营业厅"));
    let findings = folder.read().1;
    let unknown = findings.iter().find(|finding| finding.code == Code::UnknownAction).unwrap();
    assert!(unknown.mend.contains("config/playbook/actions/") && unknown.mend.contains("[营业厅]"), "{}", unknown.mend);
}
