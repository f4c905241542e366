//! `fuwu replay`: what was recorded is counted as if it had just been delivered.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use fuwu::channel::official::Mode;
use fuwu::domain::time::UnixSecs;
use fuwu::growth::counter::{CounterKey, Metric};
use fuwu::store::{CounterRange, CustomerRef, Embedded, Numbers, SharedKind, Store};
use tempfile::TempDir;

use crate::hand::message_at;
use crate::harness::{MONDAY, World};
use crate::process::{Process, fuwu, run};
use crate::recorded::{Population, Recorded};

const DAY: i64 = 86_400;

pub fn small() -> Population {
    Population { customers: 40, days: 6, deliveries: 600, seed: 7 }
}

fn written(dir: &Path, name: &str, lines: &[String]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    path
}

fn line(at: i64, xml: &str) -> String {
    serde_json::json!({ "at": at, "account": "demo", "xml": xml }).to_string()
}

/// A text of Monday morning, arrived `late_secs` later.
pub fn text(who: &str, id: u64, late_secs: i64) -> String {
    let rest = format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好]]></Content><MsgId>{id}</MsgId>");
    line(MONDAY.0 + late_secs, &message_at(MONDAY.0, who, &rest))
}

fn follow(who: &str) -> String {
    let rest = "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe]]></Event><EventKey></EventKey>";
    line(MONDAY.0, &message_at(MONDAY.0 - 60, who, rest))
}

pub fn replay(dir: &Path, file: &Path) -> Output {
    run(dir, &[], &["replay", file.to_str().unwrap()])
}

/// A number of the summary.
fn told(output: &Output, name: &str) -> u64 {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("{name}: {text}\n{}", String::from_utf8_lossy(&output.stderr)));
    line[name.len()..].split_whitespace().next().unwrap().parse().unwrap()
}

async fn numbers(dir: &Path) -> Numbers {
    let store = Embedded::open_read_only(&dir.join("data")).unwrap();
    // Chunks put facts of one customer together, so their places are not compared.
    Numbers { facts: Vec::new(), ..store.numbers(&"demo".into()).await.unwrap() }
}

pub fn verified(dir: &Path) -> Output {
    run(dir, &[], &["store", "verify"])
}

#[track_caller]
pub fn assert_verified(dir: &Path) {
    let output = verified(dir);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains(": 0 differences"), "{text}");
}

#[actix_web::test]
async fn a_replay_counts_what_the_webhook_counted() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let mut recorded = Vec::new();
    small().deliver(|delivery| recorded.push(delivery));
    for Recorded { at, xml } in &recorded {
        world.clock.set(UnixSecs(*at));
        assert_eq!(hand.deliver(xml).await.status, 200);
    }
    let lines: Vec<String> = recorded.iter().map(Recorded::line).collect();
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), "recorded.jsonl", &lines);
    let output = replay(dir.path(), &file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(told(&output, "read"), recorded.len() as u64);
    let of = ["applied", "duplicates", "quarantined"].map(|name| told(&output, name));
    assert_eq!(of.iter().sum::<u64>(), recorded.len() as u64);
    assert!(of.iter().all(|n| *n > 0) && told(&output, "late") > 0, "the recording must hold what it is about");
    let live = Numbers { facts: Vec::new(), ..world.store().numbers(&"demo".into()).await.unwrap() };
    assert_eq!(numbers(dir.path()).await, live);
    let replayed = Embedded::open_read_only(&dir.path().join("data")).unwrap();
    for customer in 0..40 {
        let of = CustomerRef { account: "demo".into(), openid: format!("oRecorded0007_{customer:08}").as_str().into() };
        let [a, b] = [world.store().load(&of).await.unwrap(), replayed.load(&of).await.unwrap()];
        assert_eq!(
            (a.customer.follow, a.customer.activity, a.customer.tapped),
            (b.customer.follow, b.customer.activity, b.customer.tapped)
        );
    }
    assert_verified(dir.path());
    world.running.app.store().close().await.unwrap();
    assert_verified(world.dir.path());
}

