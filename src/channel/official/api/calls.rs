//! The client against a small platform of its own.

use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use super::{ApiError, Client, Span, UpstreamMessages, UserSummary};
use crate::domain::reply::Reply;
use crate::domain::time::BusinessDay;

/// What the platform was asked: path, token, body.
type Asked = Arc<Mutex<Vec<(String, Option<String>, Value)>>>;

struct Platform {
    asked: Asked,
    client: Client,
    server: ServerHandle,
}

/// Answers `script` in turn to calls that carry a token, then `ok`; hands out T1, T2, … as tokens.
struct Script {
    answers: Mutex<Vec<HttpAnswer>>,
    tokens: Mutex<u32>,
    asked: Asked,
}

type HttpAnswer = (u16, &'static str);

async fn answer(
    script: web::Data<Script>,
    path: web::Path<String>,
    query: web::Query<Vec<(String, String)>>,
    body: web::Bytes,
) -> HttpResponse {
    let token = query.iter().find(|(name, _)| name == "access_token").map(|(_, token)| token.clone());
    let body = serde_json::from_slice(&body).unwrap();
    script.asked.lock().unwrap().push((path.clone(), token, body));
    if path.as_str() == "cgi-bin/stable_token" {
        let mut tokens = script.tokens.lock().unwrap();
        *tokens += 1;
        return HttpResponse::Ok().json(json!({"access_token": format!("T{tokens}"), "expires_in": "7200"}));
    }
    let mut answers = script.answers.lock().unwrap();
    let (status, text) = if answers.is_empty() { (200, r#"{"errcode":0,"errmsg":"ok"}"#) } else { answers.remove(0) };
    HttpResponse::build(status.try_into().unwrap()).content_type("text/plain").body(text)
}

fn platform(answers: &[HttpAnswer]) -> Platform {
    let asked = Asked::default();
    let script = web::Data::new(Script {
        answers: Mutex::new(answers.to_vec()),
        tokens: Mutex::default(),
        asked: asked.clone(),
    });
    let server = HttpServer::new(move || {
        App::new().app_data(script.clone()).route("/platform/{path:.*}", web::post().to(answer))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let base = format!("http://{}/platform", server.addrs()[0]).parse().unwrap();
    let running = server.run();
    let server = running.handle();
    actix_web::rt::spawn(running);
    let client = Client::new(base, "wx1", "s3cret", reqwest::Client::new());
    Platform { asked, client, server }
}

impl Platform {
    async fn says(&self) -> Result<(), ApiError> {
        self.client.send(&"o1".into(), &Reply::Text("你好".into())).await
    }

    fn tokens_used(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(_, token, _)| token.clone().unwrap_or("(none)".into())).collect()
    }
}

#[actix_web::test]
async fn a_message_goes_out_with_the_stable_token_and_the_next_one_with_the_same() {
    let platform = platform(&[]);
    assert_eq!(platform.says().await, Ok(()));
    assert_eq!(platform.client.create_menu(&json!({"button": []})).await, Ok(()));
    let asked = platform.asked.lock().unwrap().clone();
    let secret = json!({"grant_type": "client_credential", "appid": "wx1", "secret": "s3cret"});
    assert_eq!(asked[0], ("cgi-bin/stable_token".into(), None, secret));
    let message = json!({"touser": "o1", "msgtype": "text", "text": {"content": "你好"}});
    assert_eq!(asked[1], ("cgi-bin/message/custom/send".into(), Some("T1".into()), message));
    assert_eq!(asked[2], ("cgi-bin/menu/create".into(), Some("T1".into()), json!({"button": []})));
    assert_eq!(asked.len(), 3);
    platform.server.stop(false).await;
}

#[actix_web::test]
async fn a_refused_token_is_renewed_once_and_never_in_a_loop() {
    let refused = (200, r#"{"errcode":40001,"errmsg":"invalid credential rid: 65a1b2c3-0d1e2f30-4a5b6c7d"}"#);
    let platform = platform(&[refused, (200, "{}"), refused, refused]);
    assert_eq!(platform.says().await, Ok(()));
    assert_eq!(platform.tokens_used(), ["(none)", "T1", "(none)", "T2"]);
    let rid = Some("65a1b2c3-0d1e2f30-4a5b6c7d".to_owned());
    assert_eq!(platform.says().await, Err(ApiError::Refused { code: 40001, rid }));
    assert_eq!(platform.tokens_used()[4..], ["T2", "(none)", "T3"]);
    platform.server.stop(false).await;
}

#[actix_web::test]
async fn many_callers_at_once_fetch_one_token() {
    let platform = platform(&[]);
    let sent = futures_util::future::join_all((0..20).map(|_| platform.says())).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!(platform.tokens_used().iter().filter(|token| *token == "(none)").count(), 1);
    platform.server.stop(false).await;
}

#[actix_web::test]
async fn what_is_no_answer_means_busy() {
    let platform = platform(&[
        (200, "<html>"),
        (200, "[]"),
        (502, r#"{"errcode":0}"#),
        (200, r#"{"errcode":-1}"#),
        (200, r#"{"errcode":45047}"#),
    ]);
    for expected in [ApiError::Busy, ApiError::Busy, ApiError::Busy, ApiError::Busy, ApiError::CountUsedUp] {
        assert_eq!(platform.says().await, Err(expected));
    }
    platform.server.stop(false).await;
}

#[actix_web::test]
async fn a_platform_that_is_not_there_is_busy_and_no_secret_shows() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let client = Client::new(base, "wx1", "s3cret", reqwest::Client::new());
    let error = client.send(&"o1".into(), &Reply::Text("x".into())).await.unwrap_err();
    assert_eq!(error, ApiError::Busy);
    assert!(!format!("{client:?} {error:?} {error}").contains("s3cret"));
    assert_eq!(client.send(&"o1".into(), &Reply::Silent).await, Err(ApiError::Unsendable));
}

const FIRST: BusinessDay = BusinessDay(20_514); // 2026-03-02

fn week() -> Span {
    Span::new(FIRST, FIRST.plus_days(6)).unwrap()
}

#[actix_web::test]
async fn statistics_are_summed_over_their_sources_day_by_day() {
    let platform = platform(&[
        (
            200,
            r#"{"list":[
            {"ref_date":"2026-03-02","user_source":0,"new_user":3,"cancel_user":1,"more":{}},
            {"ref_date":"2026-03-02","user_source":"30","new_user":"4","cancel_user":"0"},
            {"ref_date":"2026-03-04","user_source":1,"new_user":0,"cancel_user":2},
            {"ref_date":"2026-03-09","user_source":1,"new_user":9,"cancel_user":9}]}"#,
        ),
        (200, r#"{"list":[{"ref_date":"2026-03-02","user_source":0,"cumulate_user":"1200"}]}"#),
        (
            200,
            r#"{"list":[
            {"ref_date":"2026-03-03","user_source":0,"msg_type":1,"msg_user":2,"msg_count":5},
            {"ref_date":"2026-03-03","user_source":0,"msg_type":2,"msg_user":1,"msg_count":1}]}"#,
        ),
    ]);
    let summary = platform.client.user_summary(week()).await.unwrap();
    let moved = |new_user, cancel_user| UserSummary { new_user, cancel_user };
    assert_eq!(summary.into_iter().collect::<Vec<_>>(), [(FIRST, moved(7, 1)), (FIRST.plus_days(2), moved(0, 2))]);
    let total = platform.client.user_cumulate(week()).await.unwrap();
    assert_eq!(total.into_iter().collect::<Vec<_>>(), [(FIRST, 1_200)]);
    let said = platform.client.upstream_messages(week()).await.unwrap();
    let sum = UpstreamMessages { messages: 6, senders_by_type: 3 };
    assert_eq!(said.into_iter().collect::<Vec<_>>(), [(FIRST.plus_days(1), sum)]);
    let asked = platform.asked.lock().unwrap().clone();
    let body = json!({"begin_date": "2026-03-02", "end_date": "2026-03-08"});
    assert_eq!(asked[1], ("datacube/getusersummary".into(), Some("T1".into()), body));
    platform.server.stop(false).await;
}

#[actix_web::test]
async fn half_an_answer_is_none_and_refusals_say_what_they_mean() {
    let platform = platform(&[
        (200, r#"{"list":[{"ref_date":"2026-03-02","new_user":3}]}"#),
        (200, r#"{"list":[{"ref_date":"2026-03-02","new_user":-3,"cancel_user":0}]}"#),
        (200, r#"{"list":[{"ref_date":"2026-02-30","new_user":3,"cancel_user":0}]}"#),
        (200, r#"{"list":{}}"#),
        (200, r#"{}"#),
        (200, r#"{"errcode":61503,"errmsg":"not ready"}"#),
        (200, r#"{"errcode":"48001","errmsg":"api unauthorized"}"#),
        (200, r#"{"errcode":61501,"errmsg":"date range error"}"#),
    ]);
    for _ in 0..5 {
        assert_eq!(platform.client.user_summary(week()).await, Err(ApiError::Busy));
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        let error = platform.client.user_summary(week()).await.unwrap_err();
        told.push((error.is_not_ready(), error.is_no_right()));
    }
    assert_eq!(told, [(true, false), (false, true), (false, false)]);
    platform.server.stop(false).await;
}

#[test]
fn a_span_is_as_long_as_the_platform_takes_it() {
    assert!(Span::new(FIRST, FIRST).is_some_and(|span| span.days().count() == 1));
    assert!(Span::new(FIRST, FIRST.plus_days(6)).is_some_and(|span| span.days().count() == 7));
    assert_eq!((Span::new(FIRST, FIRST.plus_days(7)), Span::new(FIRST, FIRST.plus_days(-1))), (None, None));
}
