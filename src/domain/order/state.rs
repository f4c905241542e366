//! Where an order can stand, and why it moved.

use serde::{Deserialize, Serialize};

/// How an order stands. Stored by the order of these: a new one goes to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    /// Being put together in a dialogue: nothing has left, nothing is owed.
    Draft,
    /// The customer agreed to exactly this at this price.
    Confirmed,
    /// It can be paid.
    AwaitingPayment,
    /// The money is there.
    Paid,
    /// The business system was asked to do it.
    Fulfilling,
    /// Done.
    Done,
    /// Not done, and no money of the customer's is with us.
    Failed,
    /// The money is on its way back.
    Refunding,
    /// The money is back.
    Refunded,
    /// Nobody can tell by machine how it stands: a person looks at it.
    NeedsPerson,
}

impl State {
    /// Every state, in the order an order goes through them.
    pub const ALL: [Self; 10] = [
        Self::Draft,
        Self::Confirmed,
        Self::AwaitingPayment,
        Self::Paid,
        Self::Fulfilling,
        Self::Done,
        Self::Failed,
        Self::Refunding,
        Self::Refunded,
        Self::NeedsPerson,
    ];

    /// Whether nothing more is due of anybody.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Refunded)
    }

    /// Its name for those who read facts and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Confirmed => "confirmed",
            Self::AwaitingPayment => "awaiting_payment",
            Self::Paid => "paid",
            Self::Fulfilling => "fulfilling",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
            Self::NeedsPerson => "needs_person",
        }
    }
}

/// Why an order moved. A closed set, stored by the order of these: a new one goes to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The customer agreed.
    Agreed,
    /// It can be paid now.
    Payable,
    /// The money came in.
    MoneyCame,
    /// Next in line: the business system is asked.
    Asked,
    /// The business system did it.
    BusinessDid,
    /// The business system said no.
    BusinessRefused,
    /// The business system gave no clear answer in all the time it was asked.
    BusinessSilent,
    /// The business system did it after it had said no, or after the money went back.
    BusinessContradicts,
    /// Payment could not be begun.
    PaymentRefused,
    /// Not paid in time.
    PaymentExpired,
    /// The customer did not want to pay.
    CustomerCancelled,
    /// Another amount came in than was agreed.
    AmountDiffers,
    /// The money came in after the order had ended.
    PaidTooLate,
    /// WeChat Pay gave no clear answer in all the time it was asked.
    PaymentSilent,
    /// The money is back.
    MoneyBack,
    /// WeChat Pay could not give the money back.
    RefundFailed,
    /// The money went back without us: somebody did it at WeChat Pay.
    RefundedOutside,
    /// A second payment for the same order.
    PaidTwice,
    /// A person decided.
    PersonDecided,
    /// WeChat Pay gave no clear answer on a refund in all the time it was asked.
    RefundSilent,
    /// A part of the money went back without us, before anything was asked for.
    PaidBackInPart,
}

impl Reason {
    /// Its name for those who read facts and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::Payable => "payable",
            Self::MoneyCame => "money_came",
            Self::Asked => "asked",
            Self::BusinessDid => "business_did",
            Self::BusinessRefused => "business_refused",
            Self::BusinessSilent => "business_silent",
            Self::BusinessContradicts => "business_contradicts",
            Self::PaymentRefused => "payment_refused",
            Self::PaymentExpired => "payment_expired",
            Self::CustomerCancelled => "customer_cancelled",
            Self::AmountDiffers => "amount_differs",
            Self::PaidTooLate => "paid_too_late",
            Self::PaymentSilent => "payment_silent",
            Self::MoneyBack => "money_back",
            Self::RefundFailed => "refund_failed",
            Self::RefundedOutside => "refunded_outside",
            Self::PaidTwice => "paid_twice",
            Self::PersonDecided => "person_decided",
            Self::RefundSilent => "refund_silent",
            Self::PaidBackInPart => "paid_back_in_part",
        }
    }
}
