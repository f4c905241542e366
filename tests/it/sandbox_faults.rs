//! Rights, counts, oddities and faults of the sandbox's platform, switched over HTTP while it runs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::until;
use crate::sandbox_double::{APP_ID, Answer, Double, SECRET, START};
use crate::sandbox_platform::{Scene, code};

const INFO: &str = "cgi-bin/menu/get";

#[actix_web::test]
async fn an_account_has_the_rights_of_its_kind() {
    let scene = Scene::new().await;
    let qr = json!({ "action_name": "QR_STR_SCENE", "action_info": { "scene": { "scene_str": "x" } } });
    let codes = async |kind: &str, certified: bool| {
        scene.switch("conditions", json!({ "kind": kind, "certified": certified })).await;
        let made = scene.code("cgi-bin/qrcode/create", qr.clone()).await;
        (made, scene.code("cgi-bin/tags/create", json!({ "tag": { "name": format!("{kind}{certified}") } })).await)
    };
    assert_eq!(codes("service", true).await, (0, 0));
    assert_eq!(codes("service", false).await, (48001, 48001));
    assert_eq!(codes("subscription", true).await, (48001, 0));
    assert_eq!(codes("test", false).await, (0, 0));
    assert_eq!(scene.double.get("/sandbox/api/conditions").await["kind"], "test");
}

#[actix_web::test]
async fn counters_refuse_until_midnight_in_china_or_a_clearing() {
    let scene = Scene::new().await;
    scene
        .switch("conditions", json!({ "daily_limits": { INFO: 2 }, "minute_limits": { "cgi-bin/tags/get": 1 } }))
        .await;
    let call = async || code(&scene.get(INFO).await);
    assert_eq!([call().await, call().await, call().await], [46003, 46003, 45009]);
    let ask = json!({ "cgi_path": "/cgi-bin/menu/get" });
    let quota = scene.post("cgi-bin/openapi/quota/get", ask.clone()).await;
    assert_eq!(quota["quota"], json!({ "daily_limit": 2, "used": 2, "remain": 0 }));
    assert_eq!(scene.code("cgi-bin/openapi/quota/clear", ask).await, 0);
    assert_eq!([call().await, call().await, call().await], [46003, 46003, 45009]);
    let by_secret = format!("cgi-bin/clear_quota/v2?appid={APP_ID}&appsecret={SECRET}");
    assert_eq!(scene.code(&by_secret, json!({})).await, 0);
    assert_eq!([call().await, call().await, call().await], [46003, 46003, 45009]);
    // The tests' clock stands at 2026-01-01 08:00 +08:00.
    scene.forward(16 * 3600 - 1).await;
    let scene = Scene { token: scene.double.token().await, ..scene };
    assert_eq!(code(&scene.get(INFO).await), 45009);
    scene.forward(1).await;
    assert_eq!(code(&scene.get(INFO).await), 46003);
    assert_eq!([code(&scene.get("cgi-bin/tags/get").await), code(&scene.get("cgi-bin/tags/get").await)], [0, 45011]);
    scene.forward(60).await;
    assert_eq!(code(&scene.get("cgi-bin/tags/get").await), 0);
    assert_eq!(scene.code("cgi-bin/openapi/quota/get", json!({ "cgi_path": "/sns/auth" })).await, 76022);
    assert_eq!(scene.code("cgi-bin/openapi/quota/get", json!({ "cgi_path": "/cgi-bin/x" })).await, 76021);
}

#[actix_web::test]
async fn a_caller_who_is_not_on_the_white_list_reads_their_own_address() {
    let scene = Scene::new().await;
    scene.switch("conditions", json!({ "ip_white_list": ["10.0.0.1"] })).await;
    let refused = scene.get(INFO).await;
    let words = refused["errmsg"].as_str().unwrap();
    assert!(
        code(&refused) == 40164 && words.starts_with("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist")
    );
    let rid = words.rsplit("rid: ").next().unwrap().to_owned();
    scene.switch("conditions", json!({ "ip_white_list": null })).await;
    let found = scene.post("cgi-bin/openapi/rid/get", json!({ "rid": rid })).await;
    let request = &found["request"];
    assert_eq!((&request["request_url"], &request["client_ip"]), (&json!(format!("/{INFO}")), &json!("127.0.0.1")));
    assert!(!found.to_string().contains(&scene.token), "no token in what is looked up");
    scene.forward(7 * 86_400 + 1).await;
    let scene = Scene { token: scene.double.token().await, ..scene };
    assert_eq!(scene.code("cgi-bin/openapi/rid/get", json!({ "rid": rid })).await, 76004);
    assert_eq!(scene.code("cgi-bin/openapi/rid/get", json!({ "rid": "x" })).await, 76001);
}

