//! WeChat Pay, version 3 (platform.md part 6): calls, the pay page's parameters, notifications, bills.
//!
//! [`Client`] is one merchant's way to the platform. It decides nothing: whoever keeps the orders asks, and hears whether
//! something was surely not done, refused for good, or may have been done.

mod bill_lines;
mod bills;
mod carry;
mod certificates;
mod client;
mod error;
mod merchant;
mod notice;
mod orders;
mod page;
mod pem;
mod refunds;
mod ring;
mod sign;
mod stamp;
mod wire;

#[cfg(test)]
pub(crate) mod fixture;

pub use bill_lines::{BillFault, FundRow, FundTotals, Side, TradeKind, TradeRefund, TradeRow, TradeTotals};
pub use bills::BillError;
pub use client::{Client, ClientSpec, Clock, HOSTS, http_client};
pub use error::{Cause, Code, Invalid, PayError};
pub use merchant::{Merchant, MerchantFault, MerchantSpec, PublicKeySpec};
pub use notice::{Notice, NoticeRefused, Notified};
pub use orders::{Order, PrepayId};
pub use page::PayPage;
pub use refunds::RefundOrder;
pub use ring::REFETCH_SECS;
pub use stamp::{Disbelief, Stamp};
