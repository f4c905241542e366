//! `campaigns/NAME.toml`: a campaign is an action by the name of its file, with words and a poster of its own.

use super::draft::{Draft, Part};
use super::finding::{Code, Finding};
use super::poster::read_poster;
use super::shape;
use super::site::Site;
use crate::domain::actions::{Campaign, Kind};
use crate::domain::ids::ActionKey;
use crate::domain::keywords::KeywordRule;

/// The key stands in every counter of the campaign, and in the names of outgoing work.
const MAX_KEY_CHARS: usize = 32;

impl Draft {
    /// Takes one over, under the name of its file.
    pub(super) fn take_campaign(&mut self, name: &str, site: Site, findings: &mut Vec<Finding>) {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if name.is_empty() || name.len() > MAX_KEY_CHARS || !name.chars().all(is_plain) {
            let mend = format!("文件名用 1 到 {MAX_KEY_CHARS} 个小写字母、数字、- 或 _，例如 spring.toml");
            findings.push(site.error(Code::CampaignRule, format!("「{name}」不能作活动的代号"), mend));
            return;
        }
        let key = ActionKey::new(name);
        if let Some(first) = self.actions.get(&key) {
            let message = format!("动作 {key} 在 {}:{} 已经写过了", first.site.file(), first.site.name().line());
            findings.push(site.error(Code::DuplicateKey, message, "活动的代号也是动作的名称，给其中一个改名"));
            return;
        }
        let campaign: Option<Campaign> = shape::read(&site, findings);
        if let Some(campaign) = &campaign {
            for words in [&campaign.keywords, &campaign.mine].into_iter().filter(|words| !words.is_empty()) {
                let rule = KeywordRule {
                    exact: words.clone(),
                    contains: Vec::new(),
                    pattern: Vec::new(),
                    priority: 0,
                    action: key.clone(),
                };
                self.rules.push((site.clone(), rule));
            }
            if campaign.poster.is_some()
                && let Some(poster) = read_poster(&site.key("poster"), &self.pictures, findings)
            {
                self.posters.insert(key.clone(), poster);
            }
        }
        self.actions.insert(key, Part { site, value: campaign.map(Kind::Campaign) });
    }
}
