//! A whole fuwu in this process, on a port the system chose and a clock the test moves.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use fuwu::app::{Clock, ManualClock};
use fuwu::cli::{Parts, Running, start};
use fuwu::config::Settings;
use fuwu::domain::time::UnixSecs;
use fuwu::http::Observatory;
use fuwu::sandbox::Sandbox;
use tempfile::TempDir;

/// 2026-03-02 10:00:00 +08:00, a Monday.
pub const MONDAY: UnixSecs = UnixSecs(1_772_416_800);

/// A running fuwu with its data in a folder of its own.
pub struct World {
    pub running: Running,
    pub clock: Arc<ManualClock>,
    pub dir: TempDir,
}

/// The demo account as a newcomer finds it, with `env` on top.
pub fn settings(dir: &TempDir, env: &[(&str, &str)]) -> Settings {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut vars = vec![
        ("FUWU__DATA_DIR".to_owned(), dir.path().join("data").display().to_string()),
        ("FUWU__SERVER__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("FUWU__ACCOUNTS__DEMO__PLAYBOOK".to_owned(), root.join("config/playbook").display().to_string()),
        ("FUWU__ACCOUNTS__DEMO__MENUS".to_owned(), root.join("menus").display().to_string()),
    ];
    vars.extend(env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    Settings::load(None, vars.into_iter()).unwrap()
}

impl World {
    /// Starts with the demo's own playbook.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts with settings of the test's own.
    pub async fn start_with(env: &[(&str, &str)]) -> Self {
        Self::reopen(tempfile::tempdir().unwrap(), env).await
    }

    /// Starts on data that is there already.
    pub async fn reopen(dir: TempDir, env: &[(&str, &str)]) -> Self {
        let clock = Arc::new(ManualClock::at(MONDAY));
        let parts = Parts { clock: Arc::clone(&clock) as Arc<dyn Clock>, observatory: Observatory::detached() };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let running = start(settings(&dir, env), listener, parts).await.unwrap();
        Self { running, clock, dir }
    }

    /// The platform's model.
    pub fn sandbox(&self) -> &Sandbox {
        self.running.sandbox.as_ref().unwrap()
    }

    /// An address of this fuwu.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.served.address)
    }
}
