//! A small platform that answers as a script tells it, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use super::client::Client;

/// What the platform was asked, calls for a token left out.
#[derive(Clone, Debug)]
pub struct Asked {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn token(&self) -> Option<&str> {
        self.parameter("access_token")
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// An answer: status, body.
pub type Said = (u16, Vec<u8>);

#[derive(Default)]
pub struct Script {
    pub answers: Mutex<Vec<Said>>,
    pub tokens: Mutex<u32>,
    /// Instead of a token, in turn.
    pub no_token: Mutex<Vec<Said>>,
    /// The usual one is S, whoever asks.
    pub same_token: Mutex<bool>,
    /// Instead of a forced token, in turn.
    pub no_forced: Mutex<Vec<Said>>,
    asked: Mutex<Vec<Asked>>,
    token_calls: Mutex<Vec<Asked>>,
}

pub struct Stage {
    pub client: Client,
    pub base: url::Url,
    pub script: Arc<Script>,
    server: ServerHandle,
}

async fn answer(request: HttpRequest, script: web::Data<Arc<Script>>, body: web::Bytes) -> HttpResponse {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string()).unwrap().into_inner();
    let path = request.path().trim_start_matches("/platform/").to_owned();
    let asked = Asked { method: request.method().to_string(), path, query, body: body.to_vec() };
    let say = |(status, body): Said| {
        HttpResponse::build(status.try_into().unwrap())
            .content_type("text/plain")
            .insert_header(("Content-Disposition", "attachment; filename=\"a.jpg\""))
            .body(body)
    };
    if asked.path == "cgi-bin/stable_token" || asked.path == "cgi-bin/token" {
        let is_forced = serde_json::from_slice::<Value>(&asked.body).is_ok_and(|body| body["force_refresh"] == true);
        script.token_calls.lock().unwrap().push(asked);
        if is_forced && !script.no_forced.lock().unwrap().is_empty() {
            return say(script.no_forced.lock().unwrap().remove(0));
        }
        if !is_forced && *script.same_token.lock().unwrap() {
            return HttpResponse::Ok().json(json!({"access_token": "S", "expires_in": 7200}));
        }
        let mut refusals = script.no_token.lock().unwrap();
        if !refusals.is_empty() {
            return say(refusals.remove(0));
        }
        let mut tokens = script.tokens.lock().unwrap();
        *tokens += 1;
        return HttpResponse::Ok().json(json!({"access_token": format!("T{tokens}"), "expires_in": "7200"}));
    }
    script.asked.lock().unwrap().push(asked);
    let mut answers = script.answers.lock().unwrap();
    say(if answers.is_empty() { (200, br#"{"errcode":0,"errmsg":"ok"}"#.to_vec()) } else { answers.remove(0) })
}

/// Answers these bodies in turn, then `ok`; hands out T1, T2, … as tokens.
pub fn stage(answers: &[&str]) -> Stage {
    staged(answers.iter().map(|body| (200, body.as_bytes().to_vec())).collect())
}

/// As [`stage`], with any status and bytes.
pub fn staged(answers: Vec<Said>) -> Stage {
    let script = Arc::new(Script { answers: Mutex::new(answers), ..Script::default() });
    let data = web::Data::new(Arc::clone(&script));
    let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)))
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
    let base: url::Url = format!("http://{}/platform", server.addrs()[0]).parse().unwrap();
    let running = server.run();
    let server = running.handle();
    actix_web::rt::spawn(running);
    let client = Client::new(base.clone(), "wx1", "s3cret", reqwest::Client::new());
    Stage { client, base, script, server }
}

impl Stage {
    pub fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }

    pub fn token_calls(&self) -> Vec<Asked> {
        self.script.token_calls.lock().unwrap().clone()
    }

    pub async fn close(self) {
        self.server.stop(false).await;
    }
}
