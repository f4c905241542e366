//! Stopping the real program: what is in hand is finished, nothing is lost, and nobody waits for long.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use fuwu::domain::reply::Reply;
use fuwu::growth::counter::Metric;
use fuwu::store::{CounterRange, Embedded, Store};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::business::{Business, copied, copy_playbook, edit};
use crate::hand::message_at;
use crate::process::{Process, run};

const OPENID: &str = "oPenIdOfTheDrainTests0000001";

/// A message of now: the real program has the real clock.
fn say(id: u64, words: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let rest = format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content><MsgId>{id}</MsgId>");
    message_at(i64::try_from(now).unwrap(), OPENID, &rest)
}

async fn messages(dir: &Path) -> i64 {
    let store = Embedded::open_read_only(&dir.join("data")).unwrap();
    let range = CounterRange::all(Metric::Messages);
    store.counters(&"demo".into(), &[range]).await.unwrap().sum_to(Metric::Messages, i32::MAX)
}

#[actix_web::test]
async fn what_is_in_hand_at_a_signal_is_answered_and_a_restart_finds_everything() {
    let dir = tempfile::tempdir().unwrap();
    let business = Business::start().await;
    copy_playbook(dir.path());
    edit(
        &dir.path().join("playbook/connectors.toml"),
        "base_url = \"sandbox:\"",
        &format!("base_url = \"{}\"\nallow_addresses = [\"127.0.0.1\"]", business.address()),
    );
    let copied = copied(dir.path());
    let env = copied.each_ref().map(|(key, value)| (*key, value.as_str()));
    let mut answered = Vec::new();
    for (id, signal) in [(1, "TERM"), (2, "INT")] {
        let mut process = Process::start(dir.path(), &env);
        let hand = process.hand();
        let question = say(id, "查话费");
        let asking = tokio::spawn({
            let (hand, question) = (hand.clone(), question.clone());
            async move { hand.deliver(&question).await }
        });
        let asked = business.asked().await;
        process.signal(signal);
        let red = async || reqwest::get(process.url("/readyz")).await.is_ok_and(|answer| answer.status() == 503);
        crate::harness::until("a balancer sees that it takes no new traffic", red).await;
        asked
            .answer("{\"code\":\"0\",\"balance\":{\"balance_fen\":1234,\"charge_fen\":0},\"month\":\"2026-03\"}")
            .await;
        let answer = asking.await.unwrap();
        let Reply::Text(words) = hand.hear(OPENID, &answer) else { panic!("no words") };
        assert!(words.contains("12.34 元"), "{signal}: {words}");
        let status = process.ended().await;
        assert_eq!(status.code(), Some(0), "{signal}: {}", process.log());
        answered.push((question, answer));
    }
    assert_eq!(messages(dir.path()).await, 2);
    let mut process = Process::start(dir.path(), &env);
    for (question, answer) in &answered {
        assert_eq!(process.hand().deliver(question).await, *answer, "a retry after the restart");
    }
    process.signal("TERM");
    assert!(process.ended().await.success());
    assert_eq!(messages(dir.path()).await, 2);
    assert!(
        !process.log().contains(OPENID) && !process.log().contains("查话费"),
        "the log tells no names and no words"
    );
}

#[actix_web::test]
async fn neither_an_open_phone_page_nor_a_half_sent_request_holds_up_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path(), &[]);
    let mut page = reqwest::get(process.url("/sandbox/api/events")).await.unwrap();
    assert!(page.chunk().await.unwrap().is_some());
    let mut idle = TcpStream::connect(process.address).await.unwrap();
    idle.write_all(b"GET /healthz HT").await.unwrap();
    let began = Instant::now();
    process.signal("INT");
    let status = process.ended().await;
    assert_eq!(status.code(), Some(0), "{}", process.log());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[actix_web::test]
async fn a_second_process_on_the_same_data_or_the_same_port_is_told_why_it_cannot_start() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    let second = run(dir.path(), &[], &["serve"]);
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("in use by process {}", process.id())) && said.contains("data_dir"), "{said}");
    assert_eq!(said.lines().count(), 1, "one clear line, not a trace: {said}");
    let elsewhere = tempfile::tempdir().unwrap();
    let taken = process.address.to_string();
    let third = run(elsewhere.path(), &[("FUWU__SERVER__LISTEN", &taken)], &["serve"]);
    let said = String::from_utf8(third.stderr).unwrap();
    assert_eq!(third.status.code(), Some(1), "{said}");
    assert!(said.contains(&taken) && said.contains("FUWU__SERVER__LISTEN"), "{said}");
    assert_eq!(process.hand().deliver(&say(1, "你好")).await.status, 200, "the first is undisturbed");
}
