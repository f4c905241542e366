//! The demo business system: what an operator's own systems would be (`fixtures/telecom/README.md`).

mod applications;
mod codes;
mod history;
mod http;
mod ledger;
mod numbers;

pub use codes::Message;
pub use http::{Telecom, configure};
pub use ledger::Books;
