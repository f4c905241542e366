//! What fuwu knows about customers and conversations: pure values and pure functions.
//!
//! No clock, no randomness, no network, no wire format. Time, fresh ids and the business system's answer are
//! handed in, so every rule is tested in microseconds and a conflict is resolved by deciding again.

pub mod actions;
pub mod afterwards;
pub mod books;
pub mod channel;
pub mod connector;
pub mod customer;
pub mod decide;
pub mod decision;
pub mod digits;
pub mod fact;
pub mod fold;
pub mod forget;
pub mod form;
pub mod ids;
pub mod inbound;
pub mod keywords;
mod lead;
pub mod lease;
pub mod menu;
pub mod notes;
pub mod notice;
pub mod numbers;
pub mod order;
pub mod pay;
pub mod playbook;
pub mod pool;
pub mod poster;
pub mod private;
pub mod question;
pub mod reach;
pub mod recent;
pub mod referral;
pub mod reply;
pub mod route;
pub mod taps;
pub mod template;
pub mod time;
pub mod value;
pub mod work;

#[cfg(test)]
pub(crate) mod sample;
