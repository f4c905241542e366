//! From the clear text of a delivery to the vocabulary of `domain::inbound` (platform.md part 2).

mod coupon;
mod dedupe;
mod envelope;
mod event;
mod json;
mod message;
mod report;
mod unusable;
mod xml;

pub(super) use envelope::{Delivery, read};
pub use unusable::{Reason, Unusable};
pub(super) use xml::{ContentEnds, parse as parse_xml};
