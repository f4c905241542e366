use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::json;

use super::super::carry::Unreadable;
use super::*;
use crate::domain::value::Value;

const TIMEOUT: Duration = Duration::from_secs(20);

/// What the business system was asked: how often, and the last idempotency key and body.
#[derive(Default)]
struct Asked {
    times: AtomicUsize,
    key: Mutex<Option<String>>,
    body: Mutex<String>,
    api_key: Mutex<Option<String>>,
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
    *asked.api_key.lock().unwrap() = request.headers().get("x-api-key").map(|key| key.to_str().unwrap().to_owned());
    let (status, text) = path.into_inner();
    let body = match text.as_str() {
        "long" => format!("{{\"n\":1,\"x\":\"{}\"}}", "x".repeat(10 << 20)).into_bytes(),
        "deep" => format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000)).into_bytes(),
        "gbk" => b"{\"n\":1,\"name\":\"\xc7\xe0\xba\xcc\"}".to_vec(),
        "nothing" => Vec::new(),
        text => text.as_bytes().to_vec(),
    };
    let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap());
    if (300..400).contains(&status) {
        response.insert_header(("location", "/api/200/%7B%22n%22%3A1%7D"));
    }
    response.content_type("application/json").body(body)
}

fn playbook(base_url: &str, path: &str) -> Playbook {
    let connector = serde_json::from_value(json!({
        "method": "POST", "path": path, "body": {"who": "{{ openid }}"}, "timeout_ms": 1, "late_timeout_ms": 1,
        "fields": {"n": {"at": "/n", "as": "integer"}}, "refusal": {"at": "/code", "ok": ""},
        "idempotency_header": "Idempotency-Key", "example": {},
    }));
    let connectors = [("c".into(), connector.unwrap())].into();
    let allow_addresses = vec!["127.0.0.1".parse().unwrap()];
    Playbook { base_url: base_url.to_owned(), allow_addresses, connectors, ..Playbook::default() }
}

fn backend() -> Backend {
    Backend::new(None, Secrets::default())
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
    let backend = backend();
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
async fn of_what_is_put_only_once_a_status_without_a_code_is_no_answer() {
    let (base, _) = business_system();
    for (status, text, expected) in [
        (400, "{}", Answer::TimedOut),
        (404, "<html>", Answer::TimedOut),
        (422, "{\"code\":\"\"}", Answer::TimedOut),
        (429, "x", Answer::TimedOut),
        (400, "{\"code\":\"E1\"}", Answer::Refused { code: "E1".into() }),
    ] {
        let mut playbook = playbook(base.as_str(), &format!("/{status}/{{{{ text }}}}"));
        let connector = playbook.connectors.get_mut(&crate::domain::ids::ConnectorKey::from("c")).unwrap();
        (connector.idempotency_header, connector.idempotent) = (None, Some(false));
        let answer = backend().ask(&playbook, &question(Some("k"), text), patience(TIMEOUT)).await.unwrap();
        assert_eq!(answer, expected, "{status} {text}");
    }
}

#[actix_web::test]
async fn what_is_under_way_is_asked_again_and_trips_no_breaker() {
    let (base, asked) = business_system();
    let backend = backend();
    for status in [200, 202, 400] {
        let mut playbook = playbook(base.as_str(), &format!("/{status}/{{{{ text }}}}"));
        let connector = playbook.connectors.get_mut(&crate::domain::ids::ConnectorKey::from("c")).unwrap();
        let pending = serde_json::from_value(json!({"at": "/state", "values": ["processing"]}));
        connector.pending = Some(pending.unwrap());
        let under_way = "{\"n\":1,\"state\":\"processing\"}";
        let before = asked.times.load(Ordering::SeqCst);
        for _ in 0..30 {
            for key in [Some("k"), None] {
                let question = question(key, under_way);
                assert_eq!(backend.ask(&playbook, &question, patience(TIMEOUT)).await, Ok(Answer::TimedOut));
            }
        }
        assert_eq!(asked.times.load(Ordering::SeqCst) - before, 60, "it was put every time");
        let trial = backend.try_out(&playbook, &question(Some("k"), under_way), TIMEOUT).await;
        assert_eq!(trial.cause, Some(Cause::Pending));
        if status < 300 {
            let done = question(Some("k"), "{\"n\":1,\"state\":\"done\"}");
            assert_eq!(backend.ask(&playbook, &done, patience(TIMEOUT)).await, Ok(loaded(1)));
        }
    }
}

#[actix_web::test]
async fn a_password_in_an_address_is_not_printed() {
    let (mut base, _) = business_system();
    base.set_username("boss").unwrap();
    base.set_password(Some("s3cret")).unwrap();
    let playbook = playbook(base.as_str(), "/200/{{ text }}");
    let trial = backend().try_out(&playbook, &question(None, "{\"n\":1}"), TIMEOUT).await;
    let printed = format!("{trial:?}");
    assert!(!printed.contains("s3cret") && !printed.contains("boss") && printed.contains("/200/"), "{printed}");
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
    let backend = backend();
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
    let backend = backend();
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
        let backend = Backend::new(Some(sandbox), Secrets::default());
        let playbook = playbook(base_url, "/200/{{ text }}");
        assert_eq!(
            backend.ask(&playbook, &question(None, "{\"n\":1}"), patience(TIMEOUT)).await.unwrap(),
            loaded(1),
            "{base_url}"
        );
    }
}

