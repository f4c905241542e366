//! What somebody asks of a report, and why it cannot be answered.

use super::retention::sunday;
use super::{Period, PeriodError, ReportName};
use crate::domain::ids::Channel;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counter::CAP_DAYS;

/// What somebody wants to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which report.
    pub report: ReportName,
    /// About which days.
    pub period: Period,
    /// Only customers who came by this channel; everybody when `None`.
    pub channel: Option<Channel>,
    /// What its rows are told apart by, besides what they are about.
    pub by: By,
    /// For `retention`: what is measured.
    pub measure: Measure,
    /// Whether the period before stands beside it.
    pub compare: Compare,
    /// Whether whoever reads it sees the terms of its numbers; those of one that is not explained are not even made.
    pub explain: Explain,
    /// The numbers as they stood at the close of this day, before what arrived later; as they are now when `None`.
    pub as_of: Option<BusinessDay>,
}

/// What a retention report measures (growth.md 1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Active on exactly the n-th day after the first.
    #[default]
    OnDay,
    /// Active on the n-th day after the first, or later.
    OnOrAfter,
    /// Cohorts of a week, active in the n-th week after it.
    Weekly,
}

/// What rows are told apart by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Nothing more.
    #[default]
    Nothing,
    /// The channel that customers came by first.
    Channel,
    /// For `referral`: who invited, and why an invite was refused.
    Referrer,
    /// For `referral`: why an invite was refused.
    Reason,
}

impl By {
    /// As it is asked for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Channel => "channel",
            Self::Referrer => "referrer",
            Self::Reason => "reason",
        }
    }
}

/// What a report is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// Nothing.
    #[default]
    Nothing,
    /// The period before, on the same weekdays.
    Previous,
}

/// Whether every number brings its definition and the integers it is the sum of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explain {
    /// It does.
    Yes,
    /// Numbers only.
    No,
}

/// Why a report cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskedError {
    /// There is no such period.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// The distinct customers of so long a period are not known.
    #[error("the distinct customers of more than {longest} days are not known; from {from} to {to} works", longest = CAP_DAYS + 1)]
    BeyondExact {
        /// The first day of the longest period that works.
        from: BusinessDay,
        /// Its last day.
        to: BusinessDay,
    },
    /// These numbers are not kept by channel.
    #[error("`{report}` is not kept by channel; by channel there are: {works}", report = .0.as_str(), works = by_channel())]
    NotByChannel(ReportName),
    /// Its rows cannot be told apart so.
    #[error("`{report}` is not told apart by {by}; by channel there are: {works}; by referrer and reason: referral", report = .0.as_str(), by = .1.as_str(), works = by_channel())]
    NotBy(ReportName, By),
    /// Only retention is measured in more than one way.
    #[error("only `retention` is measured in more than one way; leave the measure out for `{}`", .0.as_str())]
    NoMeasure(ReportName),
    /// The latest active day of a customer is only known as it is now.
    #[error("retention `on or after` is only known as it is now; as of a day, measure on the day or by week")]
    NotAsOf,
    /// How an invite stands is only known as it is now.
    #[error("`{report}` is only known as it is now: how an invite stands changes by itself for weeks; leave the day out", report = .0.as_str())]
    CannotLookBack(ReportName),
    /// That day has not closed.
    #[error("{asked} is not over; the latest day to look back at is {latest}")]
    NotClosed {
        /// The day that was asked for.
        asked: BusinessDay,
        /// The latest that works.
        latest: BusinessDay,
    },
    /// The period goes on after the moment it is looked at from.
    #[error("the period ends ({to}) after the day it is looked at from; the latest end that works is {latest}")]
    EndsLater {
        /// Its last day.
        to: BusinessDay,
        /// The latest last day that works.
        latest: BusinessDay,
    },
}

fn by_channel() -> String {
    let kept = ReportName::ALL.into_iter().filter(|report| report.is_kept_by_channel());
    kept.map(ReportName::as_str).collect::<Vec<_>>().join(", ")
}

impl Asked {
    /// The plain report, which can be explained.
    pub fn new(report: ReportName, period: Period) -> Self {
        Self {
            report,
            period,
            channel: None,
            by: By::default(),
            measure: Measure::default(),
            compare: Compare::default(),
            explain: Explain::Yes,
            as_of: None,
        }
    }

    /// The periods that are read: its own, and the one before when that stands beside it.
    pub fn periods(&self) -> impl Iterator<Item = Period> {
        let previous = (self.compare == Compare::Previous).then(|| self.period.previous());
        [self.period].into_iter().chain(previous)
    }

