//! What is found in connectors.

use super::*;

#[test]
fn a_connector_is_held_to_its_limits_and_its_example() {
    let cases = [
        ("timeout_ms = 800\n", "", Code::MissingKey, 2),
        ("timeout_ms = 800", "timeout_ms = 3001", Code::ConnectorRule, 5),
        ("timeout_ms = 800", "timeout_ms = 0", Code::ConnectorRule, 5),
        ("timeout_ms = 800", "timeout_ms = -1", Code::WrongValue, 5),
        ("late_timeout_ms = 5000", "late_timeout_ms = 30001", Code::ConnectorRule, 6),
        ("\"/balance", "\"balance", Code::ConnectorRule, 4),
        ("openid }}", "openid }}?x=1", Code::ConnectorRule, 4),
        ("/balance/", "/../", Code::ConnectorRule, 4),
        ("method = \"GET\"", "method = \"PUT\"", Code::WrongValue, 3),
        ("/data/fen\"", "/data/yuan\"", Code::ConnectorExample, 7),
        ("data/fen\"", "data/fen\"", Code::UnusedConnector, 2),
        ("fen = 1234", "fen = \"12.34\"", Code::ConnectorExample, 7),
        ("fields.balance", "fields.tap", Code::ConnectorRule, 7),
        ("code = 0", "code = 1", Code::ConnectorExample, 8),
        ("sandbox:", "ftp://a", Code::ConnectorRule, 1),
        ("sandbox:", "https://boss:s3cret@bss.example.cn", Code::ConnectorRule, 1),
        ("sandbox:", "https://:s3cret@bss.example.cn", Code::ConnectorRule, 1),
        ("sandbox:", "ftp://boss:s3cret@bss.example.cn", Code::ConnectorRule, 1),
        ("base_url = \"sandbox:\"", "", Code::MissingKey, 1),
        ("as = \"fen\"", "as = \"fenn\"", Code::WrongValue, 7),
    ];
    for (from, to, code, line) in cases {
        assert!(CONNECTOR.contains(from), "{from}");
        let findings = Folder::good().with("playbook/connectors.toml", CONNECTOR.replacen(from, to, 1)).read().1;
        assert!(findings.iter().any(|f| (f.code, f.line) == (code, line)), "{from} -> {to}: {findings:#?}");
        assert!(!format!("{findings:?}").contains("s3cret"), "{findings:?}");
    }
}

#[test]
fn a_connector_that_no_action_asks_is_a_warning() {
    let folder = Folder::good().with("playbook/connectors.toml", CONNECTOR);
    assert_eq!(folder.found(), [(Warning, Code::UnusedConnector, 2, 13)]);
}

#[test]
fn the_list_of_a_day_is_asked_for_by_day_and_page_and_tells_numbers_and_amounts() {
    let found = |text: String| Folder::good().with("playbook/connectors.toml", text).read().1;
    assert!(found(DAY_BOOK.to_owned()).is_empty(), "{:#?}", found(DAY_BOOK.to_owned()));
    let cases = [
        ("day_book = \"list\"", "day_book = \"lists\"", Code::UnknownConnector, 2),
        ("day_book = \"list\"", "day_book = 7", Code::WrongValue, 2),
        ("{{ page }}", "1", Code::ConnectorRule, 5),
        ("{{ day }}", "{{ openid }}", Code::ConnectorRule, 5),
        ("method = \"GET\"", "method = \"POST\"", Code::ConnectorRule, 4),
        ("as = \"fen\" } }", "as = \"text\" } }", Code::ConnectorRule, 9),
        ("fields.orders", "fields.bills", Code::ConnectorRule, 9),
    ];
    for (from, to, code, line) in cases {
        assert!(DAY_BOOK.contains(from), "{from}");
        let findings = found(DAY_BOOK.replacen(from, to, 1));
        assert!(findings.iter().any(|f| (f.code, f.line) == (code, line)), "{from} -> {to}: {findings:#?}");
    }
}
