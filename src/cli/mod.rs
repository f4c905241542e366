//! Room: cli.

pub mod chat;
pub mod test;
