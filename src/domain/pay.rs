//! Payments as values (platform.md part 6): amounts, numbers, states. Whoever speaks to the payment platform makes them;
//! whoever decides about an order reads them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::Openid;
use super::time::UnixSecs;

/// Money in fen, a hundredth of a yuan. Never a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(pub i64);

impl Fen {
    /// The sum; `None` beyond what 64 bits hold.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference; `None` beyond what 64 bits hold.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Whether somebody could pay it.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }
}

/// As yuan with two digits.
impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $lengths:expr, $more:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The number; `None` if the platform would not take it.
            pub fn new(text: impl Into<String>) -> Option<Self> {
                let text = text.into();
                let fits = |b: u8| b.is_ascii_alphanumeric() || $more.contains(&b);
                ($lengths.contains(&text.len()) && text.bytes().all(fits)).then_some(Self(text))
            }

            /// Its characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotANumber;

            fn try_from(text: String) -> Result<Self, NotANumber> {
                Self::new(text).ok_or(NotANumber)
            }
        }
    };
}

/// A text that the payment platform would not take as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number of the payment platform")]
pub struct NotANumber;

number! {
    /// Our number of an order: 6 to 32 of `[0-9a-zA-Z_\-|*]`, used once per merchant (platform.md 6.3).
    OutTradeNo, (6..=32), b"_-|*"
}
number! {
    /// Our number of a refund: 1 to 64 of `[0-9a-zA-Z_\-|*@]`, used once per merchant (platform.md 6.5).
    OutRefundNo, (1..=64), b"_-|*@"
}
number! {
    /// The platform's number of a payment, there once somebody paid.
    TransactionId, (1..=32), b""
}
number! {
    /// The platform's number of a refund.
    RefundId, (1..=32), b""
}

/// What came of an order (platform.md 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TradeState {
    /// Paid.
    Success,
    /// Paid, and refunded in part or whole.
    Refund,
    /// Not paid yet.
    NotPay,
    /// Closed; it can no longer be paid.
    Closed,
    /// Withdrawn by a cashier.
    Revoked,
    /// The customer is typing the password.
    UserPaying,
    /// Paying failed.
    PayError,
    /// A word that we do not know: ask again, believe nothing.
    Unknown,
}

/// What came of a refund (platform.md 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RefundState {
    /// The customer has the money.
    Success,
    /// The refund was closed; the money stays.
    Closed,
    /// On its way.
    Processing,
    /// It could not be paid out: a person must look after it on the merchant's page.
    Abnormal,
    /// A word that we do not know: ask again, believe nothing.
    Unknown,
}

/// The money of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// What the order costs.
    pub total: Fen,
    /// What the customer paid of it; the rest is coupons.
    pub payer_total: Option<Fen>,
    /// Whether all of it is in yuan.
    pub currency: Currency,
}

/// A currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Currency {
    /// Yuan: the only one that we ask for.
    Cny,
    /// Anything else.
    Other,
}

/// What the platform says of an order, asked or unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Our number.
    pub out_trade_no: OutTradeNo,
    /// The platform's, once it was paid.
    pub transaction_id: Option<TransactionId>,
    /// What came of it.
    pub state: TradeState,
    /// Who pays.
    pub payer: Option<Openid>,
    /// How much; the platform leaves it out as long as nothing is paid.
    pub amount: Option<Amount>,
    /// When it was paid.
    pub paid_at: Option<UnixSecs>,
    /// What we gave the order on its way.
    pub attach: String,
}

impl Payment {
    /// Whether this says that an order of this amount was paid in full, in yuan, and the money is with us. Of an order
    /// that was paid back, in whole or in part, it does not: whoever asks then asks for the refunds.
    pub fn pays(&self, expected: Fen) -> bool {
        let amount = self.amount.filter(|amount| amount.currency == Currency::Cny);
        let is_paid = self.state == TradeState::Success;
        is_paid && self.transaction_id.is_some() && amount.is_some_and(|amount| amount.total == expected)
    }
}

/// What the platform says of a refund, asked or unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Our number.
    pub out_refund_no: OutRefundNo,
    /// The platform's.
    pub refund_id: RefundId,
    /// Of which order.
    pub out_trade_no: OutTradeNo,
    /// The platform's number of the payment.
    pub transaction_id: TransactionId,
    /// What came of it.
    pub state: RefundState,
    /// How much goes back.
    pub refund: Fen,
    /// What the order cost.
    pub total: Fen,
    /// When the customer had it.
    pub refunded_at: Option<UnixSecs>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_in_yuan_and_never_wraps() {
        assert_eq!([Fen(5), Fen(-123_456)].map(|fen| fen.to_string()), ["0.05", "-1234.56"]);
        assert_eq!((Fen(i64::MAX).plus(Fen(1)), Fen(i64::MIN).minus(Fen(1))), (None, None));
        assert_eq!((Fen(2).plus(Fen(3)), Fen(2).minus(Fen(3))), (Some(Fen(5)), Some(Fen(-1))));
        assert!(Fen(1).is_positive() && !Fen(0).is_positive());
    }

    #[test]
    fn a_number_is_one_that_the_platform_takes() {
        for (text, fits) in
            [("R-1_a|*", true), ("12345", false), ("123456", true), ("12345/", false), ("订单123456", false)]
        {
            assert_eq!(OutTradeNo::new(text).is_some(), fits, "{text}");
        }
        assert!(OutTradeNo::new("a".repeat(32)).is_some() && OutTradeNo::new("a".repeat(33)).is_none());
        assert!(OutRefundNo::new("a@".repeat(32)).is_some() && OutRefundNo::new("a".repeat(65)).is_none());
        assert!(OutRefundNo::new("").is_none() && TransactionId::new("4200-1").is_none());
        assert!(serde_json::from_str::<OutTradeNo>("\"../..\"").is_err());
    }

    #[test]
    fn only_the_whole_amount_in_yuan_pays() {
        let paid = Payment {
            out_trade_no: OutTradeNo::new("RG20250101000001").unwrap(),
            transaction_id: TransactionId::new("4200"),
            state: TradeState::Success,
            payer: None,
            amount: Some(Amount { total: Fen(100), payer_total: Some(Fen(90)), currency: Currency::Cny }),
            paid_at: None,
            attach: String::new(),
        };
        let amount = |total, currency| Some(Amount { total: Fen(total), payer_total: None, currency });
        assert!(paid.pays(Fen(100)) && !paid.pays(Fen(99)));
        assert!(!Payment { state: TradeState::UserPaying, ..paid.clone() }.pays(Fen(100)));
        assert!(!Payment { amount: amount(100, Currency::Other), ..paid.clone() }.pays(Fen(100)));
        assert!(!Payment { amount: None, ..paid.clone() }.pays(Fen(100)));
        assert!(!Payment { transaction_id: None, ..paid.clone() }.pays(Fen(100)));
        assert!(!Payment { state: TradeState::Refund, ..paid }.pays(Fen(100)), "it went back");
    }
}
