//! What platform.md part 10 lists and no family's own tests show.

use std::sync::atomic::Ordering;

use fuwu::sandbox::model::Kind;
use serde_json::{Value, json};

use crate::harness::{MONDAY, World};
use crate::sandbox_double::{APP_ID, Answer, Double, SECRET, START, echo};
use crate::sandbox_platform::{Scene, code};

const DAY_SECS: i64 = 86_400;

/// A call of each right, and who is refused it: a subscription, a service and a test account, all certified if they can
/// be (platform.md part 5).
const RIGHTS: [(&str, [i64; 3]); 13] = [
    ("cgi-bin/menu/create", [0, 0, 0]),
    ("cgi-bin/menu/addconditional", [0, 0, 0]),
    ("cgi-bin/message/custom/send", [0, 0, 0]),
    ("customservice/kfsession/create", [0, 0, 48001]),
    ("cgi-bin/message/template/send", [48001, 0, 0]),
    ("cgi-bin/message/subscribe/bizsend", [48001, 0, 48001]),
    ("cgi-bin/message/mass/send", [0, 0, 48001]),
    ("cgi-bin/tags/create", [0, 0, 0]),
    ("cgi-bin/qrcode/create", [48001, 0, 0]),
    ("cgi-bin/shorten/gen", [48001, 0, 0]),
    ("cgi-bin/freepublish/submit", [0, 0, 0]),
    ("datacube/getusersummary", [0, 0, 48001]),
    ("datacube/getinterfacesummary", [0, 0, 48001]),
];

#[actix_web::test]
async fn an_account_is_refused_what_its_kind_does_not_have_from_the_first_call_on() {
    for (at, kind) in [Kind::Subscription, Kind::Service, Kind::Test].into_iter().enumerate() {
        let double = Double::start_with(|spec| spec.kind = kind, |_, _| Answer::Raw(200, "success")).await;
        let token = double.token().await;
        for (path, refused) in RIGHTS {
            let path = format!("/sandbox/platform/{path}?access_token={token}");
            let (_, answer) = double.post(&path, &json!({ "any": 1 })).await;
            assert_eq!(code(&answer) == 48001, refused[at] == 48001, "{kind:?} {path} {answer}");
        }
        double.stop().await;
    }
}

