//! What the payment platform tells unasked (platform.md 6.4): believed only with its signature over the raw bytes and the
//! seal of the merchant's key, and heard by the order as an answer to a question would be.

use std::sync::Arc;

use tokio::time::timeout;

use super::cases::{self, Case, PAGE};
use super::handle::{ANSWER_WITHIN, MAX_TRIES};
use super::pay_forgotten::{FORGOTTEN, Forgotten};
use super::settle::Setting;
use super::{App, ServedAccount, told};
use crate::backend::pay::{Client, Notice, NoticeRefused, Notified};
use crate::domain::decide::happened;
use crate::domain::decision::Moment;
use crate::domain::fact::FactKind;
use crate::domain::ids::{AccountId, Openid, OrderNumber};
use crate::domain::order::{Happening, Origin, Paid, Reason, Returning};
use crate::domain::pay::{Currency, Fen, OutTradeNo, Payment, Refund, RefundState, TradeState};
use crate::domain::time::UnixSecs;
use crate::store::{Committed, CustomerRef, StoreError};

/// Notifications of the payment platform, by what came of them.
const NOTICES: &str = "fuwu_pay_notices_total";

/// Why a notification was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// The account has no merchant.
    #[error("the account has no merchant")]
    NoMerchant,
    /// Not the platform's, or not for us to open.
    #[error("not the platform's")]
    Refused,
    /// It cannot be kept now: the platform should tell it again.
    #[error("not now")]
    NotNow,
}

/// A header as it came.
pub type Header = (String, Vec<u8>);

/// What a notification says of an order.
struct Heard {
    number: OrderNumber,
    payer: Option<Openid>,
    amount: Fen,
    /// What we gave the payment on its way.
    attach: String,
    /// `None`: it cannot be told to an order, and a person has to see it.
    happening: Option<Happening>,
}

impl App {
    /// Hears a notification as it came: all its headers, its body byte by byte. What was heard before changes nothing. Goes
    /// on when the caller leaves.
    ///
    /// # Errors
    /// [`NotTaken`]: whatever it says is not kept.
    pub async fn payment_heard(
        self: &Arc<Self>,
        account: &Arc<ServedAccount>,
        (headers, body): (Vec<Header>, Vec<u8>),
    ) -> Result<(), NotTaken> {
        let (app, account) = (Arc::clone(self), Arc::clone(account));
        let heard = self.tasks.spawn(async move {
            let heard = app.hear_payment(&account, (&headers, &body)).await;
            let outcome = match &heard {
                Ok(told) | Err(told) => *told,
            };
            metrics::counter!(NOTICES, "account" => account.id().to_string(), "outcome" => outcome).increment(1);
            heard
        });
        match timeout(ANSWER_WITHIN, heard).await {
            Ok(Ok(Ok(_))) => Ok(()),
            Ok(Ok(Err("no_merchant"))) => Err(NotTaken::NoMerchant),
            Ok(Ok(Err("not_now"))) => Err(NotTaken::NotNow),
            Ok(Ok(Err(_))) => Err(NotTaken::Refused),
            _ => Err(NotTaken::NotNow),
        }
    }

    /// What came of it, by its name among metrics.
    async fn hear_payment(
        &self,
        account: &ServedAccount,
        (headers, body): (&[Header], &[u8]),
    ) -> Result<&'static str, &'static str> {
        let client = account.merchant.as_ref().ok_or("no_merchant")?;
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let notice = match client.open_notice(headers, body).await {
            Ok(Notified { notice, .. }) => notice,
            Err(refused) => return self.refuse_notice(account, (refused, body)).await,
        };
        let heard = match notice {
            Notice::Payment(payment) => of_payment(payment),
            Notice::Refund(refund) => of_refund(refund),
            Notice::Other { event } => {
                tracing::info!(account = %account.id(), event, "the payment platform told what fuwu does not follow");
                return Ok("other");
            }
        };
        self.tell_order(account, client, heard).await.map_err(|error| {
            tracing::warn!(account = %account.id(), %error, "a notification of the payment platform could not be kept");
            "not_now"
        })
    }

    /// What is surely the platform's is taken, and somebody has to look at it: money may have moved.
    async fn refuse_notice(
        &self,
        account: &ServedAccount,
        (refused, body): (NoticeRefused, &[u8]),
    ) -> Result<&'static str, &'static str> {
        if refused.is_genuine() {
            tracing::error!(account = %account.id(), %refused, "the payment platform told what is none of ours");
            let name = self.rules.discretion.key.mark(&[b"", b"notice", body]);
            let number = name.iter().take(8).fold("notice-".to_owned(), |name, byte| format!("{name}{byte:02x}"));
            let case = Case {
                number: OrderNumber::new(number),
                at: self.clock.now(),
                reason: format!("notice_{}", refused.name()),
                amount_fen: 0,
                origin: None,
                stays: true,
                forgotten: None,
            };
            return match self.open_case(account, &case).await {
                Ok(()) => Ok(refused.name()),
                Err(error) => {
                    tracing::warn!(account = %account.id(), %error, "a notification of the payment platform could not be kept");
                    Err("not_now")
                }
            };
        }
        if refused.is_probe() {
            tracing::debug!(account = %account.id(), "the payment platform tried whether signatures are verified");
        } else {
            tracing::warn!(account = %account.id(), %refused, "a notification that is not the payment platform's was refused");
        }
        Err(refused.name())
    }

