//! How late a fact may be, and what that makes of a day (growth.md 1.1).

use std::fmt;

use crate::domain::time::{BusinessDay, UnixSecs};

/// L: a fact that arrives at most so many business days after its own is applied to its own (design.md, "The numbers").
/// A store keeps one for good, because numbers made with two could not be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lateness(i32);

impl Lateness {
    /// The largest L. What is kept of a customer is bounded by it.
    pub const MAX_DAYS: i32 = 7;
    /// Two days (growth.md 1.1).
    pub const DEFAULT: Self = Self(2);

    /// So many business days; `None` outside of 0 to [`Self::MAX_DAYS`].
    pub fn new(days: i32) -> Option<Self> {
        (0..=Self::MAX_DAYS).contains(&days).then_some(Self(days))
    }

    /// Business days.
    pub fn days(self) -> i32 {
        self.0
    }
}

impl Default for Lateness {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The platform's clock may be so far ahead of ours.
pub const AHEAD_SECS: i64 = 300;
/// So long after midnight a day is only provisional: what happened just before it may still be on its way.
pub const GRACE_SECS: i64 = 900;

/// Whether a fact is applied. It depends on the two clocks of the fact alone, never on what else arrived, so the order
/// of arrival changes no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// It arrived on its own business day (or up to [`AHEAD_SECS`] before it).
    OnTime,
    /// It arrived on a later one, at most [`Lateness`] days later.
    Late,
    /// It is not applied.
    Quarantine(Quarantine),
}

/// Why a delivery was not counted; in the dimension of [`super::counter::Metric::Quarantined`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quarantine {
    /// It arrived after its day was sealed.
    Late,
    /// It is said to have happened more than [`AHEAD_SECS`] after it arrived.
    Future,
}

impl Quarantine {
    /// As it is counted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Future => "future",
        }
    }
}

/// How a fact of `at` that arrived at `arrived` is taken.
pub fn timing(at: UnixSecs, arrived: UnixSecs, lateness: Lateness) -> Timing {
    let days = arrived.business_day().days_since(at.business_day());
    if at.secs_since(arrived) > AHEAD_SECS {
        Timing::Quarantine(Quarantine::Future)
    } else if days > lateness.0 {
        Timing::Quarantine(Quarantine::Late)
    } else if days > 0 {
        Timing::Late
    } else {
        Timing::OnTime
    }
}

/// How final the numbers of a day are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DayState {
    /// It is today.
    Open,
    /// It is over since less than [`GRACE_SECS`].
    Provisional,
    /// It is over; late facts may still change it and are journalled.
    Closed,
    /// Nothing changes it any more but a rebuild.
    Sealed,
}

impl DayState {
    /// The state of `day` at `now`; `None` while it has not begun.
    pub fn of(day: BusinessDay, now: UnixSecs, lateness: Lateness) -> Option<Self> {
        let over = day.plus_days(1).start();
        let sealed = day.plus_days(1 + lateness.0).start();
        if now < day.start() {
            None
        } else if now < over {
            Some(Self::Open)
        } else if now < over.plus_secs(GRACE_SECS) {
            Some(Self::Provisional)
        } else if now < sealed {
            Some(Self::Closed)
        } else {
            Some(Self::Sealed)
        }
    }
}

impl fmt::Display for DayState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Provisional => "provisional",
            Self::Closed => "closed",
            Self::Sealed => "sealed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: BusinessDay = BusinessDay(20_000);
    const L: Lateness = Lateness(2);

    #[test]
    fn a_fact_is_late_from_midnight_on_and_quarantined_once_its_day_is_sealed() {
        let at = DAY.start().plus_secs(3600);
        let sealed = DAY.plus_days(3).start();
        assert_eq!(timing(at, DAY.plus_days(1).start().plus_secs(-1), L), Timing::OnTime);
        assert_eq!(timing(at, DAY.plus_days(1).start(), L), Timing::Late);
        assert_eq!(timing(at, sealed.plus_secs(-1), L), Timing::Late);
        assert_eq!(timing(at, sealed, L), Timing::Quarantine(Quarantine::Late));
        assert_eq!(DayState::of(DAY, sealed.plus_secs(-1), L), Some(DayState::Closed));
        assert_eq!(DayState::of(DAY, sealed, L), Some(DayState::Sealed));
    }

    #[test]
    fn a_platform_clock_may_be_five_minutes_ahead() {
        let arrived = DAY.plus_days(1).start().plus_secs(-10);
        assert_eq!(timing(arrived.plus_secs(300), arrived, L), Timing::OnTime);
        assert_eq!(timing(arrived.plus_secs(301), arrived, L), Timing::Quarantine(Quarantine::Future));
        assert_eq!(timing(UnixSecs(i64::MAX), arrived, L), Timing::Quarantine(Quarantine::Future));
        assert_eq!(timing(UnixSecs(i64::MIN), arrived, L), Timing::Quarantine(Quarantine::Late));
    }

    #[test]
    fn a_day_opens_waits_closes_and_is_sealed() {
        let over = DAY.plus_days(1).start();
        assert_eq!(DayState::of(DAY, DAY.start().plus_secs(-1), L), None);
        assert_eq!(DayState::of(DAY, DAY.start(), L), Some(DayState::Open));
        assert_eq!(DayState::of(DAY, over, L), Some(DayState::Provisional));
        assert_eq!(DayState::of(DAY, over.plus_secs(GRACE_SECS), L), Some(DayState::Closed));
    }

    #[test]
    fn with_no_lateness_a_day_is_sealed_as_soon_as_it_is_over_and_the_most_is_a_week() {
        let (none, week) = (Lateness::new(0).unwrap(), Lateness::new(7).unwrap());
        let at = DAY.start();
        assert_eq!(timing(at, DAY.plus_days(1).start(), none), Timing::Quarantine(Quarantine::Late));
        assert_eq!(DayState::of(DAY, DAY.plus_days(1).start().plus_secs(GRACE_SECS), none), Some(DayState::Sealed));
        assert_eq!(timing(at, DAY.plus_days(7).start(), week), Timing::Late);
        assert_eq!(timing(at, DAY.plus_days(8).start(), week), Timing::Quarantine(Quarantine::Late));
        assert_eq!((Lateness::new(-1), Lateness::new(8)), (None, None));
    }
}
