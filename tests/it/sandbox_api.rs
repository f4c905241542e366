//! The platform's API, the phone's JSON and the demo business system over HTTP.

use serde_json::{Value, json};

use crate::sandbox_double::{APP_ID, Double, SECRET, echo};

fn code(answer: &Value) -> i64 {
    answer["errcode"].as_i64().unwrap_or(0)
}

#[actix_web::test]
async fn a_call_needs_a_living_token() {
    let double = Double::start(echo).await;
    let refused = double.call("menu/create?access_token=wrong", &json!({})).await;
    assert_eq!(code(&refused), 40001);
    let message = refused["errmsg"].as_str().unwrap();
    let rid = message.rsplit_once("rid: ").unwrap().1;
    assert_eq!(rid.split('-').map(str::len).collect::<Vec<_>>(), [8, 8, 8], "{message}");
    assert_eq!(code(&double.call("menu/create", &json!({})).await), 41001);
    let wrong = json!({ "grant_type": "client_credential", "appid": APP_ID, "secret": "x" });
    assert_eq!(code(&double.call("stable_token", &wrong).await), 40125);
    let plain = format!("/sandbox/platform/cgi-bin/token?grant_type=client_credential&appid={APP_ID}&secret={SECRET}");
    let issued = double.get(&plain).await;
    assert_eq!(issued["expires_in"], 7200);
    let ips =
        format!("/sandbox/platform/cgi-bin/getcallbackip?access_token={}", issued["access_token"].as_str().unwrap());
    assert_eq!(double.get(&ips).await["ip_list"][0], "127.0.0.1");
    assert_eq!(code(&double.get("/sandbox/platform/cgi-bin/stable_token").await), 43002);
    assert_eq!(code(&double.get("/sandbox/platform/cgi-bin/nonsense").await), 40066);
}

#[actix_web::test]
async fn the_menu_goes_there_and_back() {
    let double = Double::start(echo).await;
    let token = double.token().await;
    let get = format!("/sandbox/platform/cgi-bin/menu/get?access_token={token}");
    assert_eq!(code(&double.get(&get).await), 46003);
    let menu = json!({ "button": [{ "type": "click", "name": "查流量", "key": "query_data" }] });
    double.push_menu(&menu).await;
    assert_eq!(double.get(&get).await["menu"]["button"], menu["button"]);
    let escaped = r#"{"button":[{"type":"click","name":"\u67e5","key":"k"}]}"#;
    let url = format!("{}/sandbox/platform/cgi-bin/menu/create?access_token={token}", double.origin);
    let refused: Value = double.http.post(url).body(escaped).send().await.unwrap().json().await.unwrap();
    assert_eq!(code(&refused), 40033);
    assert_eq!(code(&double.get(&format!("/sandbox/platform/cgi-bin/menu/delete?access_token={token}")).await), 0);
    assert_eq!(code(&double.get(&get).await), 46003);
}

#[actix_web::test]
async fn a_customer_service_message_needs_an_open_window_and_lands_on_the_phone() {
    let double = Double::start(echo).await;
    let token = double.token().await;
    let openid = double.sandbox.add_customer("小林").unwrap();
    let send = format!("message/custom/send?access_token={token}");
    let message = json!({ "touser": openid, "msgtype": "text", "text": { "content": "您的流量包已到账" } });
    assert_eq!(code(&double.call(&send, &message).await), 45015);
    double.sandbox.follow(&openid).await.unwrap();
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(code(&double.call(&send, &message).await));
    }
    assert_eq!(codes, [0, 0, 0, 45047]);
    double.sandbox.say(&openid, "你好").await.unwrap();
    assert_eq!(code(&double.call(&send, &message).await), 0);
    let last = double.sandbox.history(&openid, 0).unwrap().pop().unwrap();
    assert_eq!(last.body.preview(), "您的流量包已到账");
    let typing = format!("message/custom/typing?access_token={token}");
    assert_eq!(code(&double.call(&typing, &json!({ "touser": openid, "command": "Typing" })).await), 0);
    assert_eq!(code(&double.call(&typing, &json!({ "touser": openid, "command": "Typing" })).await), 45081);
}

#[actix_web::test]
async fn a_code_made_by_the_api_can_be_looked_at_and_scanned() {
    let double = Double::start(echo).await;
    let token = double.token().await;
    let wanted = json!({ "expire_seconds": 600, "action_name": "QR_STR_SCENE", "action_info": { "scene": { "scene_str": "ref:7f3a" } } });
    let made = double.call(&format!("qrcode/create?access_token={token}"), &wanted).await;
    assert_eq!(made["expire_seconds"], 600);
    let ticket = made["ticket"].as_str().unwrap();
    let encoded: String = url::form_urlencoded::byte_serialize(ticket.as_bytes()).collect();
    let picture = |ticket: &str| format!("{}/sandbox/platform/cgi-bin/showqrcode?ticket={ticket}", double.origin);
    let response = double.http.get(picture(&encoded)).send().await.unwrap();
    assert!(response.status() == 200 && response.text().await.unwrap().contains("<svg"));
    assert_eq!(double.http.get(picture("none")).send().await.unwrap().status(), 404);
    let openid = double.sandbox.add_customer("小林").unwrap();
    double.sandbox.scan(&openid, ticket).await.unwrap();
    assert_eq!(double.sandbox.follow(&openid).await.unwrap().text(), "听到了：关注 ref:7f3a");
    let info = double.get(&format!("/sandbox/platform/cgi-bin/user/info?access_token={token}&openid={openid}")).await;
    assert_eq!((&info["subscribe"], &info["qr_scene_str"]), (&json!(1), &json!("ref:7f3a")));
    let list = double.get(&format!("/sandbox/platform/cgi-bin/user/get?access_token={token}")).await;
    assert_eq!((&list["total"], &list["data"]["openid"][0]), (&json!(1), &json!(openid)));
    double.now.fetch_add(600, std::sync::atomic::Ordering::SeqCst);
    assert!(double.sandbox.scan(&openid, ticket).await.is_err(), "it has expired");
}

