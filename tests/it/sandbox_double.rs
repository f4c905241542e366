//! A stand-in for fuwu's webhook, with the sandbox mounted beside it, on a port of its own.

use std::future::pending;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use fuwu::channel::official::{Account, AccountSpec, Mode, Query, open, seal, verify_url};
use fuwu::domain::inbound::{Inbound, What};
use fuwu::domain::recent::Earned;
use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use fuwu::sandbox::model::Kind;
use fuwu::sandbox::{Patience, Sandbox, SandboxSpec};
use serde_json::{Value, json};

pub const ORIGINAL_ID: &str = "gh_0123456789ab";
pub const APP_ID: &str = "wx0123456789abcdef";
pub const SECRET: &str = "sandbox-secret";
pub const TOKEN: &str = "rustgrowth2026";
pub const AES_KEY: &str = "Zm9yUnVzdEdyb3d0aFNlcnZlcktleVZlY3RvcjAwMDF";
pub const START: i64 = 1_767_225_600;

/// What the stand-in answers.
pub enum Answer {
    Say(Reply),
    Raw(u16, &'static str),
    Never,
}

/// One delivery as it came.
#[derive(Clone)]
pub struct Heard {
    pub inbound: Inbound,
    pub query: String,
}

type Script = Arc<dyn Fn(&Inbound, usize) -> Answer + Send + Sync>;

struct Inside {
    account: Account,
    script: Script,
    heard: Arc<Mutex<Vec<Heard>>>,
}

pub struct Double {
    pub sandbox: Sandbox,
    pub origin: String,
    pub heard: Arc<Mutex<Vec<Heard>>>,
    pub now: Arc<AtomicI64>,
    pub http: reqwest::Client,
    server: ServerHandle,
}

/// A sandbox on a clock of the test's own, which waits 300 ms for an answer.
pub fn spec(mode: Mode, now: &Arc<AtomicI64>) -> SandboxSpec {
    let now = Arc::clone(now);
    SandboxSpec {
        account: "demo".into(),
        display_name: "青禾通信".into(),
        original_id: ORIGINAL_ID.into(),
        app_id: APP_ID.into(),
        app_secret: SECRET.into(),
        token: TOKEN.into(),
        aes_key: AES_KEY.into(),
        mode,
        kind: Kind::Service,
        webhook_url: None,
        site: None,
        data_file: None,
        clock: Arc::new(move || now.load(Ordering::SeqCst)),
        patience: Patience { timeout: Duration::from_millis(300), tries: 3, interval: Duration::from_millis(1) },
    }
}

impl Double {
    /// Starts in safe mode; `script` answers by the delivery and by how often it came before.
    pub async fn start(script: impl Fn(&Inbound, usize) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(|_| {}, script).await
    }

    pub async fn start_with(
        change: impl FnOnce(&mut SandboxSpec),
        script: impl Fn(&Inbound, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let mut spec = spec(Mode::Safe, &now);
        change(&mut spec);
        let account = AccountSpec {
            id: "demo".into(),
            app_id: APP_ID.into(),
            original_id: ORIGINAL_ID.into(),
            tokens: vec![TOKEN.into()],
            aes_keys: vec![AES_KEY.into()],
            mode: spec.mode,
        };
        let sandbox = Sandbox::open(spec).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let inside = Data::new(Inside {
            account: Account::new(account).unwrap(),
            script: Arc::new(script),
            heard: Arc::clone(&heard),
        });
        let mounted = sandbox.clone();
        let server = HttpServer::new(move || {
            let mounted = mounted.clone();
            App::new()
                .app_data(inside.clone())
                .route("/wechat/demo", web::post().to(webhook))
                .route("/wechat/demo", web::get().to(verification))
                .configure(move |cfg| mounted.configure(cfg))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let origin = format!("http://{}", server.addrs()[0]);
        sandbox.set_webhook_url(format!("{origin}/wechat/demo").parse().unwrap());
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { sandbox, origin, heard, now, http: reqwest::Client::new(), server: handle }
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    pub async fn token(&self) -> String {
        let ask = json!({ "grant_type": "client_credential", "appid": APP_ID, "secret": SECRET });
        let answer = self.call("stable_token", &ask).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A POST to the platform's API; `path` carries its own query.
    pub async fn call(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/sandbox/platform/cgi-bin/{path}", self.origin);
        self.http.post(url).body(body.to_string()).send().await.unwrap().json().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.http.get(format!("{}{path}", self.origin)).send().await.unwrap().json().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let response = self.http.post(format!("{}{path}", self.origin)).json(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn push_menu(&self, menu: &Value) {
        let token = self.token().await;
        assert_eq!(self.call(&format!("menu/create?access_token={token}"), menu).await["errcode"], 0);
    }

    pub async fn stop(self) {
        self.sandbox.close().unwrap();
        self.server.stop(true).await;
    }
}

async fn verification(inside: Data<Inside>, req: HttpRequest) -> HttpResponse {
    match verify_url(&inside.account, &Query::parse(req.query_string()).unwrap()) {
        Ok(echo) => HttpResponse::Ok().body(echo),
        Err(_) => HttpResponse::Forbidden().finish(),
    }
}

async fn webhook(inside: Data<Inside>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let query = Query::parse(req.query_string()).unwrap();
    let Ok(opened) = open(&inside.account, &query, &body) else { return HttpResponse::Forbidden().finish() };
    let inbound = opened.delivery.expect("the sandbox sends what can be read");
    let before = {
        let mut heard = inside.heard.lock().unwrap();
        let before =
            heard.iter().filter(|h| h.inbound.key == inbound.key && h.inbound.openid == inbound.openid).count();
        heard.push(Heard { inbound: inbound.clone(), query: req.query_string().to_owned() });
        before
    };
    match (inside.script)(&inbound, before) {
        Answer::Say(reply) => {
            let earned = Earned { reply, at: UnixSecs(START) };
            HttpResponse::Ok().content_type("text/xml").body(seal(&inside.account, &opened.reply_to, &earned))
        }
        Answer::Raw(status, body) => HttpResponse::build(StatusCode::from_u16(status).unwrap()).body(body),
        Answer::Never => pending().await,
    }
}

/// Says what it heard.
pub fn echo(inbound: &Inbound, _: usize) -> Answer {
    Answer::Say(Reply::Text(format!("听到了：{}", summary(&inbound.what))))
}

pub fn summary(what: &What) -> String {
    use fuwu::domain::inbound::{Event, Message};
    match what {
        What::Message(Message::Text { content, menu_id: None }) => content.clone(),
        What::Message(Message::Text { content, menu_id: Some(id) }) => format!("{content}#{id}"),
        What::Message(Message::Location { label, .. }) => format!("位置 {label}"),
        What::Message(Message::Voice { recognition, .. }) => {
            format!("语音 {}", recognition.clone().unwrap_or_default())
        }
        What::Message(Message::Image { .. }) => "图片".into(),
        What::Message(Message::Unsupported) => "表情".into(),
        What::Event(Event::Subscribed { scene, .. }) => {
            format!("关注 {}", scene.as_ref().map(ToString::to_string).unwrap_or_default())
        }
        What::Event(Event::Scanned { scene, .. }) => format!("扫码 {scene}"),
        What::Event(Event::MenuTapped { key }) => format!("点击 {key}"),
        other => format!("{other:?}"),
    }
}
