//! The machine's table, and its promises whatever is heard in whatever order.

use proptest::prelude::*;

use super::*;
use crate::domain::ids::DedupeKey;
use crate::domain::pay::TransactionId;
use crate::domain::value::Values;

mod promises;

const AT: UnixSecs = UnixSecs(1_767_225_600);

fn draft(payment: Payment) -> Order {
    Order {
        number: "20260101000001".into(),
        action: "buy".into(),
        code: "M5G".into(),
        label: "5GB 月包".into(),
        origin: DedupeKey(7),
        amount: Fen(2_000),
        agreed_at: None,
        moved_at: UnixSecs(0),
        learned: None,
        payment,
        business: Business::NotAsked,
        person: None,
        details: Values::new(),
        puts: Default::default(),
        points: 0,
    }
}

fn by_wechat() -> Order {
    draft(Payment::ByWeChat(Money::default()))
}

fn paid(transaction: &str, total_fen: i64) -> Paid {
    Paid { transaction: TransactionId::new(transaction).unwrap(), total: Fen(total_fen), at: AT }
}

/// So much of the first payment is back, by this refund.
fn back_by(refund: &str, back_fen: i64) -> Happening {
    let number = OutRefundNo::new(refund).unwrap();
    Happening::MoneyBack(Returning { number, of: paid("T", 2_000), back: Fen(back_fen) })
}

/// All of it, as we asked.
fn back() -> Happening {
    back_by("20260101000001R1", 2_000)
}

/// All of it, as somebody asked at WeChat Pay.
fn back_outside() -> Happening {
    back_by("M1", 2_000)
}

fn money_came() -> Happening {
    Happening::Paid(paid("T", 2_000))
}

fn payable() -> Happening {
    Happening::Payable { prepay_id: "p".into() }
}

/// Tells an order all of it; what changes nothing is passed over.
fn told(order: Order, happenings: &[Happening]) -> (Order, Vec<(State, Reason)>, Vec<Demand>) {
    let (mut order, mut moved, mut demanded) = (order, Vec::new(), Vec::new());
    for happening in happenings {
        if let Verdict::New { order: after, moves, demands } = judge(&order, happening, AT) {
            let mut at = order.state();
            for step in moves {
                assert_eq!((step.from, step.from == step.to), (at, false), "steps follow each other");
                at = step.to;
                moved.push((step.to, step.reason));
            }
            assert_eq!(at, after.state());
            demanded.extend(demands);
            order = *after;
        }
    }
    (order, moved, demanded)
}

#[track_caller]
fn assert_ends(order: Order, happenings: &[Happening], states: &[(State, Reason)], demands: &[Demand]) {
    let (_, moved, demanded) = told(order, happenings);
    assert_eq!((moved.as_slice(), demanded.as_slice()), (states, demands));
}

#[test]
fn the_business_system_charges_and_does() {
    use Reason::*;
    use State::*;
    let start = [(Confirmed, Agreed), (Fulfilling, Asked)];
    let by_business = || draft(Payment::ByBusiness);
    let ends = |happening: Happening, end, demands: &[Demand]| {
        assert_ends(by_business(), &[Happening::Agreed, happening], &[&start[..], &[end]].concat(), demands);
    };
    ends(Happening::Fulfilled, (Done, BusinessDid), &[Demand::Fulfil]);
    ends(Happening::Refused, (Failed, BusinessRefused), &[Demand::Fulfil]);
    ends(Happening::Unclear, (NeedsPerson, BusinessSilent), &[Demand::Fulfil, Demand::CallPerson]);
    let (silent, ..) = told(by_business(), &[Happening::Agreed, Happening::Unclear]);
    assert_eq!(told(silent.clone(), &[Happening::Fulfilled]).0.state(), Done);
    assert_eq!(told(silent.clone(), &[Happening::Refused]).0.state(), Failed);
    let (called_off, ..) = told(silent, &[Happening::Decided(Decided::Undone)]);
    assert_eq!(called_off.state(), Failed);
    let after_all = [(Done, BusinessContradicts)];
    assert_ends(called_off, &[Happening::Fulfilled], &after_all, &[Demand::CallPerson]);
    let (refused, ..) = told(by_business(), &[Happening::Agreed, Happening::Refused]);
    assert_ends(refused, &[Happening::Fulfilled], &after_all, &[Demand::CallPerson]);
}

