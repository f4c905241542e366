//! The platform's door: every call on its way to the sandbox passes it and is written down; an answer may be lost here after
//! the platform has acted on the call.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::dev::ServerHandle;
use actix_web::error::ErrorBadGateway;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer};
use futures_util::stream;
use serde_json::Value;
use tokio::sync::watch;

/// One call and what the platform answered.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// Who called: the first part of the address.
    pub by: String,
    /// Below the API's base.
    pub path: String,
    /// The token it was given.
    pub given: Option<String>,
    /// The words of a message.
    pub said: String,
    /// The platform's code; `None` when it did not answer, or nobody waited for it any more.
    pub code: Option<i64>,
    /// Whether the answer was lost on its way back.
    pub lost: bool,
    /// When it came, by the clock that the door was given.
    pub at: i64,
}

impl Passed {
    pub fn is_message(&self) -> bool {
        self.path == "cgi-bin/message/custom/send"
    }

    pub fn is_token_request(&self) -> bool {
        self.path.ends_with("token")
    }
}

/// What the door goes by.
pub struct Ways {
    /// Says of a call that the platform has answered whether the answer is lost.
    pub loses: Box<dyn Fn(&Passed) -> bool + Send + Sync>,
    /// Its clock, in Unix seconds.
    pub clock: Box<dyn Fn() -> i64 + Send + Sync>,
}

impl Ways {
    /// Nothing is lost, and nobody looks at the clock.
    pub fn straight() -> Self {
        Self { loses: Box::new(|_| false), clock: Box::new(|| 0) }
    }
}

struct Inside {
    /// Its API base; whoever comes before it is known waits.
    platform: watch::Sender<Option<String>>,
    http: reqwest::Client,
    passed: Mutex<Vec<Passed>>,
    under_way: AtomicUsize,
    ways: Ways,
}

pub struct Door {
    inside: Data<Inside>,
    origin: String,
    server: ServerHandle,
}

impl Door {
    /// Opens; whoever comes waits until [`Door::leads_to`] says where it leads.
    pub fn open(ways: Ways) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let (passed, under_way) = (Mutex::default(), AtomicUsize::new(0));
        let inside = Data::new(Inside { platform: watch::Sender::new(None), http, passed, under_way, ways });
        let data = inside.clone();
        let server =
            HttpServer::new(move || App::new().app_data(data.clone()).route("/{by}/{path:.*}", web::route().to(pass)));
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", server.addrs()[0]);
        let running = server.run();
        let handle = running.handle();
        actix_web::rt::spawn(running);
        Self { inside, origin, server: handle }
    }

    /// Leads to the platform whose API base is this.
    pub fn leads_to(&self, platform: String) {
        self.inside.platform.send_replace(Some(platform));
    }

    /// Whether nobody is on the way.
    pub fn is_idle(&self) -> bool {
        self.inside.under_way.load(Ordering::SeqCst) == 0
    }

    /// The API base of one caller.
    pub fn base(&self, by: &str) -> String {
        format!("{}/{by}/", self.origin)
    }

    pub fn passed(&self) -> Vec<Passed> {
        self.inside.passed.lock().unwrap().clone()
    }

    /// Messages the platform took.
    pub fn messages(&self) -> usize {
        let passed = self.inside.passed.lock().unwrap();
        passed.iter().filter(|call| call.is_message() && call.code == Some(0)).count()
    }

    pub async fn close(self) {
        self.server.stop(false).await;
    }
}

/// A call on its way, until it is answered or its caller has gone.
struct UnderWay(Data<Inside>);

impl UnderWay {
    fn on(inside: Data<Inside>) -> Self {
        inside.under_way.fetch_add(1, Ordering::SeqCst);
        Self(inside)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn pass(
    inside: Data<Inside>,
    request: HttpRequest,
    at: web::Path<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let (by, path) = at.into_inner();
    let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = sent["text"]["content"].as_str().unwrap_or_default().to_owned();
    let mut call = Passed { by, path, said, at: (inside.ways.clock)(), ..Passed::default() };

    let _under_way = UnderWay::on(inside.clone());
    // Now, because whoever waits may go away before the end.
    let nth = {
        let mut passed = inside.passed.lock().unwrap();
        passed.push(call.clone());
        passed.len() - 1
    };
    let platform = inside.platform.subscribe().wait_for(Option::is_some).await.unwrap().clone().unwrap();
    let url = format!("{platform}/{}?{}", call.path, request.query_string());
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap();
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let asked = inside.http.request(method, url).header("content-type", kind).body(body);
    let answered = async {
        let answer = asked.send().await.ok()?;
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
        Some((status, answer.bytes().await.ok()?))
    };
    let answered = answered.await;
    if let Some((StatusCode::OK, body)) = &answered {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        call.code = Some(answer["errcode"].as_i64().unwrap_or(0));
        call.given = answer["access_token"].as_str().map(str::to_owned);
    }
    call.lost = call.code.is_some() && (inside.ways.loses)(&call);
    let lost = call.lost;
    inside.passed.lock().unwrap()[nth] = call;
    match answered {
        Some((status, body)) if !lost => HttpResponse::build(status).content_type("application/json").body(body),
        _ => broken(),
    }
}

/// The connection breaks before an answer is complete.
fn broken() -> HttpResponse {
    let nothing = stream::once(async { Err::<Bytes, Error>(ErrorBadGateway("broken")) });
    HttpResponse::build(StatusCode::OK).no_chunking(1).streaming(nothing)
}

/// What `calls` say of tokens: how many were asked for, and how many of these had been given before.
pub fn tokens_of(calls: &[Passed]) -> (usize, usize) {
    let given: Vec<&String> = calls.iter().filter_map(|call| call.given.as_ref()).collect();
    let different: std::collections::BTreeSet<&&String> = given.iter().collect();
    let asked = calls.iter().filter(|call| call.is_token_request()).count();
    (asked, asked - different.len())
}

#[test]
fn a_token_that_was_asked_for_in_vain_is_counted() {
    let call = |given: Option<&str>| Passed {
        path: "cgi-bin/stable_token".into(),
        given: given.map(str::to_owned),
        ..Passed::default()
    };
    let message = Passed { path: "cgi-bin/message/custom/send".into(), ..Passed::default() };
    assert_eq!(tokens_of(&[call(Some("a")), message, call(Some("b"))]), (2, 0));
    assert_eq!(tokens_of(&[call(Some("a")), call(Some("a")), call(None)]), (3, 2));
}
