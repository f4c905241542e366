//! Room: app.
pub mod rehearsal;
