//! The days a report is about.

use crate::domain::time::BusinessDay;

/// A report has at most so many rows: ten years and a bit.
pub const MAX_DAYS: i32 = 3_660;

/// Business days, both included; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    from: BusinessDay,
    to: BusinessDay,
}

/// Why there is no such period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Not a day of the calendar.
    #[error("`{0}` is not a day; write it as YYYY-MM-DD, for example 2026-02-28")]
    NotADay(String),
    /// The end lies before the beginning.
    #[error("the period ends ({to}) before it begins ({from}); try from {to} to {from}")]
    Reversed {
        /// Its first day.
        from: BusinessDay,
        /// Its last day.
        to: BusinessDay,
    },
    /// Too many rows.
    #[error("the period has more than {MAX_DAYS} days; the latest that works begins on {0}")]
    TooLong(BusinessDay),
    /// Nobody knows it yet.
    #[error("{asked} has not begun; the latest day that works is {today}")]
    Future {
        /// The day that was asked for.
        asked: BusinessDay,
        /// The latest that works.
        today: BusinessDay,
    },
}

impl Period {
    /// The days `from..=to`.
    ///
    /// # Errors
    /// When it is empty.
    pub fn new(from: BusinessDay, to: BusinessDay) -> Result<Self, PeriodError> {
        if to < from {
            return Err(PeriodError::Reversed { from, to });
        }
        Ok(Self { from, to })
    }

    /// Reads both days.
    ///
    /// # Errors
    /// When one is not a day, and as [`Period::new`].
    pub fn parse(from: &str, to: &str) -> Result<Self, PeriodError> {
        let day = |text: &str| BusinessDay::parse(text).ok_or_else(|| PeriodError::NotADay(text.to_owned()));
        Self::new(day(from)?, day(to)?)
    }

    /// What must be read to look back from it: the same last day, an earlier first one.
    pub(super) fn since(self, from: BusinessDay) -> Self {
        Self { from: from.min(self.from), to: self.to }
    }

    /// Its first day.
    pub fn from(self) -> BusinessDay {
        self.from
    }

    /// Its last day.
    pub fn to(self) -> BusinessDay {
        self.to
    }

    /// Whether `day` is one of its days.
    pub fn holds(self, day: BusinessDay) -> bool {
        (self.from..=self.to).contains(&day)
    }

    /// How many days it has.
    pub fn len_days(self) -> i32 {
        self.to.days_since(self.from) + 1
    }

    /// Whether all of it has begun by `today`, and it has at most [`MAX_DAYS`]. In this order: a shorter period that
    /// ends in the future would be refused again.
    ///
    /// # Errors
    /// Names `today`, the latest day that works, or the first day of the longest period.
    pub fn check(self, today: BusinessDay) -> Result<(), PeriodError> {
        let asked = if self.from > today { self.from } else { self.to };
        if asked > today {
            return Err(PeriodError::Future { asked, today });
        }
        if self.len_days() > MAX_DAYS { Err(PeriodError::TooLong(self.to.plus_days(1 - MAX_DAYS))) } else { Ok(()) }
    }

    /// As many days before it, on the same weekdays, and none of its own: shifted back by whole weeks (growth.md 1.1).
    pub fn previous(self) -> Self {
        let weeks = (self.len_days() + 6) / 7;
        Self { from: self.from.plus_days(-7 * weeks), to: self.to.plus_days(-7 * weeks) }
    }

    /// Its days, in order.
    pub fn days(self) -> impl Iterator<Item = BusinessDay> {
        (self.from.0..=self.to.0).map(BusinessDay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_that_cannot_be_says_what_would_work() {
        let error = |from, to| Period::parse(from, to).unwrap_err().to_string();
        assert!(error("2026-02-30", "2026-03-01").contains("`2026-02-30` is not a day"));
        assert!(error("2026-03-02", "2026-03-01").contains("from 2026-03-01 to 2026-03-02"));
        let today = BusinessDay::parse("2026-03-01").unwrap();
        let too_long = Period::parse("1000-01-01", "2026-03-01").unwrap().check(today).unwrap_err();
        let PeriodError::TooLong(from) = too_long else { panic!("{too_long:?}") };
        let longest = Period::new(from, today).unwrap();
        assert_eq!((longest.check(today), longest.days().count()), (Ok(()), 3_660));
    }

    #[test]
    fn a_period_that_is_too_long_and_in_the_future_is_told_of_the_future_first() {
        let today = BusinessDay::parse("2026-03-01").unwrap();
        for from in ["1000-01-01", "8000-01-01"] {
            let refused = Period::parse(from, "9999-12-31").unwrap().check(today);
            assert!(matches!(refused, Err(PeriodError::Future { .. })), "{refused:?}");
        }
    }

    #[test]
    fn both_ends_belong_to_a_period() {
        let period = Period::parse("2026-02-28", "2026-03-01").unwrap();
        let days: Vec<_> = period.days().map(|day| day.to_string()).collect();
        assert_eq!(days, ["2026-02-28", "2026-03-01"]);
    }

    #[test]
    fn the_period_before_has_the_same_weekdays_and_ends_before_this_one() {
        for len in 1..=40 {
            let period = Period::new(BusinessDay(20_500), BusinessDay(20_500 + len - 1)).unwrap();
            let before = period.previous();
            let shift = period.from().days_since(before.from());
            assert_eq!((shift % 7, before.len_days()), (0, len));
            assert!(before.to() < period.from() && shift < len + 7, "{len} days: {shift}");
        }
    }
}
