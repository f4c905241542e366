//! Measures the webhook of fuwu beside two floors in the same run: an HTTP server that answers fixed bytes, and one that
//! also verifies, decrypts, renders, encrypts and signs, but remembers and decides nothing. What a machine does shows in
//! the floors, what fuwu does in the ratios to them.
//!
//! ```text
//! command_line -> run -> { servers, client -> connection, meters, checks, counts } -> deliveries
//!              -> floors (as a child)          run -> figures -> table
//! ```

pub mod checks;
pub mod client;
pub mod command_line;
pub mod connection;
pub mod counts;
pub mod deliveries;
pub mod figures;
pub mod floors;
pub mod meters;
pub mod run;
pub mod servers;
pub mod table;
