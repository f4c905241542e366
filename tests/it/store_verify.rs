//! `fuwu store verify` finds what somebody changed by hand.

use crate::replay::{assert_verified, replay, small, verified};

#[tokio::test]
async fn a_counter_that_was_changed_by_hand_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("recorded.jsonl");
    small().write(&file);
    assert!(replay(dir.path(), &file).status.success());
    assert_verified(dir.path());
    let change = |sql: &str| {
        let database = rusqlite::Connection::open(dir.path().join("data/fuwu.db")).unwrap();
        assert_eq!(database.execute(sql, []).unwrap(), 1, "{sql}");
        let output = verified(dir.path());
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let first = "metric = 1 AND dimension = '' AND a = (SELECT min(a) FROM counter WHERE metric = 1)";
    // A million customers who came for the first time, on the first day: one version byte, and the second of two cells.
    let told = change(&format!("UPDATE counter SET cells = x'01020080897a' WHERE {first}"));
    assert!(told.contains(": 1 differences") && told.contains("Gap[2026-01-05, -1]: stored"), "{told}");
    let told = change(&format!("DELETE FROM counter WHERE {first}"));
    assert!(told.contains(": 1 differences") && told.contains(": stored 0, the facts say"), "{told}");
    let told = change(
        "UPDATE journal SET value = value + 3 WHERE (arrived, metric, a, b, dimension) =
         (SELECT arrived, metric, a, b, dimension FROM journal LIMIT 1)",
    );
    assert!(told.contains(": 2 differences") && told.contains("in the journal of 2026-01-"), "{told}");
}
