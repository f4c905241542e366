//! Who stays: weekly cohorts by channel, and follows that still stand. Only what is ripe is a number.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::labels::Labels;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;

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

/// Everybody's cohorts and those of the largest channels, as known at the end of the week of `monday`.
pub(super) fn cohorts(counters: &Counters, monday: BusinessDay, labels: &Labels) -> (Vec<Cohort>, Vec<Kept>) {
    let week = monday.iso_week();
    let weeks = week - COHORTS + 1..=week;
    let mut table = Vec::new();
    let mut kept = Vec::new();
    for channel in std::iter::once(None).chain(largest(counters, weeks.clone()).into_iter().map(Some)) {
        let title = channel.as_deref().map_or_else(|| EVERYBODY.to_owned(), |channel| labels.channel(channel));
        let mut together = vec![Ripe::default(); usize::try_from(AFTER).unwrap_or_default()];
        for cohort in weeks.clone() {
            let count = |after| counted(counters, (cohort, after), channel.as_deref());
            let (size, passed) = (count(0), week - cohort);
            let cell = |after| match after <= passed {
                true => WeekCell::Known(count(after)),
                false => WeekCell::Ripening { passed: passed * 7, of: after * 7 },
            };
            let cells: Vec<WeekCell> = (1..=AFTER).map(cell).collect();
            for (ripe, cell) in together.iter_mut().zip(&cells) {
                if let WeekCell::Known(active) = cell {
                    ripe.part += active;
                    ripe.whole += size;
                }
            }
            if size > 0 {
                let begins = monday.plus_days((cohort - week) * 7);
                let week = super::phrase::week_name(begins);
                table.push(Cohort { channel: title.clone(), week, size, weeks: cells });
            }
        }
        kept.push(Kept { channel: title, weeks: together });
    }
    (table, kept)
}

fn counted(counters: &Counters, (cohort, after): (i32, i32), channel: Option<&str>) -> i64 {
    let row = counters.row(Metric::RetainedWeekly, cohort);
    let fits = row.filter(|(b, dimension, _)| *b == after && channel.is_none_or(|channel| channel == *dimension));
    fits.map(|cell| cell.2).sum()
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

/// Of the follows of the latest ripe days, how many still stood so many days later. A spell that ended stays ended: a
/// re-follow begins another (growth.md 1.3).
pub(super) fn standing(counters: &Counters, sunday: BusinessDay) -> Vec<Standing> {
    let one = |after_days: i32| {
        let mut ripe = Ripe::default();
        for day in sunday.0 - after_days - STANDING_DAYS + 1..=sunday.0 - after_days {
            let follows = counters.sum(Metric::Follows, day);
            let ended: i64 =
                counters.row(Metric::SpellEnded, day).filter(|cell| cell.0 <= after_days).map(|cell| cell.2).sum();
            ripe.whole += follows;
            ripe.part += follows - ended;
        }
        Standing { after_days, ripe }
    };
    STANDING_AFTER.map(one).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::CounterKey;

    /// A Monday.
    const MONDAY: BusinessDay = BusinessDay(20_458);

    fn cell((metric, a, b): (Metric, i32, i32), dimension: &str, by: i64) -> (CounterKey, i64) {
        (CounterKey { metric, a, b, dimension: dimension.to_owned() }, by)
    }

    #[test]
    fn a_cohort_shows_only_the_weeks_that_are_over() {
        let week = MONDAY.iso_week();
        let retained = |cohort, after, by| cell((Metric::RetainedWeekly, week + cohort, after), "", by);
        // The last one is of a week after the report.
        let cells =
            [retained(-2, 0, 10), retained(-2, 1, 4), retained(-2, 2, 3), retained(0, 0, 7), retained(-2, 3, 9)];
        let (table, kept) = cohorts(&cells.into_iter().collect(), MONDAY, &Labels::default());
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
    }

    #[test]
    fn channels_stand_beside_everybody_the_largest_first_and_not_too_many() {
        let week = MONDAY.iso_week();
        let cells = (0..9).map(|n| cell((Metric::RetainedWeekly, week - 1, 0), &format!("c{n}"), 10 + n));
        let cells = cells.chain([cell((Metric::RetainedWeekly, week - 1, 1), "c8", 9)]);
        let (table, kept) = cohorts(&cells.collect(), MONDAY, &Labels::default());
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
        let standing = standing(&cells.into_iter().collect(), sunday);
        let expected = [(1, Ripe { part: 9, whole: 15 }), (7, Ripe { part: 7, whole: 10 }), (30, Ripe::default())];
        assert_eq!(standing.iter().map(|s| (s.after_days, s.ripe)).collect::<Vec<_>>(), expected);
    }
}
