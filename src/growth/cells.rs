//! Counter cells as they are kept: neighbours together, in runs. A cohort or a gap matrix fills up with customers; how
//! many runs a report reads hardly does, so neither does what it costs.

use serde::{Deserialize, Serialize};

use super::counter::{CAP_DAYS, CounterKey, GAP_FAR, Metric};

/// How the second coordinates of a metric are cut into runs.
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

impl Cut {
    fn of(metric: Metric) -> Self {
        match metric {
            Metric::Gap | Metric::MenuTappers => GAPS,
            _ => COHORT,
        }
    }
}

/// Which run of cells: those of one metric, first coordinate and dimension whose second coordinates share a block.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    /// What is counted.
    pub metric: Metric,
    /// First coordinate.
    pub a: i32,
    /// The key's further part.
    pub dimension: String,
    /// Which of its blocks.
    pub block: i32,
}

/// The block of a second coordinate, and its place there.
pub fn block_of(metric: Metric, b: i32) -> (i32, usize) {
    let Cut { origin, width } = Cut::of(metric);
    let at = b.saturating_sub(origin);
    (at.div_euclid(width), usize::try_from(at.rem_euclid(width)).unwrap_or_default())
}

/// The first second coordinate of a block.
pub fn first_of(metric: Metric, block: i32) -> i32 {
    let Cut { origin, width } = Cut::of(metric);
    block.saturating_mul(width).saturating_add(origin)
}

impl RunKey {
    /// Where a counter is kept: its run and its place there.
    pub fn of(key: CounterKey) -> (Self, usize) {
        let (block, place) = block_of(key.metric, key.b);
        (Self { metric: key.metric, a: key.a, dimension: key.dimension, block }, place)
    }

    /// Its first second coordinate.
    pub fn first(&self) -> i32 {
        first_of(self.metric, self.block)
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

    /// What is left of a run that begins at the second coordinate `first`, without those above `last`.
    #[must_use]
    pub fn up_to(mut self, first: i32, last: i32) -> Self {
        let kept = i64::from(last) - i64::from(first) + 1;
        self.0.truncate(usize::try_from(kept).unwrap_or_default());
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

    fn cells(values: &[i64]) -> Cells {
        values.to_vec().try_into().unwrap()
    }

    proptest! {
        #[test]
        fn every_second_coordinate_has_a_place_and_is_found_from_it(b in -100_000..100_000, gap: bool) {
            let metric = if gap { Metric::Gap } else { Metric::Retained };
            let (run, place) = RunKey::of(CounterKey { metric, a: 3, b, dimension: "hall".into() });
            prop_assert_eq!(run.first() + i32::try_from(place).unwrap(), b);
            let longest = if gap { 95 } else { 32 };
            prop_assert!(place < longest);
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
    fn a_run_is_cut_after_a_second_coordinate() {
        let of = |first, last| cells(&[1, 2, 3]).up_to(first, last).values().to_vec();
        assert_eq!(of(0, 1), [1, 2]);
        assert_eq!(of(32, 33), [1, 2]);
        assert_eq!(of(32, 31), [0; 0]);
        assert_eq!(of(-2, i32::MAX), [1, 2, 3]);
        assert_eq!(of(i32::MAX, i32::MIN), [0; 0]);
    }

    #[test]
    fn all_gaps_of_a_day_are_one_run_and_so_is_the_first_month_of_a_cohort() {
        let block = |metric, b| block_of(metric, b).0;
        assert!([GAP_FAR, -1, 0, 31, CAP_DAYS].iter().all(|gap| block(Metric::Gap, *gap) == 0));
        assert!([0, 30, 31].iter().all(|day| block(Metric::Retained, *day) == 0));
        assert_eq!(block(Metric::Retained, 32), 1);
    }

    #[test]
    fn a_value_at_the_edge_and_a_run_that_is_too_long_are_refused() {
        let mut edge = Cells::one(0, i64::MAX);
        assert_eq!(edge.add(0, 1), Err(PastTheEdge(1)));
        assert_eq!(edge.merge(&Cells::one(0, 3)), Err(PastTheEdge(3)));
        assert_eq!(Cells::try_from(vec![0; 96]), Err(TooManyCells(96)));
    }
}
