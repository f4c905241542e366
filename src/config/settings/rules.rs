//! The rules of the settings, checked once at start.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use chrono::{NaiveTime, Timelike as _};
use url::Url;

use super::layers::Layers;
use super::pay::{self, KeySource, Pay};
use super::secret::{Secret, StoreUrl};
use super::types::{Account, AccountKind, Mode, Privacy, Reports, Settings, SettingsError, SettingsFault};
use crate::config::nearest::suggestion;
use crate::config::playbook::Dirs;
use crate::domain::forget::Forget;
use crate::domain::ids::AccountId;

/// The account that lives in the sandbox.
pub const DEMO: &str = "demo";
/// The platform's API (platform.md part 4).
pub const API_BASE: &str = "https://api.weixin.qq.com";

const STORES: [&str; 5] = ["embedded:", "redis://", "rediss://", "redis+sentinel://", "redis+cluster://"];

/// Makes settings of values, or names every fault.
pub fn check(layers: &Layers) -> Result<Settings, SettingsError> {
    let mut reader = Reader { layers, faults: Vec::new() };
    let settings = reader.settings();
    match settings {
        Some(settings) if reader.faults.is_empty() => Ok(settings),
        _ => Err(SettingsError { faults: reader.faults }),
    }
}

struct Reader<'a> {
    layers: &'a Layers,
    faults: Vec<SettingsFault>,
}

