//! Bound numbers and what is asked about them, with the demo's own business system over real HTTP.

use fuwu::store::SharedKind;
use serde_json::json;

use crate::business::{copied, copy_playbook, edit};
use crate::harness::World;
use crate::phone::Phone;

const NUMBER: &str = "13800138000";

/// The code that the latest message to this number says.
async fn code(world: &World, number: &str) -> String {
    let messages = world.get_json(&format!("/sandbox/telecom/messages?number={number}")).await;
    let text = messages["messages"][0]["text"].as_str().unwrap();
    text.split("验证码 ").nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect()
}

fn another(code: &str) -> String {
    let digit = if code.starts_with('1') { "2" } else { "1" };
    format!("{digit}{}", &code[1..])
}

#[actix_web::test]
async fn whoever_asks_for_their_bills_binds_a_number_on_the_way_and_is_told_them() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let asked = phone.say("查账单").await;
    assert!(asked.contains("要先绑定手机号") && asked.contains("请回复您的手机号"), "{asked}");
    let sent = phone.say("138 0013 8000").await;
    assert!(sent.contains("验证码已经发到 138****8000") && !sent.contains(NUMBER), "{sent}");
    let right = code(&world, NUMBER).await;
    assert!(phone.say(&another(&right)).await.contains("还能试 4 次"));
    assert!(phone.say(&right).await.contains("138****8000 绑定好了"));
    phone.hears("最近的账单").await;

    let bills = phone.say("账单").await;
    assert_eq!(bills.matches(" 元（套餐 ").count(), 6, "six months: {bills}");
    assert!(bills.contains("2026-02　") && bills.contains("2025-09　") && !bills.contains(NUMBER), "{bills}");
    assert!(phone.say("办理记录").await.contains("还没有办理过业务"));

    world.clock.advance_secs(31 * 60);
    let again = phone.say("账单").await;
    assert!(again.contains("再验证一次") && again.contains("发到 138****8000"), "{again}");
    assert!(phone.say(&code(&world, NUMBER).await).await.contains("绑定好了"));
    phone.hears("久等了，您的账单查到了").await;
}

#[actix_web::test]
async fn a_number_is_asked_about_together_with_what_its_customer_bought() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    // Anybody's balance is enough for the smallest pack.
    for words in ["充流量", "1", "确认"] {
        phone.say(words).await;
    }
    for words in ["绑定手机号", NUMBER] {
        phone.say(words).await;
    }
    phone.say(&code(&world, NUMBER).await).await;
    let orders = phone.say("办理记录").await;
    assert!(orders.contains("2026-03-02　1GB 流量日包　5.00 元　已办好"), "{orders}");
}

#[actix_web::test]
async fn nobodys_phone_is_flooded_from_many_openids() {
    let world = World::start().await;
    let mut answers = Vec::new();
    for n in 0..7 {
        let phone = Phone::following(&world, &format!("第{n}位")).await;
        phone.say("绑定手机号").await;
        answers.push(phone.say(NUMBER).await);
        if n == 0 {
            let other = Phone::following(&world, "性急的").await;
            other.say("绑定手机号").await;
            assert!(other.say(NUMBER).await.contains("刚给 138****8000 发过"));
        }
        world.clock.advance_secs(60);
    }
    let sent = answers.iter().filter(|answer| answer.contains("验证码已经发到")).count();
    assert_eq!(sent, 5, "{answers:?}");
    assert!(answers.last().unwrap().contains("今天收的验证码太多了"), "{answers:?}");
    let messages = world.get_json(&format!("/sandbox/telecom/messages?number={NUMBER}")).await;
    assert_eq!(messages["messages"].as_array().unwrap().len(), 5);
}

#[actix_web::test]
async fn fuwu_itself_sends_a_number_so_many_codes_a_day_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    copy_playbook(dir.path());
    edit(&dir.path().join("playbook/actions/query.toml"), "most_codes = 5", "most_codes = 2");
    let env = copied(dir.path());
    let env = env.each_ref().map(|(key, value)| (*key, value.as_str()));
    let world = World::open(dir, &env).await;
    let mut answers = Vec::new();
    for n in 0..5 {
        let phone = Phone::following(&world, &format!("第{n}位")).await;
        phone.say("绑定手机号").await;
        answers.push(phone.say(NUMBER).await);
        world.clock.advance_secs(60);
    }
    let sent = |answers: &[String]| answers.iter().filter(|answer| answer.contains("验证码已经发到")).count();
    assert_eq!(sent(&answers), 2, "the business system would have sent five: {answers:?}");
    assert!(answers.last().unwrap().contains("今天收的验证码太多了"), "{answers:?}");
    let messages = world.get_json(&format!("/sandbox/telecom/messages?number={NUMBER}")).await;
    assert_eq!(messages["messages"].as_array().unwrap().len(), 2);
    // Of the number only a hash is kept, and of the customers nothing at all.
    let kept = world.store().shared_of(&"demo".into(), SharedKind::Codes).await.unwrap();
    assert!(kept.len() == 1 && !format!("{kept:?}").contains("1380"), "{kept:?}");
    // It holds across a restart, and for the day.
    let world = world.restart_with(&env).await;
    let phone = Phone::following(&world, "又一位").await;
    phone.say("绑定手机号").await;
    assert!(phone.say(NUMBER).await.contains("今天收的验证码太多了"));
    world.clock.advance_secs(86_400);
    phone.say("绑定手机号").await;
    assert!(phone.say(NUMBER).await.contains("验证码已经发到"));
}

#[actix_web::test]
async fn leaving_and_coming_back_sends_no_more_codes() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let ask = async |n: i64| {
        phone.say("绑定手机号").await;
        phone.say(&format!("1380013800{n}")).await
    };
    for n in 0..5 {
        assert!(ask(n).await.contains("验证码已经发到"), "{n}");
    }
    assert!(ask(5).await.contains("验证码试得太多了"));
    phone.unfollow().await;
    phone.follow().await;
    assert!(ask(6).await.contains("验证码试得太多了"));
    world.clock.advance_secs(86_400);
    assert!(ask(7).await.contains("验证码已经发到"), "another day");
}

#[actix_web::test]
async fn a_number_typed_outside_a_dialogue_stands_in_no_report() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.say("噜啦噜啦 138-0013-8000").await;
    let report =
        world.get_json("/api/v1/reports/unanswered?account=demo&from=2026-03-02&to=2026-03-02").await.to_string();
    assert!(report.contains("噜啦噜啦 ***-****-****") && !report.contains("8000"), "{report}");
}

#[actix_web::test]
async fn data_left_is_told_with_what_each_day_took() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let told = phone.say("查流量").await;
    assert!(told.contains("最近几天") && told.contains("2026-03-02　") && told.contains("2026-03-01　"), "{told}");
}

#[actix_web::test]
async fn what_was_told_a_moment_ago_is_told_again_with_its_age_also_in_an_outage() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    assert!(!phone.say("查积分").await.contains("前的数据"));
    assert!(phone.say("查积分").await.contains("秒前的数据）"));
    world.business(json!({ "out": true })).await;
    assert!(phone.say("查积分").await.contains("秒前的数据）"));
    let other = Phone::following(&world, "小周").await;
    assert!(other.say("查积分").await.contains("暂时查不到"), "nobody is told what another was");
}
