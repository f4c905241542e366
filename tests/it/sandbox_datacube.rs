//! The platform's statistics over HTTP: what happened at the phone, by day.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::sandbox_double::{Double, START, echo};

const DAY_SECS: i64 = 86_400;

async fn ask(double: &Double, name: &str, (begin, end): (&str, &str)) -> Value {
    let token = double.token().await;
    let body = json!({ "begin_date": begin, "end_date": end });
    double.post(&format!("/sandbox/platform/datacube/{name}?access_token={token}"), &body).await.1
}

#[actix_web::test]
async fn the_days_of_the_phone_are_told_from_the_next_morning_on() {
    // START is 08:00 of 2026-01-01 in +08:00.
    let double = Double::start(echo).await;
    let [lin, chen] = ["小林", "大陈"].map(|name| double.sandbox.add_customer(name).unwrap());
    double.sandbox.scan(&lin, "store:nanjing").await.unwrap();
    double.sandbox.follow(&lin).await.unwrap();
    double.sandbox.follow(&chen).await.unwrap();
    for words in ["查话费", "你好"] {
        double.sandbox.say(&lin, words).await.unwrap();
    }
    double.sandbox.say(&chen, "你好").await.unwrap();
    double.sandbox.send(&chen, fuwu::sandbox::model::Act::Image).await.unwrap();
    double.sandbox.unfollow(&lin).await.unwrap();
    double.sandbox.follow(&lin).await.unwrap();
    double.now.store(START + DAY_SECS - 1, Ordering::SeqCst);
    let day = ("2026-01-01", "2026-01-01");
    assert_eq!(ask(&double, "getusersummary", day).await["errcode"], 61503);
    double.now.store(START + DAY_SECS, Ordering::SeqCst);
    let row = |source: i64, new: i64, cancelled: i64| json!({ "ref_date": "2026-01-01", "user_source": source, "new_user": new, "cancel_user": cancelled });
    assert_eq!(ask(&double, "getusersummary", day).await, json!({ "list": [row(1, 2, 0), row(30, 1, 1)] }));
    let cumulated = json!({ "list": [{ "ref_date": "2026-01-01", "user_source": 0, "cumulate_user": 2 }] });
    assert_eq!(ask(&double, "getusercumulate", ("2025-12-31", "2026-01-01")).await, cumulated);
    let said = |kind: i64, users: i64, count: i64| json!({ "ref_date": "2026-01-01", "user_source": 0, "msg_type": kind, "msg_user": users, "msg_count": count });
    assert_eq!(ask(&double, "getupstreammsg", day).await, json!({ "list": [said(1, 2, 3), said(2, 1, 1)] }));
    double.now.store(START + 3 * DAY_SECS, Ordering::SeqCst);
    let quiet = ask(&double, "getusersummary", ("2026-01-02", "2026-01-02")).await;
    assert_eq!(quiet["list"][0]["new_user"], 0, "a quiet day has a row of zeros");
    double.stop().await;
}

#[actix_web::test]
async fn a_call_that_the_platform_would_refuse_is_refused_here() {
    let double = Double::start(echo).await;
    let code = async |path: &str, body: Value| double.post(path, &body).await.1["errcode"].as_i64().unwrap_or(0);
    let (path, token) = ("/sandbox/platform/datacube/getusersummary", double.token().await);
    let day = json!({ "begin_date": "2025-12-30", "end_date": "2025-12-30" });
    assert_eq!(code(path, day.clone()).await, 41001);
    assert_eq!(code(&format!("{path}?access_token=wrong"), day.clone()).await, 40001);
    let with_token = format!("{path}?access_token={token}");
    assert_eq!(code(&with_token, day.clone()).await, 0);
    assert_eq!(code(&with_token, json!({ "begin_date": "30.12.2025", "end_date": "2025-12-30" })).await, 61500);
    assert_eq!(code(&with_token, json!({ "begin_date": "2025-12-23", "end_date": "2025-12-30" })).await, 61501);
    assert_eq!(code(&with_token, json!({ "begin_date": "2025-12-31", "end_date": "2026-01-01" })).await, 61501);
    assert_eq!(code(&format!("/sandbox/platform/datacube/nonsense?access_token={token}"), day.clone()).await, 40066);
    let elsewhere = format!("/sandbox/platform/cgi-bin/datacube/getusersummary?access_token={token}");
    assert_eq!(code(&elsewhere, day).await, 40066, "the real one is not below cgi-bin");
    assert_eq!(double.get(&with_token).await["errcode"], 43002);
    double.stop().await;
}

#[actix_web::test]
async fn statistics_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sandbox.json");
    let double = Double::start_with(|spec| spec.data_file = Some(file.clone()), echo).await;
    let lin = double.sandbox.add_customer("小林").unwrap();
    double.sandbox.follow(&lin).await.unwrap();
    double.sandbox.say(&lin, "你好").await.unwrap();
    double.stop().await;
    let again = Double::start_with(|spec| spec.data_file = Some(file.clone()), echo).await;
    again.sandbox.say(&lin, "又是我").await.unwrap();
    again.now.store(START + DAY_SECS, Ordering::SeqCst);
    let told = ask(&again, "getupstreammsg", ("2026-01-01", "2026-01-01")).await;
    assert_eq!((&told["list"][0]["msg_user"], &told["list"][0]["msg_count"]), (&json!(1), &json!(2)), "{told}");
    let total = ask(&again, "getusercumulate", ("2026-01-01", "2026-01-01")).await;
    assert_eq!(total["list"][0]["cumulate_user"], 1);
    again.stop().await;
}
