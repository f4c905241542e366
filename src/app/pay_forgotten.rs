//! Payments of orders whose customer's record is gone, because they left or were erased: a person says whether the
//! business system did what was paid for; if not, the money goes back from here. Nothing of the customer is kept for it.

use serde::{Deserialize, Serialize};

use super::cases::{Case, Taken, close_case};
use super::{App, ServedAccount};
use crate::backend::pay::{PayError, RefundOrder};
use crate::domain::ids::{AccountId, ActionKey, OrderNumber};
use crate::domain::order::{Decided, Order, Origin, OriginKey};
use crate::domain::pay::{Fen, OutRefundNo, OutTradeNo, RefundState};
use crate::domain::time::UnixSecs;
use crate::store::{Store, StoreError};

/// The reason of such a case, and of one whose money is on its way back.
pub(super) const FORGOTTEN: &str = "forgotten_order";
const RETURNING: &str = "forgotten_returning";
/// What the customer reads of it in WeChat.
const BECAUSE: &str = "订单没有办成";

/// What is known of such a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// The action that took the order.
    pub action: ActionKey,
    /// What was agreed, in fen.
    pub agreed_fen: i64,
    /// The payment platform's number of the payment.
    pub transaction: String,
    /// When it was paid.
    pub paid_at: UnixSecs,
}

/// What became of money that a person wants to go back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GaveBack {
    /// It is on its way; the case closes when it is there.
    OnItsWay,
    /// The payment platform refused, for this reason.
    Refused(String),
    /// Only a running server with a merchant can give it back.
    NotFromHere,
}

impl App {
    fn origin_key(&self, account: &AccountId) -> OriginKey {
        // An account's name is never empty, so this is no tombstone's name.
        OriginKey::new(self.rules.discretion.key.mark(&[b"", b"order origin", account.as_str().as_bytes()]))
    }

    /// What the payment of an order carries.
    pub(super) fn origin_sealed(&self, account: &AccountId, order: &Order) -> String {
        self.origin_key(account).seal(order)
    }

    /// What a payment carried, if it is of an order of ours.
    pub(super) fn origin_of(&self, account: &AccountId, (number, attach): (&OrderNumber, &str)) -> Option<Origin> {
        self.origin_key(account).open(number, attach)
    }

    /// Takes what a person decided about such a payment.
    pub(super) async fn decide_forgotten(
        &self,
        account: &ServedAccount,
        (case, decided): (&Case, Decided),
    ) -> Result<Taken, StoreError> {
        if decided != Decided::Undone {
            return settled(self.store.as_ref(), account.id(), case).await;
        }
        let refund = order_of(account, case);
        let (Some(client), Some(order)) = (&account.merchant, refund) else {
            return Ok(Taken::GaveBack(GaveBack::NotFromHere));
        };
        // First, so that a notification that overtakes the answer finds it and closes it.
        self.open_case(account, &Case { reason: RETURNING.to_owned(), ..case.clone() }).await?;
        let refused = match client.refund(&order).await {
            Ok(refund) => match refund.state {
                RefundState::Success => return settled(self.store.as_ref(), account.id(), case).await,
                RefundState::Processing | RefundState::Unknown => return Ok(Taken::GaveBack(GaveBack::OnItsWay)),
                RefundState::Closed | RefundState::Abnormal => format!("{:?}", refund.state),
            },
            Err(PayError::Refused { code, .. }) => code.as_str().to_owned(),
            // Asked once more it is the same refund.
            Err(error) => {
                return Err(StoreError::Unavailable(format!("whether it goes back is not known: {error}")));
            }
        };
        self.open_case(account, &Case { reason: FORGOTTEN.to_owned(), ..case.clone() }).await?;
        Ok(Taken::GaveBack(GaveBack::Refused(refused)))
    }
}

/// The refund of all of it, always under the same number.
fn order_of(account: &ServedAccount, case: &Case) -> Option<RefundOrder> {
    let amount = Fen(case.amount_fen);
    Some(RefundOrder {
        out_refund_no: OutRefundNo::new(format!("{}R1", case.number))?,
        out_trade_no: OutTradeNo::new(case.number.as_str())?,
        refund: amount,
        total: amount,
        reason: BECAUSE.to_owned(),
        notify_url: account.pay_notify_url(),
    })
}

async fn settled(store: &dyn Store, account: &AccountId, case: &Case) -> Result<Taken, StoreError> {
    close_case(store, account, &case.number).await?;
    Ok(Taken::Closed)
}

/// What a person decided where no server runs: that it is done, or was given back by other means, needs none.
pub(super) async fn decide_beside(
    store: &dyn Store,
    account: &AccountId,
    (case, decided): (&Case, Decided),
) -> Result<Taken, StoreError> {
    match decided {
        Decided::Undone => Ok(Taken::GaveBack(GaveBack::NotFromHere)),
        Decided::Done | Decided::Returned => settled(store, account, case).await,
    }
}
