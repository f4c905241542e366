//! What short words mean inside a dialogue: a choice, yes, no, back. Everything else is for the keywords.

use crate::domain::fold::{fold, without_marks};

/// Words that agree, and say to what.
const EXPRESS_YES: &[&str] = &["确认", "确定", "确认办理", "确定办理", "确认订购", "确认购买"];
/// Words that agree to whatever was said last.
const YES: &[&str] =
    &["是", "对", "好", "可以", "行", "嗯", "同意", "办理", "购买", "买", "没问题", "ok", "okay", "yes", "y"];
/// Words that refuse or leave.
const NO: &[&str] = &[
    "取消",
    "取消办理",
    "取消订单",
    "不",
    "否",
    "不要",
    "不要了",
    "不用",
    "不用了",
    "不了",
    "不需要",
    "不买",
    "不买了",
    "不办",
    "不办了",
    "先不办了",
    "不确认",
    "算了",
    "放弃",
    "退出",
    "结束",
    "没事",
    "没事了",
    "cancel",
    "no",
    "n",
    "quit",
    "exit",
];
/// Words that go one step back.
const BACK: &[&str] =
    &["重选", "重新选", "重新选择", "上一步", "返回", "换一个", "换个", "换一款", "换一种", "选错了", "改一下", "back"];
/// Of these, what means the last thing that was told, and not what was chosen first.
const ONE_STEP_BACK: &[&str] = &["上一步", "返回", "改一下", "back"];
/// Words that ask how things stand.
const STANDING: &[&str] = &[
    "订单",
    "我的订单",
    "查订单",
    "查询订单",
    "订单号",
    "订单状态",
    "办理进度",
    "进度",
    "办好了吗",
    "好了吗",
    "成功了吗",
    "办理结果",
];

/// Whether the words agree. A question ("确认吗") does not.
pub(in crate::domain) fn is_yes(words: &str) -> bool {
    is_one_of(words, YES) || is_express_yes(words)
}

/// Whether the words agree and say to what: "确认", not "好的".
pub(in crate::domain) fn is_express_yes(words: &str) -> bool {
    is_one_of(words, EXPRESS_YES)
}

/// Whether the words refuse or leave.
pub(in crate::domain) fn is_no(words: &str) -> bool {
    is_one_of(words, NO)
}

/// Whether the words go one step back.
pub(in crate::domain) fn is_back(words: &str) -> bool {
    is_one_of(words, BACK)
}

/// Whether the words go back by one step only.
pub(in crate::domain) fn is_one_step_back(words: &str) -> bool {
    is_one_of(words, ONE_STEP_BACK)
}

/// Whether the words agree, refuse or go back: in a dialogue they mean nothing else.
pub(super) fn is_of_dialogues(words: &str) -> bool {
    is_yes(words) || is_no(words) || is_back(words)
}

/// Whether the words ask how an order stands.
pub(in crate::domain) fn asks_standing(words: &str) -> bool {
    is_one_of(words, STANDING)
}

fn is_one_of(words: &str, list: &[&str]) -> bool {
    let bare = bare(words);
    list.contains(&bare.as_str()) || list.contains(&bare.trim_end_matches(is_particle))
}

/// Particles that soften a word and change nothing.
fn is_particle(c: char) -> bool {
    matches!(c, '啊' | '呀' | '哦' | '噢' | '哈' | '的' | '吧' | '呢' | '啦' | '嘛' | '哒' | '滴' | '!' | '~' | '。')
}

/// The words folded, without punctuation at either end.
pub(in crate::domain) fn bare(words: &str) -> String {
    without_marks(&fold(words)).to_owned()
}

/// Whether two texts are the same to a reader.
pub(in crate::domain) fn same(one: &str, other: &str) -> bool {
    close(one) == close(other)
}

/// What the words pick from a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain) enum Pick {
    /// The entry at this index.
    Entry(usize),
    /// A number, but not of an entry.
    OutOfRange,
    /// Nothing of the list.
    Nothing,
}

/// What the words pick from entries of code and label: a number counted from 1, a code, a label, or a part of exactly
/// one label.
pub(in crate::domain) fn pick<'a>(words: &str, entries: impl Iterator<Item = (&'a str, &'a str)>) -> Pick {
    let bare = bare(words);
    if bare.is_empty() {
        return Pick::Nothing;
    }
    let entries: Vec<(String, String)> = entries.map(|(code, label)| (close(code), close(label))).collect();
    // What is written exactly as it was read is that, whatever else it could be.
    if let Some(exact) = entries.iter().position(|(_, label)| *label == close(words)) {
        return Pick::Entry(exact);
    }
    if let Some(number) = number(&bare) {
        let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
        return index.filter(|i| *i < entries.len()).map_or(Pick::OutOfRange, Pick::Entry);
    }
    let said = close(&bare);
    let exact = entries.iter().position(|(code, label)| *code == said || *label == said);
    let part = || only(&entries, |label| said.chars().count() >= 2 && holds(label, &said));
    exact.or_else(part).map_or(Pick::Nothing, Pick::Entry)
}

