//! The payment platform, inside out (platform.md part 6): a merchant with real keys, orders that customers pay, refunds,
//! notifications, bills, and faults that can be switched on. It speaks to the merchant over HTTP only.

mod calls;
mod clock;
mod deliver;
mod desk;
mod http;
mod keys;
pub mod model;
mod pair;
mod platform;

pub use desk::configure as configure_api;
pub use http::configure;
pub use keys::Credentials;
pub use platform::{Pay, PaySpec};
