//! How an order stands, in the words of the page.

use crate::domain::order::{Business, Decided, Money, Order, Reason, State};
use crate::domain::pay::Fen;

/// How it looks at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something is asked of the customer.
    Waits,
    /// It goes on by itself.
    Moves,
    /// It ended as it was meant to.
    Good,
    /// It ended otherwise.
    Over,
}

impl Tone {
    /// For the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Moves => "moves",
            Self::Good => "good",
            Self::Over => "over",
        }
    }
}

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// In a few words.
    pub title: &'static str,
    /// What that means for the customer.
    pub line: String,
    /// At a glance.
    pub tone: Tone,
}

/// A minute is told so: `2026-03-02 23:50`; the year is not said.
const YEAR_CHARS: usize = 5;
const DAY_CHARS: usize = 11;

/// Tells how an order stands; `is_payable` says whether it can be paid at this moment.
pub fn told(order: &Order, is_payable: bool) -> Told {
    let mut told = standing(order, is_payable);
    let twice = order.money().map_or(Fen(0), Money::twice_left);
    if twice.is_positive() {
        told.line.push_str(&format!("多付的 {twice} 元会由专人退给您。"));
    }
    told
}

fn standing(order: &Order, is_payable: bool) -> Told {
    let of = |title, line: &str, tone| Told { title, line: line.to_owned(), tone };
    let by_wechat = order.money().is_some();
    match order.state() {
        State::Draft | State::Confirmed if by_wechat => {
            of("正在准备付款", "马上就好，好了这一页会自己更新。", Tone::Moves)
        }
        State::Draft | State::Confirmed => of("已收到", "马上为您办理，办好后在聊天里告诉您。", Tone::Moves),
        State::AwaitingPayment if is_payable => {
            let line = format!("请在 {} 前付款，付款后马上为您办理。", deadline(order));
            Told { title: "等您付款", line, tone: Tone::Waits }
        }
        State::AwaitingPayment => {
            of("付款时间已过", "这张订单很快会自动关闭。还需要的话，请回到聊天里重新下单。", Tone::Over)
        }
        State::Paid => of("已付款，正在办理", "办好后在聊天里告诉您，不用守着这一页。", Tone::Moves),
        State::Fulfilling if by_wechat => of("已付款，正在办理", "办好后在聊天里告诉您，不用守着这一页。", Tone::Moves),
        State::Fulfilling => of("正在办理", "办好后在聊天里告诉您，不用重新下单，也不会重复扣费。", Tone::Moves),
        State::Done => of("办好了", "谢谢您的信任，祝您用得开心。", Tone::Good),
        State::Failed => failed(order),
        State::Refunding => Told {
            title: "没有办成，正在退款",
            line: format!("{} 元会原路退回，一般几分钟到账，银行卡最多 3 个工作日。", owed(order)),
            tone: Tone::Moves,
        },
        State::Refunded => {
            Told {
                title: "已退款", line: format!("{} 元已经退回，请留意到账。", returned(order)), tone: Tone::Over
            }
        }
        State::NeedsPerson => needs_person(order),
    }
}

/// Until when it can be paid: with the day where that is not the day of the order.
fn deadline(order: &Order) -> String {
    let Some(money) = order.money() else { return String::new() };
    let ordered = order.agreed_at.unwrap_or(order.moved_at).business_day();
    let from = if money.payable_until.business_day() == ordered { DAY_CHARS } else { YEAR_CHARS };
    let until = money.payable_until.to_minutes();
    until.get(from..).unwrap_or(&until).to_owned()
}

/// What is on its way back.
fn owed(order: &Order) -> Fen {
    order.money().map_or(order.amount, Money::left)
}

/// What is back.
fn returned(order: &Order) -> Fen {
    let back = |money: &Money| order.paid().map(|paid| money.returned_of(&paid.transaction));
    order.money().and_then(back).unwrap_or(order.amount)
}

fn failed(order: &Order) -> Told {
    let reason = order.money().and_then(|money| money.ended);
    // Of what a person ended nobody here knows what was charged, and by whom.
    if order.person == Some(Decided::Undone) {
        let line = match order.money() {
            Some(_) => "专人核对过，这一笔没有办成。付过的钱会原路退回；有疑问请在聊天里告诉我们。",
            None => "专人核对过，这一笔没有办成。话费有不对的地方，请在聊天里告诉我们。",
        };
        return Told { title: "没有办成", line: line.to_owned(), tone: Tone::Over };
    }
    let (title, line) = match reason {
        Some(Reason::PaymentExpired) => {
            ("订单已关闭", "没有在时间内付款，订单自动关闭，没有扣钱。还需要的话，请回到聊天里重新下单。")
        }
        Some(Reason::CustomerCancelled) => ("已取消", "订单已经取消，没有扣钱。想要的时候再来。"),
        Some(_) => ("没能开始付款", "这次没有办成，没有扣钱。请回到聊天里重新下单。"),
        None => ("没有办成", "没有扣费。请回到聊天里换一个试试，或者告诉我们。"),
    };
    Told { title, line: line.to_owned(), tone: Tone::Over }
}

