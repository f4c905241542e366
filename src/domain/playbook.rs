//! The playbook: everything an operator writes, checked as a whole and frozen as one value with a version.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::actions::Kind;
use super::channel::Channels;
use super::connector::{Addresses, Connector};
use super::ids::{ActionKey, Channel, ConnectorKey, NoticeKey, PlaybookVersion, PoolKey};
use super::keywords::Keywords;
use super::menu::{Labels, Menu};
use super::notice::Notice;
use super::pool::PoolRule;
use super::poster::Poster;

/// A playbook. `config::playbook` reads one from files; nothing changes it afterwards.
#[derive(Clone, Debug, Default)]
pub struct Playbook {
    /// Which one; every fact carries it.
    pub version: PlaybookVersion,
    /// What can be done, by the keys that menu buttons and keywords name.
    pub actions: BTreeMap<ActionKey, Kind>,
    /// Which words mean which action.
    pub keywords: Keywords,
    /// What happens at the moments that no word or button names.
    pub moments: Moments,
    /// Where the business system is; `sandbox:` is the demo one.
    pub base_url: String,
    /// Where it may be besides the internet: the operator's own networks.
    pub allow_addresses: Vec<Addresses>,
    /// The connector that lists what the business system did on a day (`connectors.toml`).
    pub day_book: Option<ConnectorKey>,
    /// Questions to the business system.
    pub connectors: BTreeMap<ConnectorKey, Connector>,
    /// Which codes belong to which channel.
    pub channels: Channels,
    /// What carries an outcome when no window is open.
    pub notices: BTreeMap<NoticeKey, Notice>,
    /// Goods that there are only so many of.
    pub pools: BTreeMap<PoolKey, PoolRule>,
    /// The posters that actions hand out ([`super::work::Task::Poster`]), by the action's key.
    pub posters: BTreeMap<ActionKey, HandedOut>,
    /// The menus; the one without a match rule is everybody's.
    pub menus: Vec<Menu>,
}

/// A poster that an action hands out to customers, each with a code of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOut {
    /// The campaign, by its key: its customers' codes are kept under it, whichever action shows them.
    pub campaign: String,
    /// The poster.
    pub poster: Poster,
}

impl Playbook {
    /// What is written on the buttons of its menus.
    pub fn labels(&self) -> Labels {
        Labels::of(&self.menus)
    }

    /// Whether customers pay for something by WeChat Pay.
    pub fn takes_payments(&self) -> bool {
        self.actions.values().any(|kind| kind.as_action().takes_payments())
    }

    /// What people read for a channel: its title; its key, once the playbook has no such channel any more.
    pub fn channel_title<'a>(&'a self, channel: &'a Channel) -> &'a str {
        match (channel.as_str(), self.channels.0.get(channel)) {
            (_, Some(rule)) => &rule.title,
            ("", None) => "直接关注",
            (Channel::OTHER, None) => "其他二维码",
            (Channel::INVITE, None) => "好友邀请",
            (key, None) => key,
        }
    }
}

/// `moments.toml`: which action answers when no word or button names one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// The first follow in a customer's life.
    pub first_follow: ActionKey,
    /// A follow of somebody who has followed before.
    pub refollow: ActionKey,
    /// A follower scans a code that `scenes` does not name.
    pub scan: ActionKey,
    /// Codes with an answer of their own, by scene; for a follow and for a scan.
    #[serde(default)]
    pub scenes: BTreeMap<String, ActionKey>,
    /// The customer leaves. The platform shows nothing any more, so this is for what the action remembers or counts.
    #[serde(default)]
    pub farewell: Option<ActionKey>,
    /// A tap on a choice of a question that is not open any more; the question that is open now follows what it says.
    #[serde(default)]
    #[schemars(
        description = "客户点了以前的选项时用哪个动作：对话已经往下走了、换了别的或者过期了，什么也不会选；后面接着再问一遍现在的问题。不写就用内置的话"
    )]
    pub old_choice: Option<ActionKey>,
    /// Words that no rule knows.
    pub fallback: ActionKey,
    /// A picture, a voice message without words, a place, a sticker: anything that is not words.
    pub not_words: ActionKey,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::ChannelRule;

    #[test]
    fn a_channel_is_read_by_its_title_also_after_it_was_taken_away() {
        let rule = ChannelRule { title: "营业厅".into(), scenes: vec!["store:*".into()] };
        let channels = Channels(BTreeMap::from([("store".into(), rule)]));
        let playbook = Playbook { channels, ..Playbook::default() };
        let title = |channel: &str| playbook.channel_title(&channel.into()).to_owned();
        assert_eq!(
            ["store", "", "other", "invite", "gone"].map(title),
            ["营业厅", "直接关注", "其他二维码", "好友邀请", "gone"]
        );
    }
}
