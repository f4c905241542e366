//! The platform's public templates, of which an account chooses its own (platform.md 4.10, 4.11). A small invented
//! library stands for the real one.

use serde_json::{Value, json};

/// A template of the library.
#[derive(Debug, PartialEq, Eq)]
pub struct Public {
    /// Its number there.
    pub tid: u32,
    /// Its title.
    pub title: &'static str,
    /// Its keywords: `(kid, name, type)`.
    pub keywords: &'static [(u32, &'static str, &'static str)],
}

/// The one category of the library.
pub const CATEGORY: (u32, &str) = (616, "电信服务");

/// The library.
pub const LIBRARY: [Public; 4] = [
    Public {
        tid: 43216,
        title: "业务办理成功通知",
        keywords: &[
            (1, "办理业务", "thing"),
            (2, "办理时间", "time"),
            (3, "手机号码", "phone_number"),
            (4, "备注", "thing"),
        ],
    },
    Public {
        tid: 43217,
        title: "充值成功通知",
        keywords: &[
            (1, "充值号码", "phone_number"),
            (2, "充值金额", "amount"),
            (3, "充值时间", "time"),
            (4, "订单编号", "character_string"),
        ],
    },
    Public {
        tid: 43218,
        title: "流量用量提醒",
        keywords: &[
            (1, "套餐名称", "thing"),
            (2, "剩余流量", "character_string"),
            (3, "截止时间", "time"),
            (4, "温馨提示", "thing"),
        ],
    },
    Public {
        tid: 43219,
        title: "活动开始提醒",
        keywords: &[
            (1, "活动名称", "thing"),
            (2, "开始时间", "time"),
            (3, "活动状态", "phrase"),
            (4, "温馨提示", "thing"),
        ],
    },
];

/// A template by its number.
pub fn find(tid: u32) -> Option<&'static Public> {
    LIBRARY.iter().find(|public| public.tid == tid)
}

impl Public {
    /// The content with some of its keywords, in the order they were chosen; `None` if one is not there.
    pub fn content(&self, kids: &[u32]) -> Option<String> {
        let lines = kids.iter().map(|kid| {
            let (kid, name, kind) = self.keywords.iter().find(|(own, ..)| own == kid)?;
            Some(format!("{name}：{{{{{kind}{kid}.DATA}}}}"))
        });
        lines.collect::<Option<Vec<String>>>().map(|lines| lines.join("\n"))
    }

    /// The keywords' numbers by their names; `None` if one is not there.
    pub fn kids(&self, names: &[&str]) -> Option<Vec<u32>> {
        let kid = |name: &&str| self.keywords.iter().find(|(_, own, _)| own == name).map(|(kid, ..)| *kid);
        names.iter().map(kid).collect()
    }

    /// As `getpubtemplatetitles` lists it.
    pub fn title(&self) -> Value {
        json!({ "tid": self.tid, "title": self.title, "type": 2, "categoryId": CATEGORY.0.to_string() })
    }

    /// As `getpubtemplatekeywords` lists its keywords.
    pub fn keyword_list(&self) -> Vec<Value> {
        let keyword = |(kid, name, rule): &(u32, &str, &str)| json!({ "kid": kid, "name": name, "example": "示例", "rule": rule });
        self.keywords.iter().map(keyword).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_keywords_make_the_content() {
        let public = find(43217).unwrap();
        assert_eq!(public.content(&[2, 1]).unwrap(), "充值金额：{{amount2.DATA}}\n充值号码：{{phone_number1.DATA}}");
        assert_eq!(
            (public.content(&[9]), public.kids(&["充值金额"]), public.kids(&["别的"])),
            (None, Some(vec![2]), None)
        );
    }
}
