//! What an answer to an order's work says happened to it.

use super::super::{Outcome, View};
use super::course::{News, look_after, tell};
use super::mark::Mark;
use super::settings::Order as Settings;
use super::works::{Step, Works};
use crate::domain::fact::OrderOutcome;
use crate::domain::ids::OrderNumber;
use crate::domain::order::{Happening, Order, Paid, Puts, Reason, Returning, State};
use crate::domain::pay::{Fen, OutRefundNo, TransactionId};
use crate::domain::question::Answer;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

/// The answer to work of an order is there; `None` when it has expired without one. Without settings, as when the
/// action is not in the playbook any more, the order goes on as far as it can.
pub(in crate::domain::actions) fn answered(
    settings: Option<&Settings>,
    view: &View<'_>,
    memo: &Values,
    answer: Option<&Answer>,
) -> Outcome {
    let (Some(step), Some(number)) = (Step::of(memo), text(memo, "order")) else { return Outcome::default() };
    let of_old = of_old(view, memo);
    let Some(order) = view.customer.orders.get(&OrderNumber::new(number)).or(of_old.as_ref()) else {
        return Outcome::default();
    };
    let works = Works { settings, order, now: view.moment.now };
    let nth = || integer(memo, "nth").and_then(|nth| u8::try_from(nth).ok()).unwrap_or(1);
    let news: Option<News> = match (step, answer) {
        (Step::Keep, _) => return look_after(settings, view, order),
        (Step::Forget, _) => return without_details(view, order),
        (Step::Call, _) => None,
        (Step::Prepay, answer) => match prepaid(answer) {
            Ok(happening) => happening.map(News::from),
            Err(reason) => return closed_for(view, order, (settings, reason)),
        },
        (Step::Watch, None) => return only(works.close(Reason::PaymentExpired)),
        (Step::Watch, Some(answer)) => payment(answer, Reason::PaymentExpired).map(News::from),
        (Step::Close, None) => Some(Happening::Unpaid(Reason::PaymentSilent).into()),
        (Step::Close, Some(answer)) => payment(answer, closed_because(memo)).map(News::from),
        (Step::Refund, None) => Some(Happening::RefundUnclear(nth()).into()),
        (Step::Refund, Some(Answer::Loaded(values))) => refund(values).map(News::from),
        (Step::Refund, Some(Answer::Refused { .. })) => Some(Happening::RefundFailed(nth()).into()),
        (Step::Refund, Some(_)) => None,
        (Step::Fulfil, Some(Answer::Loaded(fields))) => {
            Some(News { happening: Happening::Fulfilled, fields: fields.clone(), code: None })
        }
        (Step::Fulfil, Some(Answer::Refused { code })) => {
            Some(News { happening: Happening::Refused, fields: Values::new(), code: Some(code.clone()) })
        }
        (Step::Fulfil, Some(Answer::Down)) if order.state() == State::Fulfilling => {
            match again(settings, view, (order, memo)) {
                Some(out) => return out,
                None => Some(Happening::Unclear.into()),
            }
        }
        (Step::Fulfil, Some(Answer::Down | Answer::TimedOut)) => None,
        (Step::Fulfil, None) => Some(Happening::Unclear.into()),
    };
    news.map(|news| tell(settings, view, (order, &news))).unwrap_or_default()
}

/// An order as the memo of an earlier version tells of it, for a record that knows it no more.
fn of_old(view: &View<'_>, memo: &Values) -> Option<Order> {
    let (Value::Text(label), Value::Fen(amount_fen)) = (memo.get("label")?, memo.get("amount")?) else { return None };
    let mark = Mark {
        order: text(memo, "order")?.to_owned(),
        label: label.clone(),
        amount_fen: *amount_fen,
        at: view.moment.now,
        outcome: OrderOutcome::Placed,
    };
    Some(mark.into_order(view.action))
}

/// Until the same is put again to a business system that was not reached.
const AGAIN_SECS: i64 = 30;

/// It surely was not reached: the same is put again, as new work, so that work that may have been put never is. The order
/// knows of it, since whoever looks after it must not put it beside this.
fn again(settings: Option<&Settings>, view: &View<'_>, (order, memo): (&Order, &Values)) -> Option<Outcome> {
    if !is_open(memo, view.moment.now) {
        return None;
    }
    let mut after = order.clone();
    after.puts.unreached = after.puts.unreached.saturating_add(1);
    let work = Works { settings, order: &after, now: view.moment.now }.fulfil()?;
    let mut orders = view.customer.orders.clone();
    orders.put(after);
    Some(Outcome { orders: Some(orders), outbox: vec![later(work, memo)], ..Outcome::default() })
}

