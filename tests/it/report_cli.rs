//! `fuwu report` beside the running server: the exact numbers, in every format, the same as the API's.

use std::time::SystemTime;

use fuwu::domain::time::UnixSecs;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::hand::message_at;
use crate::harness::API_TOKEN;
use crate::process::{Process, run};

/// A running server after a short conversation of today.
struct Day {
    dir: TempDir,
    process: Process,
    day: String,
}

impl Day {
    /// Four follow; one of them leaves and returns, one leaves for good. Three are active, in seven deliveries.
    async fn lived() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let process = Process::start(dir.path(), &[]);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let now = UnixSecs(i64::try_from(now).unwrap());
        let hand = process.hand();
        let mut id = 0;
        let mut deliver = async |who: &str, event: &str, key: &str| {
            id += 1;
            let rest = match event {
                "text" => format!(
                    "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{key}]]></Content><MsgId>{id}</MsgId>"
                ),
                _ => format!(
                    "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{event}]]></Event>\
                     <EventKey><![CDATA[{key}]]></EventKey>"
                ),
            };
            // A second apart, so that they have an order; a minute ago, unless that was yesterday.
            let began = now.plus_secs(-60).max(now.business_day().start());
            let answer = hand.deliver(&message_at(began.0 + i64::try_from(id).unwrap(), who, &rest)).await;
            assert_eq!(answer.status, 200);
        };
        for who in ["oLin", "oChen", "oZhou", "oWang"] {
            deliver(who, "subscribe", "").await;
        }
        deliver("oLin", "text", "查话费").await;
        deliver("oLin", "CLICK", "sign_in").await;
        deliver("oLin", "CLICK", "offers").await;
        deliver("oChen", "text", "你好").await;
        deliver("oChen", "unsubscribe", "").await;
        deliver("oChen", "subscribe", "").await;
        deliver("oChen", "text", "我又回来了").await;
        deliver("oZhou", "SCAN", "poster:metro").await;
        deliver("oZhou", "VIEW", "https://example.com/").await;
        deliver("oWang", "unsubscribe", "").await;
        Self { dir, process, day: now.business_day().to_string() }
    }

    fn report(&self, name: &str, format: &str) -> String {
        let args = ["report", name, "--from", &self.day, "--to", &self.day, "--format", format];
        let output = run(self.dir.path(), &[], &args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "results go to standard output, and nothing went wrong");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn from_api(&self, name: &str) -> Value {
        let url = self.process.url(&format!("/api/v1/reports/{name}?from={0}&to={0}", self.day));
        reqwest::Client::new().get(url).bearer_auth(API_TOKEN).send().await.unwrap().json().await.unwrap()
    }
}