/// The one entry whose whole label stands somewhere in the words: "办理 5GB 流量月包".
pub(super) fn named<'a>(words: &str, entries: impl Iterator<Item = (&'a str, &'a str)>) -> Option<usize> {
    let said = close(&bare(words));
    let entries: Vec<(String, String)> = entries.map(|(code, label)| (close(code), close(label))).collect();
    only(&entries, |label| holds(&said, label))
}

fn only(entries: &[(String, String)], fits: impl Fn(&str) -> bool) -> Option<usize> {
    let mut fitting = entries.iter().enumerate().filter(|(_, (_, label))| fits(label)).map(|(i, _)| i);
    let first = fitting.next();
    if fitting.next().is_some() { None } else { first }
}

/// Whether `part` stands in `text`, not in the middle of a number: "5GB" does not stand in "15GB".
fn holds(text: &str, part: &str) -> bool {
    let begins_with_digit = part.starts_with(|c: char| c.is_ascii_digit());
    let inside_number =
        |at: usize| begins_with_digit && text.get(..at).is_some_and(|b| b.ends_with(|c: char| c.is_ascii_digit()));
    !part.is_empty() && text.match_indices(part).any(|(at, _)| !inside_number(at))
}

/// Folded, and without any space: people write "5 GB" and "5GB".
fn close(text: &str) -> String {
    fold(text).replace(' ', "")
}

/// A number people choose by: "2", "２", "②", "二", "第2个", "选二", "2号".
pub(in crate::domain) fn number(words: &str) -> Option<u32> {
    let bare = close(&bare(words));
    let rest = ["我选", "选择", "选", "第", "no."].iter().find_map(|p| bare.strip_prefix(p)).unwrap_or(&bare);
    let rest = rest.strip_prefix('第').unwrap_or(rest);
    let rest = ["个", "号", "项", "款", "种", "条"].iter().find_map(|s| rest.strip_suffix(s)).unwrap_or(rest);
    plain_number(rest)
}

/// Digits, or one Chinese numeral.
pub(super) fn plain_number(text: &str) -> Option<u32> {
    const NUMERALS: [&str; 11] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十"];
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        // A number too long to be one of a list is still a number: it is out of every range.
        return Some(text.parse().unwrap_or(u32::MAX));
    }
    if text == "两" || text == "俩" {
        return Some(2);
    }
    NUMERALS.iter().position(|n| *n == text).and_then(|n| u32::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKS: [(&str, &str); 3] = [("D1G", "1GB 流量日包"), ("M5G", "5GB 流量月包"), ("M10G", "10GB 流量月包")];

    fn picked(words: &str) -> Pick {
        pick(words, PACKS.into_iter())
    }

    #[test]
    fn a_choice_is_understood_however_it_is_written() {
        for words in [
            "2",
            "２",
            "②",
            "二",
            "两",
            "第二个",
            "选2",
            "我选2号",
            " 2。",
            "m5g",
            "Ｍ５Ｇ",
            "5GB 流量月包",
            "5gb流量月包",
            "5GB流量",
            "“2”",
        ] {
            assert_eq!(picked(words), Pick::Entry(1), "{words}");
        }
        assert_eq!(picked("日包"), Pick::Entry(0));
    }

    #[test]
    fn a_number_that_is_none_of_the_list_is_told_from_other_words() {
        for words in ["0", "4", "99999999999999999999", "十"] {
            assert_eq!(picked(words), Pick::OutOfRange, "{words}");
        }
        for words in ["", "  ", "。", "流量", "月包", "查话费", "13800138000的话费", "-1", "1.5", "包"] {
            assert_eq!(picked(words), Pick::Nothing, "{words}");
        }
    }

    #[test]
    fn agreeing_refusing_and_going_back_are_three_things() {
        for words in ["确认", "確認", "好的", "好吧！", "OK", "ＯＫ。", "是的", "嗯", " 确认 "] {
            assert!(is_yes(words) && !is_no(words) && !is_back(words), "{words}");
        }
        assert!(is_express_yes("确认！") && !is_express_yes("好的"));
        for words in ["取消", "不要了", "算了吧", "不用了~", "No", "不了", "不需要"] {
            assert!(is_no(words) && !is_yes(words) && !is_back(words), "{words}");
        }
        for words in ["重选", "上一步", "換一個"] {
            assert!(is_back(words) && !is_yes(words) && !is_no(words), "{words}");
        }
        for words in ["确认吗", "好贵", "不确定", "可以退吗", "是什么", "办理套餐", ""] {
            assert!(!is_yes(words), "{words}");
        }
    }

    #[test]
    fn a_label_is_found_inside_a_sentence_only_when_it_is_the_only_one() {
        assert_eq!(named("帮我办理 5GB 流量月包 谢谢", PACKS.into_iter()), Some(1));
        assert_eq!(named("充流量", PACKS.into_iter()), None);
        assert_eq!(named("10GB流量月包", PACKS.into_iter()), Some(2));
        assert_eq!(named("15GB流量月包", PACKS.into_iter()), None);
        assert_eq!(named("1GB流量日包还是5GB流量月包", PACKS.into_iter()), None);
    }
}
