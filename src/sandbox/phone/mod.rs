//! The phone: its page, and the JSON behind it.

mod api;
mod news;
mod page;
mod pictures;
mod same_origin;
mod standing;
mod switches;

pub use api::configure as configure_api;
pub(super) use page::asset;
pub use page::configure as configure_page;
pub(super) use same_origin::SameOrigin;
