//! A playbook as it was read: every part with its place, before the parts are held against each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::{Code, Finding};
use super::poster::Pictures;
use super::shape;
use super::site::{Document, Site};
use super::source::{Role, Sources};
use crate::config::nearest::suggestion;
use crate::domain::actions::Kind;
use crate::domain::channel::ChannelRule;
use crate::domain::connector::{Addresses, Connector};
use crate::domain::ids::{ActionKey, Channel, ConnectorKey, NoticeKey, PoolKey};
use crate::domain::keywords::KeywordRule;
use crate::domain::menu::Menu;
use crate::domain::notice::Notice;
use crate::domain::playbook::Moments;
use crate::domain::pool::PoolRule;
use crate::domain::poster::Poster;

/// More actions or rules than this are refused.
const MAX_ENTRIES: usize = 10_000;
/// An action's key is a menu button's key (platform.md 4.5).
const MAX_KEY_BYTES: usize = 128;

/// The kind that has files of its own.
const CAMPAIGN: &str = "campaign";

/// `keywords.toml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeywordsFile {
    /// Which words mean which action.
    #[serde(default)]
    pub rule: Vec<KeywordRule>,
}

/// `connectors.toml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorsFile {
    /// Where the business system is: an http or https address; `sandbox:` is the demo one.
    pub base_url: String,
    /// Addresses of your own network where it is: `10.20.0.8`, `10.20.0.0/16`. Without it only public ones are asked.
    #[serde(default)]
    pub allow_addresses: Vec<Addresses>,
    /// The connector that lists what it did on a day: every day after 10:00 it is held against our orders.
    #[serde(default)]
    #[schemars(description = "每天十点后拿业务系统前一天的办理明细对账用的连接器；不写就不对")]
    pub day_book: Option<ConnectorKey>,
    /// Questions to it, by the names that actions use.
    #[serde(default)]
    pub connectors: BTreeMap<ConnectorKey, Connector>,
}

/// `channels.toml`: where customers come from, by the codes they scanned.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ChannelsFile(pub BTreeMap<Channel, ChannelRule>);

/// `notices.toml`: what carries an outcome when no window is open.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct NoticesFile(pub BTreeMap<NoticeKey, Notice>);

/// `pools.toml` and `pools/*.toml`: goods that there are only so many of.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PoolsFile(pub BTreeMap<PoolKey, PoolRule>);

/// A part that is there; its value when it could be read.
#[derive(Debug)]
pub struct Part<T> {
    /// Where.
    pub site: Site,
    /// What.
    pub value: Option<T>,
}

/// A playbook as it was read.
#[derive(Debug, Default)]
pub struct Draft {
    /// Actions by key.
    pub actions: BTreeMap<ActionKey, Part<Kind>>,
    /// Keyword rules in order.
    pub rules: Vec<(Site, KeywordRule)>,
    /// The moments, if the file is there.
    pub moments: Option<Part<Moments>>,
    /// Where the business system is, if the file is there.
    pub base_url: Option<Part<String>>,
    /// Where it may be besides the internet.
    pub allow_addresses: Vec<Addresses>,
    /// `day_book`, where it is set.
    pub day_book: Option<Part<ConnectorKey>>,
    /// Connectors by name.
    pub connectors: BTreeMap<ConnectorKey, Part<Connector>>,
    /// Channels by key, in the order they are written.
    pub channels: Vec<(Channel, Part<ChannelRule>)>,
    /// Notices by name.
    pub notices: BTreeMap<NoticeKey, Part<Notice>>,
    /// Pools by name.
    pub pools: BTreeMap<PoolKey, Part<PoolRule>>,
    /// Menus in order of their files.
    pub menus: Vec<Part<Menu>>,
    /// Pictures that posters may name.
    pub pictures: Pictures,
    /// The posters of campaigns.
    pub posters: BTreeMap<ActionKey, Poster>,
    /// A file could not be read at all: what refers to it cannot be judged.
    pub partial: bool,
}