#[actix_web::test]
async fn an_answer_that_cannot_be_used_is_told_with_its_cause_and_how_to_mend_it() {
    let (base, _) = business_system();
    let unreadable = |fault: Unreadable| Cause::Unreadable(fault);
    let fit = |text: &str| {
        playbook(base.as_str(), "/200/x").connectors[&"c".into()].understand(&serde_json::from_str(text).unwrap())
    };
    let cases = [
        ((200, "<html><body>请登录</body></html>"), unreadable(Unreadable::Html)),
        ((200, "long"), unreadable(Unreadable::TooLong)),
        ((200, "nothing"), unreadable(Unreadable::Empty)),
        ((200, "deep"), unreadable(Unreadable::TooDeep)),
        ((200, "gbk"), unreadable(Unreadable::Charset)),
        ((200, "{\"n\":\"one\"}"), Cause::Unfit(fit("{\"n\":\"one\"}").unwrap_err())),
        ((200, "{}"), Cause::Unfit(fit("{}").unwrap_err())),
        ((204, "nothing"), unreadable(Unreadable::Empty)),
        ((500, "{\"n\":1}"), Cause::Status(500)),
        ((307, "x"), Cause::Redirect(307)),
    ];
    for ((status, text), cause) in cases {
        let playbook = playbook(base.as_str(), &format!("/{status}/{{{{ text }}}}"));
        let trial = backend().try_out(&playbook, &question(None, text), TIMEOUT).await;
        assert_eq!((trial.answer, trial.cause.as_ref()), (Answer::Down, Some(&cause)), "{text}");
        assert!(!cause.mend().is_empty() && !cause.to_string().contains("请登录"), "{cause}");
    }
}

#[actix_web::test]
async fn words_where_a_number_was_mapped_and_a_number_where_words_were_are_no_answer() {
    let (base, _) = business_system();
    let mut book = playbook(base.as_str(), "/200/{{ text }}");
    let connector = book.connectors.get_mut(&crate::domain::ids::ConnectorKey::from("c")).unwrap();
    connector.fields = serde_json::from_value(json!({"n": {"at": "/n", "as": "text"}})).unwrap();
    let heard = backend().ask(&book, &question(None, "{\"n\":7}"), patience(TIMEOUT)).await;
    assert_eq!(heard, Ok(Answer::Down));
}

