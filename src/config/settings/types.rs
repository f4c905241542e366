//! The settings as values.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::Url;

use super::layers::Layers;
use super::pay::Pay;
use super::rules;
use super::secret::{Secret, StoreUrl};
use crate::config::playbook::Dirs;
use crate::domain::forget::Forget;
use crate::domain::ids::AccountId;
use crate::domain::reach::Rights;

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `server.listen`.
    pub listen: SocketAddr,
    /// `server.public_url`: how the platform and browsers reach us, when that is not `listen`.
    pub public_url: Option<Url>,
    /// `data_dir`.
    pub data_dir: PathBuf,
    /// `store.url`.
    pub store_url: StoreUrl,
    /// `store.partitions`, 1 to 1024.
    pub store_partitions: u16,
    /// `store.journal_mib`: what the journal of deliveries may take on the disk, 64 to 65,536 MiB.
    pub journal_mib: i32,
    /// `accounts.ID`. `demo` is among them only while the sandbox is on or when it was given secrets.
    pub accounts: BTreeMap<AccountId, Account>,
    /// `sandbox.enabled`.
    pub sandbox_enabled: bool,
    /// `console.api_token`; made on first start when there is none.
    pub api_token: Option<Secret>,
    /// `numbers.lateness_days`, 0 to 7: L of growth.md 1.1.
    pub lateness_days: i32,
    /// `privacy.…`.
    pub privacy: Privacy,
    /// `privacy.pseudonym_key`; made on first start when there is none.
    pub pseudonym_key: Option<Secret>,
    /// `reports.…`.
    pub reports: Reports,
}

/// What is kept of customers who left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Privacy {
    /// `privacy.forget`.
    pub forget: Forget,
    /// `privacy.keep_days`, 1 to 3650.
    pub keep_days: i32,
}

/// The daily and the weekly report.
#[derive(Clone, Debug)]
pub struct Reports {
    /// `reports.folder`: where they are written; a folder per account.
    pub folder: Option<PathBuf>,
    /// `reports.daily_at`: minutes after midnight in +08:00.
    pub daily_at_min: u16,
    /// `reports.weekly_at`: minutes after midnight of a Monday in +08:00.
    pub weekly_at_min: u16,
    /// `reports.robot_url`: a group robot. A secret: whoever knows it can post.
    pub robot_url: Option<Secret>,
}

/// One account.
#[derive(Clone, Debug)]
pub struct Account {
    /// `kind`.
    pub kind: AccountKind,
    /// `app_id`; empty for the sandbox's account until it is made.
    pub app_id: String,
    /// `app_secret`.
    pub app_secret: Option<Secret>,
    /// `original_id`.
    pub original_id: Option<String>,
    /// `token`, newest first; empty for the sandbox's account until it is made.
    pub tokens: Vec<Secret>,
    /// `aes_key`, newest first.
    pub aes_keys: Vec<Secret>,
    /// `mode`.
    pub mode: Mode,
    /// `stamp_window_secs`, 60 to 86400; `None`, written 0, for any distance.
    pub stamp_window_secs: Option<i64>,
    /// `api_base`; `None` means the sandbox.
    pub api_base: Option<Url>,
    /// `playbook` and `menus`.
    pub dirs: Dirs,
    /// `pay.…`; `None` when nothing of it is set: the account takes no payments.
    pub pay: Option<Pay>,
}

/// What the platform calls the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// 服务号.
    Service,
    /// 订阅号.
    Subscription,
    /// A test account (测试号).
    Test,
}

impl AccountKind {
    /// What an account of that kind, certified, has a right to (platform.md part 5).
    pub fn rights(self) -> Rights {
        match self {
            Self::Service => Rights::of_service(),
            Self::Subscription => Rights::of_subscription(),
            Self::Test => Rights::of_test(),
        }
    }
}

/// How deliveries are protected (platform.md 1.3), the strongest first; a weaker one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 安全模式: encrypted.
    Safe,
    /// 兼容模式: encrypted and in clear.
    Compatible,
    /// 明文模式.
    Plain,
}

/// Settings that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError {
    /// Every fault.
    pub faults: Vec<SettingsFault>,
}

/// One fault. It never holds a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsFault {
    /// Which setting; empty when a whole file is meant.
    pub key: String,
    /// Where its value comes from, if it has one.
    pub source: Option<String>,
    /// What is wrong.
    pub cause: String,
    /// How to mend it.
    pub mend: String,
}

impl Settings {
    /// Reads `config/default.toml` (compiled in), then `config/local.toml` if it is there, then `file`, then the
    /// environment, and checks every rule.
    pub fn load(file: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        Self::load_over(Path::new("config/local.toml"), file, env)
    }

    pub(super) fn load_over(
        local: &Path,
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        rules::check(&Layers::read(local, file, env)?)
    }

    /// Whether the sandbox plays this account's platform.
    pub fn lives_in_sandbox(&self, account: &AccountId) -> bool {
        self.sandbox_enabled && account.as_str() == rules::DEMO
    }
}

impl fmt::Display for SettingsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.source, self.key.is_empty()) {
            (Some(source), true) => write!(f, "{source}：")?,
            (Some(source), false) => write!(f, "{}（来自 {source}）：", self.key)?,
            (None, true) => {}
            (None, false) => write!(f, "{}：", self.key)?,
        }
        write!(f, "{}。改法：{}", self.cause, self.mend)
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("设置有误：")?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for SettingsError {}

#[cfg(test)]
mod tests;
