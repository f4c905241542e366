//! Counter cells as they are kept: [`WIDTH`] neighbours of one row together. A cohort or a gap matrix fills up with
//! customers; how many rows a report reads does not, so neither does what it costs.

use serde::{Deserialize, Serialize};

use super::counter::{CounterKey, Metric};

/// So many neighbouring second coordinates are kept together: a cohort's first month is one run.
pub const WIDTH: i32 = 32;

/// Which run of cells: those of one metric, first coordinate and dimension whose second coordinates share a block.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    /// What is counted.
    pub metric: Metric,
    /// First coordinate.
    pub a: i32,
    /// The key's further part.
    pub dimension: String,
    /// The second coordinates `block * WIDTH .. (block + 1) * WIDTH`.
    pub block: i32,
}

/// The block of a second coordinate, and its place there.
pub fn block_of(b: i32) -> (i32, usize) {
    (b.div_euclid(WIDTH), usize::try_from(b.rem_euclid(WIDTH)).unwrap_or_default())
}

impl RunKey {
    /// Where a counter is kept: its run and its place there.
    pub fn of(key: CounterKey) -> (Self, usize) {
        let (block, place) = block_of(key.b);
        (Self { metric: key.metric, a: key.a, dimension: key.dimension, block }, place)
    }

    /// The second coordinate of a place.
    pub fn b(&self, place: usize) -> i32 {
        b_of(self.block, place)
    }
}

fn b_of(block: i32, place: usize) -> i32 {
    block.saturating_mul(WIDTH).saturating_add(i32::try_from(place).unwrap_or(i32::MAX))
}

/// The values of a run by place, up to the last that is not 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<i64>")]
pub struct Cells(Vec<i64>);

/// There are more values than a run holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} cells in a run of {WIDTH}")]
pub struct TooManyCells(usize);

/// A counter would pass the edge of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a counter cannot be changed by {0}")]
pub struct PastTheEdge(pub i64);

impl TryFrom<Vec<i64>> for Cells {
    type Error = TooManyCells;

    fn try_from(values: Vec<i64>) -> Result<Self, TooManyCells> {
        if i32::try_from(values.len()).is_ok_and(|length| length <= WIDTH) {
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

    /// What is left of a block without the second coordinates above `last`.
    #[must_use]
    pub fn up_to(mut self, block: i32, last: i32) -> Self {
        let kept = i64::from(last) - i64::from(b_of(block, 0)) + 1;
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
        fn every_second_coordinate_has_a_place_and_is_found_from_it(b in -100_000..100_000) {
            let key = CounterKey { metric: Metric::Gap, a: 3, b, dimension: "hall".into() };
            let (run, place) = RunKey::of(key);
            prop_assert_eq!(run.b(place), b);
            prop_assert!(place < 32);
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
        let of = |block, last| cells(&[1, 2, 3]).up_to(block, last).values().to_vec();
        assert_eq!(of(0, 1), [1, 2]);
        assert_eq!(of(1, 33), [1, 2]);
        assert_eq!(of(1, 31), [0; 0]);
        assert_eq!(of(-1, i32::MAX), [1, 2, 3]);
        assert_eq!(of(5, i32::MIN), [0; 0]);
    }

    #[test]
    fn a_value_at_the_edge_and_a_run_that_is_too_long_are_refused() {
        let mut edge = Cells::one(0, i64::MAX);
        assert_eq!(edge.add(0, 1), Err(PastTheEdge(1)));
        assert_eq!(edge.merge(&Cells::one(0, 3)), Err(PastTheEdge(3)));
        assert_eq!(Cells::try_from(vec![0; 33]), Err(TooManyCells(33)));
    }
}