#[actix_web::test]
async fn the_settings_say_what_kind_of_account_lives_in_the_sandbox() {
    let kind = async |world: &World| world.get_json("/sandbox/api/conditions").await["kind"].clone();
    let world = World::start().await;
    assert_eq!(kind(&world).await, "service");
    let world = world.restart_with(&[("FUWU__ACCOUNTS__DEMO__KIND", "subscription")]).await;
    assert_eq!(kind(&world).await, "subscription");
    // What is switched while it runs holds until the settings name another kind.
    world.sandbox().change_conditions(&json!({ "kind": "test" })).unwrap();
    let world = world.restart_with(&[("FUWU__ACCOUNTS__DEMO__KIND", "subscription")]).await;
    assert_eq!(kind(&world).await, "test");
    world.sandbox().change_conditions(&json!({ "kind": null })).unwrap();
    assert_eq!(kind(&world).await, "subscription", "taken back to what the settings say");
    let world = world.restart().await;
    assert_eq!(kind(&world).await, "service");
    world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn a_test_account_has_no_message_menus_and_fewer_calls_a_day() {
    let scene = Scene::new().await;
    let menu = json!({ "touser": scene.a, "msgtype": "msgmenu",
        "msgmenu": { "head_content": "满意吗", "list": [{ "id": "1", "content": "满意" }], "tail_content": "" } });
    assert_eq!(scene.code("cgi-bin/message/custom/send", menu.clone()).await, 0);
    scene.switch("conditions", json!({ "kind": "test" })).await;
    assert_eq!(scene.code("cgi-bin/message/custom/send", menu).await, 48008);
    let quota = scene.post("cgi-bin/openapi/quota/get", json!({ "cgi_path": "/cgi-bin/menu/create" })).await;
    assert_eq!(quota["quota"]["daily_limit"], 100);
}

#[actix_web::test]
async fn words_can_be_checked_only_for_those_who_used_the_mini_program_lately() {
    let scene = Scene::new().await;
    let check = |words: &str| json!({ "version": 2, "scene": 2, "openid": scene.a, "content": words });
    let path = "wxa/msg_sec_check";
    assert_eq!(scene.code(path, check("你好")).await, 61010, "an account has no call for its own followers");
    assert_eq!(scene.code(path, json!({ "version": 2, "scene": 2, "openid": "oX", "content": "好" })).await, 40003);
    assert_eq!(scene.code(path, json!({ "openid": scene.a, "content": "好" })).await, 40035);
    scene.switch(&format!("customers/{}/standing", scene.a), json!({ "mini_program": true })).await;
    assert_eq!(scene.post(path, check("你好")).await["result"], json!({ "suggest": "pass", "label": 100 }));
    scene.switch("conditions", json!({ "risky_words": ["加我微信"] })).await;
    assert_eq!(scene.post(path, check("快加我微信领奖")).await["result"]["suggest"], "risky");
    scene.forward(2 * 3600).await;
    let scene = Scene { token: scene.double.token().await, ..scene };
    assert_eq!(scene.code(path, json!({ "version": 2, "scene": 2, "openid": scene.a, "content": "好" })).await, 61010);
}

#[actix_web::test]
async fn those_who_refuse_messages_get_none_and_an_open_platform_names_its_customers() {
    let scene = Scene::new().await;
    let message = json!({ "touser": scene.a, "msgtype": "text", "text": { "content": "好" } });
    assert_eq!(scene.code("cgi-bin/message/custom/send", message.clone()).await, 0);
    scene.switch(&format!("customers/{}/standing", scene.a), json!({ "refuses": true, "unionid": "o6_union" })).await;
    assert_eq!(scene.code("cgi-bin/message/custom/send", message.clone()).await, 48002);
    let info = scene.get(&format!("cgi-bin/user/info?openid={}", scene.a)).await;
    assert_eq!((&info["unionid"], &info["subscribe"]), (&json!("o6_union"), &json!(1)));
    let other = scene.get(&format!("cgi-bin/user/info?openid={}", scene.b)).await;
    assert!(other.get("unionid").is_none(), "{other}");
    assert!(scene.a.as_str().starts_with('o') && scene.a.as_str().len() == 28);
    scene.double.sandbox.unfollow(&scene.b).await.unwrap();
    let gone = scene.get(&format!("cgi-bin/user/info?openid={}", scene.b)).await;
    assert_eq!((&gone["subscribe"], gone.get("subscribe_time")), (&json!(0), None), "{gone}");
}

#[actix_web::test]
async fn the_stable_token_is_forced_at_most_every_half_minute_and_the_plain_one_lives_on_for_a_while() {
    let scene = Scene::new().await;
    let body =
        |force| json!({ "grant_type": "client_credential", "appid": APP_ID, "secret": SECRET, "force_refresh": force });
    let path = "/sandbox/platform/cgi-bin/stable_token";
    let ask = async |force: bool| scene.double.post(path, &body(force)).await.1;
    let same = ask(false).await["access_token"].clone();
    assert_eq!(ask(false).await["access_token"], same, "the same for all who ask");
    let forced = ask(true).await["access_token"].clone();
    assert_ne!(forced, same);
    let scene_of =
        |token: &Value| format!("/sandbox/platform/cgi-bin/tags/get?access_token={}", token.as_str().unwrap());
    assert_eq!(code(&scene.double.get(&scene_of(&same)).await), 40001, "the former one dies at once");
    assert_eq!(code(&scene.double.get(&scene_of(&forced)).await), 0);
    let again = ask(true).await;
    assert_eq!(again["access_token"].as_str().filter(|token| *token != forced), None, "too soon: {again}");
    let plain = format!("/sandbox/platform/cgi-bin/token?grant_type=client_credential&appid={APP_ID}&secret={SECRET}");
    let first = scene.double.get(&plain).await["access_token"].clone();
    let second = scene.double.get(&plain).await["access_token"].clone();
    assert_ne!(first, second);
    assert_eq!(code(&scene.double.get(&scene_of(&first)).await), 0, "five minutes of grace");
    scene.double.now.fetch_add(301, Ordering::SeqCst);
    assert_eq!(code(&scene.double.get(&scene_of(&first)).await), 40001);
    assert_eq!(code(&scene.double.get(&scene_of(&second)).await), 0);
    assert_eq!(code(&scene.double.get(&scene_of(&forced)).await), 0, "the two kinds do not invalidate each other");
}

#[actix_web::test]
async fn a_caller_can_be_told_another_time_than_its_own() {
    let scene = Scene::new().await;
    let off = async || {
        let url = format!("{}/sandbox/platform/cgi-bin/tags/get", scene.double.origin);
        let told = scene.double.http.get(url).send().await.unwrap().headers()["date"].to_str().unwrap().to_owned();
        (chrono::DateTime::parse_from_rfc2822(&told).unwrap().timestamp() - chrono::Utc::now().timestamp() + 2) / 5 * 5
    };
    assert_eq!(off().await, 0);
    scene.switch("conditions", json!({ "date_off_secs": 3600 })).await;
    assert_eq!(off().await, 3600);
    scene.switch("conditions", json!({ "date_off_secs": null })).await;
    assert_eq!(off().await, 0);
}

async fn told(double: &Double, name: &str, (begin, end): (&str, &str)) -> Value {
    let token = double.token().await;
    let body = json!({ "begin_date": begin, "end_date": end });
    double.post(&format!("/sandbox/platform/datacube/{name}?access_token={token}"), &body).await.1
}

#[actix_web::test]
async fn messages_are_told_by_hour_week_month_and_by_how_much_one_customer_writes() {
    // START is 08:00 of 2026-01-01 in +08:00, a Thursday.
    let double = Double::start(echo).await;
    let [lin, chen] = ["小林", "大陈"].map(|name| double.sandbox.add_customer(name).unwrap());
    for openid in [&lin, &chen] {
        double.sandbox.follow(openid).await.unwrap();
    }
    for _ in 0..6 {
        double.sandbox.say(&lin, "在吗").await.unwrap();
    }
    double.now.store(START + 3600, Ordering::SeqCst);
    double.sandbox.say(&lin, "在吗").await.unwrap();
    double.sandbox.say(&chen, "你好").await.unwrap();
    double.now.store(START + 40 * DAY_SECS, Ordering::SeqCst);
    let day = ("2026-01-01", "2026-01-01");
    let hours = told(&double, "getupstreammsghour", day).await;
    let row = |hour: i64, users: i64, count: i64| json!({ "ref_date": "2026-01-01", "user_source": 0, "ref_hour": hour, "msg_type": 1, "msg_user": users, "msg_count": count });
    assert_eq!(hours, json!({ "list": [row(800, 1, 6), row(900, 2, 2)] }));
    let week = told(&double, "getupstreammsgweek", ("2025-12-29", "2026-01-04")).await;
    assert_eq!(
        (&week["list"][0]["ref_date"], &week["list"][0]["msg_user"]),
        (&json!("2025-12-29"), &json!(2)),
        "{week}"
    );
    let month = told(&double, "getupstreammsgmonth", ("2026-01-01", "2026-01-30")).await;
    assert_eq!((&month["list"][0]["ref_date"], &month["list"][0]["msg_count"]), (&json!("2026-01-01"), &json!(8)));
    for (name, days) in [
        ("getupstreammsgdist", day),
        ("getupstreammsgdistweek", ("2025-12-29", "2026-01-04")),
        ("getupstreammsgdistmonth", day),
    ] {
        let spread = told(&double, name, days).await;
        let seen: Vec<_> = spread["list"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["count_interval"].clone(), row["msg_user"].clone()))
            .collect();
        assert_eq!(seen, [(json!(1), json!(1)), (json!(2), json!(1))], "{name} {spread}");
    }
    assert_eq!(told(&double, "getupstreammsghour", ("2026-01-01", "2026-01-02")).await["errcode"], 61501);
    assert_eq!(told(&double, "getupstreammsgdist", ("2026-01-01", "2026-01-16")).await["errcode"], 61501);
    double.stop().await;
}

