//! `fuwu store`: the store itself.

mod copy;
mod verify;

pub(super) use copy::{CopyArgs, copy_accounts};
pub(super) use verify::verify_accounts;
