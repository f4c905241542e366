//! All integration tests in one binary: one link instead of many.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod demo_playbook;
