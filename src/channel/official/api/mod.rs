//! The platform's API as far as fuwu calls it (platform.md part 4).

#[cfg(test)]
mod calls;
mod client;
mod datacube;
mod error;
mod message;
mod token;

#[cfg(test)]
pub(crate) use client::Carrier;
pub use client::Client;
pub use datacube::{MOST_DAYS, Span, UpstreamMessages, UserSummary};
pub use error::ApiError;
