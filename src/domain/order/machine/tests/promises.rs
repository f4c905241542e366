//! What holds of every order, whatever is heard in whatever order.

use super::*;

fn happening() -> impl Strategy<Value = Happening> {
    let which = prop_oneof![4 => Just(("T", 2_000)), 1 => Just(("T", 1_999)), 1 => Just(("U", 2_000))];
    let returned = prop_oneof![
        Just(("20260101000001R1", 2_000)),
        Just(("20260101000001R2", 2_000)),
        Just(("M1", 2_000)),
        Just(("M2", 500)),
    ];
    let reason = prop_oneof![
        Just(Reason::PaymentExpired),
        Just(Reason::PaymentSilent),
        Just(Reason::CustomerCancelled),
        Just(Reason::PaymentRefused),
    ];
    prop_oneof![
        1 => Just(Happening::Agreed),
        1 => Just(payable()),
        4 => which.clone().prop_map(|(transaction, fen)| Happening::Paid(paid(transaction, fen))),
        1 => reason.prop_map(Happening::Unpaid),
        2 => Just(Happening::Fulfilled),
        2 => Just(Happening::Refused),
        1 => Just(Happening::Unclear),
        2 => (which, returned).prop_map(|((transaction, fen), (number, back))| {
            let number = OutRefundNo::new(number).unwrap();
            Happening::MoneyBack(Returning { number, of: paid(transaction, fen), back: Fen(back) })
        }),
        1 => (1..4_u8).prop_map(Happening::RefundFailed),
        1 => (1..4_u8).prop_map(Happening::RefundUnclear),
        1 => prop_oneof![Just(Decided::Done), Just(Decided::Undone), Just(Decided::Returned)].prop_map(Happening::Decided),
    ]
}

fn payment() -> impl Strategy<Value = Payment> {
    prop_oneof![1 => Just(Payment::ByBusiness), 4 => Just(Payment::ByWeChat(Money::default()))]
}

proptest! {
    #[test]
    fn whatever_is_heard_no_money_is_lost_and_nothing_unpaid_is_asked_for(
        payment in payment(), heard in prop::collection::vec(happening(), 0..24)
    ) {
        let heard: Vec<Happening> = [Happening::Agreed].into_iter().chain(heard).collect();
        let mut order = draft(payment);
        let mut fulfil = 0;
        for happening in &heard {
            let before = order.clone();
            match judge(&order, happening, AT) {
                Verdict::New { order: after, demands, .. } => {
                    for demand in demands {
                        if demand == Demand::Fulfil {
                            fulfil += 1;
                            let is_paid = after.money().is_none_or(|money| {
                                money.back == Back::No
                                    && money.paid.as_ref().is_some_and(|paid| paid.total == after.amount && money.left() == paid.total)
                            });
                            prop_assert!(is_paid, "asked for without money: {after:?}");
                        }
                        if demand == Demand::Refund {
                            let money = after.money().unwrap();
                            prop_assert!(money.paid.is_some() && money.back == Back::Asked && money.left() > Fen(0));
                            prop_assert!(money.asked > 0);
                        }
                    }
                    order = *after;
                }
                _ => prop_assert_eq!(&order, &before),
            }
            prop_assert!(!matches!(judge(&order, happening, AT), Verdict::New { moves, .. } if !moves.is_empty()),
                "heard again, {:?} moves {:?}", happening, order);
            let state = order.state();
            if let Some(money) = order.money().filter(|money| money.paid.is_some()) {
                prop_assert!(state != State::Failed, "money is with us and the order is over: {money:?}");
                if state == State::Done {
                    prop_assert!(matches!(money.back, Back::No | Back::Failed | Back::Unclear));
                }
                if state == State::Refunded {
                    prop_assert!(matches!(money.back, Back::Done | Back::DoneOutside));
                    prop_assert_eq!(money.left(), Fen(0), "part of it is not the whole");
                    let is_done = matches!(order.business, Business::Did | Business::DidAfterAll);
                    prop_assert!(!is_done || order.person.is_some(), "done for nothing, and nobody heard of it");
                }
                prop_assert_eq!(money.twice.is_empty(), money.came() == money.paid.as_ref().unwrap().total);
                prop_assert!(money.twice_left() == Fen(0) || order.needs_person() && !order.is_over());
            }
        }
        prop_assert!(fulfil <= 1, "asked for {} times", fulfil);
    }

    /// What WeChat Pay and the business system say of one course of things, in any order and however often.
    #[test]
    fn the_same_news_in_any_order_end_the_same(
        order in Just(vec![payable(), money_came(), back_outside()]).prop_shuffle(),
        again in prop::collection::vec(0..3_usize, 0..6),
    ) {
        let mut heard = vec![Happening::Agreed];
        heard.extend(order.iter().cloned());
        heard.extend(again.iter().map(|index| order[*index].clone()));
        let (mut order, _, _) = told(by_wechat(), &heard);
        // Whether the business system was asked depends on what was heard first; it then says no, or was not asked.
        if order.business == Business::Asked {
            order = told(order, &[Happening::Refused]).0;
        }
        prop_assert_eq!(order.state(), State::Refunded);
    }
}
