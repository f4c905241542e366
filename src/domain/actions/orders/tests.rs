//! A customer asks for their orders.

use super::*;
use crate::domain::actions::desk::{Desk, MORNING, said};
use crate::domain::order::{Happening, MOST_ORDERS};
use crate::domain::sample::order;

const SETTINGS: &str = r#"
    page_size = 2
    expires_secs = 600
    header = "一共 {{ count }} 笔："
    item = "{{ number }}. {{ label }} {{ amount }} 元 {{ state }} {{ link(tail, page) }}"
    footer = "就这些"
    more = "还有 {{ left }} 笔"
    empty = "还没有订单"
    missing = "没有 {{ asked }}"
    [short]
    confirmed = "已确认"
    awaiting_payment = "待付款"
    paid = "已付款"
    fulfilling = "办理中"
    done = "已办好"
    failed = "没办成"
    refunding = "退款中"
    refunded = "已退款"
    needs_person = "核对中"
    [standing]
    confirmed = "已确认 {{ order }}"
    awaiting_payment = "请付 {{ amount }} 元 {{ link('去付款', page) }}"
    paid = "钱到了"
    fulfilling = "{{ label }}在办 {{ tail }}"
    done = "{{ label }}好了 {{ time }}"
    failed = "没办成"
    refunding = "在退"
    refunded = "退了"
    needs_person = "在核对"
"#;

fn kind() -> Orders {
    toml::from_str(SETTINGS).unwrap()
}

fn with_orders<'a>(kind: &'a Orders, orders: impl IntoIterator<Item = Order>) -> Desk<'a> {
    let mut desk = Desk::new(kind);
    orders.into_iter().for_each(|order| desk.customer.orders.put(order));
    desk
}

fn three(kind: &Orders) -> Desk<'_> {
    let fulfilling = [Happening::Agreed];
    let done = [Happening::Agreed, Happening::Fulfilled];
    with_orders(
        kind,
        [order("20260101001111", &done), order("20260102002222", &done), order("20260103003333", &fulfilling)],
    )
}

#[test]
fn the_newest_come_first_and_the_rest_is_there_for_the_asking() {
    let kind = kind();
    let mut desk = three(&kind);
    let first = desk.open("我的订单");
    assert_eq!(
        said(&first),
        "一共 3 笔：\n1. 5GB 流量月包 20.00 元 办理中 3333\n2. 5GB 流量月包 20.00 元 已办好 2222\n还有 1 笔"
    );
    let Reply::Text(text) = &first.reply else { panic!() };
    assert!(text.contains("<a href=\"/orders/~/20260103003333\">3333</a>"), "{text}");
    assert_eq!(said(&desk.say("更多！")), "3. 5GB 流量月包 20.00 元 已办好 1111\n就这些");
    assert!(!desk.wants("更多"), "there is no more");
    assert_eq!(said(&desk.say("第三个")), "5GB 流量月包好了 2026-01-01 08:00");
    assert_eq!(said(&desk.say("1")), "5GB 流量月包在办 3333", "the list stays open");
    assert_eq!(said(&desk.say("9")), "没有 9");
}

#[test]
fn one_is_found_by_its_number_or_the_end_of_it() {
    let kind = kind();
    for words in ["订单 3333", "订单３３３３怎么样了", "我的订单20260103003333", "单号：03003333。"]
    {
        assert_eq!(said(&three(&kind).open(words)), "5GB 流量月包在办 3333", "{words}");
    }
    assert_eq!(said(&three(&kind).open("订单 4444")), "没有 4444");
    assert_eq!(said(&three(&kind).open("订单 <a>4444")), "没有 4444");
    assert!(said(&three(&kind).open("订单 333")).contains("一共 3 笔"), "too short to be one");
    let same_end = [order("20260101001111", &[Happening::Agreed]), order("20260201001111", &[Happening::Agreed])];
    let both = said(&with_orders(&kind, same_end).open("1111"));
    assert!(both.contains("1. ") && both.contains("2. "), "{both}");
}

#[test]
fn in_the_list_what_names_none_of_it_is_for_others() {
    let kind = kind();
    let mut desk = three(&kind);
    desk.tap();
    assert!(desk.wants("2222") && desk.wants("2") && desk.wants("更多"));
    assert!(!desk.wants("查话费") && !desk.wants("4444元套餐") && !desk.wants("取消"));
    let dialogue = desk.customer.dialogue.clone().unwrap();
    assert_eq!(kind.claim(&dialogue, "104"), Claim::Any, "a short code of the playbook goes first");
    assert_eq!(dialogue.expires, desk.now.plus_secs(600));
}

#[test]
fn nobody_elses_and_no_draft_is_listed() {
    let kind = kind();
    assert_eq!(said(&Desk::new(&kind).open("我的订单")), "还没有订单");
    assert_eq!(said(&Desk::new(&kind).open("订单 1111")), "还没有订单");
    let mut desk = with_orders(&kind, [order("20260101001111", &[])]);
    assert_eq!(said(&desk.tap()), "还没有订单");
}

#[test]
fn what_was_listed_keeps_its_number_when_a_new_order_comes() {
    let kind = kind();
    let mut desk = three(&kind);
    desk.tap();
    desk.customer.orders.put(order("20260104004444", &[Happening::Agreed]));
    assert_eq!(said(&desk.say("1")), "5GB 流量月包在办 3333");
    for number in 0..MOST_ORDERS {
        desk.customer.orders.put(order(&format!("2026020100{number:04}"), &[Happening::Agreed]));
    }
    assert_eq!(said(&desk.say("2")), "没有 2", "it has given way");
    assert_eq!(desk.now, MORNING.plus_secs(3));
}

#[test]
fn every_state_has_words_of_its_own() {
    let kind = kind();
    let sources: BTreeSet<&str> = kind.standing.named().map(|(_, template)| template.source()).collect();
    assert_eq!(sources.len(), State::ALL.len() - 1);
    for (state, template) in kind.short.named() {
        assert!(!template.source().is_empty(), "{state}");
    }
}

#[test]
fn settings_that_cannot_work_are_named() {
    let faults: Vec<String> =
        Orders { page_size: 9, expires_secs: 59, ..kind() }.faults().into_iter().map(|f| f.field).collect();
    assert_eq!(faults, ["page_size", "expires_secs"]);
    assert_eq!(kind().faults(), []);
    assert_eq!(kind().composed().len(), 2);
}
