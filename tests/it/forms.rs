//! Filling a form in the chat: the number is nobody else's, what was written is nobody's to read, and nothing is lost on
//! the way.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::future::join_all;
use fuwu::app::pool::fulfil;
use fuwu::app::{CaseDecision, Standing, Taken};
use fuwu::channel::official::Mode;
use fuwu::domain::actions::Memory;
use fuwu::domain::fact::{FactKind, OrderOutcome};
use fuwu::domain::ids::{AccountId, Openid, OrderNumber, PoolKey};
use fuwu::domain::order::Decided;
use fuwu::domain::pool::{PoolRule, Wish};
use fuwu::domain::question::Answer;
use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use fuwu::domain::value::Value;
use fuwu::store::{Redis, Spec, Store};
use serde_json::Value as Json;

use crate::business::{copied, copy_playbook, edit};
use crate::hand::text;
use crate::harness::{API_TOKEN, World, until};
use crate::phone::Phone;
use crate::redis_servers::RedisServer;

const NAME: &str = "欧阳小明";
const IDENTITY: &str = "11010519491231002X";
const ADDRESS: &str = "南京市鼓楼区中山路 1 号";
const CONTACT: &str = "13800138000";
const DAY_SECS: i64 = 86_400;

async fn filled(phone: &Phone<'_>) -> String {
    for words in ["线上办卡", "1", "1", NAME, IDENTITY, "1", ADDRESS] {
        phone.say(words).await;
    }
    phone.say(CONTACT).await
}

fn files(dir: &Path, all: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            files(&entry.path(), all);
        } else {
            all.push(std::fs::read(entry.path()).unwrap());
        }
    }
}

async fn draft_answers(world: &World, openid: &Openid) -> usize {
    let customer = world.customer(openid).await;
    match customer.memory.get(&"apply_card".into()) {
        Some(Memory::Form(kept)) => kept.draft.as_ref().map_or(0, |draft| draft.progress.answers.len()),
        _ => 0,
    }
}

/// A world whose business system takes applications once and never twice, and is nowhere.
async fn with_a_business_system_that_is_away() -> World {
    let dir = tempfile::tempdir().unwrap();
    copy_playbook(dir.path());
    let connectors = dir.path().join("playbook/connectors.toml");
    edit(&connectors, "\"sandbox:\"", "\"http://127.0.0.1:9\"\nallow_addresses = [\"127.0.0.1\"]");
    let once = "path = \"/applications\"\nidempotent = false";
    edit(&connectors, "path = \"/applications\"\nidempotency_header = \"Idempotency-Key\"", once);
    let env = copied(dir.path());
    let env = env.each_ref().map(|(key, value)| (*key, value.as_str()));
    World::open(dir, &env).await
}

#[actix_web::test]
async fn a_business_system_that_takes_things_once_and_is_away_leaves_no_form_without_a_person() {
    let world = with_a_business_system_that_is_away().await;
    let phone = Phone::following(&world, "小林").await;
    filled(&phone).await;
    assert!(phone.tap_link("确认").await.contains("正在为您登记"));
    let stands = async || {
        let customer = world.customer(&phone.openid).await;
        match customer.memory.get(&"apply_card".into()) {
            Some(Memory::Form(kept)) => kept.sent.last().map(|sent| (sent.outcome, sent.number.clone())),
            _ => None,
        }
    };
    let (outcome, number) = stands().await.unwrap();
    assert_eq!(outcome, OrderOutcome::Placed);
    assert!(phone.tap_link("确认").await.contains("正在办理"), "it is neither forgotten nor done twice");
    world.clock.advance_secs(3_600);
    phone.hears("已转专人核实").await;
    let listed = async || world.get_json("/api/v1/orders").await["orders"].clone();
    until("a person is called", async || listed().await.as_array().is_some_and(|all| !all.is_empty())).await;
    assert_eq!(listed().await[0]["number"], number.as_str());
    assert_eq!(listed().await[0]["reason"], "form_unknown");
    let account = world.running.app.account("demo").unwrap();
    let undone = CaseDecision::Of(Decided::Undone);
    let taken = world.running.app.decide_case(account, (&OrderNumber::new(number.as_str()), undone)).await.unwrap();
    assert!(matches!(taken, Taken::Form(form) if form.stands() == Standing::Refused));
    phone.hears("没有办成").await;
    assert_eq!(listed().await, serde_json::json!([]));
    assert_eq!(stands().await.unwrap().0, OrderOutcome::Refused);
}

