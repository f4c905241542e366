//! Pools: what there is of each, and every name of one.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::references::naming;
use crate::config::nearest::suggestion;
use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::ids::PoolKey;
use crate::domain::pool::{PoolRule, RESERVED};

/// What is held and taken is one record that is written whole: with so many it stays below 400 KB.
const MOST: usize = 5_000;
const MAX_KEY_CHARS: usize = 64;
/// Longer is nothing that somebody chooses from a list in a chat.
const MAX_ITEM_CHARS: usize = 64;

/// Checks every pool.
pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    for (key, part) in &draft.pools {
        let text = key.as_str();
        let plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
        if text.is_empty() || text.len() > MAX_KEY_CHARS || !text.chars().all(plain) {
            let mend = format!("用 1 到 {MAX_KEY_CHARS} 个小写字母、数字或 _");
            findings.push(part.site.name().error(Code::PoolRule, format!("「{text}」不能作池子的名称"), mend));
        }
        if let Some(rule) = &part.value {
            goods(rule, &part.site, findings);
        }
    }
    for (key, part) in draft.connectors.iter().filter(|(key, _)| key.as_str().starts_with(RESERVED)) {
        let message = format!("连接器不能叫 {key}，{RESERVED} 开头的名称另有用处");
        findings.push(part.site.name().error(Code::ConnectorRule, message, "换一个名称"));
    }
    offered_twice(draft, findings);
    if !draft.partial {
        names(draft, findings);
    }
}

/// What two pools offer is given to two customers: neither knows what the other one gave.
fn offered_twice(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut offered: BTreeMap<String, &PoolKey> = BTreeMap::new();
    for (key, part) in &draft.pools {
        let Some(rule) = &part.value else { continue };
        for (index, item) in rule.items.iter().enumerate() {
            match offered.entry(item.chars().filter(|char| !matches!(char, ' ' | '-')).collect()) {
                Entry::Occupied(other) if *other.get() != key => {
                    let message = format!("{item} 在池子 {} 里也有，会给两位客户", other.get());
                    let mend = format!("只留在一个池子里：从 {} 或 {key} 里删掉", other.get());
                    findings.push(part.site.key("items").item(index).error(Code::PoolRule, message, mend));
                }
                Entry::Occupied(_) => {}
                Entry::Vacant(free) => {
                    free.insert(key);
                }
            }
        }
    }
}

fn goods(rule: &PoolRule, site: &Site, findings: &mut Vec<Finding>) {
    let mut fault = |place: Site, message: String, mend: &str| {
        findings.push(place.error(Code::PoolRule, message, mend));
    };
    match (rule.items.is_empty(), rule.count) {
        (true, None) => fault(site.name(), "没写有些什么".into(), "写 items = [\"…\"]，或者 count = 100"),
        (false, Some(_)) => {
            fault(site.key("count"), "items 和 count 只能写一个".into(), "逐个给出的写 items，只看数量的写 count")
        }
        _ => {}
    }
    let count = rule.count.map_or(rule.items.len(), |count| usize::try_from(count).unwrap_or(usize::MAX));
    if count > MOST {
        let place = site.key(if rule.count.is_some() { "count" } else { "items" });
        fault(place, format!("超过 {MOST} 个"), "分成几个池子");
    }
    if !(60..=86_400).contains(&rule.hold_secs) {
        fault(site.key("hold_secs"), "秒数超出范围".into(), "写 60 到 86400 之间的数");
    }
    let mut seen = BTreeSet::new();
    for (index, item) in rule.items.iter().enumerate() {
        let place = || site.key("items").item(index);
        let is_plain = !item.contains(['\n', '\r', '<']) && item.trim() == item;
        if item.is_empty() || item.chars().count() > MAX_ITEM_CHARS || !is_plain {
            fault(
                place(),
                "这一个是空的、太长，或者有换行和空格".into(),
                "每个写成一行文字，前后没有空格，最多 64 个字",
            );
        } else if !seen.insert(item) {
            fault(place(), format!("{item} 写了两遍"), "删掉一个：每个只给一位客户");
        }
    }
}

fn names(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut named: BTreeSet<&PoolKey> = BTreeSet::new();
    let mut unread = false;
    for part in draft.actions.values() {
        let Some(kind) = &part.value else {
            unread = true;
            continue;
        };
        for key in kind.as_action().pools() {
            named.insert(key);
            if !draft.pools.contains_key(key) {
                let mend = if draft.pools.is_empty() {
                    format!("在 pools.toml 里写上 [{key}]")
                } else {
                    suggestion(key.as_str(), draft.pools.keys().map(PoolKey::as_str))
                };
                let site = naming(&part.site, key.as_str());
                findings.push(site.error(Code::UnknownPool, format!("池子 {key} 不存在"), mend));
            }
        }
    }
    for (key, part) in draft.pools.iter().filter(|(key, _)| !unread && !named.contains(key)) {
        let mend = "在表单里写 pool = \"…\" 或 stock = \"…\"，不用了就删掉";
        findings.push(part.site.name().warning(Code::UnusedPool, format!("没有动作用到池子 {key}"), mend));
    }
}
