//! The account's menu as the platform checks and shows it (platform.md 4.5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::act::Act;
use super::fault::ApiFault;

/// The menu in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Menu {
    /// The platform's id of it.
    pub id: u64,
    /// `button` as it was pushed.
    pub button: Value,
}

/// A button that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    kind: String,
    target: String,
    menu_id: u64,
}

const KEYED: [&str; 7] = [
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
];

/// Where a button stands decides which limits and which errcodes hold.
struct Level {
    name_bytes: usize,
    kind: i32,
    name: i32,
    key: i32,
    url: i32,
}

const TOP: Level = Level { name_bytes: 16, kind: 40017, name: 40018, key: 40019, url: 40020 };
const SUB: Level = Level { name_bytes: 60, kind: 40024, name: 40025, key: 40026, url: 40027 };

impl Menu {
    /// Reads the body of `menu/create`.
    pub fn parse(body: &Value, id: u64) -> Result<Self, ApiFault> {
        let button = body.get("button").cloned().unwrap_or(Value::Null);
        let tops = button
            .as_array()
            .filter(|b| (1..=3).contains(&b.len()))
            .ok_or_else(|| refuse(40016, "invalid button size"))?;
        for top in tops {
            let subs = subs(top);
            if subs.is_empty() {
                check_leaf(top, &TOP)?;
                continue;
            }
            check_name(top, &TOP)?;
            if subs.len() > 5 {
                return Err(refuse(40023, "invalid sub button size"));
            }
            for sub in subs {
                if !self::subs(sub).is_empty() {
                    return Err(refuse(40022, "invalid sub button level"));
                }
                check_leaf(sub, &SUB)?;
            }
        }
        Ok(Self { id, button })
    }

    /// The button whose key, address or page is `target`.
    pub fn find(&self, target: &str) -> Option<Tap> {
        self.leaves()
            .filter_map(|b| {
                let kind = text(b, "type");
                let own = match kind {
                    "view" => text(b, "url"),
                    "miniprogram" => text(b, "pagepath"),
                    "media_id" | "view_limited" => text(b, "media_id"),
                    "article_id" | "article_view_limited" => text(b, "article_id"),
                    _ => text(b, "key"),
                };
                (own == target).then(|| Tap { kind: kind.to_owned(), target: own.to_owned(), menu_id: self.id })
            })
            .next()
    }

    /// The keys of all click buttons, in order.
    pub fn click_keys(&self) -> Vec<String> {
        self.leaves().filter(|b| text(b, "type") == "click").map(|b| text(b, "key").to_owned()).collect()
    }

    /// The hosts its buttons lead to.
    pub fn domains(&self) -> Vec<String> {
        let url = |b: &Value| url::Url::parse(text(b, "url")).ok().and_then(|url| url.host_str().map(str::to_owned));
        self.leaves().filter_map(url).collect()
    }

    /// Whether a button shows this material.
    pub fn uses_media(&self, media_id: &str) -> bool {
        self.leaves().any(|b| text(b, "media_id") == media_id)
    }

    fn leaves(&self) -> impl Iterator<Item = &Value> {
        let tops = self.button.as_array().map(Vec::as_slice).unwrap_or_default();
        tops.iter().flat_map(|top| if subs(top).is_empty() { std::slice::from_ref(top) } else { subs(top) })
    }
}

impl Tap {
    /// What the tap reports; `None` for the kinds that only show something on the phone.
    pub fn act(self) -> Option<Act> {
        match self.kind.as_str() {
            "click" => Some(Act::Click { key: self.target }),
            "view" => Some(Act::View { url: self.target, menu_id: self.menu_id }),
            "miniprogram" => Some(Act::ViewMiniProgram { page: self.target, menu_id: self.menu_id }),
            "scancode_push" | "scancode_waitmsg" => Some(Act::ScanButton { event: self.kind, key: self.target }),
            _ => None,
        }
    }
}

fn refuse(errcode: i32, errmsg: &'static str) -> ApiFault {
    ApiFault::new(errcode, errmsg)
}

