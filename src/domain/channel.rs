//! Channels: what the codes that bring customers have in common, so that numbers can be told apart by them. A closed set
//! written by the operator, because every counter carries the channel (growth.md 5.1).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ids::{Channel, Scene};

/// One channel of `channels.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelRule {
    /// What people read: 营业厅.
    pub title: String,
    /// The scenes of its codes; one that ends in `*` means every scene that begins so.
    pub scenes: Vec<String>,
}

/// The channels of a playbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channels(pub BTreeMap<Channel, ChannelRule>);

impl Channels {
    /// The channel of a code; the empty one without a code. A scene that is named whole wins over one named by its
    /// beginning, and the longest beginning wins among those.
    pub fn of(&self, scene: Option<&Scene>) -> Channel {
        let Some(scene) = scene else { return Channel::default() };
        let fit = |pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => scene.as_str().starts_with(beginning).then_some((false, beginning.len())),
            None => (pattern == scene.as_str()).then_some((true, pattern.len())),
        };
        let fits =
            self.0.iter().filter_map(|(channel, rule)| Some((rule.scenes.iter().filter_map(fit).max()?, channel)));
        fits.max_by_key(|(fit, _)| *fit).map_or_else(|| Channel::new(Channel::OTHER), |(_, channel)| channel.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_pattern_names_the_channel() {
        let rule = |scenes: &[&str]| ChannelRule {
            scenes: scenes.iter().map(|s| (*s).to_owned()).collect(),
            ..ChannelRule::default()
        };
        let channels = Channels(BTreeMap::from([
            ("store".into(), rule(&["store:*"])),
            ("nanjing".into(), rule(&["store:nanjing*"])),
            ("first".into(), rule(&["store:nanjing-1"])),
        ]));
        let of = |scene: &str| channels.of(Some(&scene.into())).as_str().to_owned();
        assert_eq!(of("store:beijing"), "store");
        assert_eq!(of("store:nanjing-2"), "nanjing");
        assert_eq!(of("store:nanjing-1"), "first");
        assert_eq!(of("poster"), Channel::OTHER);
        assert_eq!(channels.of(None), Channel::default());
    }
}
