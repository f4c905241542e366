use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::json;

use super::super::carry::MAX_BODY_BYTES;
use super::*;
use crate::domain::value::Value;

const TIMEOUT: Duration = Duration::from_secs(20);

/// What the business system was asked: how often, and the last idempotency key and body.
#[derive(Default)]
struct Asked {
    times: AtomicUsize,
    key: Mutex<Option<String>>,
    body: Mutex<String>,
}

/// A business system that answers `/<status>/<text>` with that status and text.
fn business_system() -> (Url, web::Data<Asked>) {
    let asked = web::Data::new(Asked::default());
    let data = asked.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route("/api/never", web::to(|| async { std::future::pending::<HttpResponse>().await }))
            .route("/api/{status}/{text}", web::to(answer))
    });
    let server = server.workers(1).bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/api", server.addrs()[0])).unwrap();
    actix_web::rt::spawn(server.run());
    (url, asked)
}

async fn answer(
    path: web::Path<(u16, String)>,
    request: HttpRequest,
    body: String,
    asked: web::Data<Asked>,
) -> HttpResponse {
    asked.times.fetch_add(1, Ordering::SeqCst);
    let key = request.headers().get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
    *asked.key.lock().unwrap() = key;
    *asked.body.lock().unwrap() = body;
    let (status, text) = path.into_inner();
    let text = if text == "long" { format!("\"{}\"", "x".repeat(MAX_BODY_BYTES)) } else { text };
    let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap());
    if (300..400).contains(&status) {
        response.insert_header(("location", "/api/200/%7B%22n%22%3A1%7D"));
    }
    response.content_type("application/json").body(text)
}

fn playbook(base_url: &str, path: &str) -> Playbook {
    let connector = serde_json::from_value(json!({
        "method": "POST", "path": path, "body": {"who": "{{ openid }}"}, "timeout_ms": 1, "late_timeout_ms": 1,
        "fields": {"n": {"at": "/n", "as": "integer"}}, "refusal": {"at": "/code", "ok": ""},
        "idempotency_header": "Idempotency-Key", "example": {},
    }));
    let connectors = [("c".into(), connector.unwrap())].into();
    Playbook { base_url: base_url.to_owned(), connectors, ..Playbook::default() }
}

fn question(key: Option<&str>, text: &str) -> Question {
    let values = [("openid", Value::from("o1")), ("text", Value::from(text))];
    Question {
        connector: "c".into(),
        values: values.map(|(name, value)| (name.to_owned(), value)).into(),
        idempotency_key: key.map(str::to_owned),
    }
}

async fn ask(base: &Url, (status, text): (u16, &str), key: Option<&str>) -> Answer {
    let backend = Backend::new(client().unwrap(), None);
    let playbook = playbook(base.as_str(), &format!("/{status}/{{{{ text }}}}"));
    backend.ask(&playbook, &question(key, text), patience(TIMEOUT)).await.unwrap()
}

fn patience(within: Duration) -> Patience {
    Patience { within, meant: within, waits: Waits::Customer }
}

fn loaded(n: i64) -> Answer {
    Answer::Loaded([("n".to_owned(), Value::Integer(n))].into())
}

#[actix_web::test]
async fn a_good_answer_is_read_and_the_question_arrives_whole() {
    let (base, asked) = business_system();
    assert_eq!(ask(&base, (200, "{\"n\": \"7\"}"), Some("order-1")).await, loaded(7));
    assert_eq!(asked.key.lock().unwrap().as_deref(), Some("order-1"));
    assert_eq!(*asked.body.lock().unwrap(), "{\"who\":\"o1\"}");
    assert_eq!(ask(&base, (201, "{\"n\": 8}"), None).await, loaded(8));
    assert_eq!(*asked.key.lock().unwrap(), None);
}

#[actix_web::test]
async fn what_cannot_be_used_is_down_and_unknown_where_value_is_at_stake() {
    let (base, _) = business_system();
    let unclear = [
        (200, "oops"),
        (200, "{}"),
        (200, "long"),
        (500, "{\"n\":1}"),
        (503, "{\"code\":\"E\"}"),
        (302, "x"),
        (409, "x"),
    ];
    for case in unclear {
        assert_eq!(ask(&base, case, None).await, Answer::Down, "{case:?}");
        assert_eq!(ask(&base, case, Some("k")).await, Answer::TimedOut, "{case:?}");
    }
    for case in [(404, "x"), (400, "{}"), (422, "{\"code\":\"\"}")] {
        assert_eq!(ask(&base, case, Some("k")).await, Answer::Down, "{case:?}");
    }
}

#[actix_web::test]
async fn a_refusal_is_read_from_success_and_from_client_errors() {
    let (base, _) = business_system();
    for status in [200, 400, 402, 409, 422] {
        let answer = ask(&base, (status, "{\"code\":\"NO_FUNDS\"}"), Some("k")).await;
        assert_eq!(answer, Answer::Refused { code: "NO_FUNDS".into() }, "{status}");
    }
}

#[actix_web::test]
async fn a_redirect_is_not_followed() {
    let (base, asked) = business_system();
    assert_eq!(ask(&base, (307, "x"), None).await, Answer::Down);
    assert_eq!(asked.times.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_slow_answer_times_out() {
    let (base, _) = business_system();
    let backend = Backend::new(client().unwrap(), None);
    let playbook = playbook(base.as_str(), "/never");
    let answer = backend.ask(&playbook, &question(None, ""), patience(Duration::from_millis(50))).await.unwrap();
    assert_eq!(answer, Answer::TimedOut);
}

#[actix_web::test]
async fn nothing_sent_is_down_and_a_broken_connection_is_unknown() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = Url::parse(&format!("http://{}", gone.local_addr().unwrap())).unwrap();
    drop(gone);
    assert_eq!(ask(&base, (200, "x"), Some("k")).await, Answer::Down);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let taker = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 16]);
    });
    assert_eq!(ask(&base, (200, "x"), None).await, Answer::TimedOut);
    taker.join().unwrap();
}

#[actix_web::test]
async fn what_cannot_be_put_is_not_put() {
    let (base, asked) = business_system();
    let backend = Backend::new(client().unwrap(), None);
    let good = playbook(base.as_str(), "/200/x");
    let other = Question { connector: "other".into(), ..question(None, "") };
    assert_eq!(backend.ask(&good, &other, patience(TIMEOUT)).await.unwrap(), Answer::Down);
    assert_eq!(
        backend.ask(&playbook("sandbox:", "/200/x"), &question(None, ""), patience(TIMEOUT)).await.unwrap(),
        Answer::Down
    );
    assert_eq!(
        backend.ask(&playbook(base.as_str(), "/{{ text }}/x"), &question(None, ".."), patience(TIMEOUT)).await.unwrap(),
        Answer::Down
    );
    assert_eq!(asked.times.load(Ordering::SeqCst), 0);
}

#[actix_web::test]
async fn the_sandbox_stands_for_the_business_system() {
    let (base, _) = business_system();
    let root = base.join("/").unwrap();
    for (base_url, sandbox) in [("sandbox:", base), ("sandbox:api", root.clone()), ("sandbox:/api", root)] {
        let backend = Backend::new(client().unwrap(), Some(sandbox));
        let playbook = playbook(base_url, "/200/{{ text }}");
        assert_eq!(
            backend.ask(&playbook, &question(None, "{\"n\":1}"), patience(TIMEOUT)).await.unwrap(),
            loaded(1),
            "{base_url}"
        );
    }
}
