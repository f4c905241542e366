//! What the reports of a store should say, by the oracle.

use crate::app::read_report;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterKey, Metric};
use crate::growth::lateness::Lateness;
use crate::growth::oracle::{Oracle, week_of};
use crate::growth::report::{AsOf, Asked, Cell, Context, Period, ReportName, Table};
use crate::store::Store;

/// A report as it is read long after, when everything in it is known.
struct Read(Table);

impl Read {
    async fn of(store: &dyn Store, (report, from, to): (ReportName, i32, i32), lateness: Lateness) -> Self {
        let asked = Asked::new(report, Period::new(BusinessDay(from), BusinessDay(to)).unwrap());
        let clock = AsOf { now: BusinessDay(to + 400).start(), lateness };
        Self(read_report(store, &super::demo(), (&asked, clock), &Context::default()).await.unwrap())
    }

    /// The counts of these columns, row by row.
    fn counts(&self, columns: &[&str]) -> Vec<Vec<i64>> {
        let place = |name: &&str| self.0.columns.iter().position(|column| column.name == *name).unwrap();
        let places: Vec<usize> = columns.iter().map(place).collect();
        let count = |cell: &Cell| match cell {
            Cell::Count(count) => *count,
            other => panic!("not a number: {other:?}"),
        };
        self.0.rows.iter().map(|row| places.iter().map(|place| count(&row[*place])).collect()).collect()
    }
}

/// The sum of the oracle's cells `[a, b]`.
fn cell(oracle: &Oracle, metric: Metric, (a, b): (i32, i32)) -> i64 {
    let from = CounterKey { metric, a, b, dimension: String::new() };
    oracle.cells.range(from..).take_while(|(key, _)| (key.metric, key.a, key.b) == (metric, a, b)).map(|(_, n)| n).sum()
}

/// Every report of the days, read from the store.
pub(super) async fn reports(store: &dyn Store, oracle: &Oracle, ((from, to), lateness): ((i32, i32), Lateness)) {
    let read = |report| Read::of(store, (report, from, to), lateness);
    let columns = ["messages", "dau", "r7", "r30", "new", "returning", "resurrected", "dormant"];
    let activity = read(ReportName::Activity).await.counts(&columns);
    let columns = ["first_follows", "refollows", "follows", "unfollows", "net", "total"];
    let followers = read(ReportName::Followers).await.counts(&columns);
    assert_eq!((activity.len(), followers.len()), ((to - from + 1) as usize, (to - from + 1) as usize));
    for (day, (activity, followers)) in (from..=to).zip(activity.iter().zip(&followers)) {
        let at = |metric| cell(oracle, metric, (day, 0));
        let e = oracle.day(day);
        let life = [e.active, e.active_7, e.active_30, e.new, e.returning, e.resurrected, e.dormant];
        assert_eq!(activity[0], at(Metric::Messages), "messages of {day}");
        assert_eq!(activity[1..], life, "activity of {day}");
        let (follows, unfollows) = (at(Metric::Follows), at(Metric::Unfollows));
        let turns = [at(Metric::FirstFollows), at(Metric::Refollows), follows, unfollows, follows - unfollows];
        assert_eq!(followers[..5], turns, "followers of {day}");
        assert_eq!(followers[5], e.followers, "followers of {day}");
    }
}

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
