//! A menu, exactly the platform's own menu JSON (platform.md 4.5).

mod differ;
mod set;

pub use differ::{Difference, Slot, What, differences};
pub use set::{Conditional, MenuSet, Rule};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A menu file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Menu {
    /// Names the schema for editors; not sent.
    #[serde(rename = "$schema", default, skip_serializing)]
    pub schema: Option<String>,
    /// One to three buttons.
    pub button: Vec<Button>,
    /// Who sees it; without one it is everybody's menu.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matchrule: Option<MatchRule>,
}

/// Who sees a conditional menu.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchRule {
    /// Customers with this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_id: Option<String>,
    /// 1 iOS, 2 Android, 3 other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_platform_type: Option<String>,
}

/// A button.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// What a tap does; absent on a parent.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What is written on it.
    pub name: String,
    /// Names an action; at most 128 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where a view button leads; at most 1024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// AppID of a mini program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
    /// Page of a mini program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagepath: Option<String>,
    /// Permanent media to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_id: Option<String>,
    /// Published article to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article_id: Option<String>,
    /// One to five entries below this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_button: Vec<Button>,
}

/// What taps on a button are counted under: its key, page or address. Every counter carries it, so none is longer than
/// the platform lets a key be (platform.md 4.5).
pub fn counted_as(key: &str) -> &str {
    const KEY_BYTES: usize = 128;
    key.get(..key.floor_char_boundary(KEY_BYTES)).unwrap_or_default()
}

impl Button {
    /// What its taps are counted under; `None` when the platform tells nobody of them.
    pub fn counted_as(&self) -> Option<&str> {
        let written = match self.kind.as_deref() {
            Some("miniprogram") => &self.pagepath,
            Some("view") => &self.url,
            _ => &self.key,
        };
        written.as_deref().map(counted_as)
    }
}

impl Menu {
    /// Every button that can be tapped.
    pub fn leaves(&self) -> impl Iterator<Item = &Button> {
        self.button
            .iter()
            .flat_map(|top| if top.sub_button.is_empty() { std::slice::from_ref(top) } else { &top.sub_button })
    }
}

/// What is written on the buttons, by what their taps are counted under: the key, else the page or the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(pub BTreeMap<String, String>);

impl Labels {
    /// The labels of all these menus. Where the same key has several names, each is there.
    pub fn of(menus: &[Menu]) -> Self {
        let mut labels = BTreeMap::<String, Vec<&str>>::new();
        for button in menus.iter().flat_map(Menu::leaves) {
            let Some(key) = button.counted_as() else { continue };
            let names = labels.entry(key.to_owned()).or_default();
            if !names.contains(&button.name.as_str()) {
                names.push(&button.name);
            }
        }
        Self(labels.into_iter().map(|(key, names)| (key, names.join(" / "))).collect())
    }
}

/// The platform's limits of one level of a menu (platform.md 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The level, as people call it.
    pub level: &'static str,
    /// At most so many buttons, at least one.
    pub buttons: usize,
    /// The longest name, in bytes.
    pub name_bytes: usize,
    /// Whether its buttons may have entries below them.
    pub parents: bool,
}

/// The buttons one always sees.
pub const TOP: Limits = Limits { level: "一级", buttons: 3, name_bytes: 16, parents: true };
/// The entries below one of them.
pub const SUB: Limits = Limits { level: "二级", buttons: 5, name_bytes: 60, parents: false };

/// Every type of button and the fields it needs (platform.md 4.5).
pub const BUTTON_TYPES: [(&str, &[&str]); 13] = [
    ("click", &["key"]),
    ("view", &["url"]),
    ("miniprogram", &["url", "appid", "pagepath"]),
    ("scancode_push", &["key"]),
    ("scancode_waitmsg", &["key"]),
    ("pic_sysphoto", &["key"]),
    ("pic_photo_or_album", &["key"]),
    ("pic_weixin", &["key"]),
    ("location_select", &["key"]),
    ("media_id", &["media_id"]),
    ("view_limited", &["media_id"]),
    ("article_id", &["article_id"]),
    ("article_view_limited", &["article_id"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_menu_goes_out_as_the_platform_takes_it() {
        let text = r#"{"$schema":"x","button":[{"type":"click","name":"查询","key":"query"},{"name":"更多","sub_button":[
            {"type":"view","name":"官网","url":"https://example.com/","sub_button":[]}]}]}"#;
        let menu: Menu = serde_json::from_str(text).unwrap();
        assert_eq!(menu.leaves().map(|button| button.name.as_str()).collect::<Vec<_>>(), ["查询", "官网"]);
        let sent = serde_json::to_string(&menu).unwrap();
        let expected = r#"{"button":[{"type":"click","name":"查询","key":"query"},{"name":"更多","sub_button":[{"type":"view","name":"官网","url":"https://example.com/"}]}]}"#;
        assert_eq!(sent, expected);
    }

    #[test]
    fn a_label_is_found_by_what_taps_are_counted_under() {
        let text = r#"{"button":[{"type":"click","name":"查询","key":"query"},{"type":"click","name":"查一查","key":"query"},
            {"name":"更多","sub_button":[{"type":"view","name":"官网","url":"https://example.com/"},
            {"type":"miniprogram","name":"小程序","url":"https://example.com/","appid":"wx1","pagepath":"pages/index"},
            {"type":"media_id","name":"图片","media_id":"m"}]}]}"#;
        let menu: Menu = serde_json::from_str(text).unwrap();
        let labels = Labels::of(&[menu.clone(), menu]);
        let expected = [("https://example.com/", "官网"), ("pages/index", "小程序"), ("query", "查询 / 查一查")];
        assert_eq!(labels.0.iter().map(|(key, label)| (key.as_str(), label.as_str())).collect::<Vec<_>>(), expected);
    }
}
