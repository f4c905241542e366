//! An edit of the playbook is live within two seconds; a bad one leaves the last good playbook serving, and says so.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::business::{copied, copy_playbook, edit};
use crate::harness::{World, until};
use crate::phone::Phone;

const WITHIN: Duration = Duration::from_secs(2);

async fn start() -> (World, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    copy_playbook(dir.path());
    let copied = copied(dir.path());
    let playbook = dir.path().join("playbook");
    let env = copied.each_ref().map(|(key, value)| (*key, value.as_str()));
    (World::open(dir, &env).await, playbook)
}

async fn live(what: &str, holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    until(what, holds).await;
    assert!(began.elapsed() < WITHIN, "{what}, but after {:?}", began.elapsed());
}

async fn status(world: &World) -> Value {
    world.get_json("/api/v1/playbook").await["demo"].clone()
}

#[actix_web::test]
async fn an_edit_of_words_keywords_and_menu_is_live_within_two_seconds() {
    let (world, playbook) = start().await;
    let phone = Phone::following(&world, "小林").await;
    let first = status(&world).await;
    assert!(phone.say("你好").await.contains("小禾在呢"));
    assert!(phone.say("摸摸头").await.contains("没听懂"));

    edit(&playbook.join("actions/service.toml"), "小禾在呢！", "小禾来啦！");
    live("the new words are said", async || phone.say("你好").await.contains("小禾来啦")).await;
    edit(&playbook.join("keywords.toml"), "\"你好\", ", "\"你好\", \"摸摸头\", ");
    live("the new keyword is known", async || phone.say("摸摸头").await.contains("小禾来啦")).await;
    edit(&world.dir.path().join("menus/default.json"), "\"本周话题\"", "\"大家聊聊\"");
    let published = async || {
        let state = world.get_json("/sandbox/api/state").await;
        state["button"].to_string().contains("大家聊聊")
    };
    live("the new menu is on the platform", published).await;

    let now = status(&world).await;
    assert_ne!(now["playbook"], first["playbook"]);
    assert_eq!(now["findings"], serde_json::json!([]));
    let facts = world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap();
    let made_under: Vec<&str> = facts.iter().map(|logged| logged.fact.playbook.as_str()).collect();
    assert_eq!(made_under[0], first["playbook"], "every fact carries the version that made it");
    assert_ne!(made_under.last(), made_under.first());
}

#[actix_web::test]
async fn a_bad_edit_leaves_the_last_good_playbook_serving_and_is_shown_where_an_operator_looks() {
    let (world, playbook) = start().await;
    let phone = Phone::following(&world, "小林").await;
    let good = status(&world).await["playbook"].clone();
    let file = playbook.join("actions/service.toml");
    for (from, to, told) in [
        ("小禾在呢！", "小禾在呢！{{ weather }}", "weather"),
        ("[bye]\nkind = \"say\"", "[bye]\nkind = \"shout\"", "shout"),
        ("[bye]", "[bye", "service.toml"),
    ] {
        let before = std::fs::read_to_string(&file).unwrap();
        edit(&file, from, to);
        let line =
            1 + std::fs::read_to_string(&file).unwrap().lines().zip(before.lines()).take_while(|(a, b)| a == b).count();
        let reported = async || !status(&world).await["findings"].as_array().unwrap().is_empty();
        live("the fault is reported", reported).await;
        let page = world.console().await;
        assert!(page.contains("没有启用") && page.contains(told), "{told}: {page}");
        let finding = &status(&world).await["findings"][0];
        let near = finding["line"].as_u64().unwrap().abs_diff(line as u64);
        assert!(finding["file"].as_str().unwrap().ends_with("service.toml") && near <= 3, "line {line}: {finding}");
        assert!(!finding["mend"].as_str().unwrap().is_empty(), "{finding}");
        assert_eq!(status(&world).await["playbook"], good);
        assert!(phone.say("你好").await.contains("小禾在呢"), "{told}");
        std::fs::write(&file, before).unwrap();
        let mended = async || status(&world).await["findings"].as_array().unwrap().is_empty();
        live("the fault is gone", mended).await;
    }
    assert!(world.console().await.contains("检查通过"));
}

#[actix_web::test]
async fn a_dialogue_survives_a_reload_and_a_price_that_changed_meanwhile_is_shown_before_it_is_charged() {
    let (world, playbook) = start().await;
    let phone = Phone::following(&world, "小林").await;
    let before = phone.balance_fen().await;
    phone.tap("buy_data").await;
    assert!(phone.say("2").await.contains("20.00 元"));
    let first = status(&world).await["playbook"].clone();
    edit(&playbook.join("actions/buy.toml"), "amount_fen = 2000", "amount_fen = 2500");
    live("the new price is read", async || status(&world).await["playbook"] != first).await;
    let answer = phone.say("确认").await;
    assert!(answer.contains("请您确认") && answer.contains("25.00 元"), "{answer}");
    assert_eq!(phone.balance_fen().await, before);
    let answer = phone.say("确认").await;
    assert!(answer.contains("价格刚刚有变化"), "the business system has the last word: {answer}");
    assert_eq!(phone.balance_fen().await, before);
}
