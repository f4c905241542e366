//! The map of this house.
//!
//! One message, one decision, one commit:
//!
//! ```text
//! http::webhook -> channel::open -> store.load -> route -> decide -> store.commit -> channel::seal -> bytes
//! ```
//!
//! An arrow means "may use", and there is no other (`tests/it/architecture.rs` holds them):
//!
//! ```text
//! main -> cli -> http -> app -> { channel, store, backend, config, growth } -> domain
//! sandbox: used by cli and tests only; it speaks to the rest over HTTP
//! ```

pub mod app;
pub mod backend;
pub mod channel;
pub mod cli;
pub mod config;
pub mod domain;
pub mod growth;
pub mod http;
pub mod sandbox;
pub mod store;
