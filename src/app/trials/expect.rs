//! What the reports of a store should say, by the oracle.

use std::collections::BTreeMap;

use crate::app::read_report;
use crate::domain::ids::Channel;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CAP_DAYS, CounterKey, GAP_FIRST, Metric};
use crate::growth::lateness::Lateness;
use crate::growth::oracle::{Of, Oracle, week_of};
use crate::growth::report::{AsOf, Asked, Cell, Context, Measure, Period, ReportName};
use crate::store::Store;

/// So long after the log it is read: everything has happened by then.
const LONG_AFTER_DAYS: i32 = 400;
/// So many of the latest days are looked at where every day is compared with many others; every counter was compared
/// already.
const COHORT_DAYS: i32 = 60;

/// Whether the days that a cell is about are over by the end of `day`. The latest active day of a customer is only known
/// as of now, and a vote has no day.
pub(super) fn is_over_by(key: &CounterKey, day: i32) -> bool {
    match key.metric {
        Metric::Latest | Metric::Votes => false,
        Metric::Retained | Metric::SpellEnded => key.a + key.b <= day,
        Metric::RetainedWeekly => week_of(day + 1) > key.a + key.b,
        _ => key.a <= day,
    }
}

/// How the reports of a store are read.
pub(super) struct View<'a> {
    pub store: &'a dyn Store,
    /// What they should say.
    pub oracle: &'a Oracle,
    pub lateness: Lateness,
    /// All days of the log.
    pub days: (i32, i32),
    /// As the numbers stood at the end of this day.
    pub as_of: Option<i32>,
}

fn counts<const N: usize>(row: &[Cell], from: usize) -> [i64; N] {
    let count = |cell: &Cell| match cell {
        Cell::Count(count) => *count,
        other => panic!("not a number: {other:?}"),
    };
    row[from..].iter().map(count).collect::<Vec<_>>().try_into().unwrap()
}