#[tokio::test]
async fn who_left_and_came_back_within_one_chunk_was_forgotten_in_between() {
    let at = |secs: i64, rest: &str| line(MONDAY.0 + secs, &message_at(MONDAY.0 + secs, "oBack", rest));
    let event = |name: &str| format!("<MsgType>event</MsgType><Event>{name}</Event><EventKey></EventKey>");
    let says = |id| format!("<MsgType>text</MsgType><Content>天下大势分久必合</Content><MsgId>{id}</MsgId>");
    let (follows, leaves) = (event("subscribe"), event("unsubscribe"));
    let lines = [at(0, &follows), at(1, &says(1)), at(2, &leaves), at(3, &follows), at(4, &says(2))];
    for (mode, [first, again, new]) in [("tombstone", [1, 1, 1]), ("soft", [1, 1, 1]), ("strict", [2, 0, 2])] {
        let dir = tempfile::tempdir().unwrap();
        let file = written(dir.path(), "back.jsonl", &lines);
        let output = run(dir.path(), &[("FUWU__PRIVACY__FORGET", mode)], &["replay", file.to_str().unwrap()]);
        assert_eq!(told(&output, "applied"), 5, "{mode}");
        let counters = numbers(dir.path()).await.counters;
        let sum = |metric, words: Option<&str>| -> i64 {
            let of = |key: &&(CounterKey, i64)| key.0.metric == metric && words.is_none_or(|w| key.0.dimension == w);
            counters.iter().filter(of).map(|(_, by)| by).sum()
        };
        assert_eq!([sum(Metric::FirstFollows, None), sum(Metric::Refollows, None)], [first, again], "{mode}");
        assert_eq!(sum(Metric::Gap, None), new, "{mode}: an active day of each customer");
        let (all, kept) = (sum(Metric::Unanswered, None), sum(Metric::Unanswered, Some("天下大势分久必合")));
        assert_eq!((all, kept), (2, if mode == "soft" { 2 } else { 1 }), "{mode}");
        assert_verified(dir.path());
    }
}

#[tokio::test]
async fn who_comes_and_goes_within_a_chunk_is_told_apart_where_somebody_was_erased_before() {
    let event = |secs: i64, who: &str, name: &str| {
        let event = format!("<MsgType>event</MsgType><Event>{name}</Event><EventKey></EventKey>");
        line(MONDAY.0 + secs, &message_at(MONDAY.0 + secs, who, &event))
    };
    let dir = tempfile::tempdir().unwrap();
    replay(dir.path(), &written(dir.path(), "first.jsonl", &[event(0, "oGone", "subscribe")]));
    let erased = run(dir.path(), &[], &["customer", "erase", "oGone", "--yes"]);
    assert!(erased.status.success(), "{}", String::from_utf8_lossy(&erased.stderr));
    let comes_and_goes =
        [event(10, "oBack", "subscribe"), event(20, "oBack", "unsubscribe"), event(30, "oBack", "subscribe")];
    let output = replay(dir.path(), &written(dir.path(), "second.jsonl", &comes_and_goes));
    assert_eq!(told(&output, "applied"), 3);
    assert_verified(dir.path());
}

