//! Counter cells as they are kept: neighbours together, in runs. A cohort, a gap matrix or a row of days fills up with
//! customers; how many runs a report reads hardly does, so neither does what it costs.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::counter::{CAP_DAYS, CounterKey, CounterRange, GAP_FAR, Metric};

/// How the neighbours along one coordinate are cut into runs.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// Where block 0 begins.
    origin: i32,
    /// So many neighbours are kept together.
    width: i32,
}

/// All gaps of a day are one run: it is today's that changes, whoever comes.
const GAPS: Cut = Cut { origin: GAP_FAR, width: CAP_DAYS - GAP_FAR + 1 };
/// A cohort's first month is one run. Everybody who comes changes another cohort, so it is kept short.
const COHORT: Cut = Cut { origin: 0, width: 32 };
/// Of what a day has one cell of, a month is one run.
const DAYS: Cut = Cut { origin: 0, width: 32 };

impl Cut {
    /// The block of a coordinate, and its place there.
    fn place(self, at: i32) -> (i32, usize) {
        let at = at.saturating_sub(self.origin);
        (at.div_euclid(self.width), usize::try_from(at.rem_euclid(self.width)).unwrap_or_default())
    }

    /// The first coordinate of a block.
    fn first(self, block: i32) -> i32 {
        block.saturating_mul(self.width).saturating_add(self.origin)
    }
}

/// Along which coordinate cells are neighbours.
#[derive(Clone, Copy, Debug)]
enum Along {
    /// Runs of one second coordinate.
    First(Cut),
    /// Runs of one first coordinate.
    Second(Cut),
}

impl Along {
    fn of(metric: Metric) -> Self {
        match metric {
            Metric::Gap | Metric::MenuTappers => Self::Second(GAPS),
            Metric::Retained
            | Metric::Latest
            | Metric::RetainedWeekly
            | Metric::SpellEnded
            | Metric::Hours
            | Metric::InviteLags
            | Metric::KeptLags
            | Metric::Votes
            | Metric::Ratings => Self::Second(COHORT),
            Metric::Messages
            | Metric::Follows
            | Metric::FirstFollows
            | Metric::Refollows
            | Metric::Unfollows
            | Metric::ActiveFollowers
            | Metric::MenuTaps
            | Metric::FirstFollowScenes
            | Metric::Quarantined
            | Metric::Playbooks
            | Metric::Invites
            | Metric::InvitesBy
            | Metric::Unanswered => Self::First(DAYS),
        }
    }
}

/// Whether the cells of a metric are neighbours along its first coordinate: a day has one of them.
pub fn is_by_day(metric: Metric) -> bool {
    matches!(Along::of(metric), Along::First(_))
}

/// Which run of cells: neighbours of one metric and dimension.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    /// What is counted.
    pub metric: Metric,
    /// The first coordinate of its first cell.
    pub a: i32,
    /// The key's further part.
    pub dimension: String,
    /// Along the second coordinate, which of the blocks; along the first, the second coordinate.
    pub block: i32,
}

/// The first coordinate at which the runs stand that hold cells of `a`.
pub fn run_at(metric: Metric, a: i32) -> i32 {
    match Along::of(metric) {
        Along::First(cut) => cut.first(cut.place(a).0),
        Along::Second(_) => a,
    }
}

/// The first coordinates that runs standing at `a` hold cells of.
pub fn held_at(metric: Metric, a: i32) -> RangeInclusive<i32> {
    match Along::of(metric) {
        Along::First(cut) => a..=a.saturating_add(cut.width - 1),
        Along::Second(_) => a..=a,
    }
}

/// The last block of the runs that hold second coordinates up to `b`.
pub fn last_block(metric: Metric, b: i32) -> i32 {
    match Along::of(metric) {
        Along::First(_) => b,
        Along::Second(cut) => cut.place(b).0,
    }
}

/// What a run of this block says of the first coordinate `a`: the second coordinate of the first value, and the values.
pub fn of_first(metric: Metric, block: i32, (a, cells): (i32, &Cells)) -> (i32, &[i64]) {
    match Along::of(metric) {
        Along::First(cut) => {
            let place = cut.place(a).1;
            (block, cells.0.get(place..=place).unwrap_or_default())
        }
        Along::Second(cut) => (cut.first(block), &cells.0),
    }
}

