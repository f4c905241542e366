//! The official account's own wire format (platform.md parts 1 to 4): bytes on one side, `domain` values on the other.
//!
//! [`open()`] is the only way to an [`Opened`], so an unverified delivery cannot reach anybody. [`seal()`] is its
//! counterpart. [`deliver`] is the platform's side of both, for the sandbox, the tests and the load tool.

mod account;
pub mod api;
mod crypt;
pub mod deliver;
mod key;
mod open;
mod query;
mod read;
mod render;
mod seal;
mod signature;
mod text;
mod tree;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod torture;
#[cfg(test)]
mod vectors;

pub use account::{Account, AccountFault, AccountSpec, Mode};
pub use crypt::Clear;
pub use open::{Opened, Refusal, ReplyTo, open, read_clear, verify_url};
pub use query::Query;
pub use read::{Reason, Unusable};
pub use seal::seal;
