//! Deliveries of the sandbox: signed, tried three times, their answers held against the platform's rules.

use fuwu::channel::official::Mode;
use fuwu::domain::ids::Openid;
use fuwu::domain::inbound::{Event, Inbound, What};
use fuwu::domain::reply::{Article, Reply};
use fuwu::sandbox::model::{Act, Body, Side};
use fuwu::sandbox::{OUT_OF_ORDER, Seen};
use serde_json::json;

use crate::sandbox_double::{Answer, Double, echo, summary};

async fn follower(double: &Double) -> Openid {
    let openid = double.sandbox.add_customer("小林").unwrap();
    double.sandbox.follow(&openid).await.unwrap();
    openid
}

fn says(words: &str) -> Answer {
    Answer::Say(Reply::Text(words.into()))
}

/// The failure line and the reasons behind it.
fn failure(seen: &Seen) -> &[String] {
    assert!(
        matches!(&seen.entries[..], [entry] if entry.body == Body::Failure { text: OUT_OF_ORDER.into() }),
        "{seen:?}"
    );
    &seen.entries[0].details
}

#[actix_web::test]
async fn in_every_mode_an_answer_reaches_the_phone() {
    for mode in [Mode::Safe, Mode::Compatible, Mode::Plain] {
        let double = Double::start_with(|spec| spec.mode = mode, echo).await;
        let openid = double.sandbox.add_customer("小林").unwrap();
        assert_eq!(openid.as_str().len(), 28);
        assert_eq!(double.sandbox.follow(&openid).await.unwrap().text(), "听到了：关注 ", "{mode:?}");
        let seen = double.sandbox.say(&openid, "你好 <😀> & ]]").await.unwrap();
        assert_eq!(seen.text(), "听到了：你好 <😀> & ]]", "{mode:?}");
        double.stop().await;
    }
}

#[actix_web::test]
async fn a_delivery_without_an_answer_comes_again_as_the_same_message() {
    let double = Double::start(|_, before| if before == 0 { Answer::Never } else { says("第二次答到了") }).await;
    let openid = double.sandbox.add_customer("小林").unwrap();
    let seen = double.sandbox.follow(&openid).await.unwrap();
    assert_eq!((seen.text().as_str(), seen.faults.len()), ("第二次答到了", 1));
    let heard = double.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].inbound, heard[1].inbound);
    assert_ne!(heard[0].query, heard[1].query, "each try has its own nonce and signature");
}

#[actix_web::test]
async fn after_three_tries_the_phone_says_out_of_order_and_why() {
    let double = Double::start(|inbound, before| match (&inbound.what, before) {
        (What::Event(_), _) => Answer::Raw(200, "success"),
        (_, 0) => Answer::Raw(500, "oops"),
        (_, 1) => Answer::Never,
        _ => Answer::Raw(200, "<html>stack trace</html>"),
    })
    .await;
    let openid = follower(&double).await;
    let seen = double.sandbox.say(&openid, "在吗").await.unwrap();
    let details = failure(&seen);
    assert_eq!(details.len(), 3, "{details:?}");
    assert!(details[0].contains("500") && details[1].contains("没有回答") && details[2].contains("XML"), "{details:?}");
    assert_eq!(double.heard().len(), 4);
}

#[actix_web::test]
async fn an_answer_that_breaks_a_rule_is_not_shown() {
    let clear = "<xml><ToUserName>o</ToUserName><FromUserName>gh_0123456789ab</FromUserName><CreateTime>1</CreateTime>\
                 <MsgType>text</MsgType><Content>好</Content></xml>";
    let long: &'static str = "字".repeat(700).leak();
    for (mode, answer, reason) in [
        (Mode::Safe, clear, "没有加密"),
        (Mode::Plain, clear, "ToUserName"),
        (Mode::Plain, "{\"ok\":true}", "XML"),
        (
            Mode::Safe,
            "<xml><Encrypt>AAAA</Encrypt><MsgSignature>0</MsgSignature><TimeStamp>1</TimeStamp><Nonce>1</Nonce></xml>",
            "MsgSignature",
        ),
        (Mode::Plain, long, "XML"),
    ] {
        let double = Double::start_with(
            |spec| spec.mode = mode,
            move |inbound, _| match inbound.what {
                What::Event(_) => Answer::Raw(200, ""),
                What::Message(_) => Answer::Raw(200, answer),
            },
        )
        .await;
        let openid = follower(&double).await;
        let seen = double.sandbox.say(&openid, "在吗").await.unwrap();
        assert!(failure(&seen).iter().all(|fault| fault.contains(reason)), "{reason}: {seen:?}");
        double.stop().await;
    }
}

#[actix_web::test]
async fn success_and_nothing_at_all_say_nothing() {
    let double = Double::start(|inbound, _| match inbound.what {
        What::Event(_) => Answer::Raw(200, ""),
        What::Message(_) => Answer::Raw(200, "success"),
    })
    .await;
    let openid = follower(&double).await;
    assert_eq!(double.sandbox.say(&openid, "在吗").await.unwrap().entries, []);
    assert_eq!(double.heard().len(), 2);
}

#[actix_web::test]
async fn what_happens_in_the_background_fails_in_silence() {
    let double = Double::start(|inbound, _| match inbound.what {
        What::Event(Event::Unsubscribed) => Answer::Raw(500, ""),
        _ => Answer::Raw(200, "success"),
    })
    .await;
    let openid = follower(&double).await;
    let seen = double.sandbox.unfollow(&openid).await.unwrap();
    assert_eq!((seen.entries.len(), seen.faults.len()), (0, 3));
}