#[actix_web::test]
async fn answers_can_be_odd() {
    let scene = Scene::new().await;
    scene.switch("conditions", json!({ "numbers_as_strings": true, "text_plain": true })).await;
    let url = format!("{}/sandbox/platform/cgi-bin/user/get?access_token={}", scene.double.origin, scene.token);
    let response = scene.double.http.get(url).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(response.json::<Value>().await.unwrap()["total"], "2");
    scene.switch("conditions", json!({ "numbers_as_strings": false, "text_plain": false })).await;
    assert_eq!(scene.get("cgi-bin/user/get").await["total"], 2);
}

#[actix_web::test]
async fn the_api_is_slow_or_down_until_it_is_not() {
    let scene = Scene::new().await;
    let url = format!("{}/sandbox/platform/{INFO}?access_token={}", scene.double.origin, scene.token);
    let ask = || scene.double.http.get(&url).send();
    scene.switch("faults", json!({ "slow_ms": 300 })).await;
    let began = Instant::now();
    ask().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300));
    scene.switch("faults", json!({ "slow_ms": 0, "down": "unavailable" })).await;
    assert_eq!(ask().await.unwrap().status(), 503);
    scene.switch("faults", json!({ "down": "bad_gateway" })).await;
    assert_eq!(ask().await.unwrap().status(), 502);
    scene.switch("faults", json!({ "down": "reset" })).await;
    let broken = match ask().await {
        Err(_) => true,
        Ok(response) => response.bytes().await.is_err(),
    };
    assert!(broken, "the connection breaks");
    scene.switch("faults", json!({ "down": null })).await;
    assert_eq!(ask().await.unwrap().status(), 200);
    let calm = scene.double.get("/sandbox/api/faults").await;
    assert_eq!((&calm["down"], &calm["slow_ms"]), (&Value::Null, &json!(0)));
}

#[actix_web::test]
async fn tokens_and_counts_and_codes_can_be_wrong() {
    let scene = Scene::new().await;
    let call = async || code(&scene.get(INFO).await);
    scene.switch("faults", json!({ "wrong_token": "once" })).await;
    assert_eq!([call().await, call().await], [40001, 46003]);
    scene.switch("faults", json!({ "wrong_token": "always" })).await;
    assert_eq!([call().await, call().await], [40001, 40001]);
    scene.switch("faults", json!({ "wrong_token": null, "quota_reached": [INFO] })).await;
    assert_eq!((call().await, code(&scene.get("cgi-bin/tags/get").await)), (45009, 0));
    let next =
        json!({ "quota_reached": [], "errcodes": { INFO: { "errcode": -1, "errmsg": "system error", "times": 2 } } });
    scene.switch("faults", next).await;
    assert_eq!([call().await, call().await, call().await], [-1, -1, 46003]);
    scene.switch("token/replace", json!({})).await;
    assert_eq!(call().await, 40001);
    let renewed = Scene { token: scene.double.token().await, ..scene };
    assert_eq!(code(&renewed.get(INFO).await), 46003);
    let (status, refused) = renewed.double.post("/sandbox/api/faults", &json!({ "upside_down": 1 })).await;
    assert!(status == 400 && refused["error"].as_str().unwrap().contains("upside_down"));
}

