//! What a customer's activity counts under: their channel, and how all of it moves when that changes.

use super::cohort;
use super::counter::Metric;
use super::coverage;
use super::ledger::Ledger;
use crate::domain::customer::{Activity, Follow};
use crate::domain::time::BusinessDay;

/// What the numbers about one customer's activity are made of.
#[derive(Clone, Copy, Debug)]
pub struct Presence<'a> {
    /// Following.
    pub follow: &'a Follow,
    /// The active days.
    pub activity: Option<Activity>,
}

impl<'a> Presence<'a> {
    /// The channel of the first follow ever, unless the customer was active on an earlier day: they were here before the
    /// code. It is a function of the history, so the order of arrival does not matter, and when a late fact changes it,
    /// no active day lies before that fact's own: nothing that is sealed moves from one channel to another.
    pub fn channel(&self) -> &'a str {
        let was_here = match (self.follow.first_day, self.activity) {
            (Some(follow), Some(history)) => follow > history.first,
            _ => false,
        };
        if was_here { "" } else { self.follow.first_channel.as_str() }
    }

    /// The days from `from` on of [`coverage::counted_from`].
    pub fn counted_from(&self, from: BusinessDay) -> u128 {
        coverage::counted_from(self.activity, self.follow, from)
    }

    /// Counts all activity so many times under its channel. All active days must be within reach.
    pub fn count_all(&self, ledger: &mut Ledger, by: i64) {
        let (Some(history), channel) = (self.activity, self.channel()) else { return };
        for (day, gap) in history.gaps() {
            ledger.add_in((Metric::Gap, day.0, gap), channel, by);
        }
        cohort::count_all(history, channel, ledger, by);
        let counted = self.counted_from(history.first);
        let change = if by < 0 { (counted, 0) } else { (0, counted) };
        coverage::count_change(ledger, history.first, channel, change);
    }

    /// Takes all activity of before away and counts all of now.
    pub fn count_instead_of(&self, before: &Presence<'_>, ledger: &mut Ledger) {
        before.count_all(ledger, -1);
        self.count_all(ledger, 1);
    }
}
