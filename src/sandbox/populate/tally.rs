//! What a population did, counted here so that a report can be held against it to the last digit.

use std::collections::{BTreeMap, HashSet};

use super::plan::{Deed, Planned};
use crate::domain::time::BusinessDay;

/// Everything that was delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Deliveries that were answered.
    pub deliveries: u64,
    /// Deliveries that never were; what they should have changed is not counted, so the days are exact only at 0.
    pub failed: u64,
    /// Answered deliveries by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Every day from the first to the last act.
    pub days: BTreeMap<BusinessDay, DayTally>,
}

/// One business day (growth.md 1.3, 1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayTally {
    /// Customer-initiated deliveries while following, which the reports call messages: messages, taps, scans.
    pub messages: u64,
    /// Customers with at least one of them.
    pub dau: u64,
    /// First follows ever.
    pub first_follows: u64,
    /// Follows of somebody who had followed before.
    pub refollows: u64,
    /// Unfollows.
    pub unfollows: u64,
    /// Followers at the end of the day.
    pub total: u64,
}

/// Counts while it happens.
#[derive(Debug, Default)]
pub struct Tally {
    summary: Summary,
    ever: HashSet<u32>,
    active: HashSet<(BusinessDay, u32)>,
}

impl Deed {
    /// What kind of delivery it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Follow(_) => "follow",
            Self::Unfollow => "unfollow",
            Self::Say(_) => "text",
            Self::Tap(_) => "tap",
            Self::Scan(_) => "scan",
            Self::Picture => "image",
        }
    }
}

impl Tally {
    /// Somebody's deed was answered.
    pub fn answered(&mut self, planned: &Planned) {
        let day = planned.at.business_day();
        self.summary.deliveries += 1;
        *self.summary.kinds.entry(planned.deed.kind()).or_default() += 1;
        let tally = self.summary.days.entry(day).or_default();
        match planned.deed {
            Deed::Follow(_) if self.ever.insert(planned.who) => tally.first_follows += 1,
            Deed::Follow(_) => tally.refollows += 1,
            Deed::Unfollow => tally.unfollows += 1,
            _ => {
                tally.messages += 1;
                tally.dau += u64::from(self.active.insert((day, planned.who)));
            }
        }
    }

    /// Nobody answered.
    pub fn failed(&mut self) {
        self.summary.failed += 1;
    }

    /// The whole, with quiet days filled in.
    pub fn finish(mut self) -> Summary {
        let days = &mut self.summary.days;
        if let (Some(first), Some(last)) = (days.keys().next().copied(), days.keys().next_back().copied()) {
            for nth in 0..last.days_since(first) {
                days.entry(first.plus_days(nth)).or_default();
            }
        }
        let mut total = 0_u64;
        for tally in days.values_mut() {
            total = (total + tally.first_follows + tally.refollows).saturating_sub(tally.unfollows);
            tally.total = total;
        }
        self.summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_counts_once_a_day_and_is_new_once() {
        let day = BusinessDay::parse("2026-01-05").unwrap();
        let mut tally = Tally::default();
        let mut does = |days: i32, secs: i64, deed: Deed| {
            let at = day.plus_days(days).start().plus_secs(secs);
            tally.answered(&Planned { at, who: 1, deed });
        };
        does(0, 1, Deed::Follow(None));
        does(0, 2, Deed::Say("你好"));
        does(0, 3, Deed::Tap("k".into()));
        does(0, 4, Deed::Unfollow);
        does(2, 5, Deed::Follow(None));
        let summary = tally.finish();
        let days: Vec<DayTally> = summary.days.values().copied().collect();
        let first = DayTally { messages: 2, dau: 1, first_follows: 1, unfollows: 1, ..DayTally::default() };
        let third = DayTally { refollows: 1, total: 1, ..DayTally::default() };
        assert_eq!(days, [first, DayTally::default(), third]);
        assert_eq!(summary.deliveries, 5);
    }
}