#[actix_web::test]
async fn a_message_shows_one_article_and_a_tap_eight() {
    let double = Double::start(|inbound, _| match inbound.what {
        What::Event(Event::Subscribed { .. }) => Answer::Raw(200, "success"),
        _ => Answer::Say(Reply::Articles(vec![Article { title: "一".into(), ..Article::default() }; 3])),
    })
    .await;
    double.push_menu(&json!({ "button": [{ "type": "click", "name": "资讯", "key": "news" }] })).await;
    let openid = follower(&double).await;
    let count = |seen: &Seen| match &seen.entries[0].body {
        Body::Articles { articles } => articles.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(count(&double.sandbox.tap(&openid, "news").await.unwrap()), 3);
    assert_eq!(count(&double.sandbox.say(&openid, "资讯").await.unwrap()), 1);
}

#[actix_web::test]
async fn every_act_arrives_as_what_it_is() {
    let double = Double::start(echo).await;
    double
        .push_menu(&json!({ "button": [
            { "type": "click", "name": "查流量", "key": "query_data" },
            { "type": "view", "name": "官网", "url": "https://example.com/" }
        ] }))
        .await;
    let openid = double.sandbox.add_customer("小林").unwrap();
    assert_eq!(double.sandbox.scan(&openid, "store:nanjing").await.unwrap().entries, []);
    assert_eq!(double.heard().len(), 0, "a scan without a follow sends nothing");
    assert_eq!(double.sandbox.follow(&openid).await.unwrap().text(), "听到了：关注 store:nanjing");
    assert_eq!(double.sandbox.scan(&openid, "bill:paper").await.unwrap().text(), "听到了：扫码 bill:paper");
    assert_eq!(double.sandbox.tap(&openid, "query_data").await.unwrap().text(), "听到了：点击 query_data");
    assert_eq!(double.sandbox.tap(&openid, "https://example.com/").await.unwrap().text(), "");
    let menu_tap = Act::Text { content: "满意".into(), menu_id: Some("101".into()) };
    assert_eq!(double.sandbox.send(&openid, menu_tap).await.unwrap().text(), "听到了：满意#101");
    assert_eq!(double.sandbox.send(&openid, Act::Image).await.unwrap().text(), "听到了：图片");
    assert_eq!(double.sandbox.send(&openid, Act::Sticker).await.unwrap().text(), "听到了：表情");
    let voice = Act::Voice { words: "查话费".into() };
    assert_eq!(double.sandbox.send(&openid, voice).await.unwrap().text(), "听到了：语音 查话费");
    assert!(double.sandbox.tap(&openid, "nowhere").await.is_err());
}

#[actix_web::test]
async fn a_person_takes_the_chat_over_and_gives_it_back() {
    fn script(inbound: &Inbound, _: usize) -> Answer {
        match summary(&inbound.what).as_str() {
            "人工" => Answer::Say(Reply::HandOver { agent: None }),
            _ => Answer::Raw(200, "success"),
        }
    }
    let double = Double::start(script).await;
    let openid = follower(&double).await;
    assert!(double.sandbox.agent_says(&openid, "您好").await.is_err(), "nobody was asked for");
    double.sandbox.say(&openid, "人工").await.unwrap();
    double.sandbox.agent_says(&openid, "您好，我是小服").await.unwrap();
    double.sandbox.agent_says(&openid, "请讲").await.unwrap();
    double.sandbox.agent_leaves(&openid).await.unwrap();
    let events: Vec<What> = double.heard().into_iter().skip(2).map(|h| h.inbound.what).collect();
    let agent = "xiaofu@demo".to_owned();
    assert_eq!(
        events,
        [What::Event(Event::AgentJoined { agent: agent.clone() }), What::Event(Event::AgentLeft { agent })]
    );
    let chat = double.sandbox.history(&openid, 0).unwrap();
    let agents = chat.iter().filter(|entry| matches!(&entry.side, Side::Agent(name) if name == "客服小服"));
    assert_eq!(agents.count(), 2);
}

#[actix_web::test]
async fn a_restart_forgets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sandbox.json");
    let double = Double::start_with(|spec| spec.data_file = Some(file.clone()), echo).await;
    let openid = follower(&double).await;
    double.sandbox.say(&openid, "你好").await.unwrap();
    let before = double.sandbox.history(&openid, 0).unwrap();
    double.stop().await;
    let again = Double::start_with(|spec| spec.data_file = Some(file), echo).await;
    assert_eq!(again.sandbox.history(&openid, 0).unwrap(), before);
    assert!(again.sandbox.follow(&openid).await.is_err(), "still a follower");
    let ids = |double: &Double| double.heard().iter().map(|h| h.inbound.key).collect::<Vec<_>>();
    again.sandbox.say(&openid, "你好").await.unwrap();
    assert_eq!(ids(&again).len(), 1);
}

#[actix_web::test]
async fn the_webhook_is_verified_as_when_it_is_saved() {
    let double = Double::start(echo).await;
    assert_eq!(double.sandbox.verify_webhook().await, Ok(()));
    let stranger = Double::start_with(
        |spec| {
            spec.token = "another".into();
            spec.webhook_url = Some(format!("{}/wechat/demo?own=1", double.origin).parse().unwrap());
        },
        echo,
    )
    .await;
    assert!(stranger.sandbox.verify_webhook().await.unwrap_err().contains("403"));
}
