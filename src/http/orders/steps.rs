//! The way of an order, step by step, with times where they are known.

use crate::domain::order::{Back, Business, Order, State};
use crate::domain::time::UnixSecs;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub label: &'static str,
    /// When it was, if that is known.
    pub at: Option<UnixSecs>,
    /// Whether it was.
    pub mark: Mark,
}

/// Where a step is on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Behind.
    Done,
    /// Here it stands.
    Now,
    /// Ahead.
    Ahead,
}

impl Mark {
    /// For the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Now => "now",
            Self::Ahead => "ahead",
        }
    }
}

/// The steps that were, and those that are to come if all goes well.
pub fn steps(order: &Order) -> Vec<Step> {
    let state = order.state();
    let moved = Some(order.moved_at);
    let step = |label, at, mark| Step { label, at, mark };
    let mut steps = vec![step("下单", order.agreed_at, Mark::Done)];
    let paid = order.paid();
    if order.person.is_some() {
        steps.extend(paid.map(|paid| step("付款", Some(paid.at), Mark::Done)));
        steps.push(step("专人核对", None, Mark::Done));
    } else if order.money().is_some() {
        steps.push(match (paid, state) {
            (Some(paid), _) => step("付款", Some(paid.at), Mark::Done),
            (None, State::Failed) => step("没有付款，已关闭", moved, Mark::Done),
            (None, State::NeedsPerson) => step("核对付款结果", moved, Mark::Now),
            (None, _) => step("付款", None, Mark::Now),
        });
        if paid.is_none() && matches!(state, State::Failed | State::NeedsPerson) {
            return steps;
        }
    }
    let begun = paid.is_some() || order.money().is_none();
    match state {
        State::Done => steps.push(step("办好", moved, Mark::Done)),
        State::Failed => steps.push(step("没有办成", moved, Mark::Done)),
        State::NeedsPerson => steps.push(step("专人核对", moved, Mark::Now)),
        State::Refunding => {
            steps.push(step(undone(order), None, Mark::Done));
            steps.push(step("退款中", moved, Mark::Now));
        }
        State::Refunded => {
            steps.push(step(undone(order), None, Mark::Done));
            steps.push(step("已退款", moved, Mark::Done));
        }
        State::Draft | State::Confirmed | State::AwaitingPayment | State::Paid | State::Fulfilling => {
            let mark = if begun { Mark::Now } else { Mark::Ahead };
            steps.push(step("办理", None, mark));
            steps.push(step("办好", None, Mark::Ahead));
        }
    }
    steps
}

fn undone(order: &Order) -> &'static str {
    match (order.business, order.money().map(|money| money.back)) {
        (Business::Did | Business::DidAfterAll, _) => "已撤销",
        (Business::NotAsked, Some(Back::DoneOutside)) => "未办理",
        _ => "没有办成",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::{Happening, Reason};
    use crate::domain::sample::{order, paid, payable, wechat_order};

    fn shown(order: &Order) -> String {
        let mark = |step: &Step| match step.mark {
            Mark::Done => "✓",
            Mark::Now => "→",
            Mark::Ahead => "…",
        };
        let one = |step: &Step| format!("{}{}{}", mark(step), step.label, if step.at.is_some() { "@" } else { "" });
        steps(order).iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_way_is_told_with_what_is_known_and_what_is_to_come() {
        use Happening::*;
        let by_wechat = |happenings: &[Happening]| shown(&wechat_order("202601010001", happenings));
        assert_eq!(by_wechat(&[Agreed, payable()]), "✓下单@ →付款 …办理 …办好");
        assert_eq!(by_wechat(&[Agreed, payable(), paid(2_000)]), "✓下单@ ✓付款@ →办理 …办好");
        assert_eq!(by_wechat(&[Agreed, payable(), paid(2_000), Fulfilled]), "✓下单@ ✓付款@ ✓办好@");
        assert_eq!(by_wechat(&[Agreed, payable(), paid(2_000), Refused]), "✓下单@ ✓付款@ ✓没有办成 →退款中@");
        assert_eq!(by_wechat(&[Agreed, payable(), paid(2_000), Unclear]), "✓下单@ ✓付款@ →专人核对@");
        assert_eq!(by_wechat(&[Agreed, payable(), Unpaid(Reason::PaymentExpired)]), "✓下单@ ✓没有付款，已关闭@");
        assert_eq!(by_wechat(&[Agreed, payable(), Unpaid(Reason::PaymentSilent)]), "✓下单@ →核对付款结果@");
        let decided = |decided| Decided(decided);
        let (done, undone) = (crate::domain::order::Decided::Done, crate::domain::order::Decided::Undone);
        let silent = [Agreed, payable(), Unpaid(Reason::PaymentSilent)];
        assert_eq!(by_wechat(&[&silent[..], &[decided(undone)]].concat()), "✓下单@ ✓专人核对 ✓没有办成@");
        let paid_unclear = [Agreed, payable(), paid(2_000), Unclear];
        assert_eq!(by_wechat(&[&paid_unclear[..], &[decided(done)]].concat()), "✓下单@ ✓付款@ ✓专人核对 ✓办好@");
        assert_eq!(
            by_wechat(&[&paid_unclear[..], &[decided(undone)]].concat()),
            "✓下单@ ✓付款@ ✓专人核对 ✓没有办成 →退款中@"
        );
        assert_eq!(shown(&order("202601010001", &[Agreed, Unclear, decided(done)])), "✓下单@ ✓专人核对 ✓办好@");
        assert_eq!(shown(&order("202601010001", &[Agreed])), "✓下单@ →办理 …办好");
        assert_eq!(shown(&order("202601010001", &[Agreed, Refused])), "✓下单@ ✓没有办成@");
    }
}
