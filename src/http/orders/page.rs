//! The pages, as HTML.

use maud::{DOCTYPE, Markup, html};

use super::SDK;
use super::steps::steps;
use super::words::{Told, Tone, told};
use crate::app::PayWays;
use crate::domain::order::Order;

/// What a customer sees of an order.
pub struct Seen<'a> {
    /// The order.
    pub order: &'a Order,
    /// What it is paid with.
    pub ways: Option<&'a PayWays>,
    /// Whether it can be paid at this moment, as far as the order goes.
    pub is_payable: bool,
}

/// The order.
pub fn order(seen: &Seen<'_>) -> Markup {
    let Seen { order, ways, is_payable } = *seen;
    let told = told(order, is_payable);
    let number = order.number.as_str();
    let config = ways.and_then(|ways| ways.config.as_ref()).map(|config| serde_json::json!(config).to_string());
    framed(
        told.title,
        &html! {
            main #order data-ask={ (number) "/state" } data-state=(order.state().as_str())
                data-payable=(if is_payable { "yes" } else { "no" })
                data-moves=(if told.tone == Tone::Moves { "yes" } else { "no" })
                data-bridge=[ways.map(|ways| ways.bridge.to_string())]
                data-choose=[ways.map(|ways| ways.choose.to_string())]
                data-config=[config] data-sdk=(SDK) {
                (standing(&told))
                section.card {
                    div.bought {
                        p.label { (order.label) }
                        @if order.points > 0 {
                            p.amount { (order.points) small { "积分" } }
                        } @else {
                            p.amount { small { "¥" } (order.amount) }
                        }
                    }
                    @if is_payable {
                        @if ways.is_some() {
                            button #pay type="button" { "微信支付 ¥" (order.amount) }
                            noscript { p.hint { "付款需要打开 JavaScript，请在微信里打开这一页。" } }
                        } @else {
                            p.hint { "现在暂时不能付款，请过几分钟再打开这一页。没有扣钱。" }
                        }
                    }
                    p #said.hint role="status" hidden {}
                }
                section.card {
                    h2 { "进度" }
                    ol.steps {
                        @for step in steps(order) {
                            li class=(step.mark.class()) {
                                span { (step.label) }
                                @if let Some(at) = step.at { time { (at.to_minutes()) } }
                            }
                        }
                    }
                    p.number { "订单号 " code { (number) } }
                }
                p.help {
                    "哪里不对？回到聊天里告诉我们订单号的后四位 " b { (tail(number)) } "，会有人帮您看。"
                }
            }
        },
    )
}

/// The last digits, by which people call an order.
fn tail(number: &str) -> &str {
    number.get(number.len().saturating_sub(4)..).unwrap_or(number)
}

fn standing(told: &Told) -> Markup {
    html! {
        header class={ "standing " (told.tone.class()) } {
            i.sign aria-hidden="true" {}
            h1 { (told.title) }
            p { (told.line) }
        }
    }
}

/// No such order, or somebody else's: the page is the same to the last byte.
pub fn missing() -> Markup {
    sorry("没有这张订单", "请从聊天里的链接打开，或者回到聊天里查“我的订单”。")
}

/// Somebody who only sees a snapshot of the page, whom the platform does not name.
pub fn snapshot() -> Markup {
    sorry("请打开完整页面", "现在看到的是页面快照，不知道您是谁。请点页面上的“前往完整页”，或者从聊天里重新打开。")
}

/// The platform did not say who it is.
pub fn unknown_visitor() -> Markup {
    sorry("没能认出您", "请回到聊天里，再点一次订单的链接。")
}

/// Something is away.
pub fn not_now() -> Markup {
    sorry("现在打不开", "系统有点忙，请过一会儿再试。您的订单都在，不用重新下单。")
}

fn sorry(title: &'static str, line: &str) -> Markup {
    let told = Told { title, line: line.to_owned(), tone: Tone::Over };
    framed(title, &html! { main { (standing(&told)) } })
}

fn framed(title: &str, inside: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                meta name="color-scheme" content="light dark";
                meta name="format-detection" content="telephone=no";
                title { (title) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="../order.css";
                script src="../order.js" defer {}
            }
            body { (inside) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::order::Happening;
    use crate::domain::sample;

    fn payable() -> Order {
        sample::wechat_order("202601010001", &[Happening::Agreed, sample::payable()])
    }

    #[test]
    fn whatever_is_in_a_label_is_shown_as_words() {
        let label = "<script>alert(1)</script>\"'&amp; {{ x }}";
        let order = Order { label: label.into(), ..payable() };
        let page = super::order(&Seen { order: &order, ways: None, is_payable: true }).into_string();
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"), "{page}");
    }

    #[test]
    fn it_can_be_paid_only_where_there_is_a_way() {
        let order = payable();
        let ways = PayWays { bridge: json!({ "appId": "wx1\"><b>" }), choose: json!({}), config: None };
        let page = |ways, is_payable| super::order(&Seen { order: &order, ways, is_payable }).into_string();
        let with = page(Some(&ways), true);
        assert!(with.contains("id=\"pay\"") && with.contains("data-bridge=\"{&quot;appId&quot;"), "{with}");
        assert!(!with.contains("<b>0001</b>\"") && !with.contains("\"><b>") && !with.contains("data-config"), "{with}");
        assert!(!page(None, true).contains("id=\"pay\"") && page(None, true).contains("暂时不能付款"));
        assert!(!page(None, false).contains("id=\"pay\"") && page(None, false).contains("付款时间已过"));
    }

    #[test]
    fn nothing_is_inline_and_nothing_is_fetched_from_elsewhere() {
        let order = payable();
        let page = super::order(&Seen { order: &order, ways: None, is_payable: true }).into_string();
        for attribute in ["src=\"http", "href=\"http", " style=\"", " onclick", "<style"] {
            assert!(!page.contains(attribute), "{attribute}");
        }
        assert!(page.contains("<header class=\"standing waits\">"), "{page}");
        assert_eq!(page.matches("<script").count(), 1);
    }
}