#[test]
fn what_is_paid_for_is_done_or_paid_back() {
    use Reason::*;
    use State::*;
    let start = [(Confirmed, Agreed), (AwaitingPayment, Payable), (Paid, MoneyCame), (Fulfilling, Asked)];
    let asked = [Demand::Prepay, Demand::WatchPayment, Demand::Fulfil];
    let so_far = [Happening::Agreed, payable(), money_came()];
    let ends = |happenings: &[Happening], states: &[(State, Reason)], demands: &[Demand]| {
        assert_ends(
            by_wechat(),
            &[&so_far[..], happenings].concat(),
            &[&start[..], states].concat(),
            &[&asked[..], demands].concat(),
        );
    };
    ends(&[Happening::Fulfilled], &[(Done, BusinessDid)], &[]);
    let refunding = (Refunding, BusinessRefused);
    ends(&[Happening::Refused, back()], &[refunding, (Refunded, MoneyBack)], &[Demand::Refund]);
    ends(
        &[Happening::Refused, Happening::RefundFailed(1)],
        &[refunding, (NeedsPerson, RefundFailed)],
        &[Demand::Refund, Demand::CallPerson],
    );
    ends(
        &[
            Happening::Refused,
            Happening::RefundFailed(1),
            Happening::Decided(Decided::Undone),
            back_by("20260101000001R2", 2_000),
        ],
        &[refunding, (NeedsPerson, RefundFailed), (Refunding, PersonDecided), (Refunded, MoneyBack)],
        &[Demand::Refund, Demand::CallPerson, Demand::Refund],
    );
    // Done, and already on its way back: nobody wanted both.
    ends(
        &[Happening::Refused, Happening::Fulfilled, back()],
        &[refunding, (NeedsPerson, BusinessContradicts)],
        &[Demand::Refund, Demand::CallPerson, Demand::CallPerson],
    );
    // Somebody gave it back at WeChat Pay while the business system was asked, which then did it: for nothing.
    let for_nothing = [back_outside(), Happening::Fulfilled];
    ends(&for_nothing, &[(NeedsPerson, RefundedOutside)], &[Demand::CallPerson, Demand::CallPerson]);
    for (decided, moved) in [(Decided::Done, Refunded), (Decided::Undone, Refunded)] {
        let decided = [&for_nothing[..], &[Happening::Decided(decided)]].concat();
        let states = [(NeedsPerson, RefundedOutside), (moved, PersonDecided)];
        ends(&decided, &states, &[Demand::CallPerson, Demand::CallPerson]);
    }
    // Or after it was done.
    let after = [(Done, BusinessDid), (NeedsPerson, RefundedOutside)];
    ends(&[Happening::Fulfilled, back_outside()], &after, &[Demand::CallPerson]);
    // A person calls off what is done.
    ends(
        &[Happening::Fulfilled, Happening::Decided(Decided::Undone), back()],
        &[(Done, BusinessDid), (Refunding, PersonDecided), (Refunded, MoneyBack)],
        &[Demand::Refund],
    );
}

#[test]
fn money_that_comes_at_the_wrong_time_or_in_another_amount() {
    use State::*;
    let (waiting, ..) = told(by_wechat(), &[Happening::Agreed, payable()]);
    let (over, moved, _) = told(waiting.clone(), &[Happening::Unpaid(Reason::PaymentExpired)]);
    assert_eq!(moved, [(Failed, Reason::PaymentExpired)]);
    assert_ends(over, &[money_came()], &[(Refunding, Reason::PaidTooLate)], &[Demand::Refund]);
    let other = Happening::Paid(paid("T", 1_999));
    let (differs, moved, _) = told(waiting.clone(), &[other]);
    assert_eq!(moved, [(NeedsPerson, Reason::AmountDiffers)]);
    assert_eq!(judge(&differs, &Happening::Fulfilled, AT), Verdict::Denied, "it was never asked for");
    let (undone, _, demands) = told(differs, &[Happening::Decided(Decided::Undone)]);
    assert_eq!((undone.state(), demands), (Refunding, vec![Demand::Refund]));
    let (early, moved, _) = told(by_wechat(), &[Happening::Agreed, money_came(), payable()]);
    assert_eq!(early.state(), Fulfilling, "the money was faster than the answer to the question for it");
    assert_eq!(moved.len(), 3);
    assert_eq!(judge(&early, &money_came(), AT), Verdict::Duplicate);
    let unlike = Happening::Paid(paid("T", 1));
    assert_eq!(judge(&early, &unlike, AT), Verdict::Conflict(Reason::PaidTwice), "the same payment in another amount");
    let closed = Happening::Unpaid(Reason::PaymentExpired);
    assert_eq!(judge(&early, &closed, AT), Verdict::Conflict(Reason::MoneyCame));
    // Nobody could say whether it was paid; then somebody can.
    let silent = Happening::Unpaid(Reason::PaymentSilent);
    let (asked, ..) = told(waiting.clone(), std::slice::from_ref(&silent));
    assert_eq!(asked.state(), NeedsPerson);
    assert_eq!(told(asked.clone(), &[money_came()]).0.state(), Fulfilling);
    assert_eq!(told(asked, &[closed]).0.state(), Failed);
    // A person found it done meanwhile: then it is paid for, or somebody hears that it is not.
    let (done, ..) = told(asked_of(&waiting), &[Happening::Decided(Decided::Done)]);
    assert_eq!(judge(&done, &Happening::Unpaid(Reason::PaymentExpired), AT), Verdict::Conflict(Reason::PaymentExpired));
    let (paid_for, _, demands) = told(done, &[money_came()]);
    assert_eq!((paid_for.state(), demands), (Done, vec![]));
    // The notice that it went back comes before the one that it came.
    let (back_first, ..) = told(waiting, &[back(), money_came(), back()]);
    assert_eq!((back_first.state(), back_first.business), (Refunded, Business::NotAsked));
}

