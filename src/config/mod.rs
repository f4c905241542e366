//! What an administrator and an operator write: settings, and the playbook.

pub(crate) mod nearest;
pub mod playbook;
pub mod settings;

pub use settings::{Account as AccountSettings, Settings};
