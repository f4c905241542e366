//! Campaigns: no two that codes cannot tell apart, none whose invites nobody could count, and the platform's rules.

use std::collections::BTreeMap;

use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::actions::{Campaign, Kind};
use crate::domain::ids::{ActionKey, Channel};
use crate::domain::referral::code::{PREFIX, Tag};
use crate::domain::referral::compliance::touches;

/// Checks every campaign.
pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut tags: BTreeMap<Tag, &ActionKey> = BTreeMap::new();
    for (key, site, campaign) in campaigns(draft) {
        if let Some(other) = tags.insert(Tag::of(key), key) {
            let message = format!("邀请码分不清活动 {key} 和 {other}");
            findings.push(site.error(Code::CampaignRule, message, "给其中一个文件改名"));
        }
        for touched in touches(campaign) {
            let place = match touched.field {
                field if site.key(field).value().is_null() => site.key("title"),
                field => site.key(field),
            };
            findings.push(place.warning(Code::PlatformRule, touched.cause, touched.mend));
        }
        if let Some(goal) = &campaign.terms.goal {
            let place = site.field("terms.goal");
            let found = draft.actions.get(goal).map(|part| part.value.as_ref());
            if found.is_none() {
                let mend = "写一个 kind = \"order\" 的动作的名称";
                findings.push(place.error(Code::UnknownAction, format!("动作 {goal} 不存在"), mend));
            } else if found.flatten().is_some_and(|kind| !matches!(kind, Kind::Order(_))) {
                let message = format!("动作 {goal} 不是订单，好友永远办不成");
                findings.push(place.error(Code::CampaignRule, message, "写一个 kind = \"order\" 的动作的名称"));
            }
        }
        let known = campaign.channel.as_str() == Channel::INVITE
            || draft.channels.iter().any(|(channel, _)| *channel == campaign.channel);
        if !known {
            let message = format!("渠道 {} 不存在", campaign.channel);
            let mend = "在 channels.toml 里加上它，或者删掉 channel，用自带的「好友邀请」";
            findings.push(site.key("channel").error(Code::CampaignRule, message, mend));
        }
    }
    for (_, part) in &draft.channels {
        let Some(rule) = &part.value else { continue };
        for (index, scene) in rule.scenes.iter().enumerate().filter(|(_, scene)| scene.starts_with(PREFIX)) {
            let message = format!("「{scene}」以 {PREFIX} 开头，那是客户自己的邀请码");
            findings.push(part.site.key("scenes").item(index).error(Code::ChannelRule, message, "换一个开头"));
        }
    }
    if !draft.partial {
        findings.extend(draft.pictures.unused(draft.posters.values()));
    }
}

fn campaigns(draft: &Draft) -> impl Iterator<Item = (&ActionKey, &Site, &Campaign)> {
    draft.actions.iter().filter_map(|(key, part)| match &part.value {
        Some(Kind::Campaign(campaign)) => Some((key, &part.site, campaign)),
        _ => None,
    })
}