    /// Whether this can be answered at `now`.
    ///
    /// # Errors
    /// Names what would work.
    pub fn check(&self, now: UnixSecs) -> Result<(), AskedError> {
        let today = now.business_day();
        self.period.check(today)?;
        if self.measure != Measure::OnDay && self.report != ReportName::Retention {
            return Err(AskedError::NoMeasure(self.report));
        }
        if self.channel.is_some() && !self.report.is_kept_by_channel() {
            return Err(AskedError::NotByChannel(self.report));
        }
        if !self.report.is_kept_by(self.by) {
            return Err(AskedError::NotBy(self.report, self.by));
        }
        let to = self.period.to();
        if self.report == ReportName::Unique && self.period.len_days() > CAP_DAYS + 1 {
            return Err(AskedError::BeyondExact { from: to.plus_days(-CAP_DAYS), to });
        }
        let Some(as_of) = self.as_of else { return Ok(()) };
        if !self.report.can_look_back() {
            return Err(AskedError::CannotLookBack(self.report));
        }
        if as_of >= today {
            return Err(AskedError::NotClosed { asked: as_of, latest: today.plus_days(-1) });
        }
        // A week is counted as a whole, so nothing can be said of one that was not over.
        let (to, latest) = match self.measure {
            Measure::Weekly => (sunday(to.iso_week()), sunday(as_of.plus_days(1).iso_week() - 1)),
            Measure::OnDay | Measure::OnOrAfter => (to, as_of),
        };
        if to > latest {
            return Err(AskedError::EndsLater { to, latest });
        }
        if self.measure == Measure::OnOrAfter { Err(AskedError::NotAsOf) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: BusinessDay = BusinessDay(20_500); // a Monday

    fn asked(report: ReportName, days_back: (i32, i32)) -> Asked {
        Asked::new(report, Period::new(TODAY.plus_days(-days_back.0), TODAY.plus_days(-days_back.1)).unwrap())
    }

    fn error(asked: &Asked) -> String {
        asked.check(TODAY.start().plus_secs(60)).unwrap_err().to_string()
    }

    #[test]
    fn every_report_of_the_last_week_can_be_given() {
        for report in ReportName::ALL {
            assert_eq!(asked(report, (6, 0)).check(TODAY.start()), Ok(()));
        }
    }

    #[test]
    fn the_future_is_refused_and_today_is_named() {
        for days in [(0, -1), (-1, -1)] {
            assert!(error(&asked(ReportName::Activity, days)).contains(&format!("works is {TODAY}")));
        }
    }

    #[test]
    fn a_range_beyond_the_exact_one_names_the_longest_that_works() {
        let longest = asked(ReportName::Unique, (92, 0));
        assert_eq!(longest.check(TODAY.start()), Ok(()));
        let told = error(&asked(ReportName::Unique, (93, 0)));
        assert!(told.contains(&format!("from {} to {TODAY} works", longest.period.from())), "{told}");
        assert_eq!(asked(ReportName::Menu, (93, 0)).check(TODAY.start()), Ok(()), "its taps are known");
    }

    #[test]
    fn a_report_that_is_not_kept_by_channel_names_those_that_are() {
        let of_channel = |report| Asked { channel: Some("store".into()), ..asked(report, (6, 0)) };
        for report in [ReportName::Menu, ReportName::Unanswered] {
            let told = error(&of_channel(report));
            assert!(told.ends_with("followers, activity, unique, retention, survival"), "{told}");
        }
        assert_eq!(of_channel(ReportName::Survival).check(TODAY.start()), Ok(()));
    }

    #[test]
    fn one_looks_back_at_closed_days_only() {
        let at = |day, days, measure| Asked { as_of: Some(day), measure, ..asked(ReportName::Retention, days) };
        let yesterday = TODAY.plus_days(-1);
        assert!(error(&at(TODAY, (6, 2), Measure::OnDay)).contains(&yesterday.to_string()));
        assert!(error(&at(yesterday, (6, 0), Measure::OnDay)).contains(&format!("works is {yesterday}")));
        assert!(error(&at(yesterday, (6, 1), Measure::OnOrAfter)).contains("as of a day"));
        // TODAY is a Monday.
        assert_eq!(at(yesterday, (6, 1), Measure::Weekly).check(TODAY.start()), Ok(()));
        let saturday = TODAY.plus_days(-2);
        assert!(error(&at(saturday, (6, 2), Measure::Weekly)).contains(&format!("works is {}", TODAY.plus_days(-8))));
        assert_eq!(at(saturday, (9, 8), Measure::Weekly).check(TODAY.start()), Ok(()));
    }

    #[test]
    fn rows_are_told_apart_by_what_is_known_of_them() {
        let by = |report, by| Asked { by, ..asked(report, (6, 0)) };
        for (report, how) in [(ReportName::Survival, By::Channel), (ReportName::Referral, By::Referrer)] {
            assert_eq!(by(report, how).check(TODAY.start()), Ok(()));
        }
        let told = error(&by(ReportName::Menu, By::Channel));
        assert!(told.contains("`menu` is not told apart by channel") && told.contains("survival"), "{told}");
        assert!(error(&by(ReportName::Survival, By::Reason)).ends_with("by referrer and reason: referral"));
    }

    #[test]
    fn how_invites_stood_is_not_known_any_more() {
        for report in [ReportName::Referral, ReportName::KFactor, ReportName::Cycle] {
            let told = error(&Asked { as_of: Some(TODAY.plus_days(-3)), ..asked(report, (9, 5)) });
            assert!(told.contains(report.as_str()) && told.contains("as it is now"), "{told}");
        }
    }

    #[test]
    fn only_retention_has_measures() {
        assert!(error(&Asked { measure: Measure::Weekly, ..asked(ReportName::Survival, (6, 0)) }).contains("survival"));
    }
}