impl RunKey {
    /// Where a counter is kept: its run and its place there.
    pub fn of(CounterKey { metric, a, b, dimension }: CounterKey) -> (Self, usize) {
        let (block, place) = match Along::of(metric) {
            Along::First(cut) => (b, cut.place(a).1),
            Along::Second(cut) => cut.place(b),
        };
        (Self { metric, a: run_at(metric, a), dimension, block }, place)
    }
}

/// The values of a run by place, up to the last that is not 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<i64>")]
pub struct Cells(Vec<i64>);

/// There are more values than a run holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run of {0} cells, and the longest has {width}", width = GAPS.width)]
pub struct TooManyCells(usize);

/// A counter would pass the edge of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a counter cannot be changed by {0}")]
pub struct PastTheEdge(pub i64);

impl TryFrom<Vec<i64>> for Cells {
    type Error = TooManyCells;

    fn try_from(values: Vec<i64>) -> Result<Self, TooManyCells> {
        if i32::try_from(values.len()).is_ok_and(|length| length <= GAPS.width) {
            return Ok(Self(values).trimmed());
        }
        Err(TooManyCells(values.len()))
    }
}

impl Cells {
    /// One cell by itself.
    pub fn one(place: usize, value: i64) -> Self {
        let mut values = vec![0; place];
        values.push(value);
        Self(values).trimmed()
    }

    /// The values by place; those that are missing are 0.
    pub fn values(&self) -> &[i64] {
        &self.0
    }

    /// Whether every value is 0.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value at a place.
    pub fn get(&self, place: usize) -> i64 {
        self.0.get(place).copied().unwrap_or_default()
    }

    /// Changes one value.
    ///
    /// # Errors
    /// When it would pass the edge; then nothing is changed.
    pub fn add(&mut self, place: usize, by: i64) -> Result<(), PastTheEdge> {
        let sum = self.get(place).checked_add(by).ok_or(PastTheEdge(by))?;
        if place >= self.0.len() {
            self.0.resize(place + 1, 0);
        }
        if let Some(value) = self.0.get_mut(place) {
            *value = sum;
        }
        self.trim();
        Ok(())
    }

    /// Adds value by value.
    ///
    /// # Errors
    /// When one would pass the edge; then nothing is changed.
    pub fn merge(&mut self, other: &Self) -> Result<(), PastTheEdge> {
        let places = 0..self.0.len().max(other.0.len());
        let sum = |place| self.get(place).checked_add(other.get(place)).ok_or(PastTheEdge(other.get(place)));
        *self = Self(places.map(sum).collect::<Result<_, _>>()?).trimmed();
        Ok(())
    }

    /// What is left of the run that stands at `a` in that block, without the cells that are not in `range`.
    #[must_use]
    pub fn within(mut self, (a, block): (i32, i32), range: &CounterRange) -> Self {
        let places = |from: i32, past: i64| usize::try_from(past - i64::from(from)).unwrap_or_default();
        match Along::of(range.metric) {
            Along::First(_) => {
                self.0.truncate(places(a, i64::from(range.to) + 1));
                self.0.iter_mut().take(places(a, range.from.into())).for_each(|value| *value = 0);
            }
            Along::Second(cut) => self.0.truncate(places(cut.first(block), i64::from(range.last_b) + 1)),
        }
        self.trimmed()
    }

    fn trimmed(mut self) -> Self {
        self.trim();
        self
    }

