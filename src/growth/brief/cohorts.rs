//! Who stays: weekly cohorts by channel, and follows that still stand. Only what is ripe is a number.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::value::Beside;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;
use crate::growth::lateness::GRACE_SECS;
use crate::growth::report::{AsOf, Asked, Cell, Context, Explain, Measure, Period, ReportName, Table, average, build};

/// Weeks after a cohort's own.
pub(super) const AFTER: i32 = 4;
/// Cohorts shown, the week of the report included.
pub(super) const COHORTS: i32 = 8;
/// Channels shown beside everybody, the largest.
const CHANNELS: usize = 5;
/// Days after a follow on which it is asked whether it still stands.
const STANDING_AFTER: [i32; 3] = [1, 7, 30];
/// Follows of so many days are asked.
const STANDING_DAYS: i32 = 28;

/// A part of a whole, both final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ripe {
    /// The part.
    pub part: i64,
    /// The whole.
    pub whole: i64,
}

/// What is known of a cohort in a week after its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeekCell {
    /// So many were active.
    Known(i64),
    /// The week is not over: so many of the days have passed.
    Ripening {
        /// Days passed since the cohort's own week.
        passed: i32,
        /// Days it takes.
        of: i32,
    },
}

/// One cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// The channel, as people call it; 全部 for everybody.
    pub channel: String,
    /// Its week.
    pub week: String,
    /// Customers whose first active day lies in it.
    pub size: i64,
    /// The weeks after it.
    pub weeks: Vec<WeekCell>,
}

/// The cohorts of a channel together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The channel, as people call it; 全部 for everybody.
    pub channel: String,
    /// For each week after: those who came back of all ripe cohorts; a whole of 0 when none is ripe.
    pub weeks: Vec<Ripe>,
}

/// Follows that still stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// So many days after the follow.
    pub after_days: i32,
    /// Of how many, how many.
    pub ripe: Ripe,
}

/// What the channel of everybody is called.
pub(super) const EVERYBODY: &str = "全部";

/// The counters that cohorts up to the week of `monday` are read from.
pub(super) fn needed(monday: BusinessDay) -> Vec<CounterRange> {
    let week = monday.iso_week();
    let spells = monday.plus_days(6 - STANDING_DAYS - 30);
    vec![
        CounterRange::new(Metric::RetainedWeekly, week - COHORTS + 1, week),
        CounterRange::new(Metric::SpellEnded, spells.0, monday.plus_days(6).0),
    ]
}

/// Everybody's cohorts and those of the largest channels, as known at the end of the week of `monday`: the report
/// `retention` by week, so that both say the same.
pub(super) fn cohorts(beside: &Beside<'_>, monday: BusinessDay) -> (Vec<Cohort>, Vec<Kept>) {
    let (counters, clock, week) = (beside.counters, clock(beside, monday), monday.iso_week());
    let Ok(period) = Period::new(monday.plus_days(7 * (1 - COHORTS)), monday.plus_days(6)) else {
        return (Vec::new(), Vec::new());
    };
    let mut table = Vec::new();
    let mut kept = Vec::new();
    let channels = largest(counters, week - COHORTS + 1..=week).into_iter().map(Some);
    for channel in std::iter::once(None).chain(channels) {
        let title = channel.as_deref().map_or_else(|| EVERYBODY.to_owned(), |channel| beside.labels.channel(channel));
        let channel = channel.map(|channel| channel.as_str().into());
        let asked = Asked {
            measure: Measure::Weekly,
            channel,
            explain: Explain::No,
            ..Asked::new(ReportName::Retention, period)
        };
        let retention = build(&asked, clock, counters, &Context::default());
        table.extend((0..retention.rows.len()).filter_map(|row| cohort((&retention, row), &title, clock)));
        let weeks = (1..=AFTER).map(|after| averaged(&retention, &format!("w{after}")));
        kept.push(Kept { channel: title, weeks: weeks.collect() });
    }
    (table, kept)
}

/// What was known when the week of `monday` had closed, or is by now.
fn clock(beside: &Beside<'_>, monday: BusinessDay) -> AsOf {
    let closed = monday.plus_days(7).start().plus_secs(GRACE_SECS);
    AsOf { now: beside.clock.now.min(closed), ..beside.clock }
}

fn averaged(table: &Table, column: &str) -> Ripe {
    average(table, column).map_or_else(Ripe::default, |average| Ripe { part: average.stayed, whole: average.of })
}

/// A row of the report; `None` when nobody was new in that week.
fn cohort((retention, row): (&Table, usize), channel: &str, clock: AsOf) -> Option<Cohort> {
    let (Cell::Day(begins), Cell::Count(size @ 1..)) = (retention.cell(row, "cohort")?, retention.cell(row, "size")?)
    else {
        return None;
    };
    let week = |after: i32| match retention.cell(row, &format!("w{after}")) {
        Some(Cell::Count(active)) => WeekCell::Known(*active),
        _ => {
            let of = after * 7;
            let is_over = |nth: &i32| clock.is_past(begins.plus_days(6 + nth));
            let passed = (1..=of).take_while(is_over).fold(0, |passed, _| passed + 1);
            WeekCell::Ripening { passed, of }
        }
    };
    let weeks = (1..=AFTER).map(week).collect();
    Some(Cohort { channel: channel.to_owned(), week: super::phrase::week_name(*begins), size: *size, weeks })
}

/// The largest channels of these cohorts; none when there is only one.
fn largest(counters: &Counters, weeks: impl Iterator<Item = i32>) -> Vec<String> {
    let mut sizes = BTreeMap::<&str, i64>::new();
    for (after, channel, count) in weeks.flat_map(|week| counters.row(Metric::RetainedWeekly, week)) {
        *sizes.entry(channel).or_default() += if after == 0 { count } else { 0 };
    }
    let sorted: BTreeSet<_> = sizes.iter().filter(|(_, size)| **size > 0).map(|(name, size)| (-size, *name)).collect();
    if sorted.len() < 2 {
        return Vec::new();
    }
    sorted.into_iter().take(CHANNELS).map(|(_, name)| name.to_owned()).collect()
}

