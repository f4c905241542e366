//! What a report is told besides the counters.

use std::collections::BTreeMap;

use super::datacube::Platform;
use crate::domain::forget::{Forget, small_print};
use crate::domain::menu::Labels;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::lateness::{DayState, Lateness};

/// The moment a report is about: no number of a day that has not begun by then is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// Now.
    pub now: UnixSecs,
    /// When a day is sealed.
    pub lateness: Lateness,
}

impl AsOf {
    /// How final a day is; `None` while it has not begun.
    pub(super) fn state(self, day: BusinessDay) -> Option<DayState> {
        DayState::of(day, self.now, self.lateness)
    }

    /// Whether a day is over, and what happened just before its end has had time to arrive.
    pub(in crate::growth) fn is_past(self, day: BusinessDay) -> bool {
        self.state(day).is_some_and(|state| state >= DayState::Closed)
    }
}

/// What a report is told besides the counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// What is written on the buttons of the menus.
    pub labels: Labels,
    /// Sentences for the small print: what an unfollow deletes (`domain::forget`).
    pub notes: Vec<String>,
    /// What the identities said of days of the period when they closed; empty when all held.
    pub failed_checks: Vec<String>,
    /// What the platform's own statistics said; whoever reads a report fills it in for `datacube`.
    pub platform: Platform,
    /// Rewards that were given, for `referral`; `None` while nobody can tell.
    pub rewards: Option<Rewards>,
}

/// Rewards of campaigns, by campaign and the day they were given on; what is not named was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewards(pub BTreeMap<(String, BusinessDay), Granted>);

/// The rewards of a campaign on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// How many.
    pub count: i64,
    /// What they cost, in fen; `None` when that is not known.
    pub cost_fen: Option<i64>,
}

impl Rewards {
    /// Those of a campaign on a day.
    pub fn on(&self, campaign: &str, day: BusinessDay) -> Granted {
        let none = Granted { count: 0, cost_fen: Some(0) };
        self.0.get(&(campaign.to_owned(), day)).copied().unwrap_or(none)
    }
}

impl Context {
    /// With what an unfollow deletes (`privacy.forget`, `privacy.keep_days`) in the small print.
    pub fn new(labels: Labels, (forget, keep_days): (Forget, i32)) -> Self {
        Self { labels, notes: vec![small_print(forget, keep_days)], ..Self::default() }
    }
}
