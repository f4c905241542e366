//! The platform as a state machine: no network, no clock, no randomness. Time and fresh ids are handed in.

mod account;
mod act;
mod capability;
mod chat;
mod code;
mod conditional;
mod conditions;
mod custom;
mod customer;
mod desk;
mod draft;
mod fault;
mod fields;
mod grant;
mod job;
mod library;
mod mass;
mod media;
mod menu;
mod notice;
mod parameters;
mod publish;
mod quota;
mod reply;
mod request_log;
mod sending;
mod short_key;
mod standing;
mod statistics;
mod switches;
mod tag;
mod template;
mod token;
mod window;

#[cfg(test)]
mod account_tests;
#[cfg(test)]
mod later_tests;

pub use account::{Fresh, Stamp, State};
pub use act::{Act, Envelope, Place};
pub use capability::{Capability, Kind};
pub use chat::{Article, Body, Entry, MenuItem, Side};
pub use code::{Code, CodeRequest, DEMO_SCENES, Usable, friend_scene};
pub use conditions::Conditions;
pub use custom::{CustomMessage, parse as parse_custom};
pub use customer::{Audience, Customer, Service};
pub use desk::{Seat, Wrote};
pub use draft::Content;
pub use fault::ApiFault;
pub(super) use fields::{list, text};
pub use grant::{Consent, Scope};
pub use job::Outcome;
pub use media::{Keep, MediaKind, Upload};
pub use menu::{Menu, Tap};
pub use notice::{category, keywords, titles};
pub use quota::Limits;
pub use reply::shown;
pub use request_log::Request;
pub use standing::Standing;
pub use statistics::{Moved, Said, SaidToday, Statistics};
pub use switches::{Down, Switches};
pub use template::Template;
pub use token::Tokens;
pub use window::{Trigger, Windows};