    async fn tell_order(
        &self,
        account: &ServedAccount,
        client: &Client,
        mut heard: Heard,
    ) -> Result<&'static str, StoreError> {
        let Some(payer) = self.payer(client, &mut heard).await? else {
            return self.unknown_order(account, &heard).await;
        };
        let of = CustomerRef { account: account.id().clone(), openid: payer };
        let now = self.clock.now();
        let playbook = account.playbook();
        let mut was_asked = false;
        for _ in 0..MAX_TRIES {
            let stored = self.store.load(&of).await?;
            let Some(order) = stored.customer.orders.get(&heard.number) else {
                return self.unknown_order(account, &heard).await;
            };
            if differs(&heard, order.amount) && !was_asked {
                // What does not agree with the order is not believed before the platform, asked, says the same.
                heard = self.asked_of(client, heard).await?;
                was_asked = true;
                continue;
            }
            let Some(happening) = heard.happening.clone() else {
                // Of a payment that is known: it went back since, or was told wrongly.
                if order.paid().is_some() {
                    return Ok("known");
                }
                return self.odd_payment(account, (&heard, order.origin)).await;
            };
            let moment = Moment { now, at: now, key: order.origin, fresh: rand::random() };
            let decision = happened(&playbook, &stored.customer, (&heard.number, happening), moment);
            let Some(after) = decision.customer.orders.get(&heard.number).cloned() else { return Ok("known") };
            if after == *order && decision.outbox.is_empty() {
                return Ok("known");
            }
            let applied = self.known_to(&stored.customer.recent);
            let setting = Setting { of: &of, playbook: &playbook, moment, rules: &self.rules };
            let commit = told::commit(setting, (stored.version, decision), &after);
            if self.commit(commit, applied).await? == Committed::Applied {
                self.outbox_bell.notify_one();
                return Ok("new");
            }
        }
        Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer")))
    }

    async fn asked_of(&self, client: &Client, heard: Heard) -> Result<Heard, StoreError> {
        let Some(number) = OutTradeNo::new(heard.number.as_str()) else { return Ok(heard) };
        match client.query(&number).await {
            Ok(payment) => Ok(of_payment(payment)),
            Err(error) if error.is_passing() => Err(StoreError::Unavailable(format!("what was paid: {error}"))),
            Err(_) => Ok(heard),
        }
    }

    /// Who paid. A refund does not name them, but the order does that it belongs to.
    async fn payer(&self, client: &Client, heard: &mut Heard) -> Result<Option<Openid>, StoreError> {
        if let Some(payer) = &heard.payer {
            return Ok(Some(payer.clone()));
        }
        let Some(number) = OutTradeNo::new(heard.number.as_str()) else { return Ok(None) };
        match client.query(&number).await {
            Ok(payment) => {
                heard.attach = payment.attach;
                Ok(payment.payer)
            }
            Err(error) if error.is_passing() => Err(StoreError::Unavailable(format!("who was paid back: {error}"))),
            Err(_) => Ok(None),
        }
    }

    /// Money that we know nothing of is never passed over; nor what is new of an order whose record is no more. That of a
    /// payment or refund of ours that is told late is no news.
    async fn unknown_order(&self, account: &ServedAccount, heard: &Heard) -> Result<&'static str, StoreError> {
        let facts = self.facts_of_order(account.id(), &heard.number).await?;
        // A later payment would be another one.
        let is_told = |reasons: &[Reason], at: UnixSecs| {
            facts.iter().any(|(reason, arrived)| reasons.contains(reason) && *arrived >= at)
        };
        let ours = self.origin_of(account.id(), (&heard.number, &heard.attach));
        if let (true, Some(origin)) = (facts.is_empty(), ours) {
            return self.forgotten_order(account, (heard, origin)).await;
        }
        let came = &[Reason::MoneyCame, Reason::PaidTooLate, Reason::AmountDiffers];
        let reason = match &heard.happening {
            _ if facts.is_empty() => "unknown_order",
            Some(Happening::Paid(paid)) if is_told(came, paid.at) => return Ok("known"),
            Some(Happening::MoneyBack(back)) if is_told(&[Reason::MoneyBack], back.of.at) => return Ok("known"),
            _ => "ended_order",
        };
        tracing::error!(
            account = %account.id(), order = %heard.number, amount_fen = heard.amount.0, reason,
            "the payment platform told of an order that is not kept here"
        );
        self.open_case(account, &self.case_of((heard, None), reason)).await?;
        Ok("unknown_order")
    }

    /// A payment of an order of which nothing is kept but what the payment itself carries: it may be one that was done long
    /// ago and is told once more, and it may be money that nobody has earned. Nothing is kept of who paid.
    async fn forgotten_order(
        &self,
        account: &ServedAccount,
        (heard, Origin { action, amount }): (&Heard, Origin),
    ) -> Result<&'static str, StoreError> {
        let Some(Happening::Paid(paid)) = &heard.happening else {
            // Money that went back is owed to nobody any more.
            if let Some(Happening::MoneyBack(back)) = &heard.happening {
                let case = cases::case(self.store.as_ref(), account.id(), &heard.number).await?;
                let is_all = |case: &Case| case.forgotten.is_some() && back.back.0 >= case.amount_fen;
                if case.as_ref().is_some_and(is_all) {
                    self.close(account, &heard.number).await?;
                }
                return Ok("known");
            }
            self.open_case(account, &self.case_of((heard, None), "unknown_order")).await?;
            return Ok("unknown_order");
        };
        tracing::error!(
            account = %account.id(), order = %heard.number, amount_fen = heard.amount.0, %action,
            "the payment platform told of a payment whose customer is forgotten: see `fuwu order list`"
        );
        let forgotten = Forgotten {
            action,
            agreed_fen: amount.0,
            transaction: paid.transaction.as_str().to_owned(),
            paid_at: paid.at,
        };
        let case = Case { forgotten: Some(forgotten), ..self.case_of((heard, None), FORGOTTEN) };
        // One whose money is on its way back already needs nobody anew.
        let known = cases::case(self.store.as_ref(), account.id(), &heard.number).await?;
        if known.is_none_or(|known| known.forgotten != case.forgotten) {
            self.open_case(account, &case).await?;
        }
        Ok("forgotten_order")
    }

    /// Why an order moved, and when, as the log tells it.
    async fn facts_of_order(
        &self,
        account: &AccountId,
        number: &OrderNumber,
    ) -> Result<Vec<(Reason, UnixSecs)>, StoreError> {
        let (mut after, mut reasons) = (0, Vec::new());
        loop {
            let page = self.store.facts(account, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(reasons) };
            after = last.seq;
            reasons.extend(page.iter().filter_map(|logged| match &logged.fact.what {
                FactKind::OrderMoved { order, reason, .. } if order == number => Some((*reason, logged.fact.arrived)),
                _ => None,
            }));
        }
    }

    async fn odd_payment(
        &self,
        account: &ServedAccount,
        (heard, origin): (&Heard, crate::domain::ids::DedupeKey),
    ) -> Result<&'static str, StoreError> {
        let case = self.case_of((heard, Some(origin)), Reason::AmountDiffers.as_str());
        self.open_case(account, &case).await?;
        Ok("odd")
    }

    fn case_of(&self, (heard, origin): (&Heard, Option<crate::domain::ids::DedupeKey>), reason: &str) -> Case {
        Case {
            number: heard.number.clone(),
            at: self.clock.now(),
            reason: reason.to_owned(),
            amount_fen: heard.amount.0,
            origin,
            stays: true,
            forgotten: None,
        }
    }
}

