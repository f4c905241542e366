//! The daily and the weekly report in words and numbers (growth.md 6.2, 6.3). Pure.
//!
//! A [`Brief`] is a value made from counters and a few facts beside them; everything that is sent or written is made
//! from that value alone, so a chat message, a file and a retry of either say the same.

mod changes;
mod cohorts;
mod daily;
mod daily_words;
mod details;
mod edition;
mod failed;
mod files;
mod labels;
mod markdown;
mod named;
mod numbers;
mod page;
mod paragraph;
mod phrase;
#[cfg(test)]
mod samples;
mod stored;
mod tables;
mod text;
mod todo;
mod value;
mod week_numbers;
mod weekly;
mod weekly_words;
#[cfg(test)]
mod written_tests;

pub use changes::{Change, Journal};
pub use cohorts::{Ripe, WeekCell};
pub use daily::Daily;
pub use details::Details;
pub use edition::{Due, Edition, Made, Timetable};
pub use failed::told;
pub use files::{BriefForm, Unwritten};
pub use labels::Labels;
pub use markdown::MOST_BYTES;
pub use named::{Difference, Named, Stars};
pub use numbers::DayNumbers;
pub use phrase::week_name;
pub use text::MOST_CHARS;
pub use value::{Beside, Brief, Head, Printed};
pub use week_numbers::WeekNumbers;
pub use weekly::Weekly;