fn text<'v>(button: &'v Value, field: &str) -> &'v str {
    button.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn subs(button: &Value) -> &[Value] {
    button.get("sub_button").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn check_name(button: &Value, level: &Level) -> Result<(), ApiFault> {
    let fits = (1..=level.name_bytes).contains(&text(button, "name").len());
    if fits { Ok(()) } else { Err(refuse(level.name, "invalid button name size")) }
}

fn check_leaf(button: &Value, level: &Level) -> Result<(), ApiFault> {
    check_name(button, level)?;
    let kind = text(button, "type");
    let key_fits = (1..=128).contains(&text(button, "key").len());
    let url = text(button, "url");
    let url_fits = (1..=1024).contains(&url.len());
    let url_leads = url.starts_with("http://") || url.starts_with("https://");
    match kind {
        k if KEYED.contains(&k) && !key_fits => Err(refuse(level.key, "invalid button key size")),
        k if KEYED.contains(&k) => Ok(()),
        "view" | "miniprogram" if !url_fits => Err(refuse(level.url, "invalid button url size")),
        "view" if !url_leads => Err(refuse(40054, "invalid button url domain")),
        "miniprogram" if text(button, "appid").is_empty() => Err(refuse(40166, "invalid weapp appid")),
        "view" | "miniprogram" => Ok(()),
        "media_id" | "view_limited" if text(button, "media_id").is_empty() => Err(refuse(40007, "invalid media_id")),
        "article_id" | "article_view_limited" if text(button, "article_id").is_empty() => {
            Err(refuse(53600, "Article ID 无效"))
        }
        "media_id" | "view_limited" | "article_id" | "article_view_limited" => Ok(()),
        _ => Err(refuse(level.kind, "invalid button type")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(button: Value) -> i32 {
        Menu::parse(&json!({ "button": button }), 1).map_or_else(|f| f.errcode, |_| 0)
    }

    fn click(name: &str) -> Value {
        json!({ "type": "click", "name": name, "key": "K" })
    }

    #[test]
    fn one_to_three_buttons_of_one_to_five_entries() {
        assert_eq!(code(json!([])), 40016);
        assert_eq!(code(json!([click("a"), click("b"), click("c")])), 0);
        assert_eq!(code(json!([click("a"), click("b"), click("c"), click("d")])), 40016);
        let parent = |n: usize| json!([{ "name": "更多", "sub_button": vec![click("x"); n] }]);
        assert_eq!((code(parent(5)), code(parent(6))), (0, 40023));
        assert_eq!(code(json!([{ "name": "a", "sub_button": [{ "name": "b", "sub_button": [click("c")] }] }])), 40022);
    }

    #[test]
    fn names_keys_and_addresses_are_measured_in_bytes() {
        assert_eq!(code(json!([click("五个汉字哦")])), 0);
        assert_eq!(code(json!([click("六个汉字超了")])), 40018);
        assert_eq!(code(json!([{ "name": "父", "sub_button": [click(&"字".repeat(20))] }])), 0);
        assert_eq!(code(json!([{ "name": "父", "sub_button": [click(&"字".repeat(21))] }])), 40025);
        assert_eq!(code(json!([{ "type": "click", "name": "a" }])), 40019);
        assert_eq!(code(json!([{ "type": "click", "name": "a", "key": "k".repeat(129) }])), 40019);
        assert_eq!(code(json!([{ "type": "view", "name": "a", "url": "" }])), 40020);
        assert_eq!(code(json!([{ "type": "view", "name": "a", "url": "ftp://x" }])), 40054);
        assert_eq!(code(json!([{ "type": "dance", "name": "a", "key": "k" }])), 40017);
    }

    #[test]
    fn a_tap_reports_what_its_kind_reports() {
        let menu = Menu::parse(
            &json!({ "button": [click("a"), { "name": "更多", "sub_button": [{ "type": "view", "name": "官网", "url": "https://example.com/" }] }] }),
            7,
        )
        .unwrap();
        assert_eq!(menu.find("K").unwrap().act(), Some(Act::Click { key: "K".into() }));
        let view = Act::View { url: "https://example.com/".into(), menu_id: 7 };
        assert_eq!(menu.find("https://example.com/").unwrap().act(), Some(view));
        assert_eq!(menu.find("nowhere"), None);
        assert_eq!(menu.click_keys(), ["K"]);
    }
}
