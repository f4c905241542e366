//! The program that is killed: the real one on the machine's clock, or this very binary as its server on a clock that
//! runs faster, so that an hour's patience fits into a test.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuwu::app::Clock;
use fuwu::cli::{Parts, start};
use fuwu::config::Settings;
use fuwu::domain::time::UnixSecs;
use fuwu::http::Observatory;
use fuwu::store::{PseudonymKey, Store, open_to_export};

use crate::harness::{MONDAY, environment};
use crate::process::{Process, fuwu};
use crate::redis_servers::free_port;

pub const KEY: &str = "a-pseudonym-key-of-the-tests-and-nobody-else";
const LAPSE: &str = "FUWU_TEST_LAPSE";

/// A clock that every process reads the same.
#[derive(Clone, Copy, Debug)]
pub struct Lapse {
    began_millis: i64,
    /// How much faster than the machine's; 0 is the machine's own.
    rate: i64,
}

fn millis() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

impl Lapse {
    pub fn at_rate(rate: i64) -> Self {
        Self { began_millis: millis(), rate }
    }

    /// So many seconds of it in the machine's.
    pub fn lasts(self, secs: i64) -> Duration {
        Duration::from_millis(u64::try_from(secs * 1000 / self.rate.max(1)).unwrap())
    }
}

impl Clock for Lapse {
    fn now(&self) -> UnixSecs {
        match self.rate {
            0 => UnixSecs(millis() / 1000),
            rate => UnixSecs(MONDAY.0 + (millis() - self.began_millis) * rate / 1000),
        }
    }
}

/// Where the program lives: its settings stay the same from life to life, its address as well.
pub struct Place {
    pub dir: PathBuf,
    pub lapse: Lapse,
    pub env: Vec<(String, String)>,
}

impl Place {
    pub fn new(dir: PathBuf, lapse: Lapse, mut env: Vec<(String, String)>) -> Self {
        let own = [
            ("FUWU__SERVER__LISTEN", format!("127.0.0.1:{}", free_port())),
            ("FUWU__PRIVACY__PSEUDONYM_KEY", KEY.to_owned()),
            ("FUWU__SANDBOX__ENABLED", "false".to_owned()),
        ];
        env.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Self { dir, lapse, env }
    }

    fn env(&self) -> Vec<(&str, &str)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Where it listens.
    pub fn origin(&self) -> &str {
        self.value("FUWU__SERVER__LISTEN").unwrap()
    }

    /// Begins a life; not on a thread that serves what it asks at its start.
    pub fn start(&self) -> Process {
        let env = self.env();
        if self.lapse.rate == 0 {
            return Process::start(&self.dir, &env);
        }
        let mut victim = Command::new(std::env::current_exe().unwrap());
        victim
            .args(["--exact", "orders_figure::program::served", "--ignored", "--nocapture"])
            .current_dir(&self.dir)
            .envs(environment(&self.dir, &env))
            .env(LAPSE, format!("{}/{}", self.lapse.began_millis, self.lapse.rate))
            .stdin(Stdio::null());
        Process::started(&self.dir, victim)
    }

    /// The end of what it told its log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.dir.join("stderr")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Runs a command beside it, as a person does.
    pub fn command(&self, args: &[&str]) -> Output {
        fuwu(&self.dir, &self.env()).args(args).output().unwrap()
    }

    /// What it keeps, also while it runs.
    pub async fn store(&self) -> Arc<dyn Store> {
        let url = self.value("FUWU__STORE__URL").unwrap_or("embedded:");
        open_to_export(url, &self.dir.join("data"), PseudonymKey::new(KEY)).await.unwrap()
    }
}

/// The victim, only ever started by [`Place::start`]: what `fuwu serve` starts, on another clock.
#[test]
#[ignore = "not a test: what the figure of orders kills"]
fn served() {
    let Ok(lapse) = std::env::var(LAPSE) else { return };
    let (began, rate) = lapse.split_once('/').unwrap();
    let lapse = Lapse { began_millis: began.parse().unwrap(), rate: rate.parse().unwrap() };
    let env = std::env::vars().filter(|(name, _)| name.starts_with("FUWU__"));
    let settings = Settings::load(None, env).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    runtime.block_on(async {
        let listener = TcpListener::bind(settings.listen).unwrap();
        let parts = Parts { clock: Arc::new(lapse), observatory: Observatory::install().unwrap() };
        let mut running = start(settings, listener, parts).await.unwrap();
        // Whoever started us has stopped reading before the last line.
        let _ = writeln!(std::io::stdout(), "{}", running.welcome());
        running.served.ended().await.unwrap();
    });
}
