//! The stores: one contract, two engines, one conformance suite that every engine must pass.
//!
//! Only this room knows keys and stored shapes.

mod contract;

pub use contract::*;
