//! The platform's model, the phone, the demo business system, a simulated population.
//!
//! The real platform cannot be reached from a test, so this is the platform inside out: it holds customers, menu,
//! codes, tokens and interaction windows, serves the platform's API and delivers signed, encrypted webhooks with the
//! platform's own timeouts and retries. It speaks to fuwu over HTTP only.

mod acts;
mod articles;
mod bounded;
mod browser;
mod camera;
mod control;
mod delivery;
mod error;
mod keeper;
mod later;
mod line;
mod live;
pub mod model;
pub mod pay;
mod phone;
mod platform;
pub mod populate;
mod routes;
mod service;
mod shelf;
mod spec;
mod telecom;

pub use crate::channel::official::Mode;
pub use acts::{DEMO_AGENT, DEMO_AGENT_NAME, OUT_OF_ORDER, Seen};
pub use error::SandboxError;
pub use service::Sandbox;
pub use spec::{Clock, Patience, SandboxSpec};
