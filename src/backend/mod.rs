//! The operator's business systems, asked over HTTP.

mod ask;
mod breaker;
mod places;
mod request;

pub(crate) use ask::prove;
pub use ask::{Backend, Patience, client};
pub use places::Waits;
pub(crate) use request::Unaskable;
