//! The platform's API (platform.md part 4): one file per family of calls.
//!
//! A call is a [`call::Call`]; [`exchange`] makes it, with a token that all processes share ([`keeper`], [`token`]),
//! within its quota ([`quota`]), at the first address that is well ([`http`], [`breaker`]), again where that is safe. What
//! each code of the platform asks for is one table ([`codes`], [`reaction()`]). What it would refuse is refused before it
//! is asked ([`limits`]).

mod account;
mod breaker;
mod call;
#[cfg(test)]
mod calls;
mod client;
mod codes;
mod datacube;
mod error;
mod exchange;
mod http;
mod keeper;
mod lenient;
mod limits;
mod menu;
mod message;
mod multipart;
mod quota;
mod reaction;
mod rid;
#[cfg(test)]
mod stage;
mod token;
mod vault;

pub use account::{CallbackCheck, CheckFrom, CheckWhat, Pinged, Resolved};
#[cfg(test)]
pub(crate) use call::{Call, Came, Lost};
#[cfg(test)]
pub(crate) use client::Carrier;
pub use client::{ApiClock, Client, ClientSpec, HOSTS};
pub use datacube::{MOST_DAYS, Span, UpstreamMessages, UserSummary};
pub use error::ApiError;
pub use limits::Invalid;
pub use menu::{CurrentMenu, Menus, PlatformMenu};
pub use multipart::Upload;
pub use quota::Quota;
pub use reaction::{Reaction, Reason, meaning, reaction, reaction_of_token};
pub use vault::{ProcessVault, TokenVault, VaultFault, Vaulted};