#[actix_web::test]
async fn the_command_and_the_api_tell_the_same_exact_numbers() {
    let day = Day::lived().await;
    let expected = [
        (
            "activity",
            json!({
                "day": day.day, "state": "open", "messages": 7, "dau": 3, "r7": 3, "r30": 3, "new": 3,
                "returning": 0, "resurrected": 0, "dormant": null,
            }),
        ),
        (
            "followers",
            json!({
                "day": day.day, "state": "open", "first_follows": 4, "refollows": 1, "follows": 5, "unfollows": 2,
                "net": 3, "total": 3,
            }),
        ),
    ];
    for (name, row) in expected {
        let mut by_command: Value = serde_json::from_str(&day.report(name, "json")).unwrap();
        let mut by_api = day.from_api(name).await;
        assert_eq!(by_command["rows"], json!([row]), "{name}");
        assert_eq!((&by_command["account"], &by_command["zone"]), (&json!("demo"), &json!("+08:00")));
        assert!(by_command["report"].as_str().unwrap().starts_with(&format!("{name}@")));
        // They were read at two moments.
        for answer in [&mut by_command, &mut by_api] {
            assert!(answer["as_of"].take().is_i64());
        }
        assert_eq!(by_command, by_api, "{name}");

        let columns = row.as_object().unwrap();
        let cell = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
        };
        let csv = day.report(name, "csv");
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[0].split(',').collect::<Vec<_>>(), columns.keys().collect::<Vec<_>>(), "{name}");
        assert_eq!(lines[1].split(',').collect::<Vec<_>>(), columns.values().map(cell).collect::<Vec<_>>(), "{name}");
        assert_eq!(lines.len(), 2);

        let table = day.report(name, "table");
        let shown: Vec<&str> = table.lines().find(|line| line.contains(&day.day)).unwrap().split_whitespace().collect();
        let cells = columns.values().map(|value| if value.is_null() { "—".into() } else { cell(value) });
        assert_eq!(shown, cells.collect::<Vec<_>>(), "{name}\n{table}");
    }
    let file = day.dir.path().join("out.csv");
    let out = file.to_str().unwrap();
    let args = ["report", "activity", "--from", &day.day, "--to", &day.day, "--format", "csv", "--out", out];
    let output = run(day.dir.path(), &[], &args);
    assert!(output.status.success() && output.stdout.is_empty());
    let written = std::fs::read_to_string(file).unwrap();
    assert_eq!(written.strip_prefix('\u{feff}').unwrap(), day.report("activity", "csv"), "a file for people has a BOM");
}

#[actix_web::test]
async fn wrong_usage_is_told_clearly_and_exits_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none.toml");
    let odd = dir.path().join("odd.toml");
    std::fs::write(&odd, "[server]\nlisten_on = \"127.0.0.1:1\"\n").unwrap();
    let days = ["--from", "2026-03-01", "--to", "2026-03-02"];
    let report = |name: &'static str| ["report", name].into_iter().chain(days).collect::<Vec<_>>();
    let cases: Vec<(Vec<&str>, &[(&str, &str)], &[&str])> = vec![
        (report("weather"), &[], &["weather", "activity"]),
        (vec!["report", "activity"], &[], &["--from"]),
        (vec!["report", "activity", "--from", "yesterday", "--to", "2026-03-02"], &[], &["yesterday", "2026-01-31"]),
        (vec!["report", "activity", "--from", "2026-03-02", "--to", "2026-03-01"], &[], &["2026-03-02", "2026-03-01"]),
        (vec!["report", "activity", "--format", "pdf"], &[], &["pdf", "csv"]),
        (vec!["repport"], &[], &["repport", "report"]),
        (["--account", "nobody"].into_iter().chain(report("activity")).collect(), &[], &["demo"]),
        (report("activity"), &[("FUWU__STORE__URI", "embedded:")], &["store.uri", "store.url"]),
        (vec!["serve"], &[("FUWU__STORE__PARTITIONS", "many")], &["store.partitions"]),
        (vec!["serve"], &[("FUWU__STORE__URL", "postgres://h")], &["store.url"]),
        (vec!["serve"], &[("FUWU__ACCOUNTS__DEMO__TOKEN", "no spaces please")], &["accounts.demo.token"]),
        (vec!["serve", "--config", none.to_str().unwrap()], &[], &["none.toml"]),
        (vec!["serve", "--config", odd.to_str().unwrap()], &[], &["odd.toml", "server.listen_on", "server.listen"]),
    ];
    for (args, env, told) in cases {
        let output = run(dir.path(), env, &args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?} {env:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?}");
        for words in told {
            assert!(said.contains(words), "{args:?} {env:?}: no {words} in {said}");
        }
        assert!(!said.contains("no spaces please"), "a secret is not repeated: {said}");
    }
}

#[actix_web::test]
async fn a_report_where_there_is_no_store_yet_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &[], &["report", "activity", "--from", "2026-03-01", "--to", "2026-03-02"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("data") && said.lines().count() == 1, "{said}");
    assert!(!dir.path().join("data").exists(), "looking makes nothing");
}