#[tokio::test]
async fn with_nothing_kept_a_delivery_repeated_after_the_unfollow_still_counts_once() {
    let event = |secs: i64, name: &str| {
        message_at(
            MONDAY.0 + secs,
            "oBack",
            &format!("<MsgType>event</MsgType><Event>{name}</Event><EventKey></EventKey>"),
        )
    };
    let says = message_at(MONDAY.0 + 1, "oBack", "<MsgType>text</MsgType><Content>你好</Content><MsgId>1</MsgId>");
    let (follows, leaves) = (event(0, "subscribe"), event(2, "unsubscribe"));
    let line = |secs: i64, xml: &str| line(MONDAY.0 + secs, xml);
    let first = [line(0, &follows), line(1, &says), line(2, &leaves), line(6, &says), line(7, &leaves)];
    let second = [line(8, &follows), line(11, &says), line(12, &event(12, "subscribe")), line(13, &leaves)];
    let dir = tempfile::tempdir().unwrap();
    let told_of = |name: &str, lines: &[String]| {
        let file = written(dir.path(), name, lines);
        let output = run(dir.path(), &[("FUWU__PRIVACY__FORGET", "strict")], &["replay", file.to_str().unwrap()]);
        ["applied", "duplicates"].map(|name| told(&output, name))
    };
    assert_eq!(told_of("first.jsonl", &first), [3, 2], "in the chunk that forgets");
    assert_eq!(told_of("second.jsonl", &second), [1, 3], "from the store; whoever comes back is new");
    let counters = numbers(dir.path()).await.counters;
    let sum = |metric| counters.iter().filter(|(key, _)| key.metric == metric).map(|(_, by)| by).sum::<i64>();
    assert_eq!([Metric::FirstFollows, Metric::Unfollows, Metric::Messages].map(sum), [2, 1, 1]);
    assert_verified(dir.path());
}

#[tokio::test]
async fn duplicates_late_ones_and_those_too_late_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let lines = [
        follow("oLin"),
        text("oLin", 1, 0),
        text("oLin", 1, 5),
        text("oLin", 2, 2 * DAY),
        text("oLin", 3, 3 * DAY),
        text("oChen", 4, -301),
    ];
    let output = replay(dir.path(), &written(dir.path(), "recorded.jsonl", &lines));
    assert!(output.status.success());
    let of =
        ["read", "applied", "duplicates", "late", "quarantined", "unusable", "backwards"].map(|n| told(&output, n));
    assert_eq!(of, [6, 3, 1, 1, 2, 0, 1]);
    let store = Embedded::open_read_only(&dir.path().join("data")).unwrap();
    let count = async |metric| {
        store.counters(&"demo".into(), &[CounterRange::all(metric)]).await.unwrap().sum_to(metric, i32::MAX)
    };
    assert_eq!(
        [count(Metric::Messages).await, count(Metric::Quarantined).await, count(Metric::Follows).await],
        [2, 2, 1]
    );
    assert_eq!(
        store.numbers(&"demo".into()).await.unwrap().journal.iter().map(|(day, ..)| *day).max(),
        Some(UnixSecs(MONDAY.0 + 2 * DAY).business_day())
    );
    assert_verified(dir.path());
}

