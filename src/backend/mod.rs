//! The operator's business systems, asked over HTTP.

mod ask;
mod carry;
mod request;

pub(crate) use ask::prove;
pub use ask::{Backend, client};
#[cfg(test)]
pub(crate) use carry::{Came, Carrier};
#[cfg(test)]
pub(crate) use request::Request;
pub(crate) use request::Unaskable;