impl Draft {
    /// Reads every file.
    pub fn read(sources: &Sources, findings: &mut Vec<Finding>) -> Self {
        let mut draft = Self { pictures: Pictures::of(sources), ..Self::default() };
        findings.extend(draft.pictures.unreadable());
        for ((_, name), source) in sources.files.iter().filter(|((role, _), _)| *role != Role::Picture) {
            let parsed = source.text().map_err(|finding| vec![*finding]).and_then(|text| match source.role {
                Role::Menu => super::json::parse(source.shown.clone(), text),
                _ => super::toml::parse(source.shown.clone(), text),
            });
            match parsed {
                Ok(document) => draft.take((source.role, name), document, findings),
                Err(faults) => {
                    draft.partial = true;
                    findings.extend(faults);
                }
            }
        }
        draft
    }

    fn take(&mut self, (role, name): (Role, &str), document: Document, findings: &mut Vec<Finding>) {
        let site = Site::root(Arc::new(document));
        match role {
            Role::Actions => self.take_actions(&site, findings),
            Role::Keywords => self.take_keywords(&site, findings),
            Role::Moments => self.moments = Some(Part { value: shape::read(&site, findings), site }),
            Role::Connectors => self.take_connectors(&site, findings),
            Role::Channels => self.take_channels(&site, findings),
            Role::Notices => self.take_notices(&site, findings),
            Role::Pools => self.take_pools(&site, findings),
            Role::Campaign => {
                let name = name.rsplit('/').next().unwrap_or(name);
                self.take_campaign(name.strip_suffix(".toml").unwrap_or(name), site, findings);
            }
            Role::Menu => self.menus.push(Part { value: shape::read(&site, findings), site }),
            // No text: posters read them.
            Role::Picture => {}
        }
    }

    fn take_actions(&mut self, file: &Site, findings: &mut Vec<Finding>) {
        let entries = file.entries();
        if self.actions.len() + entries.len() > MAX_ENTRIES {
            findings.push(file.error(Code::TooLarge, format!("动作超过 {MAX_ENTRIES} 个"), "删掉不用的动作"));
            self.partial = true;
            return;
        }
        for (key, site) in entries {
            if key.is_empty() || key.len() > MAX_KEY_BYTES {
                let message = format!("动作的名称有 {} 字节", key.len());
                let mend = format!("名称要有 1 到 {MAX_KEY_BYTES} 字节，菜单的 key 才能写得下");
                findings.push(site.name().error(Code::MenuLimit, message, mend));
            }
            if let Some(first) = self.actions.get(&ActionKey::new(key.as_str())) {
                let message = format!("动作 {key} 在 {}:{} 已经写过了", first.site.file(), first.site.name().line());
                findings.push(site.name().error(Code::DuplicateKey, message, "删掉其中一个，或者改名"));
                continue;
            }
            let value = read_action(&site, findings);
            self.actions.insert(ActionKey::new(key), Part { site, value });
        }
    }

    fn take_keywords(&mut self, file: &Site, findings: &mut Vec<Finding>) {
        only_keys(file, &["rule"], findings);
        let list = file.key("rule");
        if !list.value().is_null() && !list.value().is_array() {
            findings.push(list.error(Code::WrongValue, "这里要写 [[rule]]", "每条规则以 [[rule]] 开头"));
        }
        let rules = list.items();
        if rules.len() > MAX_ENTRIES {
            findings.push(file.error(Code::TooLarge, format!("关键词规则超过 {MAX_ENTRIES} 条"), "合并或删掉一些规则"));
            return;
        }
        for site in rules {
            if let Some(rule) = shape::read(&site, findings) {
                self.rules.push((site, rule));
            }
        }
    }

    fn take_connectors(&mut self, file: &Site, findings: &mut Vec<Finding>) {
        only_keys(file, &["base_url", "allow_addresses", "day_book", "connectors"], findings);
        let site = file.key("base_url");
        let value = if site.value().is_null() {
            let mend = "请补上 base_url = \"https://…\"；演示系统写 \"sandbox:\"";
            findings.push(file.error(Code::MissingKey, "缺少 base_url", mend));
            None
        } else {
            shape::read(&site, findings)
        };
        self.base_url = Some(Part { site, value });
        let allowed = file.key("allow_addresses");
        if !allowed.value().is_null() {
            self.allow_addresses = shape::read(&allowed, findings).unwrap_or_default();
        }
        let site = file.key("day_book");
        if !site.value().is_null() {
            let value = shape::read(&site, findings);
            self.day_book = Some(Part { site, value });
        }
        for (key, site) in file.key("connectors").entries() {
            let value = shape::read(&site, findings);
            self.connectors.insert(ConnectorKey::new(key), Part { site, value });
        }
    }

