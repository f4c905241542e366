//! The webhook and its neighbours over real HTTP, to the letter of contract.md "HTTP".

use fuwu::channel::official::Mode;
use fuwu::channel::official::deliver::{Push, Stamp};
use fuwu::domain::reply::Reply;
use reqwest::{Method, StatusCode};

use crate::hand::{Hand, event, message, text};
use crate::harness::{AES_KEY, API_TOKEN, TOKEN, World};
use crate::raw;

const OTHER_KEY: &str = "QWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU";
const OPENID: &str = "oPenIdOfTheWebhookTests00001";

fn stamp(n: u8) -> Stamp {
    Stamp { timestamp: 1_772_416_800, nonce: format!("10000000{n:02}"), random: [b'a' + n; 16] }
}

#[actix_web::test]
async fn the_platform_verifies_the_address_and_nobody_else_does() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let ask = async |query: &str, path: &str| {
        let answer = world.http.get(world.url(&format!("{path}?{query}"))).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let good = hand.sender.verification("5838479218127813673+/=", &stamp(1));
    assert_eq!(ask(&good, "/wechat/demo").await, (200, "5838479218127813673+/=".into()));
    let refused = (403, String::new());
    assert_eq!(ask(&good.replace("nonce=1", "nonce=2"), "/wechat/demo").await, refused);
    assert_eq!(ask("", "/wechat/demo").await, refused);
    assert_eq!(ask("echostr=1", "/wechat/demo").await, refused);
    let without_echo = good.split("&echostr").next().unwrap();
    assert_eq!(ask(without_echo, "/wechat/demo").await, refused);
    assert_eq!(ask(&format!("{good}&echostr=2"), "/wechat/demo").await, (400, String::new()));
    assert_eq!(ask(&good, "/wechat/nobody").await, (404, String::new()));
}

#[actix_web::test]
async fn every_cryptographic_failure_and_every_downgrade_gets_the_very_same_bytes() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let good = hand.sender.push(&text(OPENID, 1, "在吗"), &stamp(2)).unwrap();
    let with = |change: &dyn Fn(&mut Hand)| {
        let mut other = hand.clone();
        change(&mut other);
        other.sender.push(&text(OPENID, 1, "在吗"), &stamp(2)).unwrap()
    };
    let query = |change: &dyn Fn(&str) -> String| Push { query: change(&good.query), body: good.body.clone() };
    let tampered = {
        let mut body = good.body.clone();
        let at = body.windows(9).position(|w| w == b"<Encrypt>").unwrap() + 40;
        body[at] = if body[at] == b'A' { b'B' } else { b'A' };
        body
    };
    let attempts = [
        with(&|hand| hand.sender.token = "anothertoken".into()),
        with(&|hand| hand.sender.aes_key = OTHER_KEY.into()),
        with(&|hand| hand.sender.app_id = "wxfedcba9876543210".into()),
        with(&|hand| hand.sender.mode = Mode::Plain),
        query(&|query| query.split("&msg_signature").next().unwrap().into()),
        query(&|query| query.replace("&encrypt_type=aes", "")),
        query(&|query| query.replace("encrypt_type=aes", "encrypt_type=raw")),
        query(&|query| query.replace("msg_signature=", "msg_signature=0")),
        query(&|_| String::new()),
        Push { query: good.query.clone(), body: tampered },
    ];
    let mut answers = Vec::new();
    for attempt in &attempts {
        let answer = raw::exchange(world.address(), &raw::post(attempt, "connection: close\r\n")).await;
        answers.push(raw::without_date(&answer));
    }
    assert_eq!(raw::status(&answers[0]), 403);
    assert!(answers[0].ends_with("\r\n\r\n"), "no body, no detail: {:?}", answers[0]);
    for (nth, answer) in answers.iter().enumerate() {
        assert_eq!(answer, &answers[0], "attempt {nth}");
    }
    assert_ne!(hand.hear(OPENID, &hand.post(good).await), Reply::Silent, "the good one is good");
}

