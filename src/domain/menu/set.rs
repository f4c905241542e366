//! All menus of an account as one value, so that the files' and the platform's can be held against each other.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::{Button, MatchRule, Menu};

/// All menus of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MenuSet {
    /// Everybody's buttons; `None` without a menu.
    pub everybody: Option<Vec<Button>>,
    /// Those for some customers only, in the order in which they are added: of several that match, the last is shown
    /// (platform.md 4.5).
    pub conditional: Vec<Conditional>,
}

/// A menu for some customers only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditional {
    /// Who sees it.
    pub rule: Rule,
    /// What they see.
    pub button: Vec<Button>,
}

/// Who sees a conditional menu, with what the platform tells beyond a menu file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// What a menu file can say.
    pub known: MatchRule,
    /// Conditions of an older time, by field; such menus match nobody any more.
    pub other: BTreeMap<String, String>,
}

impl MenuSet {
    /// The menus of the files, in the order of their names.
    pub fn of_files(menus: &[Menu]) -> Self {
        let mut set = Self::default();
        for menu in menus {
            let button = menu.button.iter().cloned().map(plain).collect();
            match &menu.matchrule {
                Some(rule) => {
                    let rule = Rule { known: rule.clone(), other: BTreeMap::new() };
                    set.conditional.push(Conditional { rule, button });
                }
                None => set.everybody = Some(button),
            }
        }
        set
    }

    /// Adds a menu as the platform tells it: the buttons, and the rule of a conditional one. Fields that no menu file
    /// knows are left out.
    pub fn add_platforms(&mut self, button: &Value, rule: Option<&Value>) {
        let button = platforms(button);
        match rule {
            Some(rule) => self.conditional.push(Conditional { rule: Rule::platforms(rule), button }),
            None => self.everybody = Some(button),
        }
    }

    /// What somebody sees who has this tag and no other, on a client that no menu names.
    pub fn seen_with(&self, tag_id: &str) -> Option<&[Button]> {
        let matches = |rule: &Rule| {
            let known = &rule.known;
            known.tag_id.as_deref() == Some(tag_id) && known.client_platform_type.is_none() && rule.other.is_empty()
        };
        let found = self.conditional.iter().rev().find(|one| matches(&one.rule));
        // Without everybody's menu there is no other.
        let everybody = self.everybody.as_deref()?;
        Some(found.map_or(everybody, |one| &one.button))
    }
}

impl Rule {
    fn platforms(rule: &Value) -> Self {
        let mut told = Self::default();
        for (field, value) in rule.as_object().into_iter().flatten() {
            let Some(value) = text(value) else { continue };
            match field.as_str() {
                // An older name of the same number.
                "tag_id" | "group_id" => told.known.tag_id = Some(value),
                "client_platform_type" => told.known.client_platform_type = Some(value),
                _ => drop(told.other.insert(field.clone(), value)),
            }
        }
        told
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = |kind: &str| match kind {
            "1" => "iOS 客户端".to_owned(),
            "2" => "Android 客户端".to_owned(),
            "3" => "其他客户端".to_owned(),
            other => format!("客户端 {other}"),
        };
        let tag = self.known.tag_id.iter().map(|tag| format!("标签 {tag}"));
        let kind = self.known.client_platform_type.iter().map(|kind| client(kind));
        let other = self.other.iter().map(|(field, value)| format!("{field} {value}"));
        f.write_str(&tag.chain(kind).chain(other).collect::<Vec<_>>().join("、"))
    }
}

/// A value that says something.
fn text(value: &Value) -> Option<String> {
    let text = value.as_str().map(str::to_owned).or_else(|| value.as_number().map(ToString::to_string));
    text.filter(|text| !text.is_empty())
}

/// Buttons as the platform tells them; what was made in the console lies below `list` (platform.md 4.5).
fn platforms(buttons: &Value) -> Vec<Button> {
    let list = buttons.as_array().or_else(|| buttons.get("list")?.as_array());
    list.into_iter().flatten().map(|button| plain(platforms_button(button))).collect()
}

fn platforms_button(button: &Value) -> Button {
    let field = |name: &str| button.get(name).and_then(text);
    Button {
        kind: field("type"),
        name: field("name").unwrap_or_default(),
        key: field("key"),
        url: field("url"),
        appid: field("appid"),
        pagepath: field("pagepath"),
        media_id: field("media_id"),
        article_id: field("article_id"),
        sub_button: button.get("sub_button").map(platforms).unwrap_or_default(),
    }
}

/// The same button without what says nothing: empty fields, and on a parent everything but its name and entries.
fn plain(button: Button) -> Button {
    let sub_button: Vec<Button> = button.sub_button.into_iter().map(plain).collect();
    if !sub_button.is_empty() {
        return Button { name: button.name, sub_button, ..Button::default() };
    }
    let said = |field: Option<String>| field.filter(|value| !value.is_empty());
    Button {
        kind: said(button.kind),
        name: button.name,
        key: said(button.key),
        url: said(button.url),
        appid: said(button.appid),
        pagepath: said(button.pagepath),
        media_id: said(button.media_id),
        article_id: said(button.article_id),
        sub_button,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn menu(value: Value) -> Menu {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_menu_that_comes_back_with_empty_fields_is_the_same() {
        let file = menu(json!({"button": [{"name": "更多", "sub_button": [
            {"type": "view", "name": "官网", "url": "https://example.com/"}]}]}));
        let mut platform = MenuSet::default();
        let told = json!([{"type": "click", "name": "更多", "key": "", "sub_button": [
            {"type": "view", "name": "官网", "url": "https://example.com/", "key": "", "new": 1, "sub_button": []}]}]);
        platform.add_platforms(&told, None);
        assert_eq!(platform, MenuSet::of_files(&[file]));
        let mut console = MenuSet::default();
        console.add_platforms(
            &json!([{"name": "更多", "sub_button": {"list": [
            {"type": "view", "name": "官网", "url": "https://example.com/"}]}}]),
            None,
        );
        assert_eq!(console, platform);
    }

    #[test]
    fn a_rule_is_read_from_numbers_and_older_names_and_told_in_words() {
        let mut set = MenuSet::default();
        set.add_platforms(
            &json!([]),
            Some(&json!({"group_id": 2, "client_platform_type": "1", "sex": "", "city": "广州"})),
        );
        let rule = &set.conditional[0].rule;
        assert_eq!(rule.to_string(), "标签 2、iOS 客户端、city 广州");
        assert_eq!(rule.known.tag_id.as_deref(), Some("2"));
    }

    #[test]
    fn of_several_menus_that_match_a_tag_the_last_is_seen() {
        let click = |name: &str| json!([{"type": "click", "name": name, "key": "k"}]);
        let mut set = MenuSet::default();
        set.add_platforms(&click("甲"), Some(&json!({"tag_id": "2"})));
        assert_eq!(set.seen_with("2"), None, "without everybody's menu nobody sees one");
        set.add_platforms(&click("众"), None);
        set.add_platforms(&click("乙"), Some(&json!({"tag_id": 2})));
        set.add_platforms(&click("丙"), Some(&json!({"tag_id": 2, "client_platform_type": "1"})));
        let seen = |tag| set.seen_with(tag).unwrap()[0].name.clone();
        assert_eq!((seen("2"), seen("3")), ("乙".to_owned(), "众".to_owned()));
    }
}
