//! All integration tests in one binary: one link instead of many.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod architecture;
mod browser;
mod phone_browser;
mod sandbox_api;
mod sandbox_datacube;
mod sandbox_delivery;
mod sandbox_double;
mod sandbox_population;
mod store_conformance;
mod store_embedded;
mod store_kill;
mod store_measure;

mod business;
mod conversation;
mod crowds;
mod daily_report;
mod datacube;
mod deadline;
mod demo_browser;
mod demo_playbook;
mod drain;
mod forget;
mod forget_command;
mod fuzz;
mod gated_store;
mod hand;
mod harness;
mod kill_serve;
mod late_answer;
#[path = "../../benches/load/mod.rs"]
mod load;
mod load_smoke;
mod menu_follows;
mod openapi;
mod phone;
mod process;
mod purchase;
mod questions;
mod raw;
mod recorded;
mod reload;
mod replay;
mod replay_measure;
mod report_api;
mod report_cli;
mod report_measure;
mod retries;
mod retries_property;
mod robot;
mod spreadsheet;
mod torture;
mod webhook_http;
mod webhook_limits;