    fn trim(&mut self) {
        let used = self.0.iter().rposition(|value| *value != 0).map_or(0, |last| last + 1);
        self.0.truncate(used);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GAPPED: [Metric; 2] = [Metric::Gap, Metric::MenuTappers];

    fn cells(values: &[i64]) -> Cells {
        values.to_vec().try_into().unwrap()
    }

    proptest! {
        #[test]
        fn every_cell_has_a_place_and_is_found_from_it(a in -100_000..100_000, b in -100_000..100_000, nth in 0..20usize) {
            let metric = Metric::all().nth(nth).unwrap();
            let (run, place) = RunKey::of(CounterKey { metric, a, b, dimension: "hall".into() });
            let longest = if GAPPED.contains(&metric) { 95 } else { 32 };
            prop_assert!(place < longest);
            prop_assert_eq!((run.a, run.block), (run_at(metric, a), last_block(metric, b)));
            prop_assert!(held_at(metric, run.a).contains(&a));
            let cells = Cells::one(place, 7);
            let (first, values) = of_first(metric, run.block, (a, &cells));
            prop_assert_eq!(values.get(usize::try_from(b - first).unwrap()), Some(&7));
            prop_assert_eq!(values.iter().sum::<i64>(), 7);
        }

        #[test]
        fn of_a_run_what_a_range_holds_is_left(
            nth in 0..20usize, (a, b) in (-40..40, -3..100), (from, len, last_b) in (-50..50, -1..50, -3..100)
        ) {
            let metric = Metric::all().nth(nth).unwrap();
            let range = CounterRange { metric, from, to: from + len, last_b };
            let key = CounterKey { metric, a, b, dimension: String::new() };
            let is_held = range.holds(&key);
            let (run, place) = RunKey::of(key);
            // The store looks for runs by where they stand.
            let stands = (run_at(metric, from)..=range.to).contains(&run.a) && run.block <= last_block(metric, last_b);
            prop_assert_eq!(stands && !Cells::one(place, 1).within((run.a, run.block), &range).is_empty(), is_held);
        }

        #[test]
        fn runs_that_are_added_hold_the_sums(one in prop::collection::vec(-5..5_i64, 0..32), two in prop::collection::vec(-5..5_i64, 0..32)) {
            let mut sum = cells(&one);
            sum.merge(&cells(&two)).unwrap();
            let mut each = cells(&one);
            for (place, by) in two.iter().enumerate() {
                each.add(place, *by).unwrap();
            }
            prop_assert_eq!(&sum, &each);
            prop_assert!((0..32).all(|n| sum.get(n) == cells(&one).get(n) + cells(&two).get(n)));
            prop_assert!(sum.values().last() != Some(&0));
        }
    }

    #[test]
    fn what_comes_to_nothing_is_nothing() {
        let mut sum = Cells::one(31, 2);
        assert_eq!(sum.values().len(), 32);
        sum.add(31, -2).unwrap();
        assert!(sum.is_empty() && sum == Cells::default() && Cells::one(4, 0).is_empty());
    }

    #[test]
    fn a_range_takes_part_of_a_run_at_either_end() {
        let of = |metric, (a, block), (from, to, last_b)| {
            cells(&[1, 2, 3]).within((a, block), &CounterRange { metric, from, to, last_b }).values().to_vec()
        };
        let (first, last) = (i32::MIN, i32::MAX);
        assert_eq!(of(Metric::Retained, (9, 0), (first, last, 1)), [1, 2]);
        assert_eq!(of(Metric::Retained, (9, 1), (first, last, 33)), [1, 2]);
        assert_eq!(of(Metric::Retained, (9, 1), (first, last, 31)), [0; 0]);
        assert_eq!(of(Metric::Gap, (9, 0), (first, last, last)), [1, 2, 3]);
        assert_eq!(of(Metric::Follows, (32, 0), (33, 33, last)), [0, 2]);
        assert_eq!(of(Metric::Follows, (32, 0), (first, last, 0)), [1, 2, 3]);
        assert_eq!(of(Metric::Follows, (32, 0), (34, 33, 0)), [0; 0]);
    }

    #[test]
    fn all_gaps_of_a_day_are_one_run_and_so_are_the_first_month_of_a_cohort_and_the_follows_of_a_month() {
        assert!([GAP_FAR, -1, 0, 31, CAP_DAYS].iter().all(|gap| last_block(Metric::Gap, *gap) == 0));
        assert!([0, 30, 31].iter().all(|day| last_block(Metric::Retained, *day) == 0));
        assert_eq!(last_block(Metric::Retained, 32), 1);
        assert!([64, 65, 95].iter().all(|day| run_at(Metric::Follows, *day) == 64));
        assert_eq!((run_at(Metric::Follows, 96), run_at(Metric::Follows, -1)), (96, -32));
        assert_eq!(run_at(Metric::Retained, 65), 65);
        assert!(Metric::all().filter(|metric| GAPPED.contains(metric)).all(|metric| !is_by_day(metric)));
    }

    #[test]
    fn a_value_at_the_edge_and_a_run_that_is_too_long_are_refused() {
        let mut edge = Cells::one(0, i64::MAX);
        assert_eq!(edge.add(0, 1), Err(PastTheEdge(1)));
        assert_eq!(edge.merge(&Cells::one(0, 3)), Err(PastTheEdge(3)));
        assert_eq!(Cells::try_from(vec![0; 96]), Err(TooManyCells(96)));
    }
}