#[actix_web::test]
async fn how_the_account_answers_is_told_with_every_try() {
    let double =
        Double::start(|_, before| if before == 0 { Answer::Raw(500, "") } else { Answer::Raw(200, "success") }).await;
    let lin = double.sandbox.add_customer("小林").unwrap();
    double.sandbox.follow(&lin).await.unwrap();
    double.sandbox.say(&lin, "在吗").await.unwrap();
    double.now.store(START + 2 * DAY_SECS, Ordering::SeqCst);
    let health = told(&double, "getinterfacesummary", ("2026-01-01", "2026-01-02")).await;
    let [day] = &health["list"].as_array().unwrap()[..] else { panic!("{health}") };
    assert_eq!((&day["callback_count"], &day["fail_count"]), (&json!(4), &json!(2)), "{day}");
    assert!(day["max_time_cost"].as_i64().unwrap() <= day["total_time_cost"].as_i64().unwrap(), "{day}");
    let hours = told(&double, "getinterfacesummaryhour", ("2026-01-01", "2026-01-01")).await;
    assert_eq!((&hours["list"][0]["ref_hour"], &hours["list"][0]["fail_count"]), (&json!(800), &json!(2)));
    double.stop().await;
}

#[actix_web::test]
async fn fuwus_own_client_reads_the_platforms_view_of_its_health() {
    use fuwu::channel::official::api::{Client, Span};
    use fuwu::domain::time::UnixSecs;
    let world = World::start().await;
    let lin = world.sandbox().add_customer("小林").unwrap();
    world.sandbox().follow(&lin).await.unwrap();
    world.sandbox().say(&lin, "你好").await.unwrap();
    world.clock.set(UnixSecs(MONDAY.0 + DAY_SECS));
    let base = world.url("/sandbox/platform/").parse().unwrap();
    let client = Client::new(base, crate::harness::APP_ID, "secret-of-the-tests", world.http.clone());
    let day = MONDAY.business_day();
    let told = client.interface_summary(Span::new(day, day).unwrap()).await.unwrap();
    assert_eq!((told[&day].callbacks, told[&day].failed), (2, 0));
    world.running.stop().await.unwrap();
}