#[test]
fn a_part_that_goes_back_is_not_the_whole_and_the_rest_is_what_is_asked_for() {
    use State::*;
    let (asked, ..) = told(by_wechat(), &[Happening::Agreed, payable(), money_came()]);
    let (part, moved, demands) = told(asked.clone(), &[back_by("M1", 500), back_by("M1", 500)]);
    assert_eq!((part.state(), part.money().unwrap().left(), moved, demands), (Fulfilling, Fen(1_500), vec![], vec![]));
    let (done, ..) = told(part.clone(), &[Happening::Fulfilled]);
    assert_eq!((done.state(), done.money().unwrap().went_back()), (Done, Fen(500)));
    let (refunding, _, demands) = told(part, &[Happening::Refused]);
    assert_eq!(
        (refunding.state(), demands, refunding.money().unwrap().left()),
        (Refunding, vec![Demand::Refund], Fen(1_500))
    );
    assert_eq!(told(refunding, &[back_by("20260101000001R1", 1_500)]).0.state(), Refunded);
    // Heard of before the payment: nothing is asked for that is not paid in full.
    let (less, moved, demands) = told(by_wechat(), &[Happening::Agreed, payable(), back_by("M1", 500), money_came()]);
    assert_eq!(moved.last(), Some(&(NeedsPerson, Reason::PaidBackInPart)));
    assert_eq!((less.business, demands.last()), (Business::NotAsked, Some(&Demand::CallPerson)));
    let (rest, ..) = told(less, &[Happening::Decided(Decided::Undone)]);
    assert_eq!((rest.state(), rest.money().unwrap().left()), (Refunding, Fen(1_500)));
}

#[test]
fn a_refund_that_failed_gets_another_number_and_one_that_nobody_knows_of_keeps_its_own() {
    let (refunding, ..) = told(by_wechat(), &[Happening::Agreed, money_came(), Happening::Refused]);
    let asked = |order: &Order| (order.money().unwrap().asked, order.money().unwrap().back);
    assert_eq!(asked(&refunding), (1, Back::Asked));
    assert_eq!(judge(&refunding, &Happening::RefundFailed(2), AT), Verdict::Duplicate, "another one's failure");
    let again = Happening::Decided(Decided::Undone);
    let (failed, ..) = told(refunding.clone(), &[Happening::RefundFailed(1), again.clone()]);
    assert_eq!(asked(&failed), (2, Back::Asked));
    assert_eq!(judge(&failed, &Happening::RefundFailed(1), AT), Verdict::Duplicate, "told twice");
    let (unclear, moved, _) = told(refunding, &[Happening::RefundUnclear(1)]);
    assert_eq!(moved, [(State::NeedsPerson, Reason::RefundSilent)]);
    assert_eq!(asked(&told(unclear.clone(), &[again]).0), (1, Back::Asked));
    assert_eq!(told(unclear, &[back()]).0.state(), State::Refunded, "it came after all");
}

