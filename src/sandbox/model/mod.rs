//! The platform as a state machine: no network, no clock, no randomness. Time and fresh ids are handed in.

mod account;
mod act;
mod chat;
mod code;
mod custom;
mod customer;
mod fault;
mod menu;
mod reply;
mod statistics;
mod token;
mod window;

#[cfg(test)]
mod account_tests;

pub use account::{Fresh, Stamp, State};
pub use act::{Act, Envelope, Place};
pub use chat::{Article, Body, Entry, MenuItem, Side};
pub use code::{Code, CodeRequest, DEMO_SCENES, Usable, friend_scene};
pub use custom::{CustomMessage, parse as parse_custom};
pub use customer::{Audience, Customer, Service};
pub use fault::ApiFault;
pub use menu::{Menu, Tap};
pub use reply::shown;
pub use statistics::{Moved, Said, SaidToday, Statistics};
pub use token::Tokens;
pub use window::{Trigger, Windows};
