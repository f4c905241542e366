//! All integration tests in one binary: one link instead of many.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod browser;
mod phone_browser;
mod sandbox_api;
mod sandbox_delivery;
mod sandbox_double;
mod sandbox_population;
mod demo_playbook;
