//! Errands to the payment platform: every call bears the order's number, so that it may be made again; and nothing is
//! said of a payment that the platform did not say clearly.

use url::Url;

use super::errand::{Sent, Went};
use super::{App, ServedAccount};
use crate::backend::pay::{Client, Code, Order, PayError, RefundOrder};
use crate::domain::order::State;
use crate::domain::pay::{Currency, Fen, OutRefundNo, OutTradeNo, Payment, Refund, RefundState, TradeState};
use crate::domain::question::{Answer, Errand};
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::store::StoreError;

/// Until it is asked again whether somebody has paid, by number of tries (reliability.md 2.5).
const QUERY_SECS: [i64; 4] = [50, 240, 600, 1200];
/// Until an order that could not be closed is tried again.
const CLOSE_SECS: [i64; 4] = [3, 15, 60, 300];
/// Until a refund on its way is asked after again.
const REFUND_SECS: [i64; 6] = [5, 20, 60, 300, 600, 1800];
/// Calls to the payment platform that brought nothing, by errand and outcome.
const UNPAID_CALLS: &str = "fuwu_pay_calls_without_answer_total";
/// The platform takes a description of so many characters.
const DESCRIPTION_CHARS: usize = 127;
/// And a refund's reason of so many.
const REASON_CHARS: usize = 80;

/// The way to the payment platform, and where it tells of what happened.
struct Till<'a> {
    client: &'a Client,
    notify_url: Url,
}

impl App {
    /// Asks the payment platform.
    ///
    /// # Errors
    /// As the store answers.
    pub(super) async fn at_the_till(&self, account: &ServedAccount, sent: &Sent<'_>) -> Result<Went, StoreError> {
        let (Some(client), Some(notify_url)) = (&account.merchant, account.pay_notify_url()) else {
            tracing::error!(account = %account.id(), "an order is to be paid, and the account has no merchant: set accounts.ID.pay");
            return Ok(match sent.errand {
                Errand::Prepay => refused("NO_MERCHANT"),
                _ => Went::NotYet(600),
            });
        };
        let till = &Till { client, notify_url };
        let Some(number) = OutTradeNo::new(sent.text("order").unwrap_or_default()) else {
            return Ok(refused("NO_NUMBER"));
        };
        Ok(match sent.errand {
            Errand::Prepay => {
                let stored = self.store.load(sent.of).await?;
                let order = stored.customer.orders.get(&sent.number());
                let attach = order.map(|order| self.origin_sealed(account.id(), order)).unwrap_or_default();
                prepay(till, (&number, attach), sent).await
            }
            Errand::Refund => refund(till, &number, sent).await,
            Errand::Query | Errand::Close => match (self.stands(sent).await?, sent.errand) {
                (Some(State::Confirmed), Errand::Close) => close(till, (&number, IsBegun::Perhaps), sent).await,
                (Some(State::AwaitingPayment), Errand::Close) => close(till, (&number, IsBegun::Surely), sent).await,
                (Some(State::Confirmed | State::AwaitingPayment), _) => match query(till, &number, sent).await {
                    Asked::Says(went) => went,
                    Asked::Open | Asked::NoSuch | Asked::Unknown => Went::NotYet(patience(&QUERY_SECS, sent.attempt)),
                },
                // What is known by other ways is not asked.
                _ => Went::Answered(Answer::TimedOut),
            },
            Errand::Call | Errand::Keep | Errand::Forget => Went::Answered(Answer::TimedOut),
        })
    }

    async fn stands(&self, sent: &Sent<'_>) -> Result<Option<State>, StoreError> {
        let stored = self.store.load(sent.of).await?;
        Ok(stored.customer.orders.get(&sent.number()).map(|order| order.state()))
    }
}

/// Whether the platform has begun the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsBegun {
    /// It gave a prepay id: that it knows nothing of it is not believed.
    Surely,
    /// Nobody holds a prepay id, so that nobody can pay what it does not know.
    Perhaps,
}

fn patience(secs: &[i64], attempt: u32) -> i64 {
    let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    secs.get(step).or(secs.last()).copied().unwrap_or(60)
}

fn refused(code: &str) -> Went {
    Went::Answered(Answer::Refused { code: code.to_owned() })
}

fn loaded<const N: usize>(values: [(&str, Value); N]) -> Went {
    let values: Values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Went::Answered(Answer::Loaded(values))
}

fn told(errand: Errand, error: &PayError) {
    let outcome = if error.is_passing() { "passing" } else { "refused" };
    metrics::counter!(UNPAID_CALLS, "errand" => errand.as_str(), "outcome" => outcome).increment(1);
    tracing::warn!(errand = errand.as_str(), %error, "the payment platform gave no answer that helps");
}

async fn prepay(till: &Till<'_>, (number, attach): (&OutTradeNo, String), sent: &Sent<'_>) -> Went {
    let order = Order {
        out_trade_no: number.clone(),
        description: sent.text("label").unwrap_or_default().chars().take(DESCRIPTION_CHARS).collect(),
        total: Fen(sent.integer("amount_fen").unwrap_or_default()),
        payer: sent.of.openid.clone(),
        notify_url: till.notify_url.clone(),
        expires_at: UnixSecs(sent.integer("until").unwrap_or_default()),
        attach,
    };
    match till.client.prepay(&order).await {
        Ok(prepay_id) => loaded([("prepay_id", Value::from(prepay_id.as_str()))]),
        Err(error) => {
            told(sent.errand, &error);
            match error {
                PayError::Refused { code, .. } => refused(code.as_str()),
                PayError::Invalid(_) => refused("INVALID"),
                PayError::NotSent | PayError::Unknown { .. } | PayError::Later { .. } => {
                    Went::NotYet(patience(&CLOSE_SECS, sent.attempt))
                }
            }
        }
    }
}