#[actix_web::test]
async fn the_page_acts_through_json_and_hears_the_news() {
    let double = Double::start(echo).await;
    let mut news = double.http.get(format!("{}/sandbox/api/events", double.origin)).send().await.unwrap();
    let (_, made) = double.post("/sandbox/api/customers", &json!({ "nickname": "小林" })).await;
    let path = format!("/sandbox/api/customers/{}", made["openid"].as_str().unwrap());
    assert_eq!(double.post(&format!("{path}/say"), &json!({ "text": "你好" })).await.0, 409, "does not follow yet");
    assert_eq!(double.post(&format!("{path}/follow"), &json!({})).await.0, 202);
    let mut heard = String::new();
    while !heard.contains("听到了：关注") {
        heard.push_str(&String::from_utf8_lossy(&news.chunk().await.unwrap().unwrap()));
    }
    assert!(heard.contains("你已关注该公众号"), "{heard}");
    let history = double.get(&format!("{path}/history?after=1")).await;
    assert_eq!(history["entries"][0]["body"]["text"], "听到了：关注 ");
    double.sandbox.close().unwrap();
    while news.chunk().await.unwrap().is_some() {}
}

#[actix_web::test]
async fn another_site_can_neither_act_nor_embed() {
    let double = Double::start(echo).await;
    let url = format!("{}/sandbox/api/customers", double.origin);
    let from = |origin: &'static str| double.http.post(&url).header("origin", origin).json(&json!({ "nickname": "x" }));
    assert_eq!(from("http://evil.example").send().await.unwrap().status(), 403);
    let text = double.http.post(&url).header("content-type", "text/plain").body(r#"{"nickname":"x"}"#);
    assert_eq!(text.send().await.unwrap().status(), 403);
    let page = double.http.get(format!("{}/sandbox", double.origin)).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    assert!(!html.contains("<style") && !html.contains("style=") && !html.contains("onclick"), "nothing inline");
}

#[actix_web::test]
async fn every_article_of_the_playbook_can_be_read() {
    let double = Double::start(echo).await;
    let news = include_str!("../../config/playbook/actions/news.toml");
    let slugs: Vec<&str> =
        news.split("/sandbox/articles/").skip(1).map(|rest| rest.split(['"', '.', '\'']).next().unwrap()).collect();
    assert!(!slugs.is_empty());
    for slug in slugs {
        for path in [slug.to_owned(), format!("{slug}.svg")] {
            let url = format!("{}/sandbox/articles/{path}", double.origin);
            assert_eq!(double.http.get(&url).send().await.unwrap().status(), 200, "{url}");
        }
    }
}

#[actix_web::test]
async fn the_business_system_charges_once_however_often_it_is_asked() {
    let double = Double::start(echo).await;
    let balance = "/sandbox/telecom/balance?openid=o1";
    let before = double.get(balance).await["balance"]["balance_fen"].as_i64().unwrap();
    let order = || {
        let body = json!({ "openid": "o1", "code": "D1G", "amount_fen": "500", "order": "K" });
        let request = double.http.post(format!("{}/sandbox/telecom/orders", double.origin));
        async move { request.header("idempotency-key", "K").json(&body).send().await.unwrap().text().await.unwrap() }
    };
    let (one, two, three) = tokio::join!(order(), order(), order());
    assert!(one == two && two == three && one.contains("\"code\":\"0\""), "{one}");
    assert_eq!(double.get(balance).await["balance"]["balance_fen"], before - 500);
    let (status, answer) = double.post("/sandbox/telecom/orders", &json!({})).await;
    assert_eq!((status, &answer["code"]), (400, &json!("KEY_MISSING")));
    double.post("/sandbox/telecom/mode", &json!({ "out": true })).await;
    assert_eq!(double.get(balance).await["code"], "OUT_OF_SERVICE");
    let (_, mode) = double.post("/sandbox/telecom/mode", &json!({ "out": false })).await;
    assert_eq!(mode, json!({ "delay_ms": 0, "out": false }));
    assert_eq!(double.get(balance).await["code"], "0");
    assert_eq!(double.get("/sandbox/telecom/plan").await["code"], "OPENID_MISSING");
}
