//! Room: cli.

pub mod chat;
pub mod check;
pub mod schema;
pub mod test;