#[test]
fn money_that_a_person_gave_back_by_hand_is_back_and_if_the_refund_comes_too_somebody_hears_of_it() {
    let by_hand = Happening::Decided(Decided::Returned);
    let (refunding, ..) = told(by_wechat(), &[Happening::Agreed, money_came(), Happening::Refused]);
    assert_eq!(judge(&refunding, &by_hand, AT), Verdict::Denied, "our own refund may still come");
    let (unclear, ..) = told(refunding, &[Happening::RefundUnclear(1)]);
    let (over, moved, demands) = told(unclear, std::slice::from_ref(&by_hand));
    assert_eq!((moved, demands), (vec![(State::Refunded, Reason::PersonDecided)], vec![]));
    let money = over.money().unwrap();
    assert_eq!((money.left(), money.went_back(), over.is_over()), (Fen(0), Fen(2_000), true));
    assert_eq!(money.returned[0].number.as_str(), "20260101000001H1");
    assert_eq!(judge(&over, &by_hand, AT), Verdict::Denied);
    let (twice, _, demands) = told(over, &[back()]);
    assert_eq!((twice.state(), demands), (State::Refunded, vec![Demand::CallPerson]));
    for unpaid in [told(by_wechat(), &[Happening::Agreed]).0, told(draft(Payment::ByBusiness), &[Happening::Agreed]).0]
    {
        assert_eq!(judge(&unpaid, &by_hand, AT), Verdict::Denied);
    }
}

#[test]
fn a_second_payment_that_a_person_gave_back_by_hand_leaves_the_order_done() {
    let twice = Happening::Paid(paid("U", 2_000));
    let (done, ..) = told(by_wechat(), &[Happening::Agreed, money_came(), twice, Happening::Fulfilled]);
    assert!(done.needs_person());
    let (settled, moved, demands) = told(done, &[Happening::Decided(Decided::Returned)]);
    assert_eq!((settled.state(), settled.is_over(), settled.person), (State::Done, true, None));
    assert_eq!((moved, demands, settled.money().unwrap().left()), (vec![], vec![], Fen(2_000)));
}

#[test]
fn money_that_came_twice_is_kept_and_a_person_called() {
    let twice = Happening::Paid(paid("U", 2_000));
    let (done, moved, demands) =
        told(by_wechat(), &[Happening::Agreed, money_came(), twice.clone(), twice, Happening::Fulfilled]);
    assert_eq!((done.state(), moved.len()), (State::Done, 4));
    assert_eq!(demands, [Demand::Prepay, Demand::Fulfil, Demand::CallPerson]);
    let money = done.money().unwrap();
    assert_eq!(
        (money.came(), money.twice_left(), done.is_over(), done.demand()),
        (Fen(4_000), Fen(2_000), false, Some(Demand::CallPerson))
    );
    let number = OutRefundNo::new("M9").unwrap();
    let returning = Returning { number, of: paid("U", 2_000), back: Fen(2_000) };
    let (settled, ..) = told(done, &[Happening::MoneyBack(returning)]);
    assert_eq!((settled.state(), settled.is_over(), settled.demand()), (State::Done, true, None));
}

fn asked_of(waiting: &Order) -> Order {
    told(waiting.clone(), &[Happening::Unpaid(Reason::PaymentSilent)]).0
}

#[test]
fn what_cannot_happen_is_denied_and_changes_nothing() {
    let all = [
        payable(),
        money_came(),
        Happening::Unpaid(Reason::PaymentExpired),
        Happening::Fulfilled,
        Happening::Refused,
        Happening::Unclear,
        back(),
        Happening::RefundFailed(1),
        Happening::RefundUnclear(1),
        Happening::Decided(Decided::Done),
    ];
    for happening in &all {
        assert_eq!(judge(&by_wechat(), happening, AT), Verdict::Denied, "{happening:?} of a draft");
    }
    let (asked, ..) = told(draft(Payment::ByBusiness), &[Happening::Agreed]);
    for happening in all.iter().filter(|happening| is_about_money(happening)) {
        assert_eq!(judge(&asked, happening, AT), Verdict::Denied, "{happening:?} where WeChat Pay has no part");
    }
    let (unpaid, ..) = told(by_wechat(), &[Happening::Agreed, payable()]);
    for happening in all.iter().filter(|happening| !is_about_money(happening)) {
        assert_eq!(judge(&unpaid, happening, AT), Verdict::Denied, "{happening:?} before it is paid for");
    }
    assert_eq!(judge(&unpaid, &Happening::Agreed, AT), Verdict::Duplicate);
}