#[actix_web::test]
async fn what_is_no_delivery_at_all_is_refused_by_its_kind() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    for method in [Method::PUT, Method::DELETE, Method::TRACE, Method::PATCH, Method::OPTIONS] {
        let answer = world.http.request(method.clone(), world.url("/wechat/demo")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    let mut nobody = hand.clone();
    nobody.webhook = world.url("/wechat/nobody");
    assert_eq!(nobody.deliver(&text(OPENID, 1, "在吗")).await.status, 404);
    let push = hand.push(&text(OPENID, 1, "在吗"));
    let packed = raw::post(&push, "connection: close\r\ncontent-encoding: gzip\r\n");
    assert_eq!(raw::status(&raw::exchange(world.address(), &packed).await), 415);
    let bare = Push { body: b"<xml><Hello/></xml>".to_vec(), ..push.clone() };
    assert_eq!(hand.post(bare).await.status, 400);
    let twice = Push { query: format!("{}&nonce=1", push.query), ..push };
    assert_eq!(hand.post(twice).await.status, 400);
}

#[actix_web::test]
async fn verified_but_unusable_deliveries_are_acknowledged_and_kept_in_quarantine() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let broken = "<xml><ToUserName>gh_0123456789ab</ToUserName><FromUserName>secretopenid</xml>".to_owned();
    let doctype = format!("<!DOCTYPE xml [<!ENTITY a \"b\">]>{}", text(OPENID, 1, "&a;"));
    let no_time = text(OPENID, 2, "时间呢").replace("<CreateTime>1772416800<", "<CreateTime>soon<");
    for xml in [&broken, &doctype, &no_time] {
        assert!(hand.deliver(xml).await.is_acknowledged_only(), "{xml}");
    }
    let kept = world.store().quarantined(&"demo".into(), 10).await.unwrap();
    let kept: Vec<(&str, &[u8])> = kept.iter().map(|q| (q.reason.as_str(), q.body.as_slice())).collect();
    assert_eq!(
        kept,
        [("time", no_time.as_bytes()), ("doctype", doctype.as_bytes()), ("malformed", broken.as_bytes())],
        "newest first"
    );
    let page = world.http.get(world.url("/console/")).bearer_auth(API_TOKEN).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("doctype") && !page.contains("secretopenid"), "the console shows reasons, not contents");
}

#[actix_web::test]
async fn unknown_types_and_events_are_acknowledged_and_counted_without_a_trace_of_what_they_said() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let odd = message(OPENID, "<MsgType><![CDATA[hologram]]></MsgType><Scent>玫瑰</Scent><MsgId>77</MsgId>");
    assert!(hand.deliver(&odd).await.status == 200);
    assert!(hand.deliver(&event(OPENID, "telepathy_event", "rosebud")).await.is_acknowledged_only());
    hand.deliver(&text(OPENID, 78, "这句话谁也不该看见")).await;
    let metrics = world.http.get(world.url("/metrics")).send().await.unwrap();
    assert!(metrics.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("fuwu_deliveries_total{account=\"demo\""), "{metrics}");
    for private in [OPENID, "hologram", "telepathy", "rosebud", "玫瑰", "这句话"] {
        assert!(!metrics.contains(private), "{private} in\n{metrics}");
    }
}

