//! Days and their states as text, where a report is stored and where a program reads it.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use crate::domain::time::BusinessDay;
use crate::growth::lateness::DayState;

pub(super) mod day {
    use super::*;

    pub fn serialize<S: Serializer>(day: &BusinessDay, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BusinessDay, D::Error> {
        let text = String::deserialize(from)?;
        BusinessDay::parse(&text).ok_or_else(|| D::Error::custom(format_args!("`{text}` is not a day")))
    }
}

pub(super) mod state {
    use super::*;

    const ALL: [DayState; 4] = [DayState::Open, DayState::Provisional, DayState::Closed, DayState::Sealed];

    pub fn serialize<S: Serializer>(state: &DayState, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(state)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DayState, D::Error> {
        let text = String::deserialize(from)?;
        let found = ALL.into_iter().find(|state| state.to_string() == text);
        found.ok_or_else(|| D::Error::custom(format_args!("`{text}` is no state of a day")))
    }
}
