//! The client against a small platform of its own.

use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use super::{ApiError, Client};
use crate::domain::reply::Reply;

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
