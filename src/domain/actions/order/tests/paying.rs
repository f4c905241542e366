//! Orders that are paid by WeChat Pay.

use super::super::settings::PaidBy;
use super::super::works::{Works, is_of_order, is_wanted};
use super::*;
use crate::domain::customer::Customer;
use crate::domain::order::{Decided, Happening, Paid, Returning};
use crate::domain::pay::{Fen, OutRefundNo, TransactionId};
use crate::domain::question::Errand;
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;

pub(super) fn by_wechat() -> Order {
    let paying = r#"
        payable = "{{ link('付款', pay_url) }} {{ amount }}元 {{ until }}前"
        closing = "正在取消"
        paid = "收到 {{ amount }}元"
        unpaid = "没付款 {{ order }}"
        refunding = "正在退 {{ amount }}元"
        refunded = "退好了"
    "#;
    Order { pay: PaidBy::Wechat, paying: Some(toml::from_str(paying).unwrap()), ..order() }
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn paid_for() -> Paid {
    Paid { transaction: TransactionId::new("42").unwrap(), total: Fen(2000), at: UnixSecs(7) }
}

fn values<const N: usize>(all: [(&str, Value); N]) -> Values {
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn prepaid() -> Answer {
    Answer::Loaded(values([("prepay_id", text("wx1"))]))
}

fn success(fen: i64) -> Answer {
    let paid = [("state", text("SUCCESS")), ("transaction", text("42")), ("total_fen", fen.into()), ("at", 7.into())];
    Answer::Loaded(values(paid))
}

fn closed() -> Answer {
    Answer::Loaded(values([("state", text("CLOSED"))]))
}

fn returned(number: &str) -> Answer {
    let back = [
        ("number", text(number)),
        ("transaction", text("42")),
        ("back_fen", 2000.into()),
        ("total_fen", 2000.into()),
        ("at", 8.into()),
    ];
    Answer::Loaded(values(back))
}

/// The memo of the first work that is for this.
fn memo(out: &Outcome, purpose: &str) -> Values {
    let at =
        purposes(out).iter().position(|it| it.starts_with(purpose)).unwrap_or_else(|| panic!("{:?}", purposes(out)));
    let Task::Ask { memo, .. } = &out.outbox[at].task else { panic!() };
    memo.clone()
}

fn errand(out: &Outcome) -> Option<Errand> {
    Errand::of(&asked(out).1.connector)
}

/// Bought and payable: the memos of the watch over it.
fn payable(desk: &mut Desk<'_>) -> (Outcome, Values) {
    let placed = buy(desk);
    let (.., beginning) = asked(&placed);
    let out = desk.answer(&beginning, &prepaid());
    let watch = memo(&out, "watch");
    (out, watch)
}

#[test]
fn what_is_confirmed_can_be_paid_and_is_done_once_it_is_paid() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    let placed = buy(&mut desk);
    let (work, question, beginning) = asked(&placed);
    assert_eq!((errand(&placed), placed.wait, moves(&placed)), (Some(Errand::Prepay), true, vec![PLACED[0]]));
    assert_eq!(question.values["amount_fen"], Value::Integer(2000));
    assert_eq!(work.expires.secs_since(desk.now), 900);
    let out = desk.answer(&beginning, &prepaid());
    let number = desk.customer.orders.all().next().unwrap().number.clone();
    let Reply::Text(said_whole) = &out.reply else { panic!() };
    assert!(said_whole.contains(&format!("/orders/~/{number}")) && said(&out).contains("20.00元 2026-01-01 10:15前"));
    assert_eq!((moves(&out), errand(&out)), (vec![(State::AwaitingPayment, Reason::Payable)], Some(Errand::Query)));
    let watch = memo(&out, "watch");
    let paid = desk.answer(&watch, &success(2000));
    assert_eq!((said(&paid).as_str(), purposes(&paid)), ("收到 20.00元", vec!["fulfil"]));
    assert_eq!(moves(&paid), [(State::Paid, Reason::MoneyCame), (State::Fulfilling, Reason::Asked)]);
    let done = desk.answer(&memo(&paid, "fulfil"), &loaded());
    assert_eq!((said(&done).starts_with("办好了 5GB 月包，余额 66.50元"), done.outbox.len()), (true, 0));
    assert_eq!(desk.answer(&watch, &success(2000)), Outcome::default(), "heard again");
}

#[test]
fn what_nobody_pays_is_closed_and_only_then_over() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    let (_, watch) = payable(&mut desk);
    let late = desk.abandon(&watch);
    assert_eq!((purposes(&late), moves(&late)), (vec!["close"], vec![]));
    let close = memo(&late, "close");
    let over = desk.answer(&close, &closed());
    assert!(said(&over).starts_with("没付款"));
    assert_eq!(moves(&over), [(State::Failed, Reason::PaymentExpired)]);
    // The money comes all the same: it goes back.
    let back = desk.answer(&close, &success(2000));
    assert_eq!((said(&back).as_str(), purposes(&back)[0]), ("正在退 20.00元", "refund/1"));
    assert!(purposes(&back)[1].starts_with("keep/"), "nobody looked after it any more");
    let number = format!("{}R1", desk.customer.orders.all().next().unwrap().number);
    let refunded = desk.answer(&memo(&back, "refund/1"), &returned(&number));
    assert_eq!((said(&refunded).as_str(), moves(&refunded)), ("退好了", vec![(State::Refunded, Reason::MoneyBack)]));
}

