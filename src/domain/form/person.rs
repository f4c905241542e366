//! Phone numbers, names, addresses and one-time codes as people write them.

use super::{Wrong, narrow, unspoken};

/// Longer is no name.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=30;
/// Shorter leads to no door.
const ADDRESS_CHARS: std::ops::RangeInclusive<usize> = 5..=120;

/// A mobile number of mainland China, 11 digits, of words like `138 0013 8000`, `+86-13800138000`, `１３８…`.
pub fn phone(words: &str) -> Option<String> {
    let written: String =
        narrow(words).chars().filter(|char| !matches!(char, '-' | '—' | '–' | '.' | '(' | ')')).collect();
    let number = ["+86", "0086", "86"]
        .iter()
        .find_map(|prefix| written.strip_prefix(prefix).filter(|rest| rest.len() == 11))
        .unwrap_or(&written);
    let is_one = number.len() == 11
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(number.as_bytes(), [b'1', b'3'..=b'9', ..]);
    is_one.then(|| number.to_owned())
}

pub(super) fn why_no_phone(words: &str) -> Wrong {
    let digits: String = narrow(words).chars().filter(|char| !matches!(char, '-' | '+' | '.' | '(' | ')')).collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Wrong::Unreadable
    } else if digits.starts_with('0') && !digits.starts_with("00") {
        Wrong::Landline
    } else if digits.len() == 11 {
        Wrong::Prefix
    } else {
        Wrong::Length
    }
}

