//! From facts to counters, from counters to reports (growth.md parts 1 and 5). Pure.
//!
//! Every published number is a sum over customers of a function of that customer's own history. `record` takes the
//! difference of that function when a fact changes one history; everything else here only adds up.

pub mod brief;
pub mod cells;
pub mod cohort;
pub mod counter;
pub mod counters;
pub mod coverage;
pub mod follow;
pub mod history;
pub mod identities;
pub mod lateness;
pub mod ledger;
#[cfg(test)]
pub(crate) mod oracle;
pub mod presence;
pub mod record;
pub mod referral;
pub mod report;
pub mod residue;
pub mod taps;
#[cfg(test)]
mod trials;
pub mod words;
