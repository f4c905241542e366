//! Names that must lead somewhere, and actions that something must lead to.

use std::collections::BTreeSet;

use crate::config::nearest::{nearest, suggestion};
use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::actions::Kind;
use crate::domain::ids::{ActionKey, ConnectorKey};
use crate::domain::menu::Button;
use crate::domain::playbook::Moments;

/// After so many names that lead nowhere the rest is noise.
const MAX_UNKNOWN: usize = 200;

/// Checks every name.
pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    let named = named_actions(draft);
    let unknown = named.iter().filter(|(key, ..)| !draft.actions.contains_key(key));
    for (key, site, place) in unknown.take(MAX_UNKNOWN) {
        let mend = match nearest(key.as_str(), draft.actions.keys().map(ActionKey::as_str)) {
            Some(meant) => format!("是不是想写 {meant}？"),
            None => format!("在 actions/ 的一个文件里加上 {} 和它的 kind，或者改用已有的动作", table(key)),
        };
        findings.push(site.error(Code::UnknownAction, format!("{place}用到的动作 {key} 不存在"), mend));
    }
    let reached: BTreeSet<&ActionKey> = named.iter().map(|(key, ..)| key).collect();
    // With a menu, a rule or the moments unread, nobody knows what they lead to.
    let sure = draft.menus.iter().all(|part| part.value.is_some())
        && draft.moments.as_ref().is_some_and(|part| part.value.is_some())
        && !findings.iter().any(Finding::is_error);
    for (key, part) in draft.actions.iter().filter(|(key, _)| sure && !reached.contains(key)) {
        let mend = "给它配一个菜单项、关键词或时机，不用了就删掉";
        let message = format!("没有菜单、关键词或时机通向动作 {key}，客户用不到它");
        findings.push(part.site.name().warning(Code::UnreachableAction, message, mend));
    }
    leads(draft, findings);
    connectors(draft, findings);
}

/// Whoever is led somewhere to bind a number must be able to.
fn leads(draft: &Draft, findings: &mut Vec<Finding>) {
    for part in draft.actions.values() {
        let Some(kind) = &part.value else { continue };
        for (field, key) in kind.as_action().leads_to() {
            let led = draft.actions.get(key).and_then(|led| led.value.as_ref());
            if led.is_some_and(|led| !matches!(led, Kind::Bind(_))) {
                let message = format!("动作 {key} 不是 bind，绑不了号码");
                let mend = "写一个 kind = \"bind\" 的动作";
                findings.push(part.site.field(field).error(Code::ActionRule, message, mend));
            }
        }
    }
}

/// The head of an action's table, as TOML wants it.
fn table(key: &ActionKey) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let key = key.as_str();
    if !key.is_empty() && key.bytes().all(is_bare) {
        format!("[{key}]")
    } else {
        format!("[{}]", toml::Value::from(key))
    }
}

/// Every action that something names, where, and by what.
fn named_actions(draft: &Draft) -> Vec<(ActionKey, Site, &'static str)> {
    let mut named = Vec::new();
    for part in &draft.menus {
        let Some(menu) = &part.value else { continue };
        for (index, top) in menu.button.iter().enumerate() {
            let site = part.site.key("button").item(index);
            let mut add = |button: &Button, site: Site| {
                if let Some(key) = &button.key {
                    named.push((ActionKey::new(key), site.key("key"), "菜单"));
                }
            };
            for (index, sub) in top.sub_button.iter().enumerate() {
                add(sub, site.key("sub_button").item(index));
            }
            add(top, site);
        }
    }
    for part in draft.actions.values() {
        let leads = part.value.iter().flat_map(|kind| kind.as_action().leads_to());
        named.extend(leads.map(|(field, key)| (key.clone(), part.site.field(field), "动作")));
    }
    named.extend(draft.rules.iter().map(|(site, rule)| (rule.action.clone(), site.key("action"), "关键词")));
    if let Some(part) = &draft.moments
        && let Some(moments) = &part.value
    {
        named.extend(of_moments(moments).map(|(path, key)| (key.clone(), part.site.field(path), "时机")));
        let scenes = part.site.key("scenes");
        named.extend(moments.scenes.iter().map(|(scene, key)| (key.clone(), scenes.key(scene), "二维码")));
    }
    named
}

fn of_moments(moments: &Moments) -> impl Iterator<Item = (&'static str, &ActionKey)> {
    let Moments { first_follow, refollow, scan, scenes: _, farewell, old_choice, fallback, not_words } = moments;
    let always = [
        ("first_follow", first_follow),
        ("refollow", refollow),
        ("scan", scan),
        ("fallback", fallback),
        ("not_words", not_words),
    ];
    let sometimes = [("farewell", farewell), ("old_choice", old_choice)];
    always.into_iter().chain(sometimes.into_iter().filter_map(|(name, key)| Some((name, key.as_ref()?))))
}

fn connectors(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut asked: BTreeSet<&ConnectorKey> = BTreeSet::new();
    let mut unread = false;
    for part in draft.actions.values() {
        let Some(kind) = &part.value else {
            unread = true;
            continue;
        };
        for (key, _) in kind.as_action().connectors() {
            asked.insert(key);
            if !draft.connectors.contains_key(key) {
                let mend = suggestion(key.as_str(), draft.connectors.keys().map(ConnectorKey::as_str));
                let site = naming(&part.site, key.as_str());
                findings.push(site.error(Code::UnknownConnector, format!("连接 {key} 不存在"), mend));
            }
        }
    }
    asked.extend(draft.connectors.values().filter_map(|part| part.value.as_ref()?.status.as_ref()));
    asked.extend(draft.day_book.iter().filter_map(|part| part.value.as_ref()));
    for (key, part) in draft.connectors.iter().filter(|(key, _)| !unread && !asked.contains(key)) {
        let message = format!("没有动作用到连接 {key}");
        findings.push(part.site.name().warning(Code::UnusedConnector, message, "不用了就删掉"));
    }
}

/// The setting of an action that names this connector, wherever the kind keeps it; else the action.
pub(super) fn naming(site: &Site, name: &str) -> Site {
    let mut places = vec![site.clone()];
    while let Some(place) = places.pop() {
        if place.value().as_str() == Some(name) {
            return place;
        }
        places.extend(place.items());
        places.extend(place.entries().into_iter().filter(|(key, _)| key != "kind").map(|(_, inner)| inner));
    }
    site.name()
}