#[actix_web::test]
async fn pipelined_requests_are_answered_in_order() {
    let world = World::start().await;
    let hand = world.hand(Mode::Safe);
    let pushes = [text(OPENID, 1, "你好"), text(OPENID, 2, "谢谢"), text(OPENID, 3, "再见")].map(|xml| hand.push(&xml));
    let mut bytes: Vec<u8> = pushes.iter().flat_map(|push| raw::post(push, "")).collect();
    bytes.extend_from_slice(b"GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    let answers = raw::exchange(world.address(), &bytes).await;
    let bodies: Vec<&str> = answers.split("<xml>").skip(1).collect();
    assert_eq!((bodies.len(), answers.matches("HTTP/1.1 200").count()), (3, 4), "{answers}");
    for (body, expected) in bodies.iter().zip(["小禾在呢", "不客气", "再见"]) {
        let body = format!("<xml>{}", body.split_inclusive("</xml>").next().unwrap());
        let posted = crate::hand::Posted { status: 200, body: body.into_bytes() };
        let Reply::Text(words) = hand.hear(OPENID, &posted) else { panic!("no text") };
        assert!(words.contains(expected), "{words}");
    }
    assert!(answers.ends_with("alive"));
}

#[actix_web::test]
async fn a_server_that_serves_is_alive_and_ready() {
    let world = World::start().await;
    for (path, said) in [("/healthz", "alive"), ("/readyz", "ready")] {
        let answer = world.http.get(world.url(path)).send().await.unwrap();
        assert_eq!((answer.status(), answer.text().await.unwrap().as_str()), (StatusCode::OK, said));
    }
}

#[actix_web::test]
async fn in_every_mode_a_conversation_flows_and_a_weaker_delivery_does_not() {
    for (mode, name) in [(Mode::Safe, "safe"), (Mode::Compatible, "compatible"), (Mode::Plain, "plain")] {
        let world = World::start_with(&[("FUWU__ACCOUNTS__DEMO__MODE", name)]).await;
        let openid = world.sandbox().add_customer("小林").unwrap();
        assert!(world.sandbox().follow(&openid).await.unwrap().text().contains("欢迎关注"), "{name}");
        let seen = world.sandbox().say(&openid, "你好 <xml> & ]]> 😀").await.unwrap();
        assert!(seen.faults.is_empty() && seen.text().contains("没听懂"), "{name}: {seen:?}");
        let plain = world.hand(Mode::Plain).deliver(&text(OPENID, 9, "你好")).await;
        assert_eq!(plain.status, if mode == Mode::Plain { 200 } else { 403 }, "{name}");
        world.running.stop().await.unwrap();
    }
}

#[actix_web::test]
async fn while_token_and_key_rotate_old_and_new_ones_both_work_in_any_mix() {
    let tokens = format!("newtoken2027,{TOKEN}");
    let keys = format!("{OTHER_KEY},{AES_KEY}");
    let env = [("FUWU__ACCOUNTS__DEMO__TOKEN", tokens.as_str()), ("FUWU__ACCOUNTS__DEMO__AES_KEY", keys.as_str())];
    let world = World::start_with(&env).await;
    let mut id = 0;
    for token in ["newtoken2027", TOKEN] {
        for key in [OTHER_KEY, AES_KEY] {
            let mut hand = world.hand(Mode::Safe);
            (hand.sender.token, hand.sender.aes_key) = (token.into(), key.into());
            id += 1;
            let posted = hand.deliver(&text(OPENID, id, "你好")).await;
            // Read with the same token and key: whoever asked in the old ones cannot read the new ones yet.
            assert!(matches!(hand.hear(OPENID, &posted), Reply::Text(_)), "{token} {key}");
        }
    }
    let mut stranger = world.hand(Mode::Safe);
    stranger.sender.token = "expiredtoken".into();
    assert_eq!(stranger.deliver(&text(OPENID, 9, "你好")).await.status, 403);
}

#[actix_web::test]
async fn numbers_are_for_those_with_the_token_only() {
    let world = World::start().await;
    let path = "/api/v1/reports/activity?from=2026-03-01&to=2026-03-02";
    for token in [None, Some(""), Some("wrong"), Some("console-token-of-the-test")] {
        for path in [path, "/api/v1/playbook", "/console/"] {
            let mut request = world.http.get(world.url(path));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 401, "{path} {token:?}");
            assert!(!answer.text().await.unwrap().contains("2026"));
        }
    }
    let get = async |path: &str| {
        let answer = world.http.get(world.url(path)).bearer_auth(API_TOKEN).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.unwrap())
    };
    assert_eq!(get(path).await.1["rows"].as_array().unwrap().len(), 2);
    for wrong in [
        "/api/v1/reports/weather?from=2026-03-01&to=2026-03-02",
        "/api/v1/reports/activity?from=2026-03-02&to=2026-03-01",
        "/api/v1/reports/activity?from=yesterday&to=2026-03-01",
        "/api/v1/reports/activity?account=nobody&from=2026-03-01&to=2026-03-02",
        "/api/v1/reports/activity?from=2026-03-01",
        "/api/v1/reports/activity?from=2026-03-01&to=2026-03-02&form=x",
    ] {
        let (status, answer) = get(wrong).await;
        assert_eq!(status, if wrong.contains("weather") || wrong.contains("nobody") { 404 } else { 400 }, "{wrong}");
        assert!(answer["error"].is_string() && answer["mend"].is_string(), "{wrong}: {answer}");
    }
}

#[actix_web::test]
async fn the_console_takes_the_token_out_of_the_address_and_into_a_cookie() {
    let world = World::start().await;
    let get = async |path: &str| world.http.get(world.url(path)).send().await.unwrap();
    assert_eq!(get("/console?token=wrong").await.status(), 401);
    let entered = get(&format!("/console?token={API_TOKEN}")).await;
    assert_eq!((entered.status().as_u16(), &entered.headers()["location"]), (303, &"console/".parse().unwrap()));
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(API_TOKEN), "the cookie is not the token");
    let pair = cookie.split(';').next().unwrap();
    let page = world.http.get(world.url("/console/")).header("cookie", pair).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(page.contains("控制台") && page.contains("检查通过") && !page.contains("<script"), "{page}");
    let style = get("/console/console.css").await;
    assert!(style.headers()["content-type"].to_str().unwrap().starts_with("text/css"));
}

#[actix_web::test]
async fn a_newcomer_without_a_path_is_shown_where_to_begin() {
    let leads = async |world: &World| {
        let answer = world.http.get(world.url("/")).send().await.unwrap();
        (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap().to_owned())
    };
    let world = World::start().await;
    assert_eq!(leads(&world).await, (307, "sandbox".into()));
}
