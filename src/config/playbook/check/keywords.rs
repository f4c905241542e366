//! Keywords: each usable, none always taken by another.

use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::keywords::{KeywordRule, Keywords};

/// After so many words that cannot be used, or are never heard, the rest is noise.
const MAX_WORDS: usize = 200;

/// Makes the keywords, or notes why it cannot.
pub fn read(draft: &Draft, findings: &mut Vec<Finding>) -> Option<Keywords> {
    for (site, rule) in &draft.rules {
        if rule.exact.is_empty() && rule.contains.is_empty() && rule.pattern.is_empty() {
            let mend = "至少写 exact、contains、pattern 中的一项";
            findings.push(site.error(Code::KeywordRule, "这条规则没有任何关键词", mend));
        }
    }
    let place = |index: usize, word: &str| draft.rules.get(index).map(|(site, rule)| at_word(site, rule, word));
    match Keywords::new(draft.rules.iter().map(|(_, rule)| rule.clone()).collect()) {
        Ok(keywords) => {
            for overlap in keywords.overlaps().into_iter().take(MAX_WORDS) {
                let winner = draft.rules.get(overlap.wins);
                if let (Some(site), Some((wins, rule))) = (place(overlap.loses, &overlap.word), winner) {
                    let by = format!(
                        "{}:{}（动作 {}）",
                        wins.file(),
                        at_word(wins, rule, &overlap.word).line(),
                        rule.action
                    );
                    let message = format!("「{}」总是被 {by} 那条规则抢走", overlap.word);
                    let mend = "删掉其中一个，或用 priority 分出先后";
                    findings.push(site.warning(Code::KeywordOverlap, message, mend));
                }
            }
            Some(keywords)
        }
        Err(faults) => {
            for fault in faults.into_iter().take(MAX_WORDS) {
                if let Some(site) = place(fault.rule, &fault.word) {
                    let message = format!("「{}」不能用：{}", fault.word, fault.cause);
                    findings.push(site.error(Code::KeywordRule, message, "改正或删掉这个词"));
                }
            }
            None
        }
    }
}

/// The word in the rule; the rule, when the word is written otherwise there.
fn at_word(site: &Site, rule: &KeywordRule, word: &str) -> Site {
    let lists = [("exact", &rule.exact), ("contains", &rule.contains), ("pattern", &rule.pattern)];
    let holder = lists.into_iter().find(|(_, words)| words.iter().any(|known| known == word));
    // A campaign has its words under names of their own.
    let named = |list: &str| site.key(list).items().iter().any(|item| item.value().as_str() == Some(word));
    let of_campaign = ["keywords", "mine"].into_iter().find(|list| named(list));
    holder.map_or_else(|| site.clone(), |(list, _)| site.key(of_campaign.unwrap_or(list)).word(word))
}