#[test]
fn an_order_that_cannot_be_closed_nor_seen_goes_to_a_person() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    let (_, watch) = payable(&mut desk);
    let close = memo(&desk.abandon(&watch), "close");
    let out = desk.abandon(&close);
    assert_eq!(moves(&out), [(State::NeedsPerson, Reason::PaymentSilent)]);
    assert_eq!(purposes(&out)[0].split('/').take(2).collect::<Vec<_>>(), ["call", "payment_silent"]);
}

#[test]
fn what_is_not_paid_can_be_called_off_and_was_not_if_somebody_paid() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    payable(&mut desk);
    let closing = desk.say("取消");
    assert_eq!((said(&closing).as_str(), closing.wait, moves(&closing)), ("正在取消", true, vec![]));
    let close = memo(&closing, "close");
    let mut paid_first = Desk { customer: desk.customer.clone(), ..Desk::new(&order) };
    let off = desk.answer(&close, &closed());
    assert_eq!((said(&off).as_str(), moves(&off)), ("已取消", vec![(State::Failed, Reason::CustomerCancelled)]));
    assert!(said(&desk.tap()).starts_with("选一个"));
    assert_eq!(said(&paid_first.answer(&close, &success(2000))), "收到 20.00元");
    // Nothing to call off.
    let standing = paid_first.say("取消");
    assert_eq!((said(&standing).as_str(), standing.outbox.len()), ("收到 20.00元", 0));
}

#[test]
fn who_comes_back_before_paying_finds_the_link_again() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    payable(&mut desk);
    for _ in 0..2 {
        let again = desk.tap();
        assert!(said(&again).starts_with("付款 20.00元") && again.outbox.is_empty(), "{}", said(&again));
    }
    assert_eq!(purposes(&desk.say("取消")), ["close"]);
}

#[test]
fn a_payment_that_cannot_be_begun_ends_the_order_and_one_that_may_have_been_is_asked_about() {
    let order = by_wechat();
    for (answer, moved, then) in [
        (Some(Answer::Refused { code: "NO_AUTH".into() }), vec![(State::Failed, Reason::PaymentRefused)], vec![]),
        (Some(Answer::Refused { code: "ORDERPAID".into() }), vec![], vec!["close"]),
        (None, vec![], vec!["close"]),
    ] {
        let mut desk = Desk::new(&order);
        let (.., beginning) = asked(&buy(&mut desk));
        let out = match &answer {
            Some(answer) => desk.answer(&beginning, answer),
            None => desk.abandon(&beginning),
        };
        assert_eq!((moves(&out), purposes(&out)), (moved, then), "{answer:?}");
    }
}

#[test]
fn what_was_paid_for_and_refused_is_paid_back_and_says_both() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    let (_, watch) = payable(&mut desk);
    let paid = desk.answer(&watch, &success(2000));
    let refused = desk.answer(&memo(&paid, "fulfil"), &Answer::Refused { code: "POOR".into() });
    assert_eq!(said(&refused), "余额不足 20.00元\n正在退 20.00元");
    let (_, question, _) = asked(&refused);
    let asked_back = ["nth", "back_fen", "total_fen"].map(|name| question.values[name].to_string());
    assert_eq!(asked_back, ["1", "2000", "2000"]);
    let failed = desk.answer(&memo(&refused, "refund/1"), &Answer::Refused { code: "ABNORMAL".into() });
    assert_eq!(moves(&failed), [(State::NeedsPerson, Reason::RefundFailed)]);
    // A person has it tried once more.
    let number = desk.customer.orders.all().next().unwrap().number.clone();
    let entry = Entry::Opened { words: "" };
    let again = happen(Some(&order), &desk.view(&entry), (&number, Happening::Decided(Decided::Undone)));
    assert_eq!((purposes(&again), moves(&again)), (vec!["refund/2"], vec![(State::Refunding, Reason::PersonDecided)]));
}

