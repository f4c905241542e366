//! The demo business system: what an operator's own systems would be (`fixtures/telecom/README.md`).

mod applications;
mod http;
mod ledger;

pub use http::{Telecom, configure};
pub use ledger::Books;
