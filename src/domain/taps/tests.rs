use proptest::prelude::*;

use super::*;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

const PLACE: Place = Place(7);
const ID_1: &str = "20000000000700";

/// A line of a list as a playbook with `taps` says it.
fn line(place: usize, label: &str) -> String {
    let item = Template::new("{{ place }}. {{ label }}").unwrap().tapping("label");
    let place = Value::Integer(i64::try_from(place).unwrap());
    item.fill(&Values::from([("place".to_owned(), place), ("label".to_owned(), Value::from(label))])).unwrap()
}

fn list(labels: &[&str]) -> String {
    let lines = labels.iter().enumerate().map(|(nth, label)| line(nth + 1, label));
    ["选一个：".to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

fn shown(labels: &[&str]) -> String {
    tied(&list(labels), (PLACE, AS_MENU), |_| true)
}

const HOSTILE: [&str; 8] =
    ["A&B", "100%", "#1 号", "“双\"引号”", "<b>粗</b>", "a'b+c d", "👨‍👩‍👧 全家", "%26msgmenuid=9&msgmenuid=1\">x</a>"];

#[test]
fn whatever_a_choice_is_called_a_tap_says_exactly_that() {
    let text = shown(&HOSTILE);
    let read = links(&text);
    assert_eq!(read.len(), HOSTILE.len(), "{text}");
    for (nth, (link, label)) in read.iter().zip(HOSTILE).enumerate() {
        assert_eq!((link.words().as_str(), link.id), (label, format!("200000000007{nth:02}").as_str()));
        assert_eq!(link.label, label.replace('<', "＜"));
        assert!(
            link.said.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"%*-._".contains(&byte)),
            "{}",
            link.said
        );
        assert_eq!(tap(&text, label).unwrap().0, label);
    }
    assert_eq!(shortest(&text).lines().nth(2), Some("2. 100%"));
}

#[test]
fn only_words_that_the_dialogue_takes_are_tied_and_what_is_tied_stays_so() {
    let text = Template::new("{{ tap('确认') }}　{{ tap('查流量') }}　{{ link('官网', 'https://a.cn/') }}").unwrap();
    let text = text.fill(&Values::new()).unwrap();
    let tied_once = tied(&text, (PLACE, AS_TEXT), |words| words == "确认");
    assert_eq!(tap(&tied_once, "确认"), Some(("确认".into(), "10000000000700".into())));
    assert_eq!(tap(&tied_once, "查流量"), Some(("查流量".into(), FREE.into())));
    assert_eq!(tied(&tied_once, (Place(8), AS_TEXT), |words| words == "确认"), tied_once);
    assert_eq!(tap(&tied_once, "没有"), None);
    let other = Template::new("{{ tap('换一个', '积分兑换') }}").unwrap().fill(&Values::new()).unwrap();
    assert_eq!(tap(&other, "换一个"), tap(&other, "积分兑换"));
    assert_eq!(shortest(&other), "换一个（积分兑换）");
}

#[test]
fn an_id_is_ours_by_its_length_and_first_digit() {
    assert_eq!(Place::in_id(ID_1), Some(PLACE));
    assert_eq!(Place::in_id("10000000000799"), Some(PLACE));
    for other in
        ["", "1", "101", "30000000000700", "2000000000070", "200000000007001", "2000000000070x", "２0000000000700"]
    {
        assert_eq!(Place::in_id(other), None, "{other}");
    }
}

#[test]
fn a_list_too_long_for_links_is_said_as_numbered_lines() {
    let long = "很长的名称".repeat(10);
    let labels: Vec<String> = (0..9).map(|nth| format!("{long}{nth}")).collect();
    let text = shown(&labels.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!text.contains("<a ") && text.contains(&format!("9. {long}8")) && text.len() <= MAX_TEXT_BYTES, "{text}");
    assert!(with_ids(&list(&[&long])) > list(&[&long]).len());
    let huge = "长".repeat(600);
    let text = shown(&[&huge, "短"]);
    assert_eq!(text, format!("选一个：\n1. {huge}\n2. 短"));
    assert_eq!(menu(&text), None);
}

#[test]
fn a_question_becomes_a_menu_of_its_choices() {
    let items = |words: &[&str]| {
        let item = |(nth, words): (usize, &&str)| (format!("200000000007{nth:02}"), (*words).to_owned());
        words.iter().enumerate().map(item).collect::<Vec<_>>()
    };
    let menu_of = |text: &str| menu(&tied(text, (PLACE, AS_MENU), |_| true));
    let list = menu_of(&list(&["邮寄", "自取"])).unwrap();
    assert_eq!(list, Menu { head: "选一个：".into(), items: items(&["邮寄", "自取"]), tail: String::new() });
    let summary = Template::new(
        "请核对：\n1. 套餐：A\n没问题就说{{ tap('确认') }}，不办了说{{ tap('取消') }}。\n\n{{ tap('重选') }}　\n谢谢",
    )
    .unwrap();
    let summary = menu_of(&summary.fill(&Values::new()).unwrap()).unwrap();
    assert_eq!(summary.head, "请核对：\n1. 套餐：A\n没问题就说确认，不办了说取消。");
    assert_eq!((summary.items, summary.tail.as_str()), (items(&["确认", "取消", "重选"]), "谢谢"));
    let hostile = menu_of(&super::tests::list(&["A&B", "<b>"])).unwrap();
    assert_eq!(hostile.items.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>(), ["A&B", "<b>"]);
}

#[test]
fn what_cannot_stand_in_a_menu_leaves_as_words() {
    let tie = |source: &str, way| {
        tied(&Template::new(source).unwrap().fill(&Values::new()).unwrap(), (PLACE, way), |words| words != "查积分")
    };
    assert!(menu(&tie("好吗？{{ tap('确认') }}", AS_MENU)).is_some());
    assert_eq!(menu(&tie("好吗？{{ tap('确认') }}", AS_TEXT)), None, "the action does not want menus");
    assert_eq!(menu("没有要选的"), None);
    assert_eq!(menu(&tie("{{ tap('确认') }} {{ tap('查积分') }}", AS_MENU)), None, "something else to tap");
    assert_eq!(menu(&tie("{{ tap('确认') }} {{ link('官网', 'https://a.cn/') }}", AS_MENU)), None, "a page");
    assert_eq!(menu(&tie("https://a.cn/ {{ tap('确认') }}", AS_MENU)), None, "an address");
    assert_eq!(menu(&tie("{{ tap('确认') }} 还是 {{ tap('确认') }}", AS_MENU)), None, "twice the same");
    assert_eq!(menu(&shown(&["一\n二", "三"])), None, "a line break");
    assert_eq!(menu(&shown(&[&"长".repeat(43), "短"])), None, "too long for an item");
    let eleven: Vec<String> = (0..11).map(|nth| format!("第{nth}项")).collect();
    assert_eq!(menu(&shown(&eleven.iter().map(String::as_str).collect::<Vec<_>>())), None, "too many");
}

proptest! {
    #[test]
    fn no_text_at_all_hurts_the_reader_of_links(text in "(<a href=\"weixin://bizmsgmenu\\?msgmenucontent=|&msgmenuid=|1|\">|</a>|\\PC{0,4}){0,12}") {
        let once = tied(&text, (PLACE, AS_MENU), |_| true);
        prop_assert_eq!(tied(&once, (Place(8), AS_MENU), |_| true), once.clone());
        let _ = (menu(&once), shortest(&text), tap(&text, "x"));
    }
}