#[actix_web::test]
async fn deliveries_come_twice_or_overtake_each_other() {
    let scene = Scene::new().await;
    let begin = scene.double.heard().len();
    scene.switch("faults", json!({ "duplicate": 2 })).await;
    scene.double.sandbox.say(&scene.a, "一").await.unwrap();
    let heard = scene.double.heard();
    assert_eq!(heard.len() - begin, 3);
    assert!(heard[begin..].iter().all(|h| h.inbound.key == heard[begin].inbound.key), "the same message");
    scene.switch("faults", json!({ "duplicate": 0, "reorder_ms": 20_000 })).await;
    let begin = scene.double.heard().len();
    let (first, second) = (scene.double.sandbox.clone(), scene.double.sandbox.clone());
    let a = scene.a.clone();
    let waiting = tokio::spawn(async move { first.say(&a, "先").await });
    until("the first message was taken", async || {
        scene.double.sandbox.history(&scene.a, 0).unwrap().iter().any(|entry| entry.body.preview() == "先")
    })
    .await;
    second.say(&scene.b, "后").await.unwrap();
    waiting.await.unwrap().unwrap();
    let order: Vec<_> = scene.double.heard()[begin..].iter().map(|h| h.inbound.openid.clone()).collect();
    assert_eq!(order, [scene.b.clone(), scene.a.clone()]);
}

#[actix_web::test]
async fn windows_close_when_the_time_is_moved() {
    let scene = Scene::new().await;
    scene.double.sandbox.say(&scene.a, "在吗").await.unwrap();
    let message = json!({ "touser": scene.a, "msgtype": "text", "text": { "content": "在" } });
    for expected in [0, 0, 0, 0, 0, 45047] {
        assert_eq!(scene.code("cgi-bin/message/custom/send", message.clone()).await, expected);
    }
    scene.double.sandbox.say(&scene.a, "还在吗").await.unwrap();
    scene.forward(48 * 3600).await;
    let scene = Scene { token: scene.double.token().await, ..scene };
    assert_eq!(scene.code("cgi-bin/message/custom/send", message).await, 45015);
    assert_eq!(scene.double.post("/sandbox/api/clock", &json!({ "forward_secs": -1 })).await.0, 400);
    let page = scene.double.http.post(format!("{}/sandbox/api/clock", scene.double.origin));
    let strange =
        page.header("origin", "http://evil.example").json(&json!({ "forward_secs": 1 })).send().await.unwrap();
    assert_eq!(strange.status(), 403);
}

#[actix_web::test]
async fn a_result_comes_by_itself_when_its_time_has_come() {
    let real = |spec: &mut fuwu::sandbox::SandboxSpec| {
        let began = Instant::now();
        spec.clock = std::sync::Arc::new(move || START + i64::try_from(began.elapsed().as_secs()).unwrap());
    };
    let double = Double::start_with(real, |_, _| Answer::Raw(200, "success")).await;
    double.post("/sandbox/api/conditions", &json!({ "job_delay_secs": 1, "certified": false })).await;
    until("the account hears that it is no longer certified", async || {
        double.heard().iter().any(|heard| format!("{:?}", heard.inbound.what).contains("CertificationLapsed"))
    })
    .await;
    assert_eq!(double.get("/sandbox/api/clock").await["jobs"], 0);
}

#[actix_web::test]
async fn what_waits_is_told_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sandbox.json");
    let quiet = |_: &fuwu::domain::inbound::Inbound, _: usize| Answer::Raw(200, "success");
    let double = Double::start_with(|spec| spec.data_file = Some(file.clone()), quiet).await;
    double.post("/sandbox/api/conditions", &json!({ "certified": false })).await;
    assert_eq!((double.heard().len(), double.sandbox.catch_up().await), (0, 0), "it is not due yet");
    double.stop().await;
    let again = Double::start_with(|spec| spec.data_file = Some(file.clone()), quiet).await;
    assert_eq!(again.get("/sandbox/api/conditions").await["certified"], false);
    again.post("/sandbox/api/clock", &json!({ "forward_secs": 2 })).await;
    assert_eq!((again.heard().len(), again.sandbox.catch_up().await), (1, 0));
}

#[actix_web::test]
async fn a_spoiled_delivery_is_refused_until_it_is_whole_again() {
    let scene = Scene::new().await;
    for spoil in ["signature", "app_id"] {
        scene.switch("faults", json!({ "spoil": spoil })).await;
        let seen = scene.double.sandbox.say(&scene.a, "在吗").await.unwrap();
        assert!(seen.gave_up && seen.faults.iter().all(|fault| fault.contains("403")), "{spoil} {seen:?}");
    }
    scene.switch("faults", json!({ "spoil": null })).await;
    assert!(!scene.double.sandbox.say(&scene.a, "在吗").await.unwrap().gave_up);
}
