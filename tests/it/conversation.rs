//! Whole conversations on the demo account, from the phone through real HTTP and back.

use std::collections::BTreeSet;
use std::path::Path;

use fuwu::domain::menu::Menu;
use fuwu::growth::counter::Metric;
use fuwu::sandbox::model::{Body, Side};

use crate::harness::World;
use crate::phone::{Phone, links};

const DAY_SECS: i64 = 86_400;

fn menu() -> Menu {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("menus/default.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[actix_web::test]
async fn a_first_follow_a_second_one_and_a_code_are_welcomed_each_in_its_way() {
    let world = World::start().await;
    let lin = Phone::new(&world, "小林");
    assert!(lin.follow().await.contains("欢迎关注青禾通信"));
    lin.unfollow().await;
    assert!(lin.follow().await.contains("欢迎回来"));
    assert!(lin.scan("store:nanjing").await.contains("体验店"));
    let chen = Phone::new(&world, "小陈");
    assert_eq!(chen.scan("store:nanjing").await, "", "who does not follow is only remembered by the phone");
    assert!(chen.follow().await.contains("体验店"));
    for (metric, expected) in [
        (Metric::FirstFollows, 2),
        (Metric::Refollows, 1),
        (Metric::Follows, 3),
        (Metric::Unfollows, 1),
        (Metric::Messages, 1),
    ] {
        assert_eq!(world.count(metric).await, expected, "{metric:?}");
    }
}

#[actix_web::test]
async fn every_entry_of_the_menu_answers_and_every_link_in_every_answer_leads_somewhere() {
    let world = World::start().await;
    let menu = menu();
    let mut offers = Vec::new();
    for button in menu.leaves() {
        let (kind, key) = (button.kind.as_deref().unwrap(), button.key.as_deref());
        assert_eq!(kind, "click", "{}: teach this test the other kinds", button.name);
        offers.push(Offer::Button(key.unwrap().to_owned()));
    }
    let buttons = offers.len();
    offers.extend(["帮助", "你好", "谢谢", "取消", "天下大势分久必合"].map(|words| Offer::Words(words.to_owned())));
    let phone = Phone::following(&world, "小林").await;
    let mut tapped = BTreeSet::new();
    for offer in &offers {
        let answer = offer.take(&phone).await;
        assert!(!answer.trim().is_empty(), "{offer:?} is silent");
        for words in links(&answer) {
            if !tapped.insert(words.clone()) {
                continue;
            }
            offer.take(&phone).await;
            let next = phone.tap_link(&words).await;
            let lost = ["没听懂", "还办不了", "暂时查不到"].iter().any(|sign| next.contains(sign));
            assert!(!next.is_empty() && !lost, "{offer:?} offers {words}, which leads to: {next}");
        }
    }
    assert!(buttons >= 10 && tapped.len() > 15, "{tapped:?}");
    let keys: BTreeSet<String> = world.counters(Metric::MenuTaps).await.into_iter().map(|(k, _)| k.dimension).collect();
    assert_eq!(keys.len(), buttons, "each entry is counted by its key: {keys:?}");
}

/// Where links are found.
#[derive(Debug)]
enum Offer {
    Button(String),
    Words(String),
}

impl Offer {
    async fn take(&self, phone: &Phone<'_>) -> String {
        match self {
            Self::Button(key) => phone.tap(key).await,
            Self::Words(words) => phone.say(words).await,
        }
    }
}

#[actix_web::test]
async fn the_articles_that_are_offered_can_be_opened_with_their_pictures() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let mut opened = 0;
    for key in ["offers", "common", "latest"] {
        phone.tap(key).await;
        let Some(Body::Articles { articles }) = phone.chat().into_iter().next_back().map(|e| e.body) else {
            panic!("{key}: no articles")
        };
        assert!(articles.len() > 1, "{key}");
        for address in articles.iter().flat_map(|article| [&article.url, &article.picture]) {
            let page = world.http.get(address).send().await.unwrap_or_else(|error| panic!("{address}: {error}"));
            assert_eq!(page.status(), 200, "{address}");
            assert!(!page.text().await.unwrap().is_empty(), "{address}");
            opened += 1;
        }
    }
    assert!(opened >= 12);
    phone.say("特惠业务").await;
    let last = phone.chat().into_iter().next_back().unwrap();
    assert!(matches!(&last.body, Body::Articles { articles } if articles.len() == 1), "one after a message: {last:?}");
}

#[actix_web::test]
async fn questions_are_answered_with_the_customers_own_figures_by_menu_word_and_voice() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let fen = phone.balance_fen().await;
    let balance = format!("话费余额：{}.{:02} 元", fen / 100, fen % 100);
    assert!(phone.tap("query_balance").await.contains(&balance));
    assert!(phone.say("我还有多少话費？").await.contains(&balance));
    let voice = fuwu::sandbox::model::Act::Voice { words: "帮我查一下话费。".into() };
    assert!(world.sandbox().send(&phone.openid, voice).await.unwrap().text().contains(&balance));
    assert!(phone.tap("query_plan").await.contains("月费"));
    assert!(phone.tap("query_data").await.contains("本期流量还剩"));
    assert!(phone.tap("query_points").await.contains("积分"));
    let picture = world.sandbox().send(&phone.openid, fuwu::sandbox::model::Act::Image).await.unwrap();
    assert!(picture.text().contains("只看得懂文字"));
}