/// What cannot be paid by this prepayment is closed, and with that it is known whether it was paid. Where the payment
/// platform knows the number already, so may the business system: a record that is lost had put it.
fn closed_for(view: &View<'_>, order: &Order, (settings, reason): (Option<&Settings>, Reason)) -> Outcome {
    let mut out = only(Works { settings, order, now: view.moment.now }.close(reason));
    if reason == Reason::PaymentRefused {
        let mut orders = view.customer.orders.clone();
        orders.put(Order { puts: Puts { before: true, ..order.puts }, ..order.clone() });
        out.orders = Some(orders);
    }
    out
}

fn is_open(memo: &Values, now: UnixSecs) -> bool {
    integer(memo, "until").is_some_and(|until| until > now.plus_secs(AGAIN_SECS).0)
}

/// Not at once, and no longer than the first one.
fn later(mut work: Work, memo: &Values) -> Work {
    work.due = work.due.plus_secs(AGAIN_SECS);
    if let (Some(until), Task::Ask { memo, .. }) = (integer(memo, "until"), &mut work.task) {
        work.expires = UnixSecs(until);
        memo.insert("until".to_owned(), Value::Integer(until));
    }
    work
}

fn only(work: Work) -> Outcome {
    Outcome { outbox: vec![work], ..Outcome::default() }
}

fn without_details(view: &View<'_>, order: &Order) -> Outcome {
    let mut orders = view.customer.orders.clone();
    orders.put(Order { details: Values::new(), ..order.clone() });
    Outcome { orders: Some(orders), ..Outcome::default() }
}

/// What came of beginning a payment; else it is closed for this reason, and with that it is known whether it was paid.
fn prepaid(answer: Option<&Answer>) -> Result<Option<Happening>, Reason> {
    match answer {
        Some(Answer::Loaded(values)) => {
            let prepay_id = text(values, "prepay_id").ok_or(Reason::PaymentRefused)?;
            Ok(Some(Happening::Payable { prepay_id: prepay_id.to_owned() }))
        }
        // Somebody has paid, or the number is known there otherwise than here: asking tells.
        Some(Answer::Refused { code }) if code == "ORDERPAID" || code == "OUT_TRADE_NO_USED" => {
            Err(Reason::PaymentRefused)
        }
        Some(Answer::Refused { .. }) => Ok(Some(Happening::Unpaid(Reason::PaymentRefused))),
        Some(Answer::TimedOut | Answer::Down) => Ok(None),
        None => Err(Reason::PaymentExpired),
    }
}

/// What the payment platform says of a payment.
fn payment(answer: &Answer, closed: Reason) -> Option<Happening> {
    match answer {
        Answer::Loaded(values) if text(values, "state") == Some("SUCCESS") => paid(values).map(Happening::Paid),
        Answer::Loaded(_) => Some(Happening::Unpaid(closed)),
        // It says what cannot be true of what we asked for.
        Answer::Refused { .. } => Some(Happening::Unpaid(Reason::PaymentSilent)),
        Answer::TimedOut | Answer::Down => None,
    }
}

fn paid(values: &Values) -> Option<Paid> {
    let transaction = TransactionId::new(text(values, "transaction")?)?;
    Some(Paid { transaction, total: Fen(integer(values, "total_fen")?), at: UnixSecs(integer(values, "at")?) })
}

fn refund(values: &Values) -> Option<Happening> {
    let number = OutRefundNo::new(text(values, "number")?)?;
    Some(Happening::MoneyBack(Returning { number, of: paid(values)?, back: Fen(integer(values, "back_fen")?) }))
}

fn closed_because(memo: &Values) -> Reason {
    match text(memo, "reason") {
        Some(name) if name == Reason::CustomerCancelled.as_str() => Reason::CustomerCancelled,
        Some(name) if name == Reason::PaymentRefused.as_str() => Reason::PaymentRefused,
        _ => Reason::PaymentExpired,
    }
}

fn text<'v>(values: &'v Values, name: &str) -> Option<&'v str> {
    match values.get(name) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn integer(values: &Values, name: &str) -> Option<i64> {
    match values.get(name) {
        Some(Value::Integer(n)) => Some(*n),
        _ => None,
    }
}
