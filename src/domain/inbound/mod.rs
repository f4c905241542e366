//! What a customer, or the platform about a customer, can tell us: one channel-free vocabulary.
//!
//! Every message type and event of platform.md 2.2 and 2.3 is its own variant. What we do not know yet is a value
//! too (`Unknown`): it is acknowledged and counted, never refused.

mod class;
mod coupon;
mod event;
mod message;
mod names;
mod report;

pub use class::Class;
pub use coupon::*;
pub use event::*;
pub use message::*;
pub use report::*;

use super::ids::{DedupeKey, Openid};
use super::time::UnixSecs;

/// One verified, understood delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Inbound {
    /// Who it is about.
    pub openid: Openid,
    /// When the customer acted, by the platform's clock (`CreateTime`).
    pub at: UnixSecs,
    /// The same for every retry of this delivery.
    pub key: DedupeKey,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The customer sent something.
    Message(Message),
    /// Something happened: a tap, a scan, a follow, a report of the platform.
    Event(Event),
}