/// Says what becomes of the form or order of this number; the answer.
async fn decided(world: &World, number: &str, decision: &str) -> (u16, Json) {
    let url = world.url(&format!("/api/v1/orders/{number}/decide?decision={decision}"));
    let answer = world.http.post(url).bearer_auth(API_TOKEN).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[actix_web::test]
async fn a_form_whose_action_becomes_something_else_meanwhile_comes_to_its_end_all_the_same() {
    let world = with_a_business_system_that_is_away().await;
    let phone = Phone::following(&world, "小林").await;
    filled(&phone).await;
    assert!(phone.tap_link("确认").await.contains("正在为您登记"));
    let version = async || world.get_json("/api/v1/playbook").await["demo"]["playbook"].clone();
    let (before, file) = (version().await, world.dir.path().join("playbook/actions/apply.toml"));
    let text = std::fs::read_to_string(&file).unwrap();
    let (_, rest) = text.split_once("[repair]").unwrap();
    std::fs::write(&file, format!("[apply_card]\nkind = \"say\"\ntext = \"线上办卡暂停办理。\"\n\n[repair]{rest}"))
        .unwrap();
    std::fs::remove_file(world.dir.path().join("playbook/tests/apply.toml")).unwrap();
    until("the edit is live", async || version().await != before).await;
    assert_eq!(phone.say("线上办卡").await, "线上办卡暂停办理。");

    world.clock.advance_secs(3_600);
    phone.hears("由工作人员核实").await;
    let listed = async || world.get_json("/api/v1/orders").await["orders"].clone();
    until("a person is called", async || listed().await.as_array().is_some_and(|all| !all.is_empty())).await;
    let number = listed().await[0]["number"].as_str().unwrap().to_owned();
    let shown = async || world.get_json(&format!("/api/v1/orders/{number}")).await;
    let form = shown().await;
    let states = |form: &Json| -> Vec<String> {
        form["history"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((form["kind"].as_str(), form["state"].as_str()), (Some("form"), Some("unknown")), "{form}");
    assert_eq!((form["because"].as_str(), form["needs_person"].as_bool()), (Some("form_unknown"), Some(true)));
    assert_eq!(
        (states(&form), form["holds"]["pool"].as_str()),
        (vec!["placed".into(), "unknown".into()], Some("sim_numbers"))
    );
    assert!(!form.to_string().contains("鼓楼") && !form.to_string().contains("小明"), "{form}");
    let url = world.url(&format!("/api/v1/customers/{}", phone.openid));
    let erase = async || world.http.delete(&url).bearer_auth(API_TOKEN).send().await.unwrap();
    let refused = erase().await;
    assert_eq!(refused.status(), 409);
    assert!(refused.text().await.unwrap().contains(&number), "it is said which, and how to go on");
    for (decision, words) in [("seen", "done or undone"), ("returned", "takes no money")] {
        let (status, told) = decided(&world, &number, decision).await;
        assert!(status == 409 && told.to_string().contains(words), "{decision}: {status} {told}");
    }
    assert_eq!(decided(&world, &number, "done").await.0, 200);
    phone.hears("已经办好了").await;
    assert_eq!((listed().await, states(&shown().await).len()), (serde_json::json!([]), 3));
    let (status, told) = decided(&world, &number, "undone").await;
    assert!(status == 409 && told.to_string().contains("ended otherwise"), "{told}");
    until("what was held is taken", async || shown().await["holds"].is_null()).await;
    assert_eq!(erase().await.status(), 204);
    assert_eq!(
        world.http.get(world.url("/api/v1/orders/77")).bearer_auth(API_TOKEN).send().await.unwrap().status(),
        404
    );
}

#[actix_web::test]
async fn a_ticket_is_shown_by_its_number_and_nothing_is_decided_about_it() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    for words in ["宽带报修", "网速很慢", ADDRESS, CONTACT, "1", "没有"] {
        phone.say(words).await;
    }
    phone.say("确认").await;
    let facts = world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap();
    let number = facts.into_iter().find_map(|logged| match logged.fact.what {
        FactKind::TicketOpened { number, .. } => Some(number),
        _ => None,
    });
    let number = number.expect("a ticket");
    assert_eq!(world.get_json(&format!("/api/v1/orders/{number}")).await["state"], "ticket");
    for decision in ["done", "seen"] {
        assert_eq!(decided(&world, &number, decision).await.0, 409, "{decision}");
    }
}

#[actix_web::test]
async fn a_card_is_applied_for_and_what_is_about_the_person_is_in_no_file() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let summary = filled(&phone).await;
    assert!(summary.contains("姓名：欧**明") && summary.contains("110***********002X"), "{summary}");
    let done = phone.tap_link("确认").await;
    assert!(done.contains("办好了") && !done.contains("鼓楼"), "{done}");
    let facts = world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap();
    let outcomes: Vec<OrderOutcome> = facts
        .iter()
        .filter_map(|logged| match &logged.fact.what {
            FactKind::Applied { outcome, .. } => Some(*outcome),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, [OrderOutcome::Placed, OrderOutcome::Done]);
    let mut all = Vec::new();
    files(&world.dir.path().join("data"), &mut all);
    for secret in [NAME, IDENTITY, "鼓楼区中山路"] {
        // The sandbox is the platform and the business system: it is told, and keeps what it was told.
        let own = all.iter().filter(|file| file.starts_with(b"SQLite format 3"));
        let found = own.filter(|file| file.windows(secret.len()).any(|part| part == secret.as_bytes())).count();
        assert_eq!(found, 0, "{secret} in clear");
    }
}

#[actix_web::test]
async fn of_customers_who_choose_at_once_each_has_another_number() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let one = |n: u64| {
        let hand = hand.clone();
        async move {
            let openid = format!("oRacer{n:02}aaaaaaaaaaaaaaaaaaaa");
            for (turn, words) in (1..).zip(["线上办卡", "1"]) {
                hand.deliver(&text(&openid, n * 100 + turn, words)).await;
            }
            let mut turn = 10;
            loop {
                turn += 1;
                let posted = hand.deliver(&text(&openid, n * 100 + turn, "1")).await;
                let Reply::Text(said) = hand.hear(&openid, &posted) else { panic!("{posted:?}") };
                match said.split_once(" 给您留着了") {
                    Some((number, _)) => return number.to_owned(),
                    None => assert!(said.contains("慢了一步"), "{said}"),
                }
            }
        }
    };
    let numbers = join_all((0..20).map(one)).await;
    let different: BTreeSet<&String> = numbers.iter().collect();
    assert_eq!(different.len(), 20, "{numbers:?}");
}

#[actix_web::test]
async fn a_form_is_gone_on_with_after_a_restart_days_later_and_erased_when_nobody_does() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let openid = phone.openid.clone();
    for words in ["宽带报修", "网速很慢", ADDRESS] {
        phone.say(words).await;
    }
    for words in ["线上办卡", "1", "1", NAME] {
        phone.say(words).await;
    }
    let world = world.restart().await;
    world.clock.advance_secs(2 * DAY_SECS);
    let phone = Phone { world: &world, openid: openid.clone() };
    let answer = phone.say("线上办卡").await;
    assert!(answer.contains("还没填完") && answer.contains("新号码"), "the number is free again: {answer}");
    assert!(phone.say("继续").await.contains("选一个喜欢的号码"));
    assert!(phone.say("1").await.contains("身份证号"), "the name is still there");
    assert_eq!(draft_answers(&world, &openid).await, 3);
    world.clock.advance_secs(7 * DAY_SECS);
    until("what was written is erased", async || draft_answers(&world, &openid).await == 0).await;
    assert!(phone.say("线上办卡").await.contains("想要哪个套餐"));
}