fn needs_person(order: &Order) -> Told {
    let line = match (order.paid(), order.business) {
        (Some(paid), Business::Did | Business::DidAfterAll) => {
            format!("收到了您付的 {} 元，办理结果正在由专人核对，不会让您吃亏。", paid.total)
        }
        (Some(paid), _) => {
            format!("收到了您付的 {} 元，正在由专人核对：办成就告诉您，没办成就退给您。请不要重复下单。", paid.total)
        }
        (None, _) => "办理结果还没有确定，正在由专人核对，不会重复扣费。请不要重复下单。".to_owned(),
    };
    Told { title: "正在由专人核对", line, tone: Tone::Moves }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::Happening;
    use crate::domain::sample::{money_back, order, paid, paid_again, payable, wechat_order};

    #[test]
    fn a_paid_order_is_told_as_it_stands() {
        use Happening::*;
        let so_far = [Agreed, payable(), paid(2_000)];
        let with = |more: &[Happening]| wechat_order("202601010001", &[&so_far, more].concat());
        let cases = [
            (wechat_order("202601010001", &[Agreed]), "正在准备付款", Tone::Moves),
            (wechat_order("202601010001", &so_far[..2]), "等您付款", Tone::Waits),
            (with(&[]), "已付款，正在办理", Tone::Moves),
            (with(&[Fulfilled]), "办好了", Tone::Good),
            (with(&[Refused]), "没有办成，正在退款", Tone::Moves),
            (with(&[Refused, money_back(2_000)]), "已退款", Tone::Over),
            (with(&[Unclear]), "正在由专人核对", Tone::Moves),
            (
                wechat_order("202601010001", &[Agreed, payable(), Unpaid(Reason::PaymentExpired)]),
                "订单已关闭",
                Tone::Over,
            ),
            (
                wechat_order("202601010001", &[Agreed, payable(), Unpaid(Reason::CustomerCancelled)]),
                "已取消",
                Tone::Over,
            ),
            (wechat_order("202601010001", &[Agreed, Unpaid(Reason::PaymentRefused)]), "没能开始付款", Tone::Over),
            (
                wechat_order("202601010001", &[Agreed, payable(), Unpaid(Reason::PaymentSilent)]),
                "正在由专人核对",
                Tone::Moves,
            ),
        ];
        for (order, title, tone) in cases {
            let told = told(&order, true);
            assert_eq!((told.title, told.tone), (title, tone), "{:?}", order.state());
            let claims_payment = told.title.contains("已付款") || told.line.contains("收到了您付的");
            assert!(!claims_payment || order.paid().is_some(), "{told:?}");
        }
        assert_eq!(told(&wechat_order("202601010001", &so_far[..2]), false).title, "付款时间已过");
    }

    #[test]
    fn what_a_person_ended_is_told_without_a_claim_about_money() {
        use Happening::*;
        let undone = || Decided(crate::domain::order::Decided::Undone);
        let unpaid = [Agreed, payable(), Unpaid(Reason::PaymentSilent), undone()];
        for order in [wechat_order("202601010001", &unpaid), order("202601010001", &[Agreed, Unclear, undone()])] {
            let told = told(&order, false);
            assert_eq!((told.title, told.line.contains("专人核对过")), ("没有办成", true), "{told:?}");
            assert!(!told.line.contains("没有扣"), "nobody knows: {told:?}");
        }
    }

    #[test]
    fn a_deadline_of_another_day_is_told_with_the_day() {
        let order = wechat_order("202601010001", &[Happening::Agreed, payable()]);
        let until = order.money().unwrap().payable_until;
        let agreed = |secs: i64| deadline(&Order { agreed_at: Some(until.plus_secs(secs)), ..order.clone() });
        let told = until.to_minutes();
        assert_eq!([agreed(-1), agreed(-86_400)], [&told[DAY_CHARS..], &told[YEAR_CHARS..]]);
    }

    #[test]
    fn who_paid_twice_reads_of_it() {
        let twice = wechat_order(
            "202601010001",
            &[Happening::Agreed, payable(), paid(2_000), paid_again(2_000), Happening::Fulfilled],
        );
        let told = told(&twice, false);
        assert!(told.title == "办好了" && told.line.contains("多付的 20.00 元"), "{told:?}");
    }

    #[test]
    fn what_goes_back_is_what_came_in() {
        let odd = wechat_order("202601010001", &[Happening::Agreed, payable(), paid(1_999)]);
        assert!(told(&odd, false).line.contains("19.99 元"), "{odd:?}");
        let late = [Happening::Agreed, payable(), Happening::Unpaid(Reason::PaymentExpired), paid(2_000)];
        let late = told(&wechat_order("202601010001", &late), false);
        assert_eq!((late.title, late.line.contains("20.00 元")), ("没有办成，正在退款", true));
    }

    #[test]
    fn an_order_that_the_business_system_charges_is_told_without_a_word_of_paying() {
        use Happening::*;
        let cases: [(&[Happening], &str); 5] = [
            (&[Agreed], "正在办理"),
            (&[Agreed, Fulfilled], "办好了"),
            (&[Agreed, Refused], "没有办成"),
            (&[Agreed, Unclear], "正在由专人核对"),
            (&[Agreed, Unclear, Decided(crate::domain::order::Decided::Undone)], "没有办成"),
        ];
        for (happenings, title) in cases {
            let told = told(&order("202601010001", happenings), false);
            assert_eq!(told.title, title);
            assert!(!told.line.contains("付款") && !told.line.contains("退款"), "{told:?}");
        }
    }
}
