//! The operator's business systems, asked over HTTP.

mod ask;
mod breaker;
mod carry;
pub mod pay;
mod places;
mod request;

pub(crate) use ask::prove;
pub use ask::{Backend, Patience, client};
#[cfg(test)]
pub(crate) use carry::{Came, Carrier};
pub use places::{Full, Waits};
#[cfg(test)]
pub(crate) use request::Request;
pub(crate) use request::Unaskable;
