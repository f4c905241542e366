//! What a sandbox is told when it opens.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::model::Kind;
use crate::channel::official::Mode;
use crate::domain::ids::AccountId;

/// The time in Unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The account that lives in the sandbox.
#[derive(Clone)]
pub struct SandboxSpec {
    /// As the settings name it.
    pub account: AccountId,
    /// As the phone shows it.
    pub display_name: String,
    /// `gh_…`, which messages are addressed to.
    pub original_id: String,
    /// AppID.
    pub app_id: String,
    /// AppSecret, which buys access tokens.
    pub app_secret: String,
    /// Signs deliveries.
    pub token: String,
    /// Encrypts deliveries: 43 characters.
    pub aes_key: String,
    /// How deliveries travel.
    pub mode: Mode,
    /// What kind of account it is, which decides what it may do (platform.md part 5).
    pub kind: Kind,
    /// Where deliveries go; may be set later, when the port is known.
    pub webhook_url: Option<Url>,
    /// How the account's links call its own server, when that is not where deliveries go.
    pub site: Option<Url>,
    /// Where the state is kept; `None` keeps it in memory only.
    pub data_file: Option<PathBuf>,
    /// The clock.
    pub clock: Clock,
    /// How long an answer is waited for, and how often it is asked for.
    pub patience: Patience,
}

/// How the platform waits (platform.md 1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A delivery without a complete answer is given up after this.
    pub timeout: Duration,
    /// Deliveries of one message in all.
    pub tries: u32,
    /// From the start of one delivery to the start of the next.
    pub interval: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(5), tries: 3, interval: Duration::from_secs(5) }
    }
}

#[cfg(test)]
impl SandboxSpec {
    /// The demo account at the beginning of 2026, kept in `data_file`.
    pub fn sample(data_file: Option<PathBuf>) -> Self {
        Self {
            account: "demo".into(),
            display_name: "青禾通信".into(),
            original_id: "gh_0123456789ab".into(),
            app_id: "wx0123456789abcdef".into(),
            app_secret: "secret".into(),
            token: "token".into(),
            aes_key: "Zm9yUnVzdEdyb3d0aFNlcnZlcktleVZlY3RvcjAwMDF".into(),
            mode: Mode::Safe,
            kind: Kind::Service,
            webhook_url: None,
            site: None,
            data_file,
            clock: Arc::new(|| 1_767_225_600),
            patience: Patience::default(),
        }
    }
}
