//! Channels: each with a key that counters can carry, a title and codes of its own.

use std::collections::BTreeMap;

use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::ids::Channel;

/// Every counter of growth is kept once per channel, so there are few of them.
const MAX_CHANNELS: usize = 50;
/// A channel's key stands in every such counter.
const MAX_KEY_CHARS: usize = 32;
/// No code carries a longer scene (platform.md 4.6).
const MAX_SCENE_CHARS: usize = 64;

/// Checks every channel.
pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    if let Some((_, part)) = draft.channels.get(MAX_CHANNELS) {
        let message = format!("渠道有 {} 个，最多 {MAX_CHANNELS} 个", draft.channels.len());
        findings.push(part.site.name().error(Code::TooLarge, message, "把相近的渠道合并成一个"));
    }
    let mut taken: BTreeMap<&str, Site> = BTreeMap::new();
    for (channel, part) in &draft.channels {
        key(channel, &part.site, findings);
        let Some(rule) = &part.value else { continue };
        if rule.title.trim().is_empty() {
            findings.push(part.site.key("title").error(Code::ChannelRule, "渠道没有名称", "写上报表里要显示的名称"));
        }
        let list = part.site.key("scenes");
        if rule.scenes.is_empty() {
            let mend = "至少写一个场景值，例如 scenes = [\"store:*\"]";
            findings.push(list.error(Code::ChannelRule, "这个渠道没有任何二维码", mend));
        }
        for (index, pattern) in rule.scenes.iter().enumerate() {
            let site = list.item(index);
            scene(pattern, &site, findings);
            match taken.get(pattern.as_str()) {
                Some(first) => {
                    let message = format!("「{pattern}」在 {}:{} 已经写过了", first.file(), first.line());
                    findings.push(site.error(Code::ChannelRule, message, "一个场景值只能归一个渠道，只留一处"));
                }
                None => {
                    taken.insert(pattern, site);
                }
            }
        }
    }
}

fn key(channel: &Channel, site: &Site, findings: &mut Vec<Finding>) {
    let key = channel.as_str();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if key == Channel::OTHER {
        let message = format!("{key} 是留给没有归类的二维码的，渠道不能用这个名称");
        findings.push(site.name().error(Code::ChannelRule, message, "换一个名称"));
    } else if key.is_empty() || key.len() > MAX_KEY_CHARS || !key.chars().all(plain) {
        let message = format!("「{key}」不能作渠道的名称");
        let mend = format!("用 1 到 {MAX_KEY_CHARS} 个小写字母、数字、- 或 _；给人看的名称写在 title 里");
        findings.push(site.name().error(Code::ChannelRule, message, mend));
    }
}

fn scene(pattern: &str, site: &Site, findings: &mut Vec<Finding>) {
    let chars = pattern.chars().count();
    if chars == 0 {
        findings.push(site.error(Code::ChannelRule, "场景值是空的", "写上二维码的场景值，或删掉这一项"));
    } else if chars > MAX_SCENE_CHARS {
        let message = format!("场景值有 {chars} 个字，平台的二维码最多 {MAX_SCENE_CHARS} 个");
        findings.push(site.error(Code::ChannelRule, message, "请缩短"));
    }
    if pattern.starts_with("qrscene_") {
        let mend = "去掉 qrscene_，只写生成二维码时的场景值";
        findings.push(site.warning(Code::ChannelRule, "qrscene_ 是平台推送时加上的，不是场景值的一部分", mend));
    }
    if pattern.chars().rev().skip(1).any(|c| c == '*') {
        let message = format!("「{pattern}」里的 * 不在最后");
        findings.push(site.error(Code::ChannelRule, message, "* 只能写在最后，表示以前面的字开头的所有场景值"));
    }
}
