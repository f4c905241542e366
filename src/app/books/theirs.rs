//! Reading the books of others. Nothing of a book is used before all of it was read and proven.

use std::time::Duration;

use super::super::ServedAccount;
use super::{BookFault, Line};
use crate::backend::pay::{BillError, Client, Code, FundRow, Side, TradeKind, TradeRow};
use crate::backend::{Patience, Waits};
use crate::domain::books::Says;
use crate::domain::ids::OrderNumber;
use crate::domain::pay::{Fen, OutRefundNo, RefundState, TransactionId};
use crate::domain::question::{Answer, Question};
use crate::domain::time::BusinessDay;
use crate::domain::value::{Value, Values};

/// No merchant of ours has more on one day; what has is told to the operator.
const MOST_LINES: usize = 500_000;
/// Nor does a business system have more pages.
const MOST_PAGES: i64 = 20_000;

/// The payment platform's bill of a day; `None` when it says that nothing happened.
pub(super) async fn bill(account: &ServedAccount, day: BusinessDay) -> Result<Option<Vec<Line>>, BookFault> {
    let Some(client) = &account.merchant else { return Ok(None) };
    let mut lines = Vec::new();
    let read = client.trade_bill(day, |row| {
        if lines.len() <= MOST_LINES {
            lines.extend(of_trade(row));
        }
    });
    let totals = match read.await {
        Ok(totals) => totals,
        Err(error) => return none_or(error),
    };
    if lines.len() > MOST_LINES {
        return Err(BookFault::Broken(format!("the bill of {day} has more than {MOST_LINES} lines")));
    }
    let flows = funds(client, day).await?;
    if flows != (totals.settled, totals.refunded) {
        // What is booked a moment after midnight stands in the bill of the next day.
        tracing::warn!(
            account = %account.id(), %day, paid = %totals.settled, booked = %flows.0, returned = %totals.refunded,
            booked_back = %flows.1, "the platform's two bills of a day differ"
        );
    }
    Ok(Some(lines))
}

/// What came in by payments and went out by refunds, by the movements of money.
async fn funds(client: &Client, day: BusinessDay) -> Result<(Fen, Fen), BookFault> {
    let mut sums = (Fen(0), Fen(0));
    let add = |row: FundRow| {
        let sum = match (row.business.as_str(), row.side) {
            ("交易", Side::In) => &mut sums.0,
            ("退款", Side::Out) => &mut sums.1,
            _ => return,
        };
        *sum = sum.plus(row.amount).unwrap_or(*sum);
    };
    match client.fund_bill(day, add).await {
        Ok(_) => Ok(sums),
        Err(error) => none_or(error).map(|_: Option<Vec<Line>>| (Fen(0), Fen(0))),
    }
}

fn none_or<T>(error: BillError) -> Result<Option<T>, BookFault> {
    match &error {
        BillError::Pay(pay) if pay.refusal() == Some(&Code::NoStatement) => Ok(None),
        BillError::Pay(pay) if pay.is_passing() => Err(BookFault::Passing(error.to_string())),
        _ => Err(BookFault::Broken(error.to_string())),
    }
}

fn of_trade(row: TradeRow) -> Option<Line> {
    let says = match (row.kind, row.refund) {
        (TradeKind::Paid, _) => Says::Paid { transaction: TransactionId::new(row.transaction_id), total: row.total },
        (TradeKind::Refunded, Some(refund)) => Says::Returned {
            refund: OutRefundNo::new(refund.out_refund_no),
            back: refund.asked,
            state: state(&refund.state),
        },
        // Nothing that is paid in the chat is withdrawn.
        (TradeKind::Refunded | TradeKind::Revoked | TradeKind::Unknown, _) => return None,
    };
    Some(Line { number: OrderNumber::new(row.out_trade_no), payer: Some(row.payer), says })
}

fn state(word: &str) -> RefundState {
    match word {
        "SUCCESS" => RefundState::Success,
        "PROCESSING" => RefundState::Processing,
        "CLOSED" | "FAIL" => RefundState::Closed,
        "ABNORMAL" | "CHANGE" => RefundState::Abnormal,
        _ => RefundState::Unknown,
    }
}

/// What the business system did on a day, page by page; `None` when it has no such day.
pub(super) async fn list(account: &ServedAccount, day: BusinessDay) -> Result<Option<Vec<Line>>, BookFault> {
    let playbook = account.playbook();
    let asked = playbook.day_book.as_ref().and_then(|key| Some((key, playbook.connectors.get(key)?)));
    let Some((key, connector)) = asked else { return Ok(None) };
    let most = connector.fields.get("orders").map_or(0, |field| field.most());
    let within = Duration::from_millis(u64::from(connector.late_timeout_ms));
    let mut lines: Vec<Line> = Vec::new();
    for page in 1..=MOST_PAGES {
        let values =
            Values::from([("day".to_owned(), Value::from(day.to_string())), ("page".to_owned(), Value::Integer(page))]);
        let question = Question { connector: key.clone(), values, idempotency_key: None };
        let patience = Patience { within, meant: within, waits: Waits::Nobody };
        let values = match account.backend.ask(&playbook, &question, patience).await {
            Ok(Answer::Loaded(values)) => values,
            Ok(Answer::Refused { .. }) if page == 1 => return Ok(None),
            Ok(Answer::Refused { code }) => return Err(BookFault::Broken(format!("page {page} is refused: {code}"))),
            Ok(Answer::TimedOut | Answer::Down) | Err(_) => {
                return Err(BookFault::Passing(format!("the business system did not answer for page {page} of {day}")));
            }
        };
        let Some(Value::List(entries)) = values.get("orders") else { return Err(no_list(day)) };
        let came: Vec<Line> = entries.iter().map(of_entry).collect::<Option<_>>().ok_or_else(|| no_list(day))?;
        let is_last = came.len() < most;
        let before = lines.len().checked_sub(most).and_then(|at| lines.get(at));
        if came.len() == most
            && before.is_some_and(|before| came.first().is_some_and(|one| one.number == before.number))
        {
            return Err(BookFault::Broken(format!("every page of {day} is the same: the connector must ask by page")));
        }
        lines.extend(came);
        if is_last {
            return Ok(Some(lines));
        }
        if lines.len() > MOST_LINES {
            break;
        }
    }
    Err(BookFault::Broken(format!("the list of {day} has no end")))
}

fn no_list(day: BusinessDay) -> BookFault {
    BookFault::Broken(format!("the list of {day} has no orders with number and amount"))
}

fn of_entry(entry: &Values) -> Option<Line> {
    let (Value::Text(number), Value::Fen(amount)) = (entry.get("order")?, entry.get("amount")?) else { return None };
    Some(Line { number: OrderNumber::new(number.as_str()), payer: None, says: Says::Done { amount: Fen(*amount) } })
}