#[actix_web::test]
async fn a_sign_in_counts_once_a_day_and_makes_a_streak() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    assert!(phone.tap("sign_in").await.contains("连续 1 天，累计 1 天"));
    assert!(phone.say("签到").await.contains("今天已经签过"));
    world.clock.advance_secs(DAY_SECS);
    assert!(phone.say("打卡").await.contains("连续 2 天，累计 2 天"));
    world.clock.advance_secs(3 * DAY_SECS);
    assert!(phone.tap("sign_in").await.contains("第 1 天，累计 3 天"));
}

#[actix_web::test]
async fn ratings_votes_and_tickets_are_kept_and_counted() {
    let world = World::start().await;
    let (lin, chen) = (Phone::following(&world, "小林").await, Phone::following(&world, "小陈").await);
    assert!(lin.tap("rating").await.contains("满意吗"));
    assert!(lin.tap_link("2星").await.contains("收到 2 星"));
    assert!(lin.say("评分").await.contains("今天已经收到"));
    assert!(chen.tap("rating").await.contains("满意吗"));
    assert!(chen.say("5").await.contains("收到 5 星"));
    let stars: Vec<(i32, i64)> = world.counters(Metric::Ratings).await.iter().map(|(key, n)| (key.b, *n)).collect();
    assert_eq!(stars, [(2, 1), (5, 1)]);

    assert!(lin.tap("topic").await.contains("本周话题"));
    assert!(lin.say("2").await.contains("一共 1 票"));
    chen.tap("topic").await;
    let result = chen.say("3").await;
    assert!(result.contains("一共 2 票") && result.contains("打游戏　1 票，50%"), "{result}");
    assert!(chen.say("上下班路上全靠听书").await.contains("谢谢您的分享"));
    assert_eq!(world.count(Metric::Votes).await, 2);

    assert!(lin.tap("feedback").await.contains("写成一条消息"));
    let first = lin.say("昨晚八点在人民路看视频一直卡").await;
    lin.tap("feedback").await;
    let second = lin.say("希望月包能用到下个月五号").await;
    assert!(first.contains("反馈编号 20260302-") && second.contains("反馈编号 20260302-") && first != second);
}

#[actix_web::test]
async fn while_a_person_has_the_chat_the_account_is_silent_and_afterwards_answers_again() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    assert!(phone.tap("handover").await.contains("转人工"), "a tap cannot hand over, so it asks for a message");
    assert_eq!(phone.tap_link("转人工").await, "正在为您转接人工客服");
    assert!(phone.say("还没人吗？帮我查下话费").await.contains("话费余额"), "whom nobody picked up is still answered");
    world.sandbox().agent_says(&phone.openid, "您好，我是小服").await.unwrap();
    assert_eq!(phone.say("我的话费不对").await, "");
    assert_eq!(phone.say("查话费").await, "");
    world.sandbox().agent_leaves(&phone.openid).await.unwrap();
    assert!(phone.say("查话费").await.contains("话费余额"));
    let agents = phone.chat().into_iter().filter(|entry| matches!(entry.side, Side::Agent(_))).count();
    assert_eq!(agents, 1);
}

#[actix_web::test]
async fn who_leaves_is_told_nothing_and_who_returns_begins_anew() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.tap("buy_data").await;
    phone.say("2").await;
    phone.unfollow().await;
    assert!(world.sandbox().say(&phone.openid, "确认").await.is_err());
    phone.follow().await;
    let answer = phone.say("确认").await;
    assert!(!answer.contains("办好") && answer.contains("想充哪个"), "{answer}");
    assert_eq!(world.count(Metric::Refollows).await, 1);
}

#[actix_web::test]
async fn a_tapped_link_means_what_it_says_also_while_a_dialogue_takes_any_words() {
    let world = World::start().await;
    let lin = Phone::following(&world, "小林").await;
    let data = lin.tap("query_data").await;
    assert!(links(&data).contains(&"充流量".to_owned()), "{data}");
    assert!(lin.tap("feedback").await.contains("写成一条消息"));
    assert!(lin.tap_link("充流量").await.contains("流量日包"), "the link of an older message");
    assert!(lin.tap("topic").await.contains("本周话题"));
    assert!(lin.tap_link("10GB 流量月包").await.contains("流量"), "a link of a dialogue that is over");
    assert_eq!(world.count(Metric::Messages).await, 5);
}
