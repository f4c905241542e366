//! A menu, exactly the platform's own menu JSON (platform.md 4.5).

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

impl Menu {
    /// Every button that can be tapped.
    pub fn leaves(&self) -> impl Iterator<Item = &Button> {
        self.button
            .iter()
            .flat_map(|top| if top.sub_button.is_empty() { std::slice::from_ref(top) } else { &top.sub_button })
    }
}
