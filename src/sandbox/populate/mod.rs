//! A simulated population: weeks of customers who follow, ask, tap, leave and come back, through the real webhook.

mod dice;
mod plan;
mod run;
mod tally;

pub use plan::{Deed, Planned, Population, plan};
pub use run::{Progress, Watch};
pub use tally::{DayTally, Summary};