impl Reader<'_> {
    fn settings(&mut self) -> Option<Settings> {
        let listen = self.parsed("server.listen", "写成 127.0.0.1:8080 这样的地址和端口");
        let sandbox_enabled = self.parsed("sandbox.enabled", "写 true 或 false");
        let partitions = self.parsed("store.partitions", "写 1 到 1024 的整数").filter(|n| (1..=1024).contains(n));
        if partitions.is_none() && self.faults.iter().all(|fault| fault.key != "store.partitions") {
            self.fault("store.partitions", "不在范围内", "写 1 到 1024 的整数");
        }
        let store_url = self.layers.text("store.url").filter(|url| STORES.iter().any(|known| url.starts_with(known)));
        if store_url.is_none() {
            self.fault("store.url", "不认识这种数据库", &format!("以 {} 开头", STORES.join("、")));
        }
        let journal_mib = self.whole("store.journal_mib", 64..=65_536);
        let pseudonym_key = self.pseudonym_key();
        let accounts = self.accounts(sandbox_enabled.unwrap_or(true));
        let public_url = self.web("server.public_url");
        let data_dir = self.layers.text("data_dir");
        if data_dir.is_none() {
            self.fault("data_dir", "没有值", "写一个文件夹，例如 data");
        }
        let lateness_days = self.whole("numbers.lateness_days", 0..=7);
        let privacy = self.privacy();
        let reports = self.reports();
        Some(Settings {
            listen: listen?,
            public_url,
            data_dir: data_dir?.into(),
            store_url: StoreUrl::new(store_url?),
            store_partitions: partitions?,
            journal_mib: journal_mib?,
            accounts,
            sandbox_enabled: sandbox_enabled?,
            api_token: self.layers.text("console.api_token").map(Secret::new),
            lateness_days: lateness_days?,
            privacy: privacy?,
            pseudonym_key,
            reports: reports?,
        })
    }

    fn pseudonym_key(&mut self) -> Option<Secret> {
        const LEAST_CHARS: usize = 32;
        let key = self.layers.text("privacy.pseudonym_key")?;
        if key.len() < LEAST_CHARS {
            self.fault("privacy.pseudonym_key", "太短", "写至少 32 个随机的字母和数字");
        }
        Some(Secret::new(key))
    }

    fn privacy(&mut self) -> Option<Privacy> {
        let forget = self.one_of("privacy.forget", &FORGETS, Forget::Tombstone);
        let keep_days = self.whole("privacy.keep_days", 1..=3650);
        Some(Privacy { forget: forget?, keep_days: keep_days? })
    }

    fn reports(&mut self) -> Option<Reports> {
        let daily_at = self.minute("reports.daily_at");
        let weekly_at = self.minute("reports.weekly_at");
        let robot_url = self.web("reports.robot_url").map(Secret::new);
        Some(Reports {
            folder: self.layers.text("reports.folder").map(PathBuf::from),
            daily_at_min: daily_at?,
            weekly_at_min: weekly_at?,
            robot_url,
        })
    }

    fn whole(&mut self, key: &str, range: RangeInclusive<i32>) -> Option<i32> {
        let mend = format!("写 {} 到 {} 的整数", range.start(), range.end());
        let number: i32 = self.parsed(key, &mend)?;
        if !range.contains(&number) {
            self.fault(key, "不在范围内", &mend);
            return None;
        }
        Some(number)
    }

    /// Less than a minute would refuse what the platform repeats.
    fn stamp_window(&mut self, key: &str) -> Option<Option<i64>> {
        const MEND: &str = "写 60 到 86400 的秒数；写 0 则不检查";
        if self.layers.text(key).is_none() {
            return Some(None);
        }
        let secs: i64 = self.parsed(key, MEND)?;
        match secs {
            0 => Some(None),
            60..=86_400 => Some(Some(secs)),
            _ => {
                self.fault(key, "不在范围内", MEND);
                None
            }
        }
    }

    /// A time of day as minutes after midnight.
    fn minute(&mut self, key: &str) -> Option<u16> {
        let text: String = self.parsed(key, "写成 08:30 这样的时间")?;
        let minute = NaiveTime::parse_from_str(&text, "%H:%M").ok().map(|time| time.hour() * 60 + time.minute());
        if minute.is_none() {
            self.fault(key, &format!("不能是 {text}"), "写成 08:30 这样的时间");
        }
        minute.and_then(|minute| u16::try_from(minute).ok())
    }

    fn accounts(&mut self, sandbox_enabled: bool) -> BTreeMap<AccountId, Account> {
        let mut accounts = BTreeMap::new();
        for id in self.layers.accounts() {
            let made_up = id == DEMO && self.layers.list(&format!("accounts.{id}.token")).is_empty();
            if made_up && !sandbox_enabled {
                continue;
            }
            let key = format!("accounts.{id}");
            if !is_account_id(&id) {
                self.fault(&key, "账号名称只能用小写字母、数字和连字符", "改名，例如 shop-1");
            }
            if let Some(account) = self.account(&key, id == DEMO && sandbox_enabled) {
                accounts.insert(AccountId::new(id), account);
            }
        }
        if accounts.is_empty() && self.faults.is_empty() {
            self.fault("accounts", "一个账号都没有", "写一节 [accounts.名称]，或打开 sandbox.enabled");
        }
        accounts
    }

    fn account(&mut self, key: &str, in_sandbox: bool) -> Option<Account> {
        let of = |name: &str| format!("{key}.{name}");
        let kind = self.one_of(&of("kind"), &KINDS, AccountKind::Service);
        let mode = self.one_of(&of("mode"), &MODES, Mode::Safe);
        let tokens = self.secrets(&of("token"), is_token, "要有 3 到 32 位字母或数字");
        let aes_keys = self.secrets(&of("aes_key"), is_aes_key, "要有 43 位字母或数字");
        let api_base = self.web(&of("api_base"));
        let stamp_window_secs = self.stamp_window(&of("stamp_window_secs"));
        let app_id = self.layers.text(&of("app_id"));
        let pay = self.pay(&of("pay"));
        if !in_sandbox {
            if app_id.is_none() {
                self.fault(&of("app_id"), "没有值", "写平台给的 AppID");
            }
            if self.layers.list(&of("token")).is_empty() {
                self.fault(&of("token"), "没有值", "写与平台约定的令牌");
            }
            if mode == Some(Mode::Safe) && self.layers.list(&of("aes_key")).is_empty() {
                self.fault(&of("aes_key"), "安全模式要有密钥", "写 EncodingAESKey，或改 mode");
            }
        }
        let folder = |name: &str, default: &str| {
            PathBuf::from(self.layers.text(&of(name)).unwrap_or_else(|| default.to_owned()))
        };
        Some(Account {
            kind: kind?,
            app_id: app_id.unwrap_or_default(),
            app_secret: self.layers.text(&of("app_secret")).map(Secret::new),
            original_id: self.layers.text(&of("original_id")),
            tokens,
            aes_keys,
            mode: mode?,
            stamp_window_secs: stamp_window_secs?,
            api_base: if in_sandbox { api_base } else { api_base.or_else(|| Url::parse(API_BASE).ok()) },
            dirs: Dirs { playbook: folder("playbook", "config/playbook"), menus: folder("menus", "menus") },
            pay,
        })
    }

    /// Nothing of it set: no payments. Something set: all that is needed must be.
    fn pay(&mut self, key: &str) -> Option<Pay> {
        let of = |name: &str| format!("{key}.{name}");
        if pay::NAMES.iter().all(|name| self.layers.text(&of(name)).is_none()) {
            return None;
        }
        let mchid = self.needed(&of("mchid"), pay::is_mchid, "写商户平台上的商户号，8 到 10 位数字");
        let serial = self.needed(&of("serial"), pay::is_serial, "写商户 API 证书的序列号，十六进制");
        let private_key = self.key(&of("private_key"));
        if private_key.is_none() {
            self.fault(&of("private_key_file"), "没有值", "写商户私钥 apiclient_key.pem 的路径");
        }
        let has_32_bytes = |key: &str| key.len() == 32;
        let api_v3_key = self.needed(&of("api_v3_key"), has_32_bytes, "写商户平台上设置的 APIv3 密钥，正好 32 个字符");
        let public_key_id = self.layers.text(&of("public_key_id"));
        let public_key = self.key(&of("public_key"));
        if public_key_id.is_some() != public_key.is_some() {
            let missing = if public_key_id.is_none() { "public_key_id" } else { "public_key_file" };
            self.fault(&of(missing), "微信支付公钥和它的 ID 要一起写", "两个都写；都不写则使用平台证书");
        }
        let api_base = self.web(&of("api_base"));
        Some(Pay {
            mchid: mchid?,
            serial: serial?,
            private_key: private_key?,
            api_v3_key: Secret::new(api_v3_key?),
            public_key: public_key_id.zip(public_key),
            api_base,
        })
    }

    /// A text that must be there and fit; the fault does not show it.
    fn needed(&mut self, key: &str, fits: fn(&str) -> bool, mend: &str) -> Option<String> {
        let text = self.layers.text(key);
        let cause = if text.is_none() { "没有值" } else { "格式不对" };
        let fitting = text.filter(|text| fits(text));
        if fitting.is_none() {
            self.fault(key, cause, mend);
        }
        fitting
    }

    /// A PEM in the setting itself or in the file that it names.
    fn key(&mut self, key: &str) -> Option<KeySource> {
        let file = self.layers.text(&format!("{key}_file")).map(|path| KeySource::File(path.into()));
        self.layers.text(key).map(|text| KeySource::Text(Secret::new(text))).or(file)
    }

    fn fault(&mut self, key: &str, cause: &str, mend: &str) {
        let source = self.layers.source(key);
        self.faults.push(SettingsFault { key: key.to_owned(), source, cause: cause.to_owned(), mend: mend.to_owned() });
    }

    fn parsed<T: std::str::FromStr>(&mut self, key: &str, mend: &str) -> Option<T> {
        let Some(text) = self.layers.text(key) else {
            self.fault(key, "没有值", mend);
            return None;
        };
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.fault(key, &format!("不能是 {text}"), mend);
        }
        parsed
    }

    fn web(&mut self, key: &str) -> Option<Url> {
        let text = self.layers.text(key)?;
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            self.fault(key, "不是网址", "以 https:// 或 http:// 开头");
        }
        url
    }

    fn one_of<T: Copy>(&mut self, key: &str, known: &[(&str, T)], default: T) -> Option<T> {
        let Some(text) = self.layers.text(key) else { return Some(default) };
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            self.fault(key, &format!("不能是 {text}"), &suggestion(&text, known.iter().map(|(name, _)| *name)));
        }
        found
    }

    fn secrets(&mut self, key: &str, fits: fn(&str) -> bool, rule: &str) -> Vec<Secret> {
        let list = self.layers.list(key);
        if let Some(wrong) = list.iter().find(|secret| !fits(secret)) {
            let cause = format!("{rule}，现在有 {} 位或含有别的字符", wrong.chars().count());
            self.fault(key, &cause, "从平台的“基本配置”里重新复制");
        }
        list.into_iter().map(Secret::new).collect()
    }
}

const KINDS: [(&str, AccountKind); 3] =
    [("service", AccountKind::Service), ("subscription", AccountKind::Subscription), ("test", AccountKind::Test)];
const FORGETS: [(&str, Forget); 3] =
    [("strict", Forget::Strict), ("tombstone", Forget::Tombstone), ("soft", Forget::Soft)];
const MODES: [(&str, Mode); 3] = [("safe", Mode::Safe), ("compatible", Mode::Compatible), ("plain", Mode::Plain)];

fn is_account_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// platform.md 1.1.
fn is_token(token: &str) -> bool {
    (3..=32).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// platform.md 1.4: base64 of 32 bytes without its last `=`.
fn is_aes_key(key: &str) -> bool {
    key.len() == 43 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}
