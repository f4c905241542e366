//! What a page about one order reads: the customer's own order, and what it is paid with.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::{App, ServedAccount};
use crate::backend::pay::PrepayId;
use crate::channel::official::api::PageSignature;
use crate::domain::ids::{Openid, OrderNumber};
use crate::domain::order::{Order, State};
use crate::domain::time::UnixSecs;
use crate::store::{CustomerRef, StoreError};

/// A page does not wait longer for the platform's ticket: it can be paid without.
const TICKET_WITHIN: Duration = Duration::from_millis(1500);

/// What a page hands to the platform so that its customer may pay.
#[derive(Clone, Debug, PartialEq)]
pub struct PayWays {
    /// For the bridge of the chat's browser.
    pub bridge: Value,
    /// For the platform's scripts.
    pub choose: Value,
    /// What allows the page to use those; not there while the platform's ticket is not.
    pub config: Option<PageSignature>,
}

impl App {
    /// The customer's order of this number. Somebody else's is as unknown as one that does not exist: only this
    /// customer's record is ever looked at.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn order_of(
        &self,
        account: &ServedAccount,
        (openid, number): (&Openid, &OrderNumber),
    ) -> Result<Option<Order>, StoreError> {
        let of = CustomerRef { account: account.id().clone(), openid: openid.clone() };
        let stored = self.store.load(&of).await?;
        let found = stored.customer.orders.get(number);
        Ok(found.filter(|order| order.state() != State::Draft).cloned())
    }

    /// What the order is paid with, signed for one opening of the page at `page`; `None` while it cannot be paid.
    pub async fn pay_ways(&self, account: &ServedAccount, (order, page): (&Order, &str)) -> Option<PayWays> {
        let prepay_id = payable(order, self.clock.now())?;
        let ways = account.merchant.as_ref()?.pay_page(&prepay_id);
        let ways =
            ways.inspect_err(|fault| tracing::error!(account = %account.id(), %fault, "a page cannot be paid on"));
        let ways = ways.ok()?;
        let config = match timeout(TICKET_WITHIN, account.platform.sign_page(page)).await {
            Ok(Ok(config)) => Some(config),
            Ok(Err(fault)) => {
                tracing::warn!(account = %account.id(), fault = %fault.in_words(), "a page has no ticket of the platform");
                None
            }
            Err(_) => None,
        };
        Some(PayWays { bridge: ways.bridge(), choose: ways.choose(), config })
    }
}

/// Whether it can be paid at `now`, as far as we know.
pub fn is_payable(order: &Order, now: UnixSecs) -> bool {
    payable(order, now).is_some()
}

fn payable(order: &Order, now: UnixSecs) -> Option<PrepayId> {
    let money = order.money().filter(|money| now < money.payable_until)?;
    let prepay_id = money.prepay_id.as_ref().filter(|_| order.state() == State::AwaitingPayment)?;
    serde_json::from_value(Value::String(prepay_id.clone())).ok()
}
