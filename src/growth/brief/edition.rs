//! Which reports there are, and when they are due.

use std::fmt;

use super::phrase::{monday, week_begins, week_name};
use crate::domain::time::{BusinessDay, UnixSecs};

/// One report: of a day or of a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edition {
    /// Of this day.
    Daily(BusinessDay),
    /// Of the ISO week of this day.
    Weekly(BusinessDay),
}

/// After a long standstill so many of the latest dailies are made; older ones help nobody any more.
const DAILIES_CAUGHT_UP: i32 = 7;
/// And so many of the latest weeklies.
const WEEKLIES_CAUGHT_UP: i32 = 2;

/// At which minute of the business day reports are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// The daily, every day.
    pub daily_at_min: u16,
    /// The weekly, on Mondays.
    pub weekly_at_min: u16,
}

/// What was made before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// The day of the latest daily.
    pub daily: Option<BusinessDay>,
    /// A day of the week of the latest weekly.
    pub weekly: Option<BusinessDay>,
}

/// What is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// To be made, in this order.
    pub editions: Vec<Edition>,
    /// First and last day whose dailies are not made any more.
    pub skipped: Option<(BusinessDay, BusinessDay)>,
}

impl Timetable {
    /// The latest editions whose time has come, whether made or not.
    pub fn latest(self, now: UnixSecs) -> (Edition, Edition) {
        let today = now.business_day();
        let come = |day: BusinessDay, minute: u16| now >= day.start().plus_secs(i64::from(minute) * 60);
        let daily = if come(today, self.daily_at_min) { today.plus_days(-1) } else { today.plus_days(-2) };
        let this = monday(today);
        let weekly = if come(this, self.weekly_at_min) { this.plus_days(-7) } else { this.plus_days(-14) };
        (Edition::Daily(daily), Edition::Weekly(weekly))
    }

    /// What is due of an account on which something was counted first on `began`. Where nothing was made before only
    /// the latest is: a new installation does not write history.
    pub fn due(self, now: UnixSecs, made: Made, began: BusinessDay) -> Due {
        let mut due = Due::default();
        let (latest_daily, latest_weekly) = self.latest(now);
        let (latest, latest_week) = (latest_daily.last_day(), latest_weekly.first_day());
        let first = made.daily.map_or(latest, |made| made.plus_days(1)).max(began);
        let caught_up = first.max(latest.plus_days(1 - DAILIES_CAUGHT_UP));
        if first < caught_up {
            due.skipped = Some((first, caught_up.plus_days(-1)));
        }
        due.editions.extend((caught_up.0..=latest.0).map(BusinessDay).map(Edition::Daily));
        let first = made.weekly.map_or(latest_week, |made| monday(made).plus_days(7)).max(monday(began));
        let caught_up = first.max(latest_week.plus_days(7 * (1 - WEEKLIES_CAUGHT_UP)));
        let weeks = (caught_up.0..=latest_week.0).step_by(7);
        due.editions.extend(weeks.map(BusinessDay).map(Edition::Weekly));
        due
    }
}

impl Edition {
    /// Its first day.
    pub fn first_day(self) -> BusinessDay {
        match self {
            Self::Daily(day) => day,
            Self::Weekly(day) => monday(day),
        }
    }

    /// Its last day.
    pub fn last_day(self) -> BusinessDay {
        match self {
            Self::Daily(day) => day,
            Self::Weekly(day) => monday(day).plus_days(6),
        }
    }

    /// Reads what [`Self::part`] wrote.
    pub fn parse(part: &str) -> Option<Self> {
        let (kind, name) = part.split_once('/')?;
        match kind {
            "daily" => BusinessDay::parse(name).map(Self::Daily),
            "weekly" => week_begins(name).map(Self::Weekly),
            _ => None,
        }
    }

    /// The name it is kept under: `daily/2026-03-04`, `weekly/2026-W10`.
    pub fn part(self) -> String {
        match self {
            Self::Daily(day) => format!("daily/{day}"),
            Self::Weekly(day) => format!("weekly/{}", week_name(day)),
        }
    }
}

/// As its files begin: `daily-2026-03-04`, `weekly-2026-W10`.
impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.part().replace('/', "-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Timetable = Timetable { daily_at_min: 510, weekly_at_min: 540 };

    fn day(text: &str) -> BusinessDay {
        BusinessDay::parse(text).unwrap()
    }

    /// A moment of 2026-03-09, a Monday.
    fn monday_at(hour: i64, minute: i64) -> UnixSecs {
        day("2026-03-09").start().plus_secs(hour * 3600 + minute * 60)
    }

    fn names(due: &Due) -> Vec<String> {
        due.editions.iter().map(Edition::to_string).collect()
    }

    fn due(now: UnixSecs, daily: Option<&str>, weekly: Option<&str>) -> Due {
        TIMES.due(now, Made { daily: daily.map(day), weekly: weekly.map(day) }, day("2025-01-01"))
    }

    #[test]
    fn a_report_is_due_from_its_minute_on_and_once() {
        let (daily, weekly) = (Some("2026-03-07"), Some("2026-02-23"));
        assert_eq!(names(&due(monday_at(8, 29), daily, weekly)), [""; 0]);
        assert_eq!(names(&due(monday_at(8, 30), daily, weekly)), ["daily-2026-03-08"]);
        assert_eq!(names(&due(monday_at(9, 0), daily, weekly)), ["daily-2026-03-08", "weekly-2026-W10"]);
        assert_eq!(names(&due(monday_at(9, 0), Some("2026-03-08"), Some("2026-03-02"))), [""; 0]);
        assert_eq!(names(&due(monday_at(30, 0), Some("2026-03-08"), Some("2026-03-02"))), [""; 0]);
        assert_eq!(names(&due(monday_at(33, 0), Some("2026-03-08"), Some("2026-03-02"))), ["daily-2026-03-09"]);
    }

    #[test]
    fn missed_days_are_made_in_order_but_not_those_of_long_ago() {
        let late = due(monday_at(12, 0), Some("2026-03-05"), Some("2026-02-23"));
        assert_eq!(names(&late), ["daily-2026-03-06", "daily-2026-03-07", "daily-2026-03-08", "weekly-2026-W10"]);
        assert_eq!(late.skipped, None);
        let very_late = due(monday_at(12, 0), Some("2026-01-31"), Some("2026-01-19"));
        let names = names(&very_late);
        assert_eq!((names.len(), names[0].as_str(), names[6].as_str()), (9, "daily-2026-03-02", "daily-2026-03-08"));
        assert_eq!(names[7..], ["weekly-2026-W09", "weekly-2026-W10"]);
        assert_eq!(very_late.skipped, Some((day("2026-02-01"), day("2026-03-01"))));
    }

    #[test]
    fn a_new_installation_begins_with_the_latest_and_never_before_it_was_used() {
        assert_eq!(names(&due(monday_at(12, 0), None, None)), ["daily-2026-03-08", "weekly-2026-W10"]);
        let began = |text| TIMES.due(monday_at(12, 0), Made::default(), day(text));
        assert_eq!(began("2026-03-09"), Due::default());
        assert_eq!(names(&began("2026-03-08")), ["daily-2026-03-08", "weekly-2026-W10"]);
    }

    #[test]
    fn an_edition_knows_its_days_and_its_name() {
        let week = Edition::Weekly(day("2026-03-04"));
        assert_eq!((week.first_day(), week.last_day()), (day("2026-03-02"), day("2026-03-08")));
        assert_eq!(
            (week.part(), Edition::Daily(day("2026-03-04")).part()),
            ("weekly/2026-W10".into(), "daily/2026-03-04".into())
        );
    }
}
