//! `fuwu customer export` and `fuwu customer erase`, with a running server and without one.

use std::path::Path;
use std::process::Output;
use std::time::SystemTime;

use serde_json::Value;

use crate::hand::message_at;
use crate::process::{Process, run};

const OPENID: &str = "oPenIdOfTheCommandTests00001";
const OTHER: &str = "oPenIdOfTheCommandTests00002";

async fn lived(process: &Process) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let hand = process.hand();
    for (id, openid) in (1..).zip([OPENID, OTHER]) {
        let rest = format!(
            "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[天下大势分久必合]]></Content><MsgId>{id}</MsgId>"
        );
        let answer = hand.deliver(&message_at(i64::try_from(now).unwrap(), openid, &rest)).await;
        assert_eq!(answer.status, 200);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn export(dir: &Path, openid: &str) -> Output {
    run(dir, &[], &["customer", "export", openid])
}

#[actix_web::test]
async fn a_customer_is_exported_and_erased_beside_the_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    lived(&process).await;
    let exported = export(dir.path(), OPENID);
    assert!(exported.status.success(), "{}", said(&exported));
    let held: Value = serde_json::from_slice(&exported.stdout).unwrap();
    assert_eq!((held["openid"].as_str(), held["account"].as_str()), (Some(OPENID), Some("demo")));
    assert!(exported.stdout.windows("天下大势分久必合".len()).any(|part| part == "天下大势分久必合".as_bytes()));

    let listen = process.address.to_string();
    let env = [("FUWU__SERVER__LISTEN", listen.as_str())];
    let unsure = run(dir.path(), &env, &["customer", "erase", OPENID]);
    assert_eq!(unsure.status.code(), Some(1));
    assert!(said(&unsure).contains("--yes"), "{}", said(&unsure));
    assert!(export(dir.path(), OPENID).status.success(), "nothing was done");

    let erased = run(dir.path(), &env, &["customer", "erase", OPENID, "--yes"]);
    assert!(erased.status.success(), "{}", said(&erased));
    assert_eq!(export(dir.path(), OPENID).status.code(), Some(1));
    assert!(export(dir.path(), OTHER).status.success());
    assert_eq!(run(dir.path(), &env, &["customer", "erase", OPENID, "--yes"]).status.code(), Some(1));

    let nowhere = run(dir.path(), &[("FUWU__SERVER__LISTEN", "127.0.0.1:9")], &["customer", "erase", OTHER, "--yes"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(said(&nowhere).contains("server.listen") && !said(&nowhere).contains(OTHER), "{}", said(&nowhere));
    assert!(!process.log().contains(OPENID));
}

#[actix_web::test]
async fn without_a_server_the_store_is_opened_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let none = run(dir.path(), &[], &["customer", "erase", OPENID, "--yes"]);
    assert_eq!(none.status.code(), Some(1), "{}", said(&none));
    assert!(!dir.path().join("data").exists(), "looking makes nothing");

    let mut process = Process::start(dir.path(), &[]);
    lived(&process).await;
    process.signal("TERM");
    assert!(process.ended().await.success());
    let file = dir.path().join("held.json");
    let exported = run(dir.path(), &[], &["customer", "export", OPENID, "--out", file.to_str().unwrap()]);
    assert!(exported.status.success() && exported.stdout.is_empty());
    assert!(std::fs::read_to_string(file).unwrap().contains(OPENID));
    let erased = run(dir.path(), &[], &["customer", "erase", OPENID, "--yes"]);
    assert!(erased.status.success(), "{}", said(&erased));
    let store = std::fs::read(dir.path().join("data/fuwu.db")).unwrap();
    let holds = |openid: &str| store.windows(openid.len()).any(|part| part == openid.as_bytes());
    assert!(!holds(OPENID) && holds(OTHER));
    assert_eq!(export(dir.path(), OPENID).status.code(), Some(1));
}
