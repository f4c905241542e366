//! Menus: the platform's limits (platform.md 4.5), found here rather than by a refused push.

use std::collections::BTreeSet;

use crate::config::nearest::suggestion;
use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::menu::{BUTTON_TYPES, Button, Limits, MatchRule, Menu, SUB, TOP};

/// All conditional menus together may lead to so many domains (65316).
const MAX_CONDITIONAL_DOMAINS: usize = 3;

/// Of a list with more buttons, which is refused, only so many are looked at.
const MAX_BUTTONS: usize = 20;

/// Checks every menu.
pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut menus: Vec<(&Site, &Menu)> = Vec::new();
    for part in &draft.menus {
        menus.extend(part.value.as_ref().map(|menu| (&part.site, menu)));
    }
    for (site, menu) in &menus {
        buttons(&menu.button, &TOP, (&site.key("button"), findings));
        if let Some(rule) = &menu.matchrule {
            match_rule(rule, &site.key("matchrule"), findings);
        }
    }
    if menus.len() == draft.menus.len() {
        default_menu(&menus, findings);
    }
    conditional_domains(&menus, findings);
}

fn default_menu(menus: &[(&Site, &Menu)], findings: &mut Vec<Finding>) {
    let mut everybody = menus.iter().filter(|(_, menu)| menu.matchrule.is_none());
    let first = everybody.next();
    for (site, _) in everybody {
        let message = format!("给所有人看的菜单只能有一个，{} 已经是了", first.map_or("", |(site, _)| site.file()));
        findings.push(site.error(Code::MenuDefault, message, "加上 matchrule，或删掉这个文件"));
    }
    if let (None, Some((site, _))) = (first, menus.first()) {
        let message = "只有个性化菜单，缺少给所有人看的菜单";
        findings.push(site.error(Code::MenuDefault, message, "再写一个没有 matchrule 的菜单文件"));
    }
}

fn conditional_domains(menus: &[(&Site, &Menu)], findings: &mut Vec<Finding>) {
    let conditional: Vec<_> = menus.iter().filter(|(_, menu)| menu.matchrule.is_some()).collect();
    let urls = conditional.iter().flat_map(|(_, menu)| menu.leaves()).filter_map(|button| button.url.as_deref());
    let domains: BTreeSet<String> =
        urls.filter_map(|url| url::Url::parse(url).ok()?.host_str().map(str::to_owned)).collect();
    if let Some((site, _)) = conditional.first()
        && domains.len() > MAX_CONDITIONAL_DOMAINS
    {
        let message = format!("个性化菜单一共链接到 {} 个域名，最多 {MAX_CONDITIONAL_DOMAINS} 个", domains.len());
        findings.push(site.error(Code::MenuLimit, message, "减少链接的域名"));
    }
}

fn match_rule(rule: &MatchRule, site: &Site, findings: &mut Vec<Finding>) {
    if rule.tag_id.is_none() && rule.client_platform_type.is_none() {
        let mend = "写 tag_id 或 client_platform_type";
        findings.push(site.error(Code::MenuMatch, "matchrule 里没有条件", mend));
    }
    if rule.tag_id.as_deref().is_some_and(|tag| tag.parse::<u32>().is_err()) {
        findings.push(site.key("tag_id").error(Code::MenuMatch, "tag_id 要是标签的编号", "例如 \"2\""));
    }
    if rule.client_platform_type.as_deref().is_some_and(|kind| !["1", "2", "3"].contains(&kind)) {
        let mend = "\"1\" 是 iOS，\"2\" 是 Android，\"3\" 是其他";
        findings.push(site.key("client_platform_type").error(Code::MenuMatch, "没有这种客户端", mend));
    }
}

