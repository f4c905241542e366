//! Random acts and times: the books always balance, and no order is paid twice.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::clock::write_time;
use super::*;

const START: i64 = 1_767_225_600;
const MERCHANT: (&str, &str) = ("1900000001", "wx0123456789abcdef");

fn order(nth: u8, total: i64, now: i64) -> Value {
    json!({
        "appid": MERCHANT.1, "mchid": MERCHANT.0, "description": "流量包", "out_trade_no": format!("ORDER{nth}"),
        "time_expire": write_time(now + 1800), "notify_url": "http://127.0.0.1:1/n",
        "amount": { "total": total, "currency": "CNY" }, "payer": { "openid": "oA" },
    })
}

fn refund(nth: u8, of: u8, (refund, total): (i64, i64)) -> Value {
    json!({
        "out_trade_no": format!("ORDER{of}"), "out_refund_no": format!("R{nth}"),
        "amount": { "refund": refund, "total": total, "currency": "CNY" },
    })
}

#[derive(Clone, Debug)]
enum Step {
    Prepay(u8, i64),
    Act(u8, Act),
    Close(u8),
    Refund(u8, u8, i64, i64, Outcome),
    Pass(i64),
    Notify(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let act = prop_oneof![Just(Act::Begin), Just(Act::Pay), Just(Act::Pay), Just(Act::Cancel), Just(Act::NoMoney)];
    let outcome = prop_oneof![Just(Outcome::Success), Just(Outcome::Closed), Just(Outcome::Abnormal)];
    let nth = 1_u8..4;
    prop_oneof![
        (nth.clone(), 1_i64..3).prop_map(|(nth, hundreds)| Step::Prepay(nth, hundreds * 100)),
        (nth.clone(), act).prop_map(|(nth, act)| Step::Act(nth, act)),
        nth.clone().prop_map(Step::Close),
        (1_u8..6, nth, 1_i64..250, 1_i64..3, outcome).prop_map(|(r, o, fen, h, end)| Step::Refund(
            r,
            o,
            fen,
            h * 100,
            end
        )),
        (0_i64..5000).prop_map(Step::Pass),
        any::<bool>().prop_map(Step::Notify),
    ]
}

fn walk(steps: Vec<Step>) -> (Books, i64) {
    let (mut books, mut now) = (Books::default(), START);
    for step in steps {
        match step {
            Step::Prepay(nth, total) => drop(books.prepay(MERCHANT, &order(nth, total, START), now)),
            Step::Act(nth, act) => {
                if let Ok(prepay_id) = books.prepay(MERCHANT, &order(nth, 100, START), now) {
                    let _ = books.act((&prepay_id, "oA"), act, now);
                }
            }
            Step::Close(nth) => drop(books.close(&format!("ORDER{nth}"), now)),
            Step::Refund(nth, of, fen, total, end) => {
                drop(books.refund(&refund(nth, of, (fen, total)), (30, end), now));
            }
            Step::Pass(secs) => now += secs,
            Step::Notify(taken) => {
                for notification in books.due(0, now) {
                    books.sent(&notification.id, if taken { Sent::Taken } else { Sent::Refused }, now);
                }
            }
        }
        assert_eq!(books.faults(), Vec::<String>::new());
    }
    (books, now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_happens_the_books_balance_and_survive_being_kept(steps in prop::collection::vec(step(), 1..60)) {
        let (mut books, now) = walk(steps);
        books.pass(now + 10 * 86_400);
        prop_assert_eq!(books.faults(), Vec::<String>::new());
        prop_assert!(books.refunds.values().all(|refund| refund.state != RefundState::Processing));
        let kept: Books = serde_json::from_slice(&serde_json::to_vec(&books).unwrap()).unwrap();
        prop_assert_eq!(&kept.orders, &books.orders);
        prop_assert_eq!(kept.balance_fen(), books.balance_fen());
    }
}

fn code<T>(done: Result<T, Fault>) -> &'static str {
    done.err().map_or("", |fault| fault.code)
}

#[test]
fn an_order_is_one_by_its_number() {
    let mut books = Books::default();
    let first = books.prepay(MERCHANT, &order(1, 100, START), START).unwrap();
    assert_eq!(books.prepay(MERCHANT, &order(1, 100, START), START + 5).unwrap(), first);
    assert_eq!(code(books.prepay(MERCHANT, &order(1, 200, START), START)), "OUT_TRADE_NO_USED");
    assert_eq!(books.act((&first, "oB"), Act::Pay, START), Err("下单账号与支付账号不一致"));
    assert_eq!(books.act((&first, "oA"), Act::Begin, START), Ok(State::UserPaying));
    assert_eq!(code(books.close("ORDER1", START)), "TRADE_ERROR");
    assert_eq!(books.act((&first, "oA"), Act::NoMoney, START), Ok(State::PayError));
    assert_eq!(books.act((&first, "oA"), Act::Pay, START), Ok(State::Success));
    assert_eq!(books.act((&first, "oA"), Act::Pay, START), Err("订单已支付"));
    assert_eq!(code(books.prepay(MERCHANT, &order(1, 100, START), START)), "ORDERPAID");
    assert_eq!(code(books.close("ORDER1", START)), "ORDERPAID");
    assert_eq!((books.balance_fen(), books.on_their_way()), (100, 1));
}

#[test]
fn what_the_documents_forbid_is_refused() {
    let mut books = Books::default();
    let mut wrong = |pointer: &str, value: Value| {
        let mut request = order(1, 100, START);
        *request.pointer_mut(pointer).unwrap() = value;
        code(books.prepay(MERCHANT, &request, START))
    };
    assert_eq!(wrong("/appid", json!("wx1")), "APPID_MCHID_NOT_MATCH");
    for (pointer, value) in [
        ("/mchid", json!("1")),
        ("/out_trade_no", json!("12345")),
        ("/out_trade_no", json!("ORDER@1")),
        ("/description", json!("")),
        ("/amount/total", json!(0)),
        ("/amount/total", json!(1.5)),
        ("/amount/currency", json!("USD")),
        ("/payer/openid", json!("")),
        ("/notify_url", json!("http://127.0.0.1/n?a=1")),
        ("/time_expire", json!("soon")),
        ("/time_expire", json!(write_time(START))),
    ] {
        assert_eq!(wrong(pointer, value), "PARAM_ERROR", "{pointer}");
    }
    assert_eq!(code(books.order(Number::Ours("ORDER9"), START).map(drop)), "ORDER_NOT_EXIST");
    assert_eq!(code(books.refund_of("R9", START).map(drop)), "RESOURCE_NOT_EXISTS");
}

#[test]
fn an_order_that_nobody_pays_ends_by_itself() {
    let mut books = Books::default();
    let prepay_id = books.prepay(MERCHANT, &order(1, 100, START), START).unwrap();
    assert_eq!(books.order(Number::Ours("ORDER1"), START + 1799).unwrap().state, State::NotPay);
    assert_eq!(books.order(Number::Ours("ORDER1"), START + 1800).unwrap().state, State::Closed);
    assert_eq!(books.act((&prepay_id, "oA"), Act::Pay, START + 1800), Err("订单已关闭"));
}

#[test]
fn a_refund_is_one_by_its_number_and_never_more_than_was_paid() {
    let mut books = Books::default();
    let prepay_id = books.prepay(MERCHANT, &order(1, 100, START), START).unwrap();
    let usual = (3, Outcome::Success);
    assert_eq!(code(books.refund(&refund(1, 1, (30, 100)), usual, START)), "INVALID_REQUEST");
    books.act((&prepay_id, "oA"), Act::Pay, START).unwrap();
    assert_eq!(code(books.refund(&refund(1, 2, (30, 100)), usual, START)), "RESOURCE_NOT_EXISTS");
    let first = books.refund(&refund(1, 1, (30, 100)), usual, START).unwrap();
    assert_eq!(first.state, RefundState::Processing);
    assert_eq!(books.refund(&refund(1, 1, (30, 100)), usual, START + 9).unwrap().refund_id, first.refund_id);
    assert_eq!(code(books.refund(&refund(1, 1, (31, 100)), usual, START)), "INVALID_REQUEST");
    assert_eq!(code(books.refund(&refund(2, 1, (70, 100)), usual, START + 59)), "FREQUENCY_LIMITED");
    assert_eq!(code(books.refund(&refund(2, 1, (71, 100)), usual, START + 60)), "INVALID_REQUEST");
    assert_eq!(code(books.refund(&refund(2, 1, (70, 99)), usual, START + 60)), "PARAM_ERROR");
    let closed = books.refund(&refund(2, 1, (70, 100)), (3, Outcome::Closed), START + 60).unwrap();
    assert_eq!((closed.state, books.balance_fen()), (RefundState::Processing, 0));
    assert_eq!(books.refund_of("R2", START + 63).unwrap().state, RefundState::Closed);
    assert_eq!(books.balance_fen(), 70);
    assert_eq!(code(books.refund(&refund(3, 1, (70, 100)), usual, START + 366 * 86_400)), "INVALID_REQUEST");
}

#[test]
fn a_merchant_without_money_cannot_refund() {
    let mut books = Books::default();
    for nth in [1, 2] {
        let prepay_id = books.prepay(MERCHANT, &order(nth, 100, START), START).unwrap();
        books.act((&prepay_id, "oA"), Act::Pay, START).unwrap();
    }
    // The platform itself took some of it away.
    books.book((-150, "提现"), ("W1".into(), "W1".into()), START);
    let usual = (3, Outcome::Success);
    assert_eq!(code(books.refund(&refund(1, 1, (51, 100)), usual, START)), "NOT_ENOUGH");
    assert!(books.refund(&refund(1, 1, (50, 100)), usual, START).is_ok());
}

#[test]
fn a_notification_is_repeated_fifteen_times_in_a_day_and_then_no_more() {
    let mut books = Books::default();
    let prepay_id = books.prepay(MERCHANT, &order(1, 100, START), START).unwrap();
    books.act((&prepay_id, "oA"), Act::Pay, START).unwrap();
    let (mut now, mut tries) = (START, Vec::new());
    while let Some(at) = books.next_due(0) {
        now = now.max(at);
        let due = books.due(0, now);
        assert!(books.due(0, now).is_empty(), "what is out is not sent by somebody else");
        let [one] = due.as_slice() else { panic!("{due:?}") };
        tries.push((now - START, one.id.clone()));
        books.sent(&one.id, Sent::Refused, now);
    }
    let last = tries.last().unwrap();
    assert_eq!((tries.len(), last.0), (16, 24 * 3600 + 4 * 60));
    assert!(tries.iter().all(|(_, id)| *id == last.1));
    assert_eq!(books.on_their_way(), 0);
}
