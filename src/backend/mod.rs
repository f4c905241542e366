//! The operator's business systems, asked over HTTP.

mod ask;
mod request;

pub use ask::{Backend, client};