#[test]
fn another_amount_is_for_a_person_and_nothing_is_asked_of_the_business_system() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    let (_, watch) = payable(&mut desk);
    let out = desk.answer(&watch, &success(1999));
    assert_eq!(moves(&out), [(State::NeedsPerson, Reason::AmountDiffers)]);
    assert!(purposes(&out)[0].starts_with("call/amount_differs/") && out.outbox.len() == 1);
    assert!(said(&out).starts_with("人工核实"));
}

#[test]
fn an_order_goes_on_when_its_action_is_gone() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    let (_, watch) = payable(&mut desk);
    let entry = Entry::Opened { words: "" };
    let out = answered(None, &desk.view(&entry), &watch, Some(&success(2000)));
    let ends = (State::NeedsPerson, Reason::BusinessSilent);
    assert_eq!(moves(&out), [(State::Paid, Reason::MoneyCame), (State::Fulfilling, Reason::Asked), ends]);
    assert!(said(&out).contains("由工作人员核实") && purposes(&out)[0].starts_with("call/"));
    // Nobody is left without a word about their money.
    let number = desk.customer.orders.all().next().unwrap().number.clone();
    let mut orphan =
        Desk { customer: Customer { orders: out.orders.unwrap(), ..Customer::default() }, ..Desk::new(&order) };
    for (happening, words) in [
        (Happening::Decided(Decided::Undone), "正在退回"),
        (
            Happening::MoneyBack(Returning {
                number: OutRefundNo::new(format!("{number}R1")).unwrap(),
                of: paid_for(),
                back: Fen(2000),
            }),
            "已经退回",
        ),
    ] {
        let entry = Entry::Opened { words: "" };
        let out = happen(None, &orphan.view(&entry), (&number, happening));
        assert!(said(&out).contains(words), "{}", said(&out));
        orphan.customer.orders = out.orders.unwrap();
    }
    // What is sold no more is not described, and everything else is known.
    let mut gone = by_wechat();
    gone.choices.truncate(1);
    desk.kind = &gone;
    let paid = desk.answer(&watch, &success(2000));
    assert!(said(&desk.answer(&memo(&paid, "fulfil"), &loaded())).starts_with("办好了 5GB 月包"));
}

#[test]
fn an_order_under_way_is_looked_after_and_loses_nothing() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    let placed = buy(&mut desk);
    let (keep, beginning) = (memo(&placed, "keep"), memo(&placed, "prepay"));
    let kept = |desk: &mut Desk<'_>| purposes(&desk.answer(&keep, &Answer::Down))[0].to_owned();
    assert_eq!(kept(&mut desk), "prepay");
    let watch = memo(&desk.answer(&beginning, &prepaid()), "watch");
    assert_eq!(kept(&mut desk), "watch");
    let mut late = Desk { customer: desk.customer.clone(), now: desk.now.plus_secs(900), ..Desk::new(&order) };
    assert_eq!(kept(&mut late), "close");
    let paid = desk.answer(&watch, &success(2000));
    let again = desk.answer(&keep, &Answer::Down);
    assert_eq!(purposes(&again)[0], "fulfil");
    assert_eq!(memo(&again, "fulfil")["asked_before"], Value::Integer(1), "whoever cannot tell it twice is not told");
    let refused = desk.answer(&memo(&paid, "fulfil"), &Answer::Refused { code: "POOR".into() });
    assert_eq!(kept(&mut desk), "refund/1");
    let number = format!("{}R1", desk.customer.orders.all().next().unwrap().number);
    desk.answer(&memo(&refused, "refund/1"), &returned(&number));
    assert_eq!(desk.answer(&keep, &Answer::Down).outbox, [], "it is over");
}

#[test]
fn a_business_system_that_was_not_reached_is_asked_by_new_work_until_its_time_is_over() {
    let order = order();
    let mut desk = Desk::new(&order);
    let (.., first) = asked(&buy(&mut desk));
    let again = desk.answer(&first, &Answer::Down);
    let (work, question, second) = asked(&again);
    assert_eq!((purposes(&again), moves(&again)), (vec!["fulfil/2"], vec![]));
    assert_eq!((work.due.secs_since(desk.now), work.expires.secs_since(desk.now)), (30, 3600));
    assert_eq!(question.values["order"].to_string(), desk.customer.orders.all().next().unwrap().number.as_str());
    // Whoever looks after it demands that same work and no other beside it.
    let keep = Values::from([("order".into(), question.values["order"].clone()), ("step".into(), "keep".into())]);
    assert_eq!(purposes(&desk.answer(&keep, &Answer::Down))[0], "fulfil/2");
    desk.now = desk.now.plus_secs(3580);
    let over = desk.answer(&second, &Answer::Down);
    assert_eq!(moves(&over), [(State::NeedsPerson, Reason::BusinessSilent)]);
}

