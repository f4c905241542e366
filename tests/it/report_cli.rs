//! `fuwu report` beside the running server: the exact numbers, in every format, the same as the API's.

use std::time::SystemTime;

use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::growth::report::ReportName;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::hand::message_at;
use crate::harness::API_TOKEN;
use crate::process::{Process, run};
use crate::spreadsheet::Book;

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
        let mut id = 0_i64;
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
            let answer = hand.deliver(&message_at(began.0 + id, who, &rest)).await;
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
        self.report_of(&[name, "--from", &self.day, "--to", &self.day, "--format", format])
    }

    fn report_of(&self, args: &[&str]) -> String {
        let args: Vec<&str> = ["report"].into_iter().chain(args.iter().copied()).collect();
        let output = run(self.dir.path(), &[], &args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "results go to standard output, and nothing went wrong");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn over_api(&self, name: &str) -> Value {
        let told = self.api_bytes(&format!("{name}?from={0}&to={0}", self.day)).await;
        serde_json::from_slice(&told).unwrap()
    }

    async fn api_bytes(&self, asked: &str) -> Vec<u8> {
        let url = self.process.url(&format!("/api/v1/reports/{asked}"));
        let answer = reqwest::Client::new().get(url).bearer_auth(API_TOKEN).send().await.unwrap();
        answer.error_for_status().unwrap().bytes().await.unwrap().to_vec()
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
        let mut by_api = day.over_api(name).await;
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
        let cells = columns.iter().map(|(name, value)| match (name.as_str(), value) {
            ("state", _) => "进行中".into(),
            (_, Value::Null) => "—".into(),
            _ => cell(value),
        });
        assert_eq!(shown, cells.collect::<Vec<_>>(), "{name}\n{table}");
    }
    a_file_says_what_standard_output_says(&day);
    a_workbook_goes_to_a_file(&day);
    looking_back_is_the_same_byte_for_byte(&day).await;
}

async fn looking_back_is_the_same_byte_for_byte(day: &Day) {
    let yesterday = BusinessDay::parse(&day.day).unwrap().plus_days(-1).to_string();
    for name in ReportName::ALL.into_iter().filter(|name| name.can_look_back()).map(ReportName::as_str) {
        let args = [name, "--from", &yesterday, "--to", &yesterday, "--as-of", &yesterday, "--explain", "--compare"];
        for format in ["json", "xlsx"] {
            let args = args.iter().copied().chain(["--format", format]).collect::<Vec<_>>();
            let args: Vec<&str> = ["report"].into_iter().chain(args).collect();
            let by_command = run(day.dir.path(), &[], &args).stdout;
            let asked = format!("?from={yesterday}&to={yesterday}&as_of={yesterday}&explain=true&compare=previous");
            let by_api = day.api_bytes(&format!("{name}{asked}&format={format}")).await;
            assert!(by_command.len() > 100 && by_command == by_api, "{name} as {format}");
        }
    }
}

fn a_workbook_goes_to_a_file(day: &Day) {
    let file = day.dir.path().join("out.of-any-name");
    let told = day.report_of(&[
        "menu",
        "--from",
        &day.day,
        "--to",
        &day.day,
        "--explain",
        "--format",
        "xlsx",
        "--out",
        file.to_str().unwrap(),
    ]);
    assert!(told.is_empty());
    let book = Book::open(&std::fs::read(file).unwrap());
    assert!(book.texts("数据").iter().any(|cell| cell == "sign_in"));
    assert!(book.texts("口径").iter().any(|cell| cell == "taps"));
}

fn a_file_says_what_standard_output_says(day: &Day) {
    let file = day.dir.path().join("out.csv");
    let out = file.to_str().unwrap();
    let args = ["report", "activity", "--from", &day.day, "--to", &day.day, "--format", "csv", "--out", out];
    let output = run(day.dir.path(), &[], &args);
    assert!(output.status.success() && output.stdout.is_empty());
    let written = std::fs::read_to_string(file).unwrap();
    assert_eq!(written.strip_prefix('\u{feff}').unwrap(), day.report("activity", "csv"), "a file for people has a BOM");
}

/// Arguments, environment, and words of the answer.
type Case<'a> = (Vec<&'a str>, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[actix_web::test]
async fn wrong_usage_is_told_clearly_and_exits_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none.toml");
    let odd = dir.path().join("odd.toml");
    std::fs::write(&odd, "[server]\nlisten_on = \"127.0.0.1:1\"\n").unwrap();
    let days = ["--from", "2026-03-01", "--to", "2026-03-02"];
    let report = |name: &'static str| ["report", name].into_iter().chain(days).collect::<Vec<_>>();
    let cases: Vec<Case<'_>> = vec![
        (report("weather"), &[], &["weather", "activity"]),
        (vec!["report", "activity"], &[], &["--from"]),
        (vec!["report", "activity", "--from", "yesterday", "--to", "2026-03-02"], &[], &["yesterday", "2026-01-31"]),
        (vec!["report", "activity", "--from", "2026-03-02", "--to", "2026-03-01"], &[], &["2026-03-02", "2026-03-01"]),
        (vec!["report", "activity", "--format", "pdf"], &[], &["pdf", "csv", "xlsx"]),
        (vec!["report", "activity", "--from", "2026-02-30", "--to", "2026-03-02"], &[], &["2026-02-30", "2026-01-31"]),
        (vec!["report", "activity", "--from", "2999-01-01", "--to", "2999-01-02"], &[], &["2999-01-01", "works is"]),
        (vec!["report", "unique", "--from", "2020-03-02", "--to", "2026-03-01"], &[], &["works", "to 2026-03-01"]),
        (vec!["report", "activity", "--from", "1000-03-02", "--to", "2026-03-01"], &[], &["3660", "2016"]),
        (report("menu").into_iter().chain(["--channel", "store"]).collect(), &[], &["menu", "followers"]),
        (report("activity").into_iter().chain(["--measure", "weekly"]).collect(), &[], &["retention", "leave"]),
        (report("retention").into_iter().chain(["--measure", "monthly"]).collect(), &[], &["monthly", "on-or-after"]),
        (report("activity").into_iter().chain(["--compare", "next"]).collect(), &[], &["next", "previous"]),
        (report("activity").into_iter().chain(["--as-of", "2026-03-01"]).collect(), &[], &["works is 2026-03-01"]),
        (report("menu").into_iter().chain(["--by", "channel"]).collect(), &[], &["not told apart", "survival"]),
        (report("activity").into_iter().chain(["--by", "weather"]).collect(), &[], &["weather", "referrer"]),
        (report("referral").into_iter().chain(["--as-of", "2026-03-02"]).collect(), &[], &["referral", "as it is now"]),
        (report("activity").into_iter().chain(["--explain", "--format", "csv"]).collect(), &[], &["csv", "xlsx"]),
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
async fn a_channel_that_nobody_knows_and_nobody_came_by_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(Process::start(dir.path(), &[]));
    let days = ["report", "activity", "--from", "2026-03-01", "--to", "2026-03-02", "--channel"];
    let of_channel = |channel| run(dir.path(), &[], &days.into_iter().chain([channel]).collect::<Vec<_>>());
    let refused = of_channel("sotre");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("sotre") && said.contains("other"), "{said}");
    assert!(of_channel("other").status.success());
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
