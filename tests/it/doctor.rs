//! `fuwu doctor`, the command.

use std::path::Path;

use crate::process::run;
use crate::redis_servers::RedisServer;

/// What it says of this store, and the exit code.
fn doctor(dir: &Path, url: &str) -> (String, Option<i32>) {
    let output = run(dir, &[("FUWU__STORE__URL", url)], &["doctor"]);
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

fn assert_says((told, code): (String, Option<i32>), (expected, parts): (i32, &[&str])) {
    for part in parts {
        assert!(told.contains(part), "{part}:\n{told}");
    }
    assert_eq!(code, Some(expected), "{told}");
    assert!(!told.contains("hunter2") && !told.contains("no data loss"), "{told}");
}

#[test]
fn a_fresh_folder_is_as_it_should_be() {
    let dir = tempfile::tempdir().unwrap();
    assert_says(doctor(dir.path(), "embedded:"), (0, &["还没有数据", "there is no store yet", "0 个故障"]));
}

#[test]
fn a_redis_is_told_with_what_it_may_forget_and_what_restores_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = RedisServer::start(&["--requirepass", "hunter2"]);
    let port = server.port;
    let url = format!("redis://:hunter2@127.0.0.1:{port}");
    let name = format!("127.0.0.1:{port}（主）Redis ");
    let says =
        [&name, "appendonly no", "may forget everything since its last snapshot", "the journal restores", "***@"];
    assert_says(doctor(dir.path(), &url), (0, &says.map(AsRef::as_ref)));
    let evicting = RedisServer::start(&["--maxmemory-policy", "allkeys-lru"]);
    assert_says(doctor(dir.path(), &evicting.url()), (1, &["故障 fault", "allkeys-lru", "noeviction"]));
}

#[test]
fn a_redis_that_is_away_or_refuses_us_is_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let away = "redis://:hunter2@127.0.0.1:1";
    assert_says(doctor(dir.path(), away), (1, &["连不上 Redis", "cannot be reached"]));
    let server = RedisServer::start(&["--requirepass", "other"]);
    let wrong = format!("redis://:hunter2@127.0.0.1:{}", server.port);
    assert_says(doctor(dir.path(), &wrong), (1, &["refuses the user or password"]));
}
