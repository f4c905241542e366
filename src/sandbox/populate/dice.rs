//! Reproducible randomness: SplitMix64, the same on every machine and in every version.

/// A die of its own for everybody, so that one customer's life does not depend on another's.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The die of one stream of a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0xD134_2543_DE82_EF95));
        dice.next();
        dice
    }

    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    pub fn share(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or(0);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// One of `from..to`, or `from` if there is none.
    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        self.next().checked_rem(width).map_or(from, |step| from.saturating_add_unsigned(step))
    }

    /// One of a list, or `None` of an empty one.
    pub fn one<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let len = i64::try_from(list.len()).unwrap_or(0);
        usize::try_from(self.within(0, len)).ok().and_then(|at| list.get(at))
    }

    /// A position by its weight.
    pub fn weighed(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.share() * weights.clone().sum::<f64>();
        for (at, weight) in weights.enumerate() {
            left -= weight;
            if left < 0.0 {
                return at;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_throws_the_same() {
        let mut dice = Dice::new(1, 2);
        let thrown: Vec<i64> = (0..8).map(|_| dice.within(0, 100)).collect();
        let mut again = Dice::new(1, 2);
        assert_eq!((0..8).map(|_| again.within(0, 100)).collect::<Vec<_>>(), thrown);
        let mut other = Dice::new(1, 3);
        assert_ne!((0..8).map(|_| other.within(0, 100)).collect::<Vec<_>>(), thrown);
    }

    #[test]
    fn throws_stay_in_range_and_follow_their_weights() {
        let mut dice = Dice::new(7, 0);
        let mut counts = [0; 3];
        for _ in 0..6000 {
            assert!((0.0..1.0).contains(&dice.share()));
            assert!((5..8).contains(&dice.within(5, 8)));
            counts[dice.weighed([1.0, 0.0, 2.0].into_iter())] += 1;
        }
        assert!(counts[1] == 0 && (1800..2200).contains(&counts[0]), "{counts:?}");
        assert_eq!((dice.within(3, 3), dice.one::<u8>(&[])), (3, None));
    }
}