impl View<'_> {
    /// Every report of these days: everybody's, and where it is kept by channel that of every channel.
    pub async fn check(&self) {
        for of in self.oracle.channels().into_iter().map(Some).chain([None]) {
            self.check_days(of).await;
            self.check_cohorts(of).await;
            for days in self.ranges() {
                self.check_unique(of, days).await;
            }
        }
        for days in self.ranges() {
            self.check_menu(days).await;
            self.check_unanswered(days).await;
        }
    }

    fn last(&self) -> i32 {
        self.as_of.map_or(self.days.1, |day| day.min(self.days.1))
    }

    /// Some ranges for which customers can be counted once: the longest, and shorter ones.
    fn ranges(&self) -> [(i32, i32); 3] {
        let (from, to) = (self.days.0, self.last());
        let middle = (from + to) / 2;
        [(to - CAP_DAYS, to), (middle - 6, middle), (from.max(middle - 40), middle + ((to - middle) / 2).min(50))]
    }

    async fn rows(
        &self,
        report: ReportName,
        (from, to): (i32, i32),
        (of, measure): (Of<'_>, Measure),
    ) -> Vec<Vec<Cell>> {
        let period = Period::new(BusinessDay(from), BusinessDay(to)).unwrap();
        let asked = Asked {
            channel: of.map(Channel::from),
            measure,
            as_of: self.as_of.map(BusinessDay),
            ..Asked::new(report, period)
        };
        let clock = AsOf { now: BusinessDay(self.days.1 + LONG_AFTER_DAYS).start(), lateness: self.lateness };
        let table = read_report(self.store, &super::demo(), (&asked, clock), &Context::default()).await;
        table.unwrap().rows
    }

    /// The sum of the oracle's cells `[a, b]`.
    fn cell(&self, metric: Metric, (a, b): (i32, i32), of: Of<'_>) -> i64 {
        let from = CounterKey { metric, a, b, dimension: String::new() };
        let cells = self.oracle.cells.range(from..).take_while(|(key, _)| (key.metric, key.a, key.b) == (metric, a, b));
        cells.filter(|(key, _)| of.is_none_or(|channel| key.dimension == channel)).map(|(_, n)| n).sum()
    }

    async fn check_days(&self, of: Of<'_>) {
        let to = self.last();
        let days = (if of.is_none() { self.days.0 } else { self.days.0.max(to - COHORT_DAYS) }, to);
        let activity = self.rows(ReportName::Activity, days, (of, Measure::OnDay)).await;
        let followers = self.rows(ReportName::Followers, days, (of, Measure::OnDay)).await;
        assert_eq!((activity.len(), followers.len()), ((days.1 - days.0 + 1) as usize, (days.1 - days.0 + 1) as usize));
        for (day, (activity, followers)) in (days.0..=days.1).zip(activity.iter().zip(&followers)) {
            let active = |range: i32| self.oracle.unique(of, (day + 1 - range, day));
            let (new, returning) = (self.cell(Metric::Gap, (day, GAP_FIRST), of), self.cell(Metric::Gap, (day, 1), of));
            let dormant = self.oracle.unique(of, (day - 1, day - 1)) - returning;
            let life = [active(1), active(7), active(30), new, returning, active(1) - new - returning, dormant];
            assert_eq!(counts(activity, 3), life, "activity of {day}, {of:?}");
            if of.is_none() {
                let e = self.oracle.day(day);
                let life = [e.active, e.active_7, e.active_30, e.new, e.returning, e.resurrected, e.dormant];
                assert_eq!(counts(activity, 3), life, "activity of {day}");
                assert_eq!(activity[2], Cell::Count(self.cell(Metric::Messages, (day, 0), None)), "messages of {day}");
            }
            let at = |metric| self.cell(metric, (day, 0), of);
            let (follows, unfollows) = (at(Metric::Follows), at(Metric::Unfollows));
            let turns = [at(Metric::FirstFollows), at(Metric::Refollows), follows, unfollows, follows - unfollows];
            let [first, again, all, lost, net, total] = counts(followers, 2);
            assert_eq!([first, again, all, lost, net], turns, "followers of {day}, {of:?}");
            assert_eq!(total, self.oracle.followers(of, day), "followers of {day}, {of:?}");
        }
    }

    /// What is known once `last` is over.
    fn ripe(&self, last: i32, count: i64) -> Cell {
        if self.as_of.is_none_or(|day| last <= day) { Cell::Count(count) } else { Cell::Unknown }
    }

    async fn check_cohorts(&self, of: Of<'_>) {
        let (from, to) = (self.days.0.max(self.last() - COHORT_DAYS), self.last());
        let exact = self.rows(ReportName::Retention, (from, to), (of, Measure::OnDay)).await;
        let survival = self.rows(ReportName::Survival, (from, to), (of, Measure::OnDay)).await;
        for (k, (exact, survival)) in (from..=to).zip(exact.iter().zip(&survival)) {
            let retained = (0..=30).map(|n| self.ripe(k + n, self.oracle.retained(of, (k, n))));
            assert_eq!(exact[1..], retained.collect::<Vec<_>>(), "retention of {k}, {of:?}");
            let follows = Cell::Count(self.cell(Metric::Follows, (k, 0), of));
            let standing = (1..=30).map(|n| self.ripe(k + n, self.oracle.still_following(of, (k, n))));
            assert_eq!(
                survival[1..],
                [follows].into_iter().chain(standing).collect::<Vec<_>>(),
                "survival of {k}, {of:?}"
            );
        }
        if self.as_of.is_none() {
            let later = self.rows(ReportName::Retention, (from, to), (of, Measure::OnOrAfter)).await;
            for (k, row) in (from..=to).zip(later) {
                let retained = (0..=30).map(|n| Cell::Count(self.oracle.retained_or_later(of, (k, n))));
                assert_eq!(row[1..], retained.collect::<Vec<_>>(), "retention on or after of {k}, {of:?}");
            }
        }
        // A cohort of a week is whole once the week is over.
        let sunday = |week: i32| week * 7 + 3;
        let whole = self.as_of.map_or(to, |day| to.min(sunday(week_of(day + 1) - 1)));
        if from <= whole {
            let weekly = self.rows(ReportName::Retention, (from, whole), (of, Measure::Weekly)).await;
            for (week, row) in (week_of(from)..=week_of(whole)).zip(weekly) {
                let retained =
                    (0..=12).map(|n| self.ripe(sunday(week + n), self.oracle.retained_weekly(of, (week, n))));
                assert_eq!(row[1..], retained.collect::<Vec<_>>(), "retention of week {week}, {of:?}");
            }
        }
    }

    async fn check_unique(&self, of: Of<'_>, days: (i32, i32)) {
        let rows = self.rows(ReportName::Unique, days, (of, Measure::OnDay)).await;
        assert_eq!(counts(&rows[0], 2), [self.oracle.unique(of, days)], "unique of {days:?}, {of:?}");
    }

    /// The oracle's cells of single deliveries by what they are counted by: how many, and the latest day.
    fn by_dimension(&self, metric: Metric, (from, to): (i32, i32)) -> BTreeMap<String, (i64, i32)> {
        let mut by = BTreeMap::<String, (i64, i32)>::new();
        let inside = |key: &CounterKey| key.metric == metric && (from..=to).contains(&key.a);
        for (key, n) in self.oracle.cells.iter().filter(|(key, _)| inside(key)) {
            let entry = by.entry(key.dimension.clone()).or_default();
            *entry = (entry.0 + n, key.a);
        }
        by
    }

    async fn check_menu(&self, days: (i32, i32)) {
        let rows = self.rows(ReportName::Menu, days, (None, Measure::OnDay)).await;
        let read: BTreeMap<String, [i64; 2]> = rows.iter().map(|row| (row[0].to_string(), counts(row, 2))).collect();
        let expected = self.by_dimension(Metric::MenuTaps, days).into_iter();
        let expected =
            expected.map(|(key, (taps, _))| (key.clone(), [taps, self.oracle.unique_tappers(&key, days.0, days.1)]));
        assert_eq!(read, expected.collect(), "menu of {days:?}");
    }

    async fn check_unanswered(&self, days: (i32, i32)) {
        let rows = self.rows(ReportName::Unanswered, days, (None, Measure::OnDay)).await;
        let read: BTreeMap<String, [Cell; 2]> =
            rows.iter().map(|row| (row[0].to_string(), [row[1].clone(), row[2].clone()])).collect();
        let expected = self.by_dimension(Metric::Unanswered, days).into_iter();
        let expected = expected.map(|(text, (times, last))| (text, [Cell::Count(times), Cell::Day(BusinessDay(last))]));
        assert_eq!(read, expected.collect(), "unanswered of {days:?}");
    }
}
