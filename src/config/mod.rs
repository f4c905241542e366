//! What an administrator and an operator write: settings, and the playbook.

mod nearest;
pub mod playbook;
pub mod settings;
