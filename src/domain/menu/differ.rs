//! What the platform's menus and the files' differ in: slot by slot, in words.

use std::fmt;

use super::{Button, MenuSet, Rule};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whose menu; `None` is everybody's.
    pub whose: Option<Rule>,
    /// Which button; `None` is the whole menu.
    pub slot: Option<Slot>,
    /// In what.
    pub what: What,
}

/// A place in a menu, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Which of the buttons one always sees, from the left.
    pub top: usize,
    /// Which entry of it, from the top; `None` is the button itself.
    pub sub: Option<usize>,
}

/// In what a place differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Only the platform has it; what it is, in words.
    OnlyPlatform(String),
    /// Only the files have it; what it is, in words.
    OnlyFiles(String),
    /// Both have it, and it is not the same, in words.
    Changed {
        /// On the platform.
        platform: String,
        /// In the files.
        files: String,
    },
    /// The conditional menus are the same, in another order: of several that match, another one is shown.
    Order,
}

/// Everything in which they differ, everybody's menu first; empty when they are in step.
pub fn differences(platform: &MenuSet, files: &MenuSet) -> Vec<Difference> {
    let mut found = Vec::new();
    menus((platform.everybody.as_deref(), files.everybody.as_deref()), None, &mut found);
    let mut unmatched: Vec<_> = platform.conditional.iter().collect();
    for wanted in &files.conditional {
        let same = unmatched.iter().position(|one| one.rule == wanted.rule);
        let stands = same.map(|at| unmatched.remove(at).button.as_slice());
        menus((stands, Some(&wanted.button)), Some(&wanted.rule), &mut found);
    }
    for left in unmatched {
        menus((Some(&left.button), None), Some(&left.rule), &mut found);
    }
    if found.is_empty() && platform != files {
        found.push(Difference { whose: None, slot: None, what: What::Order });
    }
    found
}

fn menus((platform, files): (Option<&[Button]>, Option<&[Button]>), whose: Option<&Rule>, found: &mut Vec<Difference>) {
    let mut add = |slot, what| found.push(Difference { whose: whose.cloned(), slot, what });
    let names =
        |buttons: &[Button]| buttons.iter().map(|button| format!("「{}」", button.name)).collect::<Vec<_>>().join("");
    let (platform, files) = match (platform, files) {
        (None, None) => return,
        (Some(platform), None) => return add(None, What::OnlyPlatform(names(platform))),
        (None, Some(files)) => return add(None, What::OnlyFiles(names(files))),
        (Some(platform), Some(files)) => (platform, files),
    };
    for (top, pair) in (1..).zip(pairs(platform, files)) {
        add_if_other(Slot { top, sub: None }, pair, &mut add);
        if let (Some(platform), Some(files)) = pair
            && !platform.sub_button.is_empty()
            && !files.sub_button.is_empty()
        {
            for (sub, pair) in (1..).zip(pairs(&platform.sub_button, &files.sub_button)) {
                add_if_other(Slot { top, sub: Some(sub) }, pair, &mut add);
            }
        }
    }
}

type Pair<'a> = (Option<&'a Button>, Option<&'a Button>);

fn pairs<'a>(platform: &'a [Button], files: &'a [Button]) -> impl Iterator<Item = Pair<'a>> {
    (0..platform.len().max(files.len())).map(|at| (platform.get(at), files.get(at)))
}

fn add_if_other(slot: Slot, pair: Pair<'_>, add: &mut impl FnMut(Option<Slot>, What)) {
    match pair {
        (Some(platform), None) => add(Some(slot), What::OnlyPlatform(platform.to_string())),
        (None, Some(files)) => add(Some(slot), What::OnlyFiles(files.to_string())),
        (Some(platform), Some(files)) => {
            // The entries of two parents are told one by one.
            let parents = !platform.sub_button.is_empty() && !files.sub_button.is_empty();
            let same = if parents { platform.name == files.name } else { platform == files };
            if !same {
                let told = |button: &Button| match parents {
                    true => format!("「{}」", button.name),
                    false => button.to_string(),
                };
                add(Some(slot), What::Changed { platform: told(platform), files: told(files) });
            }
        }
        (None, None) => {}
    }
}