fn text_of(answer: &Answer, name: &str) -> Option<String> {
    match answer {
        Answer::Loaded(values) => match values.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Two programs on one Redis: every customer takes the first number that they are offered, some give theirs back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn through_two_programs_no_number_is_given_twice_and_every_hold_ends_taken_or_free() {
    let server = RedisServer::start(&[]);
    let mut programs: Vec<std::sync::Arc<dyn Store>> = Vec::new();
    for _ in 0..2 {
        programs.push(std::sync::Arc::new(
            Redis::open(&server.url(), Spec::default(), crate::harness::key()).await.unwrap(),
        ));
    }
    let (account, key): (AccountId, PoolKey) = ("demo".into(), "numbers".into());
    let rule = PoolRule { items: (0..30).map(|n| format!("1700000{n:04}")).collect(), count: None, hold_secs: 900 };
    let now = UnixSecs(1_000);
    let asked = async |store: &dyn Store, wish: Wish, now: UnixSecs| {
        fulfil(store, (&account, &key, Some(&rule)), (&wish, now)).await.unwrap()
    };
    let one = async |n: usize| {
        let store = &*programs[n % 2];
        let mut wish = text_of(&asked(store, Wish::Offers { by: n.to_string(), page: 0 }, now).await, "offers");
        for turn in 0.. {
            let by = format!("{n}/{turn}");
            let item = wish.and_then(|offers| offers.lines().next().map(str::to_owned))?;
            let hold = Wish::Hold { by: by.clone(), item: Some(item), secs: None };
            let answer = asked(store, hold.clone(), now).await;
            // The other program decides the same delivery again.
            let again = asked(&*programs[(n + 1) % 2], hold, now).await;
            let (first, second) = (text_of(&answer, "got"), text_of(&again, "got"));
            // One that was not free may have been given back a moment later.
            assert!(first.is_none() || first == second, "{first:?} {second:?}");
            let Some(got) = second else {
                wish = text_of(&again, "offers");
                continue;
            };
            return match n % 3 {
                0 => {
                    asked(store, Wish::GiveBack { by }, now).await;
                    None
                }
                // Dies between the two: what is held ends by itself.
                1 => None,
                _ => {
                    asked(store, Wish::Take { by, item: Some(got.clone()) }, now).await;
                    Some(got)
                }
            };
        }
        None
    };
    let taken: Vec<String> = join_all((0..60).map(one)).await.into_iter().flatten().collect();
    let different: BTreeSet<&String> = taken.iter().collect();
    assert_eq!(taken.len(), different.len(), "{taken:?}");
    assert!(!taken.is_empty());
    let later = now.plus_secs(900);
    let left = asked(&*programs[0], Wish::Offers { by: "x".into(), page: 0 }, later).await;
    let Answer::Loaded(values) = left else { panic!() };
    let left = i64::try_from(30 - taken.len()).unwrap();
    assert_eq!(values["left"], Value::Integer(left), "every other one is free again");
}
