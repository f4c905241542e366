//! A whole fuwu in this process, on a port the system chose and a clock the test moves.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fuwu::app::{Clock, ManualClock};
use fuwu::channel::official::Mode;
use fuwu::cli::{Parts, Running, start};
use fuwu::config::Settings;
use fuwu::domain::customer::Customer;
use fuwu::domain::ids::Openid;
use fuwu::domain::time::UnixSecs;
use fuwu::growth::counter::{CounterKey, Metric};
use fuwu::http::Observatory;
use fuwu::sandbox::Sandbox;
use fuwu::store::{CounterRange, CustomerRef, PseudonymKey, Store};
use serde_json::Value;
use tempfile::TempDir;

use crate::hand::Hand;

/// 2026-03-02 10:00:00 +08:00, a Monday.
pub const MONDAY: UnixSecs = UnixSecs(1_772_416_800);
pub const TOKEN: &str = "storytoken2026";
pub const AES_KEY: &str = "Zm9yUnVzdEdyb3d0aFNlcnZlcktleVZlY3RvcjAwMDF";
pub const APP_ID: &str = "wx0123456789abcdef";
pub const ORIGINAL_ID: &str = "gh_0123456789ab";
pub const API_TOKEN: &str = "console-token-of-the-tests";
/// Longer than anything here takes; a condition that is not there by then never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The key of the tests' stores.
pub fn key() -> PseudonymKey {
    PseudonymKey::new("the key of the tests, of no use elsewhere")
}

/// A running fuwu with its data in a folder of its own.
pub struct World {
    pub running: Running,
    pub clock: Arc<ManualClock>,
    pub dir: TempDir,
    pub http: reqwest::Client,
}

/// The environment of the demo account with secrets that the tests know, its data below `dir`.
pub fn environment(dir: &Path, env: &[(&str, &str)]) -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shown = |path: PathBuf| path.display().to_string();
    let own = [
        ("FUWU__DATA_DIR", shown(dir.join("data"))),
        ("FUWU__SERVER__LISTEN", "127.0.0.1:0".to_owned()),
        ("FUWU__CONSOLE__API_TOKEN", API_TOKEN.to_owned()),
        ("FUWU__ACCOUNTS__DEMO__PLAYBOOK", shown(root.join("config/playbook"))),
        ("FUWU__ACCOUNTS__DEMO__MENUS", shown(root.join("menus"))),
        ("FUWU__ACCOUNTS__DEMO__APP_ID", APP_ID.to_owned()),
        ("FUWU__ACCOUNTS__DEMO__APP_SECRET", "secret-of-the-tests".to_owned()),
        ("FUWU__ACCOUNTS__DEMO__ORIGINAL_ID", ORIGINAL_ID.to_owned()),
        ("FUWU__ACCOUNTS__DEMO__TOKEN", TOKEN.to_owned()),
        ("FUWU__ACCOUNTS__DEMO__AES_KEY", AES_KEY.to_owned()),
    ];
    let own = own.map(|(key, value)| (key.to_owned(), value));
    let more = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    own.into_iter().chain(more).collect()
}

/// The demo account as a newcomer finds it, with `env` on top.
pub fn settings(dir: &Path, env: &[(&str, &str)]) -> Settings {
    Settings::load(None, environment(dir, env).into_iter()).unwrap()
}

impl World {
    /// Starts with the demo's own playbook.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts with settings of the test's own.
    pub async fn start_with(env: &[(&str, &str)]) -> Self {
        Self::open(tempfile::tempdir().unwrap(), env).await
    }

    /// Starts on data that may be there already, on Monday morning.
    pub async fn open(dir: TempDir, env: &[(&str, &str)]) -> Self {
        let clock = Arc::new(ManualClock::at(MONDAY));
        Self::open_at(dir, clock, env).await
    }

    async fn open_at(dir: TempDir, clock: Arc<ManualClock>, env: &[(&str, &str)]) -> Self {
        let parts = Parts { clock: Arc::clone(&clock) as Arc<dyn Clock>, observatory: observatory() };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let running = start(settings(dir.path(), env), listener, parts).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let world = Self { running, clock, dir, http };
        // Another platform's menu is not on the sandbox's phone.
        if !env.iter().any(|(key, _)| key.ends_with("API_BASE")) {
            until("the menu is published", async || !world.phone_state().await["button"].is_null()).await;
        }
        world
    }

    /// Stops cleanly and starts again on the same data and the same clock.
    pub async fn restart(self) -> Self {
        self.restart_with(&[]).await
    }

    /// The same, with settings of the test's own.
    pub async fn restart_with(self, env: &[(&str, &str)]) -> Self {
        let Self { running, clock, dir, .. } = self;
        running.stop().await.unwrap();
        Self::open_at(dir, clock, env).await
    }

    async fn phone_state(&self) -> Value {
        self.get_json("/sandbox/api/state").await
    }

    pub async fn get_json(&self, path: &str) -> Value {
        let request = self.http.get(self.url(path)).bearer_auth(API_TOKEN);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// The console's first page, in Chinese.
    pub async fn console(&self) -> String {
        let page = self.http.get(self.url("/console/")).bearer_auth(API_TOKEN).send().await.unwrap();
        page.error_for_status().unwrap().text().await.unwrap()
    }

    /// The platform's model.
    pub fn sandbox(&self) -> &Sandbox {
        self.running.sandbox.as_ref().unwrap()
    }

    pub fn address(&self) -> SocketAddr {
        self.running.served.address
    }

    /// An address of this fuwu.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Delivers what the sandbox would not.
    pub fn hand(&self, mode: Mode) -> Hand {
        Hand::to(self.address(), mode)
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        self.running.app.store()
    }

    pub fn clock_now(&self) -> i64 {
        self.clock.now().0
    }

    pub fn clock_now_secs(&self) -> UnixSecs {
        self.clock.now()
    }

    /// How the demo business system behaves from now on: `{"delay_ms": 3000}`, `{"out": true}`.
    pub async fn business(&self, mode: Value) {
        let answer = self.http.post(self.url("/sandbox/telecom/mode")).json(&mode).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// What the business system charged a customer's account with so far, in fen.
    pub async fn balance_fen(&self, openid: &Openid) -> i64 {
        let answer = self.get_json(&format!("/sandbox/telecom/balance?openid={openid}")).await;
        answer["balance"]["balance_fen"].as_i64().unwrap()
    }

    /// The sum of a metric over all its keys.
    pub async fn count(&self, metric: Metric) -> i64 {
        self.counters(metric).await.iter().map(|(_, n)| n).sum()
    }

    pub async fn counters(&self, metric: Metric) -> Vec<(CounterKey, i64)> {
        self.store().counters(&"demo".into(), &[CounterRange::all(metric)]).await.unwrap().cells().collect()
    }

    pub async fn customer(&self, openid: &Openid) -> Customer {
        let of = CustomerRef { account: "demo".into(), openid: openid.clone() };
        self.store().load(&of).await.unwrap().customer
    }
}

/// Metrics are gathered for a whole process, which may hold many worlds.
fn observatory() -> Observatory {
    static OBSERVATORY: OnceLock<Observatory> = OnceLock::new();
    OBSERVATORY.get_or_init(|| Observatory::install().unwrap()).clone()
}

/// Waits for a condition that nothing announces; how long that takes is nobody's promise, so it is looked for again and
/// again. What decides is the condition, never the pause between two looks, which only leaves the processor to what is
/// waited for.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let watching = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, watching).await.is_ok(), "it never came true that {what}");
}