fn differs(heard: &Heard, agreed: Fen) -> bool {
    match &heard.happening {
        Some(Happening::Paid(paid)) => paid.total != agreed,
        Some(_) => false,
        None => true,
    }
}

/// A payment pays only when the platform says so, in yuan, with its own number.
fn of_payment(payment: Payment) -> Heard {
    let amount = payment.amount.map_or(Fen(0), |amount| amount.total);
    let is_yuan = payment.amount.is_some_and(|amount| amount.currency == Currency::Cny);
    let is_paid = payment.state == TradeState::Success && is_yuan;
    let happening = payment.transaction_id.filter(|_| is_paid).map(|transaction| {
        Happening::Paid(Paid { transaction, total: amount, at: payment.paid_at.unwrap_or_default() })
    });
    let number = OrderNumber::new(payment.out_trade_no.as_str());
    Heard { number, payer: payment.payer, amount, attach: payment.attach, happening }
}

fn of_refund(refund: Refund) -> Heard {
    let number = OrderNumber::new(refund.out_trade_no.as_str());
    let of =
        Paid { transaction: refund.transaction_id, total: refund.total, at: refund.refunded_at.unwrap_or_default() };
    let ours = refund.out_refund_no.as_str().strip_prefix(number.as_str()).and_then(|rest| rest.strip_prefix('R'));
    let nth = ours.and_then(|nth| nth.parse().ok());
    let happening = match refund.state {
        RefundState::Success => {
            Some(Happening::MoneyBack(Returning { number: refund.out_refund_no, of, back: refund.refund }))
        }
        RefundState::Closed | RefundState::Abnormal => nth.map(Happening::RefundFailed),
        RefundState::Processing | RefundState::Unknown => None,
    };
    Heard { number, payer: None, amount: refund.refund, attach: String::new(), happening }
}
