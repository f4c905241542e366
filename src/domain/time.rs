//! Time as values: seconds since 1970 and business days. Nothing here reads a clock.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSecs(pub i64);

impl UnixSecs {
    /// This many seconds later.
    pub fn plus_secs(self, secs: i64) -> Self {
        Self(self.0.saturating_add(secs))
    }

    /// Seconds from `earlier` to here; negative if `earlier` is later.
    pub fn secs_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The business day this moment belongs to (growth.md 1.1: +08:00, cut at 0:00).
    pub fn business_day(self) -> BusinessDay {
        let day = self.0.saturating_add(OFFSET_SECS).div_euclid(DAY_SECS);
        BusinessDay(i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The hour of the business day, 0 to 23.
    pub fn business_hour(self) -> u8 {
        let secs = self.0.saturating_add(OFFSET_SECS).rem_euclid(DAY_SECS);
        u8::try_from(secs / 3600).unwrap_or(0)
    }

    /// Day and minute in +08:00, as the platform's templates take them: `2026-03-02 12:00`.
    pub fn to_minutes(self) -> String {
        let day = self.business_day();
        let minutes = self.secs_since(day.start()).clamp(0, DAY_SECS - 1) / 60;
        format!("{day} {:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// China has had no daylight saving since 1991, so a fixed offset is exact (growth.md 1.1).
const OFFSET_SECS: i64 = 8 * 3600;
const DAY_SECS: i64 = 86_400;

/// A business day as days since 1970-01-01 in +08:00 (growth.md 1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BusinessDay(pub i32);

impl BusinessDay {
    /// This many days later, or earlier when negative.
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Days from `earlier` to here; negative if `earlier` is later.
    pub fn days_since(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// The first second of the day.
    pub fn start(self) -> UnixSecs {
        UnixSecs(i64::from(self.0) * DAY_SECS - OFFSET_SECS)
    }

    /// The ISO week as the number of weeks since the one that holds 1970-01-01; it begins on a Monday.
    pub fn iso_week(self) -> i32 {
        // 1970-01-01 was a Thursday, three days after its Monday.
        self.0.saturating_add(3).div_euclid(7)
    }

    /// The Monday of a week of [`Self::iso_week`].
    pub fn of_iso_week(week: i32) -> Self {
        Self(week.saturating_mul(7).saturating_sub(3))
    }

    /// The month as `year * 12 + month0`, for anything counted by calendar month.
    pub fn month(self) -> i32 {
        self.date().map_or(0, |d| d.year() * 12 + i32::try_from(d.month0()).unwrap_or(0))
    }

    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok().map(Self)
    }

    fn date(self) -> Option<NaiveDate> {
        NaiveDate::default().checked_add_signed(chrono::Duration::days(i64::from(self.0)))
    }
}

impl fmt::Display for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{}", date.format("%Y-%m-%d")),
            None => write!(f, "day {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_business_day_begins_at_midnight_in_china() {
        let last_second = UnixSecs(1_767_196_799); // 2025-12-31 23:59:59 +08:00
        assert_eq!(last_second.business_day().to_string(), "2025-12-31");
        assert_eq!(last_second.plus_secs(1).business_day().to_string(), "2026-01-01");
        assert_eq!(last_second.plus_secs(1).business_day().start(), last_second.plus_secs(1));
        assert_eq!(last_second.business_hour(), 23);
        let told = [last_second, last_second.plus_secs(1)].map(UnixSecs::to_minutes);
        assert_eq!(told, ["2025-12-31 23:59", "2026-01-01 00:00"]);
    }

    #[test]
    fn a_week_begins_on_monday() {
        let sunday = BusinessDay::parse("2026-01-04").unwrap();
        assert_eq!(sunday.plus_days(1).iso_week(), sunday.iso_week() + 1);
        assert_eq!(sunday.plus_days(-6).iso_week(), sunday.iso_week());
        assert_eq!(BusinessDay::of_iso_week(sunday.iso_week()), sunday.plus_days(-6));
    }

    #[test]
    fn days_before_1970_and_absurd_times_are_days_too() {
        assert_eq!(UnixSecs(-86_400 * 2).business_day(), BusinessDay(-2));
        assert_eq!(UnixSecs(i64::MAX).business_day(), BusinessDay(i32::MAX));
        assert_eq!(BusinessDay::parse("2026-02-30"), None);
    }
}
