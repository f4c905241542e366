//! The operator's business systems, asked over HTTP.

mod ask;
mod breaker;
mod carry;
mod cause;
mod guard;
mod kept;
pub mod pay;
mod places;
mod request;
mod secrets;
mod trial;

pub(crate) use ask::prove;
pub use ask::{Backend, Patience, client};
pub use carry::Unreadable;
#[cfg(test)]
pub(crate) use carry::{Came, Carrier};
pub use cause::Cause;
pub use places::{Full, Waits};
#[cfg(test)]
pub(crate) use request::Request;
pub(crate) use request::Unaskable;
pub use secrets::Secrets;
pub use trial::{Sent, Trial};