#[tokio::test]
async fn lines_that_cannot_be_used_are_listed_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let good = |id| text("oLin", id, 0);
    let message = message_at(MONDAY.0, "oLin", "<MsgType>text</MsgType>");
    let cases = [
        ("{\"at\":".to_owned(), "not a JSON object (column 6)"),
        (format!("[1,\"demo\",{:?}]", "<xml/>"), "not a JSON object (column 1)"),
        (r#"{"account":"demo","xml":"<xml/>"}"#.to_owned(), "`at` is missing"),
        (r#"{"at":"1","account":"demo","xml":"<xml/>"}"#.to_owned(), "`at` must be a whole number"),
        (r#"{"at":1,"account":"demo"}"#.to_owned(), "`xml` is missing"),
        (line(0, &message), "`at` is not a time"),
        (line(i64::MAX, &message), "`at` is not a time"),
        (r#"{"at":1,"account":"nobody","xml":"<xml/>"}"#.to_owned(), "`account` is not configured"),
        (line(MONDAY.0, &"x".repeat(70_000)), "`xml` is over 64 KiB"),
        ("x".repeat(3 << 20), "over 1 MiB"),
        (line(MONDAY.0, "<!DOCTYPE x><xml/>"), "`xml` cannot be used (doctype)"),
        (line(MONDAY.0, "<xml><FromUserName>"), "`xml` cannot be used (malformed)"),
    ];
    let mut lines = vec![good(1), String::new()];
    lines.extend(cases.iter().map(|(line, _)| line.clone()));
    lines.push(good(2));
    let file = written(dir.path(), "recorded.jsonl", &lines);
    let output = replay(dir.path(), &file);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout);
    for (at, (_, reason)) in cases.iter().enumerate() {
        let begin = format!("line {}: {reason}", at + 3);
        assert!(text.lines().any(|line| line.starts_with(&begin) || line == begin), "{begin}\n{text}");
    }
    assert_eq!(["read", "applied", "unusable"].map(|name| told(&output, name)), [14, 2, 12]);
    let store = Embedded::open_read_only(&dir.path().join("data")).unwrap();
    let kept = store.quarantined(&"demo".into(), 9).await.unwrap();
    assert_eq!(kept.iter().map(|entry| entry.reason.as_str()).collect::<Vec<_>>(), ["malformed", "doctype"]);
    assert!(kept.iter().all(|entry| entry.arrived == MONDAY));
    let again = replay(dir.path(), &file);
    assert_eq!((again.status.code(), told(&again, "unusable")), (Some(0), 12), "it was applied before");
}

#[test]
fn more_useless_lines_than_are_listed_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..250).map(|_| "nonsense".to_owned()).collect();
    let output = replay(dir.path(), &written(dir.path(), "recorded.jsonl", &lines));
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().filter(|line| line.starts_with("line ")).count(), 100);
    assert!(text.contains("… and 150 more") && told(&output, "unusable") == 250, "{text}");
}

#[tokio::test]
async fn work_is_counted_and_nothing_of_it_is_left_to_be_done() {
    let dir = tempfile::tempdir().unwrap();
    let say = |id: u64, words: &str| {
        let rest =
            format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content><MsgId>{id}</MsgId>");
        line(MONDAY.0, &message_at(MONDAY.0, "oLin", &rest))
    };
    let lines: Vec<String> = ["查话费", "104", "1", "确认"].iter().zip(1..).map(|(words, id)| say(id, words)).collect();
    let output = replay(dir.path(), &written(dir.path(), "recorded.jsonl", &lines));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("消息 0，查询 1，办理 1"), "{text}");
    assert_eq!(told(&output, "not performed"), 2);
    let store = Embedded::open_read_only(&dir.path().join("data")).unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
}

#[test]
fn a_file_that_has_grown_is_gone_on_with_and_one_that_has_not_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), "recorded.jsonl", &[follow("oLin"), text("oLin", 1, 0)]);
    assert_eq!(told(&replay(dir.path(), &file), "applied"), 2);
    let again = replay(dir.path(), &file);
    assert!(again.status.success() && String::from_utf8_lossy(&again.stdout).contains("applied before"));
    assert_eq!(told(&again, "applied"), 2);
    let mut grown = std::fs::File::options().append(true).open(&file).unwrap();
    // Without an end, and then with one: a line is a line.
    write!(grown, "{}", text("oLin", 2, 1)).unwrap();
    assert_eq!(told(&replay(dir.path(), &file), "applied"), 3);
    write!(grown, "\n{}\n", text("oLin", 3, 2)).unwrap();
    let renamed = dir.path().join("other-name.jsonl");
    std::fs::rename(&file, &renamed).unwrap();
    let output = replay(dir.path(), &renamed);
    assert_eq!(["read", "applied", "duplicates"].map(|name| told(&output, name)), [4, 4, 0]);
    let changed = std::fs::read_to_string(&renamed).unwrap().replace("你好", "您好");
    let other = dir.path().join("changed.jsonl");
    std::fs::write(&other, changed).unwrap();
    assert_eq!(told(&replay(dir.path(), &other), "duplicates"), 4, "another file with the same deliveries");
}