#[test]
fn an_order_that_the_payment_platform_knew_before_may_have_been_put_before() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    let (.., beginning) = asked(&buy(&mut desk));
    let close = memo(&desk.answer(&beginning, &Answer::Refused { code: "ORDERPAID".into() }), "close");
    let paid = desk.answer(&close, &success(2000));
    assert_eq!(memo(&paid, "fulfil")["asked_before"], Value::Integer(1));
}

#[test]
fn an_order_that_has_gone_another_way_is_not_put_any_more() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    let (_, watch) = payable(&mut desk);
    let paid = desk.answer(&watch, &success(2000));
    let fulfil = &paid.outbox[0];
    assert!(is_of_order(fulfil) && is_wanted(&desk.customer, fulfil) && !is_wanted(&Customer::default(), fulfil));
    desk.answer(&memo(&paid, "fulfil"), &Answer::Refused { code: "POOR".into() });
    assert!(!is_wanted(&desk.customer, fulfil));
    // Everything else about it is still wanted, and so is what an earlier version left.
    let keep = Works { settings: None, order: desk.customer.orders.all().next().unwrap(), now: desk.now }.keep();
    assert!(is_wanted(&desk.customer, &keep));
    let mut of_old = fulfil.clone();
    of_old.id = "ask".into();
    let Task::Ask { memo, .. } = &mut of_old.task else { panic!() };
    *memo = values([("order", text("7")), ("label", text("包")), ("amount", Value::Fen(500))]);
    assert!(is_of_order(&of_old) && is_wanted(&Customer::default(), &of_old));
}

#[test]
fn what_was_told_for_an_order_is_forgotten_some_days_after_its_end() {
    let order = Order { keep_details_days: 3, ..order() };
    let mut desk = Desk::new(&order);
    let (.., first) = asked(&buy(&mut desk));
    let mut told = desk.customer.orders.all().next().unwrap().clone();
    told.details.insert("address".into(), "某路 1 号".into());
    desk.customer.orders.put(told);
    let done = desk.answer(&first, &loaded());
    assert_eq!(purposes(&done), ["forget"]);
    assert_eq!(done.outbox[0].due.secs_since(desk.now), 3 * 86_400);
    assert!(!desk.customer.orders.all().next().unwrap().details.is_empty());
    let forgotten = desk.answer(&memo(&done, "forget"), &Answer::Down);
    assert!(forgotten.facts.is_empty() && desk.customer.orders.all().next().unwrap().details.is_empty());
}

#[test]
fn a_second_payment_is_kept_and_a_person_called() {
    let order = by_wechat();
    let mut desk = Desk::new(&order);
    let (_, watch) = payable(&mut desk);
    desk.answer(&watch, &success(2000));
    let number = desk.customer.orders.all().next().unwrap().number.clone();
    let transaction = TransactionId::new("43").unwrap();
    let twice = Happening::Paid(Paid { transaction, total: Fen(2000), at: desk.now });
    let entry = Entry::Opened { words: "" };
    let out = happen(Some(&order), &desk.view(&entry), (&number, twice));
    assert!(purposes(&out)[0].starts_with("call/paid_twice/") && out.reply.is_silent() && out.facts.is_empty());
    assert_eq!(out.orders.unwrap().get(&number).unwrap().money().unwrap().came(), Fen(4000));
}

#[test]
fn settings_for_payment_that_cannot_work_are_named() {
    assert_eq!(by_wechat().faults(), []);
    let fields = |order: Order| order.faults().into_iter().map(|fault| fault.field).collect::<Vec<_>>();
    assert_eq!(fields(Order { paying: None, ..by_wechat() }), ["paying"]);
    assert_eq!(
        fields(Order { pay_secs: 7201, keep_details_days: 366, ..by_wechat() }),
        ["pay_secs", "keep_details_days"]
    );
    let order = by_wechat();
    let texts = order.texts(&|_| BTreeSet::from(["balance".to_owned()]));
    assert_eq!(texts.len(), 17 + 6);
    for text in &texts {
        assert!(text.template.placeholders().is_subset(&text.allowed), "{}", text.field);
    }
}
