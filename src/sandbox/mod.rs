//! The platform's model, the phone, the demo business system, a simulated population.
//!
//! The real platform cannot be reached from a test, so this is the platform inside out: it holds customers, menu,
//! codes, tokens and interaction windows, serves the platform's API and delivers signed, encrypted webhooks with the
//! platform's own timeouts and retries. It speaks to fuwu over HTTP only.

mod error;
pub mod model;

pub use error::SandboxError;