/// What is written on it and what a tap does.
impl fmt::Display for Button {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, sub_button, .. } = self;
        if !sub_button.is_empty() {
            let entries: Vec<&str> = sub_button.iter().map(|entry| entry.name.as_str()).collect();
            return write!(f, "「{name}」（子菜单：{}）", entries.join("、"));
        }
        let Some(kind) = self.kind.as_deref() else { return write!(f, "「{name}」") };
        let does = match kind {
            "click" => "点击",
            "view" => "网页",
            "miniprogram" => "小程序",
            "scancode_push" => "扫码",
            "scancode_waitmsg" => "扫码等回复",
            "pic_sysphoto" => "拍照",
            "pic_photo_or_album" => "拍照或相册",
            "pic_weixin" => "相册",
            "location_select" => "选位置",
            "media_id" | "view_limited" => "素材",
            "article_id" | "article_view_limited" => "文章",
            other => other,
        };
        let fields = [&self.key, &self.appid, &self.pagepath, &self.url, &self.media_id, &self.article_id];
        let told: Vec<&str> = fields.into_iter().flatten().map(String::as_str).collect();
        write!(f, "「{name}」（{does} {}）", told.join(" "))
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "第 {} 栏", self.top)?;
        self.sub.map_or(Ok(()), |sub| write!(f, "第 {sub} 项"))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.whose {
            Some(rule) => write!(f, "个性化菜单（{rule}）")?,
            None if self.what == What::Order => write!(f, "个性化菜单")?,
            None => write!(f, "默认菜单")?,
        }
        self.slot.map_or(Ok(()), |slot| write!(f, "{slot}"))?;
        match &self.what {
            What::OnlyPlatform(platform) => write!(f, "：平台上是{platform}，文件里没有"),
            What::OnlyFiles(files) => write!(f, "：平台上没有，文件里是{files}"),
            What::Changed { platform, files } => write!(f, "：平台上是{platform}，文件里是{files}"),
            What::Order => write!(f, "：内容相同，先后不同；一位客户符合几个菜单时，显示的不一样"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn set(everybody: Option<Value>, conditional: &[(&str, Value)]) -> MenuSet {
        let mut set = MenuSet::default();
        everybody.into_iter().for_each(|button| set.add_platforms(&button, None));
        for (tag, button) in conditional {
            set.add_platforms(button, Some(&json!({ "tag_id": tag })));
        }
        set
    }

    fn click(name: &str, key: &str) -> Value {
        json!({"type": "click", "name": name, "key": key})
    }

    fn told(platform: &MenuSet, files: &MenuSet) -> Vec<String> {
        differences(platform, files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn differences_are_told_by_slot() {
        let parent = |name: &str, below: &[Value]| json!({"name": name, "sub_button": below});
        let platform =
            set(Some(json!([parent("查询", &[click("流量", "a"), click("话费", "b")]), click("旧", "o")])), &[]);
        let files = set(Some(json!([parent("查一查", &[click("流量", "c")]), parent("新", &[click("旧", "o")])])), &[]);
        let expected = [
            "默认菜单第 1 栏：平台上是「查询」，文件里是「查一查」",
            "默认菜单第 1 栏第 1 项：平台上是「流量」（点击 a），文件里是「流量」（点击 c）",
            "默认菜单第 1 栏第 2 项：平台上是「话费」（点击 b），文件里没有",
            "默认菜单第 2 栏：平台上是「旧」（点击 o），文件里是「新」（子菜单：旧）",
        ];
        assert_eq!(told(&platform, &files), expected);
        assert_eq!(told(&platform, &platform), Vec::<String>::new());
    }

    #[test]
    fn a_menu_that_only_one_side_has_is_told_as_a_whole() {
        let one = || json!([click("甲", "a"), click("乙", "b")]);
        let (none, both) = (set(None, &[]), set(Some(one()), &[("2", one())]));
        let expected =
            ["默认菜单：平台上没有，文件里是「甲」「乙」", "个性化菜单（标签 2）：平台上没有，文件里是「甲」「乙」"];
        assert_eq!(told(&none, &both), expected);
        assert_eq!(told(&both, &none).len(), 2);
        assert!(told(&both, &none)[1].ends_with("平台上是「甲」「乙」，文件里没有"));
    }

    #[test]
    fn conditional_menus_in_another_order_are_not_the_same() {
        let (a, b) = (("2", json!([click("甲", "a")])), ("3", json!([click("乙", "b")])));
        let everybody = || Some(json!([click("众", "k")]));
        let differ = told(&set(everybody(), &[a.clone(), b.clone()]), &set(everybody(), &[b, a]));
        assert!(differ.len() == 1 && differ[0].contains("先后不同"), "{differ:?}");
    }
}