/// Of the follows of the latest days that are old enough, how many still stood so many days later, as known at the end
/// of the week of `monday`: the report `survival`.
pub(super) fn standing(beside: &Beside<'_>, monday: BusinessDay) -> Vec<Standing> {
    let clock = clock(beside, monday);
    let one = |after_days: i32| {
        let to = monday.plus_days(6 - after_days);
        let ripe = Period::new(to.plus_days(1 - STANDING_DAYS), to).map_or_else(
            |_| Ripe::default(),
            |period| {
                let asked = Asked { explain: Explain::No, ..Asked::new(ReportName::Survival, period) };
                let survival = build(&asked, clock, beside.counters, &Context::default());
                averaged(&survival, &format!("d{after_days}"))
            },
        );
        Standing { after_days, ripe }
    };
    STANDING_AFTER.map(one).to_vec()
}

#[cfg(test)]
mod tests {
    use super::super::samples::beside;
    use super::*;
    use crate::growth::counter::CounterKey;

    /// A Monday.
    const MONDAY: BusinessDay = BusinessDay(20_458);

    fn cell((metric, a, b): (Metric, i32, i32), dimension: &str, by: i64) -> (CounterKey, i64) {
        (CounterKey { metric, a, b, dimension: dimension.to_owned() }, by)
    }

    /// Long after: what came since is not to be seen.
    fn later() -> crate::domain::time::UnixSecs {
        MONDAY.plus_days(100).start()
    }

    #[test]
    fn a_cohort_shows_only_the_weeks_that_are_over() {
        let week = MONDAY.iso_week();
        let retained = |cohort, after, by| cell((Metric::RetainedWeekly, week + cohort, after), "", by);
        // The last one is of a week after the report.
        let cells =
            [retained(-2, 0, 10), retained(-2, 1, 4), retained(-2, 2, 3), retained(0, 0, 7), retained(-2, 3, 9)];
        let counters = cells.into_iter().collect();
        let (table, kept) = cohorts(&beside(&counters, later()), MONDAY);
        let ripening = |passed, of| WeekCell::Ripening { passed, of };
        assert_eq!(table.len(), 2);
        let (two_weeks_old, this) = (&table[0], &table[1]);
        assert_eq!(
            (two_weeks_old.week.as_str(), two_weeks_old.size),
            (super::super::phrase::week_name(MONDAY.plus_days(-14)).as_str(), 10)
        );
        assert_eq!(two_weeks_old.weeks, [WeekCell::Known(4), WeekCell::Known(3), ripening(14, 21), ripening(14, 28)]);
        assert_eq!(this.weeks, [ripening(0, 7), ripening(0, 14), ripening(0, 21), ripening(0, 28)]);
        assert_eq!(kept.len(), 1, "one channel is everybody");
        let ripe = |part, whole| Ripe { part, whole };
        assert_eq!(kept[0].weeks, [ripe(4, 10), ripe(3, 10), ripe(0, 0), ripe(0, 0)]);
        // On the Wednesday of that week two of its days are over.
        let (table, kept) = cohorts(&beside(&counters, MONDAY.plus_days(2).start().plus_secs(3_600)), MONDAY);
        assert_eq!(table[0].weeks[1], ripening(9, 14));
        assert_eq!(table[1].weeks[0], ripening(0, 7));
        assert_eq!(kept[0].weeks, [ripe(4, 10), ripe(0, 0), ripe(0, 0), ripe(0, 0)]);
    }

    #[test]
    fn channels_stand_beside_everybody_the_largest_first_and_not_too_many() {
        let week = MONDAY.iso_week();
        let cells = (0..9).map(|n| cell((Metric::RetainedWeekly, week - 1, 0), &format!("c{n}"), 10 + n));
        let cells = cells.chain([cell((Metric::RetainedWeekly, week - 1, 1), "c8", 9)]);
        let counters = cells.collect();
        let (table, kept) = cohorts(&beside(&counters, later()), MONDAY);
        let names: Vec<&str> = kept.iter().map(|kept| kept.channel.as_str()).collect();
        assert_eq!(names, [EVERYBODY, "c8", "c7", "c6", "c5", "c4"]);
        assert_eq!((kept[0].weeks[0], kept[1].weeks[0]), (Ripe { part: 9, whole: 126 }, Ripe { part: 9, whole: 18 }));
        assert_eq!(table.len(), 6);
    }

    #[test]
    fn a_follow_stands_until_its_spell_ends_and_only_old_enough_days_are_asked() {
        let sunday = MONDAY.plus_days(6);
        let cells = [
            cell((Metric::Follows, sunday.0 - 7, 0), "", 10),
            cell((Metric::SpellEnded, sunday.0 - 7, 0), "", 1),
            cell((Metric::SpellEnded, sunday.0 - 7, 7), "", 2),
            // Too young for a week.
            cell((Metric::Follows, sunday.0 - 1, 0), "", 5),
            cell((Metric::SpellEnded, sunday.0 - 1, 1), "", 5),
        ];
        let counters = cells.into_iter().collect();
        let standing = standing(&beside(&counters, later()), MONDAY);
        let expected = [(1, Ripe { part: 9, whole: 15 }), (7, Ripe { part: 7, whole: 10 }), (30, Ripe::default())];
        assert_eq!(standing.iter().map(|s| (s.after_days, s.ripe)).collect::<Vec<_>>(), expected);
    }
}