#[actix_web::test]
async fn nobody_is_asked_at_an_address_that_is_not_allowed() {
    let (base, asked) = business_system();
    let local = base.as_str().replace("127.0.0.1", "localhost");
    for url in [base.as_str(), &local] {
        let closed = Playbook { allow_addresses: Vec::new(), ..playbook(url, "/200/{{ text }}") };
        let trial = backend().try_out(&closed, &question(None, "{\"n\":1}"), TIMEOUT).await;
        assert!(
            matches!(trial.cause, Some(Cause::Forbidden(address)) if address.is_loopback()),
            "{url}: {:?}",
            trial.cause
        );
        assert_eq!(backend().ask(&closed, &question(Some("k"), "{}"), patience(TIMEOUT)).await, Ok(Answer::Down));
    }
    assert_eq!(asked.times.load(Ordering::SeqCst), 0);
    let mut open = playbook(&local, "/200/{{ text }}");
    open.allow_addresses.push("::1".parse().unwrap());
    assert_eq!(backend().ask(&open, &question(None, "{\"n\":1}"), patience(TIMEOUT)).await, Ok(loaded(1)));
}

#[actix_web::test]
async fn secrets_of_the_environment_arrive_in_headers_and_nowhere_else() {
    let (base, asked) = business_system();
    let mut book = playbook(base.as_str(), "/200/{{ text }}");
    let connector = book.connectors.get_mut(&crate::domain::ids::ConnectorKey::from("c")).unwrap();
    connector.headers = serde_json::from_value(json!({"X-Api-Key": "key ${FUWU_SECRET_A}"})).unwrap();
    let with = Backend::new(None, Secrets::of([("FUWU_SECRET_A".to_owned(), "s3cret".to_owned())]));
    let trial = with.try_out(&book, &question(None, "{\"n\":1}"), TIMEOUT).await;
    assert_eq!((&trial.answer, asked.api_key.lock().unwrap().as_deref()), (&loaded(1), Some("key s3cret")));
    assert!(!format!("{trial:?}").contains("s3cret"), "{trial:?}");
    let without = backend().try_out(&book, &question(None, "{\"n\":1}"), TIMEOUT).await;
    assert!(without.cause.unwrap().mend().contains("FUWU_SECRET_A"));
    assert_eq!(asked.times.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn an_answer_is_kept_for_as_long_as_the_operator_says_and_told_with_its_age() {
    let (base, asked) = business_system();
    let mut book = playbook(base.as_str(), "/200/{{ text }}");
    let connector = book.connectors.get_mut(&crate::domain::ids::ConnectorKey::from("c")).unwrap();
    (connector.cache_secs, connector.stale_secs) = (Some(60), Some(600));
    let backend = backend();
    let ask = async |text: &str, key: Option<&str>| {
        backend.ask(&book, &question(key, text), patience(TIMEOUT)).await.unwrap()
    };
    let aged = |n: i64| Answer::Loaded([("n".to_owned(), Value::Integer(n)), ("age".to_owned(), Value::Age(0))].into());
    assert_eq!([ask("{\"n\":1}", None).await, ask("{\"n\":1}", None).await], [loaded(1), aged(1)]);
    assert_eq!(asked.times.load(Ordering::SeqCst), 1);
    assert_eq!(ask("{\"n\":1}", Some("k")).await, loaded(1), "what moves something is always put");
    assert_eq!(ask("{\"n\":1}", None).await, loaded(1), "and makes what was kept old");
    assert_eq!(asked.times.load(Ordering::SeqCst), 3);
}

#[actix_web::test]
async fn in_an_outage_what_was_answered_before_is_told_if_the_operator_wants_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let taker = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\n{\"n\":1}";
        std::io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
    });
    let mut book = playbook(&base, "/x");
    let backend = backend();
    let set = |book: &mut Playbook, stale_secs| {
        let connector = book.connectors.get_mut(&crate::domain::ids::ConnectorKey::from("c")).unwrap();
        connector.stale_secs = stale_secs;
    };
    set(&mut book, Some(600));
    assert_eq!(backend.ask(&book, &question(None, ""), patience(TIMEOUT)).await, Ok(loaded(1)));
    taker.join().unwrap();
    let told = backend.ask(&book, &question(None, ""), patience(TIMEOUT)).await;
    assert!(matches!(told, Ok(Answer::Loaded(values)) if values.contains_key("age")));
    set(&mut book, None);
    assert_eq!(backend.ask(&book, &question(None, ""), patience(TIMEOUT)).await, Ok(Answer::Down));
}