/// How many bytes of the file are applied, seen from beside.
async fn offset(dir: &Path) -> u64 {
    let Ok(store) = Embedded::open_read_only(&dir.join("data")) else { return 0 };
    let notes = store.shared_of(&"demo".into(), SharedKind::Replay).await.unwrap_or_default();
    notes.first().map_or(0, |(_, note)| {
        serde_json::from_slice::<serde_json::Value>(&note.body).unwrap()["offset"].as_u64().unwrap()
    })
}

#[tokio::test]
async fn killed_at_any_moment_it_goes_on_exactly_where_it_was() {
    let whole = tempfile::tempdir().unwrap();
    let file = whole.path().join("recorded.jsonl");
    Population { customers: 200, days: 20, deliveries: 2_000, seed: 3 }.write(&file);
    std::fs::File::options().append(true).open(&file).unwrap().write_all(b"nonsense\n<\n").unwrap();
    let in_one = replay(whole.path(), &file);
    let killed = tempfile::tempdir().unwrap();
    let length = std::fs::metadata(&file).unwrap().len();
    for kill in 1..6 {
        let mut command = fuwu(killed.path(), &[]);
        command.args(["replay", "--chunk", "37"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        while offset(killed.path()).await < length * kill / 7 {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
            tokio::task::yield_now().await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(offset(killed.path()).await < length);
    let output = run(killed.path(), &[], &["replay", "--chunk", "37", file.to_str().unwrap()]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&in_one.stdout));
    assert_eq!(output.status.code(), Some(1), "two lines are no deliveries");
    assert_eq!(numbers(killed.path()).await, numbers(whole.path()).await);
    assert_verified(killed.path());
}

/// A server, and a file of a population that is not its customers yet.
fn server() -> (TempDir, Process, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    let file = dir.path().join("recorded.jsonl");
    small().write(&file);
    (dir, process, file)
}

#[actix_web::test]
async fn beside_a_running_server_the_server_applies_it_while_it_serves() {
    let alone = tempfile::tempdir().unwrap();
    let (dir, process, file) = server();
    let expected = replay(alone.path(), &file);
    let listen = process.address.to_string();
    let mut command = fuwu(dir.path(), &[("FUWU__SERVER__LISTEN", &listen)]);
    let child = command.args(["replay", "--chunk", "20"]).arg(&file).stdout(Stdio::piped()).spawn().unwrap();
    let running = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    // The same customers write meanwhile: what was decided about them is decided again.
    let (hand, mut served) = (process.hand(), 0);
    while !running.is_finished() {
        served += 1;
        let who = format!("oRecorded0007_{:08}", served % 5);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let rest = format!("<MsgType>text</MsgType><Content>在吗</Content><MsgId>{}</MsgId>", 1_000_000 + served);
        let xml = message_at(i64::try_from(now).unwrap(), &who, &rest);
        assert_eq!(hand.deliver(&xml).await.status, 200);
    }
    let output = running.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["read", "duplicates", "unusable"] {
        assert_eq!(told(&output, name), told(&expected, name), "{name}");
    }
    assert_verified(dir.path());
    let log = process.log();
    assert!(log.contains("replaying a part of a file") && !log.contains("oRecorded"), "{log}");
}

#[test]
fn a_server_that_cannot_be_asked_is_told_of_with_what_to_do() {
    let (dir, process, file) = server();
    let listen = process.address.to_string();
    let with = |env: &[(&str, &str)]| {
        let output = run(dir.path(), env, &["replay", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(with(&[]).contains("set server.public_url"));
    assert!(with(&[("FUWU__SERVER__LISTEN", "127.0.0.1:1")]).contains("no server answers at http://127.0.0.1:1/"));
    let other = [("FUWU__SERVER__LISTEN", listen.as_str()), ("FUWU__CONSOLE__API_TOKEN", "another-token-entirely")];
    assert!(with(&other).contains("refuses our token"));
}