fn buttons(list: &[Button], limits: &Limits, (site, findings): (&Site, &mut Vec<Finding>)) {
    if list.is_empty() || list.len() > limits.buttons {
        let (level, most) = (limits.level, limits.buttons);
        let message = format!("{level}菜单有 {} 个，要有 1 到 {most} 个", list.len());
        findings.push(site.error(Code::MenuLimit, message, format!("保留 1 到 {most} 个")));
    }
    for (index, button) in list.iter().enumerate().take(MAX_BUTTONS) {
        let site = site.item(index);
        name(button, limits, (&site, findings));
        if button.sub_button.is_empty() {
            leaf(button, &site, findings);
        } else if limits.parents {
            parent(button, &site, findings);
            buttons(&button.sub_button, &SUB, (&site.key("sub_button"), findings));
        } else {
            let mend = "把它的子菜单移到上一级";
            findings.push(site.key("sub_button").error(Code::MenuLimit, "菜单最多两级", mend));
        }
    }
}

fn name(button: &Button, limits: &Limits, (site, findings): (&Site, &mut Vec<Finding>)) {
    let bytes = button.name.len();
    let most = limits.name_bytes;
    if button.name.trim().is_empty() {
        findings.push(site.key("name").error(Code::MenuLimit, "菜单没有名称", "写上名称"));
    } else if bytes > most {
        let message = format!("菜单名称「{}」有 {bytes} 字节，最多 {most} 字节", button.name);
        findings.push(site.key("name").error(Code::MenuLimit, message, format!("缩短到 {} 个汉字以内", most / 3)));
    }
}

fn parent(button: &Button, site: &Site, findings: &mut Vec<Finding>) {
    if button.kind.is_some() {
        let mend = "删掉 type，或删掉 sub_button";
        findings.push(site.key("type").error(Code::MenuField, "有子菜单的菜单不能有 type", mend));
    }
    for (field, _) in fields(button).into_iter().filter(|(_, value)| value.is_some()) {
        let message = format!("有子菜单的菜单点了没有动作，不能有 {field}");
        findings.push(site.key(field).error(Code::MenuField, message, format!("删掉 {field}")));
    }
}

fn leaf(button: &Button, site: &Site, findings: &mut Vec<Finding>) {
    let Some(kind) = button.kind.as_deref() else {
        let mend = "写 \"type\": \"click\"，或加上 sub_button";
        findings.push(site.key("name").error(Code::MenuField, "菜单没有 type，也没有子菜单", mend));
        return;
    };
    let Some((_, needed)) = BUTTON_TYPES.iter().find(|(known, _)| *known == kind) else {
        let mend = suggestion(kind, BUTTON_TYPES.iter().map(|(known, _)| *known));
        findings.push(site.key("type").error(Code::MenuType, format!("平台没有 {kind} 这种菜单"), mend));
        return;
    };
    for (field, value) in fields(button) {
        let value = value.unwrap_or_default();
        match (needed.contains(&field), value.is_empty()) {
            (true, true) => {
                let message = format!("{kind} 菜单缺少 {field}");
                findings.push(site.key("type").error(Code::MenuField, message, format!("请补上 \"{field}\": \"…\"")));
            }
            (false, false) => {
                let message = format!("{kind} 菜单不用 {field}");
                findings.push(site.key(field).error(Code::MenuField, message, format!("删掉 {field}，或改 type")));
            }
            _ => limits_of(field, value, (site, findings)),
        }
    }
}

fn limits_of(field: &str, value: &str, (site, findings): (&Site, &mut Vec<Finding>)) {
    let most = match field {
        "key" => 128,
        "url" => 1_024,
        _ => return,
    };
    if value.len() > most {
        let message = format!("{field} 有 {} 字节，最多 {most} 字节", value.len());
        findings.push(site.key(field).error(Code::MenuLimit, message, "请缩短"));
    }
    let web = url::Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if field == "url" && !value.is_empty() && !web {
        let message = format!("{value} 不是网址");
        findings.push(site.key(field).error(Code::MenuLimit, message, "以 https:// 或 http:// 开头"));
    }
}

fn fields(button: &Button) -> [(&'static str, Option<&str>); 6] {
    [
        ("key", button.key.as_deref()),
        ("url", button.url.as_deref()),
        ("appid", button.appid.as_deref()),
        ("pagepath", button.pagepath.as_deref()),
        ("media_id", button.media_id.as_deref()),
        ("article_id", button.article_id.as_deref()),
    ]
}