    fn take_channels(&mut self, file: &Site, findings: &mut Vec<Finding>) {
        for (key, site) in file.entries() {
            let value = if site.value().is_object() {
                shape::read(&site, findings)
            } else {
                let mend = "渠道写成 [名称]，下面写 title = \"…\" 和 scenes = [\"…\"]";
                findings.push(site.name().error(Code::WrongValue, "渠道要写成一张表", mend));
                None
            };
            self.channels.push((Channel::new(key), Part { site, value }));
        }
    }

    fn take_notices(&mut self, file: &Site, findings: &mut Vec<Finding>) {
        for (key, site) in file.entries() {
            let value = if site.value().is_object() {
                shape::read(&site, findings)
            } else {
                let mend = "通知写成 [名称]，下面写 states 和一节 [名称.subscription] 或 [名称.template]";
                findings.push(site.name().error(Code::WrongValue, "通知要写成一张表", mend));
                None
            };
            self.notices.insert(NoticeKey::new(key), Part { site, value });
        }
    }
}

impl Draft {
    fn take_pools(&mut self, file: &Site, findings: &mut Vec<Finding>) {
        for (key, site) in file.entries() {
            if let Some(first) = self.pools.get(&PoolKey::new(key.as_str())) {
                let message = format!("池子 {key} 在 {}:{} 已经写过了", first.site.file(), first.site.name().line());
                findings.push(site.name().error(Code::DuplicateKey, message, "删掉其中一个，或者改名"));
                continue;
            }
            let value = if site.value().is_object() {
                shape::read(&site, findings)
            } else {
                let mend = "池子写成 [名称]，下面写 items = [\"…\"] 或 count = 100";
                findings.push(site.name().error(Code::WrongValue, "池子要写成一张表", mend));
                None
            };
            self.pools.insert(PoolKey::new(key), Part { site, value });
        }
    }
}

fn read_action(site: &Site, findings: &mut Vec<Finding>) -> Option<Kind> {
    if !site.value().is_object() {
        let mend = "动作写成 [名称]，下面写 kind = \"…\" 和它的设置";
        findings.push(site.name().error(Code::WrongValue, "动作要写成一张表", mend));
        return None;
    }
    let kind = site.key("kind");
    let Some(name) = kind.value().as_str() else {
        let mend = format!("请补上 kind = \"…\"，可以写：{}", kinds().collect::<Vec<_>>().join("、"));
        findings.push(site.name().error(Code::MissingKey, "缺少 kind", mend));
        return None;
    };
    if name == CAMPAIGN {
        let mend = "把它写成 campaigns/名称.toml，名称就是菜单 key";
        findings.push(kind.error(Code::UnknownKind, "活动不写在这里", mend));
        return None;
    }
    if !Kind::NAMES.contains(&name) {
        let mend = suggestion(name, kinds());
        findings.push(kind.error(Code::UnknownKind, format!("没有 {name} 这种动作"), mend));
        return None;
    }
    let reader: shape::Reader<'_, Kind> = &|settings| {
        Kind::read(name, settings).unwrap_or_else(|| Err(serde::de::Error::custom(format!("没有 {name} 这种动作"))))
    };
    shape::read_without(site, &["kind"], (reader, findings))
}

/// The kinds that stand in the files of actions.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    Kind::NAMES.iter().copied().filter(|name| *name != CAMPAIGN)
}

fn only_keys(table: &Site, known: &[&str], findings: &mut Vec<Finding>) {
    for (key, site) in table.entries() {
        if !known.contains(&key.as_str()) {
            let mend = suggestion(&key, known.iter().copied());
            findings.push(site.name().error(Code::UnknownKey, format!("没有 {key} 这一项"), mend));
        }
    }
}
