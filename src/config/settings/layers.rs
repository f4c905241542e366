//! The layers of settings: which value holds, and from which source it came.

use std::collections::BTreeMap;
use std::path::Path;

use config::{Config, ConfigError, Environment, File, FileFormat, Source, Value, ValueKind};

use super::{SettingsError, SettingsFault};
use crate::config::nearest::nearest;

const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// Every key; `*` is the name of an account.
const KEYS: [&str; 37] = [
    "data_dir",
    "server.listen",
    "server.public_url",
    "store.url",
    "store.partitions",
    "store.journal_mib",
    "sandbox.enabled",
    "console.api_token",
    "numbers.lateness_days",
    "privacy.forget",
    "privacy.keep_days",
    "privacy.pseudonym_key",
    "reports.folder",
    "reports.daily_at",
    "reports.weekly_at",
    "reports.robot_url",
    "accounts.*.kind",
    "accounts.*.app_id",
    "accounts.*.app_secret",
    "accounts.*.original_id",
    "accounts.*.token",
    "accounts.*.aes_key",
    "accounts.*.mode",
    "accounts.*.stamp_window_secs",
    "accounts.*.api_base",
    "accounts.*.playbook",
    "accounts.*.menus",
    "accounts.*.pay.mchid",
    "accounts.*.pay.serial",
    "accounts.*.pay.private_key",
    "accounts.*.pay.private_key_file",
    "accounts.*.pay.api_v3_key",
    "accounts.*.pay.public_key_id",
    "accounts.*.pay.public_key",
    "accounts.*.pay.public_key_file",
    "accounts.*.pay.api_base",
    // A section without any key.
    "accounts.*",
];

/// The value of every key that is set.
#[derive(Debug, Default)]
pub struct Layers {
    values: BTreeMap<String, Value>,
}

impl Layers {
    /// Lays the sources over each other: defaults, `local` if it is there, `file`, the environment.
    pub fn read(
        local: &Path,
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let toml = |path: &Path| File::from(path).format(FileFormat::Toml);
        let env = Environment::with_prefix("FUWU").separator("__").ignore_empty(true).source(Some(env.collect()));
        let mut builder = Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(toml(local).required(false));
        if let Some(file) = file {
            builder = builder.add_source(toml(file));
        }
        let config = builder.add_source(env).build().map_err(unreadable)?;
        let mut layers = Self::default();
        for (key, value) in config.collect().map_err(unreadable)? {
            layers.flatten(key, value);
        }
        let faults: Vec<SettingsFault> = layers.values.iter().filter_map(|(key, value)| unknown(key, value)).collect();
        if faults.is_empty() { Ok(layers) } else { Err(SettingsError { faults }) }
    }

    fn flatten(&mut self, path: String, value: Value) {
        match value.kind {
            ValueKind::Table(table) if !table.is_empty() => {
                for (key, inner) in table {
                    self.flatten(format!("{path}.{key}"), inner);
                }
            }
            _ => {
                self.values.insert(path, value);
            }
        }
    }

    /// The accounts that are named.
    pub fn accounts(&self) -> Vec<String> {
        let ids = self.values.keys().filter_map(|key| key.strip_prefix("accounts.")?.split('.').next());
        let mut ids: Vec<String> = ids.map(str::to_owned).collect();
        ids.dedup();
        ids
    }

    /// A value in words; `None` when it is not set or empty.
    pub fn text(&self, key: &str) -> Option<String> {
        let value = self.values.get(key)?.clone();
        value.into_string().ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A value or a list of them; an environment variable separates them by commas.
    pub fn list(&self, key: &str) -> Vec<String> {
        let Some(value) = self.values.get(key).cloned() else { return Vec::new() };
        let parts: Vec<String> = match value.kind {
            ValueKind::Array(list) => list.into_iter().filter_map(|part| part.into_string().ok()).collect(),
            _ => value.into_string().map(|text| text.split(',').map(str::to_owned).collect()).unwrap_or_default(),
        };
        parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }

    /// Where the value of a key comes from.
    pub fn source(&self, key: &str) -> Option<String> {
        self.values.get(key).map(source)
    }
}

fn source(value: &Value) -> String {
    match value.origin() {
        Some("the environment") => "环境变量".to_owned(),
        Some(file) => file.to_owned(),
        None => "config/default.toml".to_owned(),
    }
}

fn unknown(key: &str, value: &Value) -> Option<SettingsFault> {
    let parts: Vec<&str> = key.split('.').collect();
    let account = match parts.as_slice() {
        ["accounts", id, ..] => *id,
        _ => "",
    };
    let known: Vec<String> = KEYS.iter().map(|known| known.replace('*', account)).collect();
    let is_account = matches!(parts.as_slice(), ["accounts", _]);
    if known.iter().any(|known| known == key) && (is_table(value) || !is_account) {
        return None;
    }
    let below = format!("{key}.");
    let (cause, mend) = if known.iter().any(|known| known.starts_with(&below)) {
        // `[server]` with nothing in it is no fault.
        if is_table(value) {
            return None;
        }
        ("这是一节设置，不是一个值".to_owned(), format!("写 {below}… = …"))
    } else {
        let meant = nearest(key, known.iter().map(String::as_str));
        let mend = meant
            .map_or_else(|| "请删掉，可用的设置见 config/default.toml".to_owned(), |m| format!("是不是想写 {m}？"));
        ("没有这个设置".to_owned(), mend)
    };
    Some(SettingsFault { key: key.to_owned(), source: Some(source(value)), cause, mend })
}

fn is_table(value: &Value) -> bool {
    matches!(value.kind, ValueKind::Table(_))
}

fn unreadable(error: ConfigError) -> SettingsError {
    let (source, cause) = match error {
        ConfigError::FileParse { uri, cause } => (uri, format!("不是正确的 TOML：{cause}")),
        other => (None, other.to_string()),
    };
    let mend = "检查文件是否存在、能否读取、写法是否正确".to_owned();
    SettingsError { faults: vec![SettingsFault { key: String::new(), source, cause, mend }] }
}