/// What the platform says of an order.
enum Asked {
    /// It is settled.
    Says(Went),
    /// It can be paid.
    Open,
    /// Nobody knows it.
    NoSuch,
    /// Nothing clear.
    Unknown,
}

async fn query(till: &Till<'_>, number: &OutTradeNo, sent: &Sent<'_>) -> Asked {
    let payment = match till.client.query(number).await {
        Ok(payment) => payment,
        Err(error) if error.refusal() == Some(&Code::OrderNotExist) => return Asked::NoSuch,
        Err(error) => {
            told(sent.errand, &error);
            return Asked::Unknown;
        }
    };
    match payment.state {
        TradeState::Success => Asked::Says(paid(&payment, sent)),
        TradeState::Closed | TradeState::Revoked => Asked::Says(closed()),
        // It was paid, and went back, and we know of neither: a person sees how much.
        TradeState::Refund => Asked::Says(refused("REFUND")),
        TradeState::NotPay | TradeState::PayError => Asked::Open,
        TradeState::UserPaying | TradeState::Unknown => Asked::Unknown,
    }
}

fn closed() -> Went {
    loaded([("state", Value::from("CLOSED"))])
}

/// A payment as the order is told of it; in another currency, or by somebody else, it is for a person.
fn paid(payment: &Payment, sent: &Sent<'_>) -> Went {
    let is_theirs = payment.payer.as_ref().is_none_or(|payer| *payer == sent.of.openid);
    let amount = payment.amount.filter(|amount| amount.currency == Currency::Cny);
    match (&payment.transaction_id, amount) {
        (Some(transaction), Some(amount)) if is_theirs => loaded([
            ("state", Value::from("SUCCESS")),
            ("transaction", Value::from(transaction.as_str())),
            ("total_fen", Value::Integer(amount.total.0)),
            ("at", Value::Integer(payment.paid_at.unwrap_or_default().0)),
        ]),
        _ => refused("OTHERWISE"),
    }
}

async fn close(till: &Till<'_>, (number, begun): (&OutTradeNo, IsBegun), sent: &Sent<'_>) -> Went {
    let later = Went::NotYet(patience(&CLOSE_SECS, sent.attempt));
    match query(till, number, sent).await {
        Asked::Says(went) => return went,
        Asked::NoSuch if begun == IsBegun::Perhaps => return closed(),
        Asked::NoSuch | Asked::Unknown => return later,
        Asked::Open => {}
    }
    match till.client.close(number).await {
        Ok(()) => closed(),
        Err(error) if error.refusal() == Some(&Code::OrderClosed) => closed(),
        // Somebody was faster: asking tells how much.
        Err(error) => {
            told(sent.errand, &error);
            later
        }
    }
}

async fn refund(till: &Till<'_>, of: &OutTradeNo, sent: &Sent<'_>) -> Went {
    let nth = sent.integer("nth").unwrap_or(1);
    let Some(number) = OutRefundNo::new(format!("{of}R{nth}")) else { return refused("NO_NUMBER") };
    let order = RefundOrder {
        out_refund_no: number.clone(),
        out_trade_no: of.clone(),
        refund: Fen(sent.integer("back_fen").unwrap_or_default()),
        total: Fen(sent.integer("total_fen").unwrap_or_default()),
        reason: sent.text("label").unwrap_or_default().chars().take(REASON_CHARS).collect(),
        notify_url: Some(till.notify_url.clone()),
    };
    let later = Went::NotYet(patience(&REFUND_SECS, sent.attempt));
    if sent.attempt > 1 {
        match till.client.query_refund(&number).await {
            Ok(refund) => return returned(&refund).unwrap_or(later),
            Err(error) if error.refusal() == Some(&Code::ResourceNotExists) => {}
            // That it cannot be asked after says nothing of what became of it.
            Err(error) => {
                told(sent.errand, &error);
                return later;
            }
        }
    }
    match till.client.refund(&order).await {
        Ok(refund) => returned(&refund).unwrap_or(later),
        Err(error) => {
            told(sent.errand, &error);
            match error.refusal() {
                // It can be done when the merchant has money again: a week long it is tried.
                None | Some(Code::NotEnough) => later,
                Some(code) => refused(code.as_str()),
            }
        }
    }
}

/// What a refund came to; `None` while it is on its way.
fn returned(refund: &Refund) -> Option<Went> {
    match refund.state {
        RefundState::Success => Some(loaded([
            ("number", Value::from(refund.out_refund_no.as_str())),
            ("transaction", Value::from(refund.transaction_id.as_str())),
            ("back_fen", Value::Integer(refund.refund.0)),
            ("total_fen", Value::Integer(refund.total.0)),
            ("at", Value::Integer(refund.refunded_at.unwrap_or_default().0)),
        ])),
        RefundState::Closed => Some(refused("CLOSED")),
        RefundState::Abnormal => Some(refused("ABNORMAL")),
        RefundState::Processing | RefundState::Unknown => None,
    }
}
