//! From facts to counters, from counters to reports (growth.md parts 1 and 5). Pure.

pub mod counter;
