//! What people call the keys that counters know.

use std::collections::BTreeMap;

use crate::domain::ids::Channel;
use crate::domain::menu;
use crate::domain::playbook::Playbook;

/// Names for menu keys and channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    menu: menu::Labels,
    channels: BTreeMap<String, String>,
}

impl Labels {
    /// The names a playbook gives.
    pub fn of(playbook: &Playbook) -> Self {
        let titled = playbook.channels.0.iter();
        let channels = titled.map(|(channel, rule)| (channel.as_str().to_owned(), rule.title.clone())).collect();
        Self { menu: menu::Labels::of(&playbook.menus), channels }
    }

    /// What stands on the button; the key itself when no menu has it any more.
    pub fn menu(&self, key: &str) -> String {
        self.menu.0.get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    /// What the operator calls a channel.
    pub fn channel(&self, channel: &str) -> String {
        match self.channels.get(channel) {
            Some(title) => title.clone(),
            None if channel.is_empty() => "没有扫码".to_owned(),
            None if channel == Channel::OTHER => "其他二维码".to_owned(),
            None => channel.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::{ChannelRule, Channels};

    #[test]
    fn a_key_is_called_as_the_button_and_a_channel_as_its_title() {
        let menu = r#"{"button":[{"type":"click","name":"查流量","key":"data"},{"name":"更多","sub_button":[
            {"type":"view","name":"官网","url":"https://example.com/"}]}]}"#;
        let store = ChannelRule { title: "营业厅".into(), scenes: vec!["store:*".into()] };
        let playbook = Playbook {
            menus: vec![serde_json::from_str(menu).unwrap()],
            channels: Channels(BTreeMap::from([("store".into(), store)])),
            ..Playbook::default()
        };
        let labels = Labels::of(&playbook);
        assert_eq!(["data", "https://example.com/", "gone"].map(|key| labels.menu(key)), ["查流量", "官网", "gone"]);
        let titles = ["store", "", "other", "closed-shop"].map(|channel| labels.channel(channel));
        assert_eq!(titles, ["营业厅", "没有扫码", "其他二维码", "closed-shop"]);
    }
}