/// A one-time code.
pub fn code(words: &str) -> Option<String> {
    let code = narrow(words);
    ((4..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// What stands before a name when people introduce themselves.
const INTRODUCED: &[&str] = &["我的名字是", "我的名字叫", "姓名是", "我叫", "我是"];
/// What stands in no name, but in what people ask and wish for when they were asked for one.
const NOT_IN_NAMES: &str = "\
    什么 怎么 多少 多久 哪里 哪个 哪些 请问 你好 您好 好的 知道 不想 不要 不用 谢谢 套餐 \
    流量 话费 积分 充值 账单 人工 客服 用户 客户 取消 投诉 办卡 宽带 号码 姓名 名字 身份证 \
    手机 电话 地址 随便 测试 可以 没有 是不是 能不能 价格 便宜 http www 我想 我要 我们 \
    我的 我就 我不 你 您 吗 谁 啥";
/// A name in Chinese characters is no longer, unless points part it.
const MOST_HAN: usize = 8;

/// A person's name: letters of any script, with the point and the blanks between the parts of some. What is plainly a
/// question or the name of a service is none.
pub fn name(words: &str) -> Option<String> {
    let name = whole_name(words);
    (NAME_CHARS.contains(&name.chars().count()) && is_spelt(&name) && !is_talk(&name)).then_some(name)
}

fn whole_name(words: &str) -> String {
    let said = unspoken(words);
    let said = INTRODUCED.iter().find_map(|word| said.strip_prefix(word)).unwrap_or(said);
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_spelt(name: &str) -> bool {
    name.chars().all(|char| char.is_alphabetic() || matches!(char, '·' | '•' | '.' | '\'' | '-' | ' '))
        && name.chars().next().is_some_and(char::is_alphabetic)
}

/// Whether it is something that people say, and nobody's name.
fn is_talk(name: &str) -> bool {
    let lower = name.to_lowercase();
    let first = lower.chars().next();
    let is_one_sound = lower.chars().count() >= 3 && lower.chars().all(|char| Some(char) == first);
    let is_long_han = lower.chars().count() > MOST_HAN && lower.chars().all(is_han);
    is_one_sound || is_long_han || NOT_IN_NAMES.split(' ').any(|word| lower.contains(word))
}

fn is_han(char: char) -> bool {
    matches!(char, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

pub(super) fn why_no_name(words: &str) -> Wrong {
    let name = whole_name(words);
    match name.chars().count() {
        chars if chars < *NAME_CHARS.start() => Wrong::TooShort,
        chars if chars > *NAME_CHARS.end() => Wrong::TooLong,
        _ if is_spelt(&name) || name.ends_with(['?', '？']) => Wrong::NoName,
        _ => Wrong::Symbols,
    }
}

/// What the parts of an address end with, or are.
const PLACES: &str = "\
    省 市 区 县 镇 乡 村 路 街 巷 弄 号 栋 幢 楼 室 园 苑 厦 广场 院 校 店 厂 局 站 \
    大道 桥 屯 组 旗 州 盟 港 湾 城 单元 大学 公寓 公司 胡同 宿舍 驿站 快递柜";
/// What nobody writes who tells where they live.
const QUESTIONS: &[&str] = &["?", "？", "吗", "怎么", "什么", "哪"];
/// What somebody says who does not want to tell it; behind a whole address it is only polite.
const WISHES: &[&str] = &["不想", "不要", "不用", "取消", "我想", "我要", "谢谢", "请问", "随便", "知道"];

/// An address in one line. Whether it leads anywhere nobody can tell; it has to name at least two parts of a place, or one
/// with a number, and be neither a question nor a link.
pub fn address(words: &str) -> Option<String> {
    let address = one_line(words);
    let is_one = ADDRESS_CHARS.contains(&address.chars().count())
        && address.chars().filter(|char| char.is_alphabetic()).count() >= 3
        && !has_symbols(&address)
        && !is_link(&address)
        && leads_somewhere(&address);
    is_one.then_some(address)
}

pub(super) fn why_no_address(words: &str) -> Wrong {
    let address = one_line(words);
    if address.chars().count() > *ADDRESS_CHARS.end() {
        Wrong::TooLong
    } else if is_link(&address) {
        Wrong::Link
    } else if has_symbols(&address) {
        Wrong::Symbols
    } else if address.chars().count() < *ADDRESS_CHARS.start() {
        Wrong::TooShort
    } else {
        Wrong::NoAddress
    }
}

fn one_line(words: &str) -> String {
    unspoken(words).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn has_symbols(address: &str) -> bool {
    address.chars().any(|char| char.is_control() || matches!(char, '<' | '>'))
}

fn is_link(address: &str) -> bool {
    let lower = address.to_lowercase();
    ["://", "www.", ".com", ".cn/", "@"].iter().any(|mark| lower.contains(mark))
}

fn leads_somewhere(address: &str) -> bool {
    let parts: usize = PLACES.split(' ').map(|place| address.matches(place).count()).sum();
    let has_number = address.chars().any(char::is_numeric)
        || ["一号", "二号", "三号", "四号", "五号", "六号", "七号", "八号", "九号", "十号"]
            .iter()
            .any(|no| address.contains(no));
    let is_latin = address.chars().filter(char::is_ascii_alphabetic).count() >= 3;
    let is_whole = parts >= 1 && has_number;
    let asks = QUESTIONS.iter().any(|word| address.contains(word));
    let wishes = WISHES.iter().any(|word| address.contains(word));
    !asks && (is_whole || !wishes) && (is_whole || parts >= 2 || (is_latin && has_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_as_people_write_it() {
        for words in [
            "13800138000",
            " 138 0013 8000 ",
            "138-0013-8000",
            "+86 13800138000",
            "0086-138-0013-8000",
            "8613800138000",
            "１３８００１３８０００",
            "(+86)13800138000",
        ] {
            assert_eq!(phone(words).as_deref(), Some("13800138000"), "{words}");
        }
        for words in
            ["", "1380013800", "138001380000", "12800138000", "02584000000", "1380013800a", "+8513800138000", "一三八"]
        {
            assert_eq!(phone(words), None, "{words}");
        }
    }

    #[test]
    fn a_code_is_4_to_8_digits() {
        assert_eq!(code(" １２３ 456 ").as_deref(), Some("123456"));
        for words in ["", "123", "123456789", "12a4", "-1234"] {
            assert_eq!(code(words), None, "{words}");
        }
    }

    #[test]
    fn a_name_has_letters_and_what_stands_between_them() {
        for (words, expected) in [
            (" 张小明\n", "张小明"),
            ("阿卜杜拉·买买提", "阿卜杜拉·买买提"),
            ("Anna  Maria O'Neill-Smith", "Anna Maria O'Neill-Smith"),
        ] {
            assert_eq!(name(words).as_deref(), Some(expected));
        }
        for words in ["", "张", "张3", "<b>张三</b>", "13800138000", "·张三", "🙂🙂"] {
            assert_eq!(name(words), None, "{words}");
        }
        for (words, expected) in
            [("我叫张小明。", "张小明"), ("我是 Anna Smith", "Anna Smith"), ("张我军", "张我军"), ("郝好", "郝好")]
        {
            assert_eq!(name(words).as_deref(), Some(expected));
        }
        for words in [
            "查话费",
            "什么套餐便宜",
            "为什么要填姓名",
            "你好",
            "您好",
            "好的",
            "可以吗",
            "转人工",
            "人工客服",
            "哈哈哈",
            "aaaa",
            "http",
            "www",
            "是谁啊",
            "不想填了",
            "请问多少钱",
            "我就随便看看",
        ] {
            assert_eq!(name(words), None, "{words}");
        }
        assert_eq!(name(&"张".repeat(31)), None);
    }

    #[test]
    fn an_address_has_words_and_one_line() {
        assert_eq!(address(" 南京市鼓楼区\n中山路 1 号 ").as_deref(), Some("南京市鼓楼区 中山路 1 号"));
        for words in [
            "江苏省南京市鼓楼区",
            "中山路1号3栋502，谢谢",
            "No. 1 Zhongshan Road, Nanjing",
            "清华大学紫荆公寓",
            "人民路八号院",
            "１２３号大街四单元",
        ] {
            assert!(address(words).is_some(), "{words}");
        }
        for words in [
            "我想先看看有什么套餐",
            "你们营业厅在哪条路？",
            "寄到家里就好了呀",
            "查话费查话费查话费",
            "https://example.com/路1号",
            "someone@example.com 1号路",
            "不想填了，谢谢你",
            "张小明张小明张小明",
            "在学校等我好啦",
            "13800138000一二三",
        ] {
            assert_eq!(address(words), None, "{words}");
        }
        for words in ["", "南京", "12345678", "<script>alert(1)</script>", "1 2 3 4 5 号"] {
            assert_eq!(address(words), None, "{words}");
        }
        assert_eq!(address(&"路".repeat(121)), None);
    }
}
