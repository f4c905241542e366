//! Settings: what an administrator decides once (contract.md, "Settings").

mod layers;
mod pay;
mod rules;
mod secret;
mod types;

pub use pay::{KeySource, Pay};
pub use rules::{API_BASE, DEMO};
pub use secret::{Secret, StoreUrl};
pub use types::{Account, AccountKind, Mode, Privacy, Reports, Settings, SettingsError, SettingsFault};
