//! The operator's business systems, asked over HTTP.

mod ask;
mod request;

pub(crate) use ask::prove;
pub use ask::{Backend, client};
pub(crate) use request::Unaskable;
