//! A shell on a store of its own, between a platform and a business system that do as a test tells them.

use std::collections::VecDeque;
use std::future::pending;
use std::path::Path;
use std::sync::{Arc, Mutex};

use actix_web::{App as Web, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc};

use super::{App, Clock, Discretion, ManualClock, Rules, ServedAccount};
use crate::backend::{self, Backend};
use crate::channel::official::{Account, AccountSpec, Mode, api};
use crate::config::playbook::{Dirs, Live};
use crate::domain::customer::Customer;
use crate::domain::forget::Forget;
use crate::domain::ids::DedupeKey;
use crate::domain::reach::{By, Carrier, Rights, Term};
use crate::domain::reply::Reply;
use crate::domain::sample::NOON;
use crate::domain::work::{Task, Work};
use crate::growth::lateness::Lateness;
use crate::store::{Commit, Committed, CustomerRef, Embedded, Keep, PseudonymKey, Spec, Version};

/// What is outside.
pub(super) struct Outside {
    /// What the platform answers to messages, in turn; then 0.
    pub codes: Mutex<VecDeque<i64>>,
    /// What it answers instead of a token, in turn.
    pub no_token: Mutex<VecDeque<i64>>,
    /// Messages with this text are answered only when the bell rings.
    pub held: Mutex<Option<(&'static str, Arc<Notify>)>>,
    /// What the business system answers; without it, never anything.
    pub business: Mutex<Option<Value>>,
    events: mpsc::UnboundedSender<String>,
}

pub(super) struct Stand {
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    pub outside: Arc<Outside>,
    /// `begins …` and `ends …` of every message, `asked` of every question.
    pub events: mpsc::UnboundedReceiver<String>,
    _dir: TempDir,
}

async fn token(outside: web::Data<Outside>) -> HttpResponse {
    if let Some(code) = outside.no_token.lock().unwrap().pop_front() {
        return HttpResponse::Ok().json(json!({ "errcode": code }));
    }
    HttpResponse::Ok().json(json!({ "access_token": "T", "expires_in": 7200 }))
}

async fn send(outside: web::Data<Outside>, body: web::Json<Value>) -> HttpResponse {
    let text = body["text"]["content"].as_str().unwrap().to_owned();
    outside.events.send(format!("begins {text}")).unwrap();
    let held = outside.held.lock().unwrap().clone().filter(|(held, _)| *held == text);
    if let Some((_, bell)) = held {
        bell.notified().await;
    }
    outside.events.send(format!("ends {text}")).unwrap();
    let code = outside.codes.lock().unwrap().pop_front().unwrap_or(0);
    HttpResponse::Ok().json(json!({ "errcode": code }))
}

/// A template message, or a notice.
async fn send_filled(outside: web::Data<Outside>, path: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let mark = body["client_msg_id"].as_str().unwrap_or("unmarked");
    let way = if path.path().contains("template") { "template" } else { "notice" };
    let told = format!("{way} {} {} {mark}", body["template_id"].as_str().unwrap(), body["data"]["thing1"]["value"]);
    outside.events.send(told).unwrap();
    let code = outside.codes.lock().unwrap().pop_front().unwrap_or(0);
    HttpResponse::Ok().json(json!({ "errcode": code, "msgid": 1 }))
}

async fn business(outside: web::Data<Outside>) -> HttpResponse {
    outside.events.send("asked".into()).unwrap();
    let answer = outside.business.lock().unwrap().clone();
    match answer {
        Some(answer) => HttpResponse::Ok().json(answer),
        None => pending().await,
    }
}

/// The demo account with the demo's playbook; platform and business system are at `base`.
pub(super) fn account_at(base: url::Url) -> ServedAccount {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let client = backend::client().unwrap();
    let spec = AccountSpec {
        id: "demo".into(),
        app_id: "wx1".into(),
        original_id: String::new(),
        tokens: vec!["t".into()],
        aes_keys: Vec::new(),
        mode: Mode::Plain,
    };
    ServedAccount {
        channel: Account::new(spec).unwrap(),
        playbook: Live::start(Dirs { playbook: root.join("config/playbook"), menus: root.join("menus") }).unwrap(),
        backend: Backend::new(Some(base.clone()), backend::Secrets::default()),
        platform: api::Client::new(base, "wx1", "s", client),
        merchant: None,
        rights: Rights::of_service(),
        site: "http://here".into(),
    }
}

/// A shell on a store in `dir`.
pub(super) fn app(account: ServedAccount, dir: &Path, clock: Arc<dyn Clock>) -> Arc<App> {
    let spec = Spec { partitions: 4, ..Spec::default() };
    let store = Arc::new(Embedded::open(dir, spec, PseudonymKey::new("stand")).unwrap());
    let discretion = Discretion { forget: Forget::Tombstone, keep_days: 180, key: PseudonymKey::new("stand") };
    App::new(vec![account], store, clock, Rules { lateness: Lateness::default(), discretion })
}

impl Stand {
    /// With the demo's playbook, at noon.
    pub fn new() -> Self {
        let (events, heard) = mpsc::unbounded_channel();
        let outside = Outside {
            codes: Mutex::default(),
            no_token: Mutex::default(),
            held: Mutex::default(),
            business: Mutex::default(),
            events,
        };
        let outside = web::Data::new(outside);
        let shared = outside.clone();
        let server = HttpServer::new(move || {
            Web::new()
                .app_data(shared.clone())
                .route("/cgi-bin/stable_token", web::post().to(token))
                .route("/cgi-bin/message/custom/send", web::post().to(send))
                .route("/cgi-bin/message/template/send", web::post().to(send_filled))
                .route("/cgi-bin/message/subscribe/bizsend", web::post().to(send_filled))
                .default_service(web::to(business))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let base: url::Url = format!("http://{}/", server.addrs()[0]).parse().unwrap();
        actix_web::rt::spawn(server.run());
        let clock = Arc::new(ManualClock::at(NOON));
        let ticks = Arc::clone(&clock);
        let spec = api::ClientSpec {
            hosts: vec![base.clone()],
            app_id: "wx1".into(),
            app_secret: "s".into(),
            http: backend::client().unwrap(),
            vault: Arc::<api::ProcessVault>::default(),
            clock: Arc::new(move || ticks.now()),
        };
        let account = ServedAccount { platform: api::Client::of(spec), ..account_at(base) };
        let dir = tempfile::tempdir().unwrap();
        let app = app(account, dir.path(), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { app, clock, outside: outside.into_inner(), events: heard, _dir: dir }
    }

    pub fn account(&self) -> Arc<ServedAccount> {
        Arc::clone(self.app.account("demo").unwrap())
    }

    /// A new customer with such a record and such outgoing work.
    pub async fn keep(&self, openid: &str, customer: Customer, outbox: Vec<Work>) {
        let commit = Commit {
            of: of(openid),
            base: Version(0),
            customer,
            increments: Vec::new(),
            facts: Vec::new(),
            outbox,
            settled: Vec::new(),
            spent: Vec::new(),
            keep: Keep::Known,
        };
        assert_eq!(self.app.store.commit(commit).await.unwrap(), Committed::Applied);
    }

    pub async fn customer(&self, openid: &str) -> Customer {
        self.app.store.load(&of(openid)).await.unwrap().customer
    }

    /// All the work that is left, whenever it is due.
    pub async fn left(&self) -> Vec<Work> {
        let far = NOON.plus_secs(10_000_000);
        self.app.store.claim_due(far, 1, 99).await.unwrap().into_iter().map(|claimed| claimed.work).collect()
    }

    /// Everything that happened outside until now.
    pub fn happened(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

pub(super) fn of(openid: &str) -> CustomerRef {
    CustomerRef { account: "demo".into(), openid: openid.into() }
}

/// The same, which a notice (`S`) and a template message (`T`) can carry.
pub(super) fn carried(id: &str, text: &str) -> Work {
    let carrier = |template: &str, by| Carrier {
        template: template.into(),
        by,
        fields: [("thing1".to_owned(), text.to_owned())].into(),
        link: String::new(),
    };
    let carriers = vec![carrier("S", By::Subscription(Term::Once)), carrier("T", By::Template)];
    Work { task: Task::Tell { reply: Reply::Text(text.into()), carriers }, ..message(id, text) }
}

/// Words to be sent, due at noon and of use for an hour.
pub(super) fn message(id: &str, text: &str) -> Work {
    let task = Task::Send(Reply::Text(text.into()));
    Work { id: id.into(), origin: DedupeKey(3), due: NOON, expires: NOON.plus_secs(3600), task }
}
