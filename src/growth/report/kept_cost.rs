//! What a kept follower cost (growth.md 6.1, scrm.md 2.1): the rewards of a campaign over the friends who stayed.

/// Rewards, and the friends who stayed through their hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptCost {
    /// What was given, in fen.
    pub fen: i64,
    /// Friends who were attributed and did not leave within the hold.
    pub kept: i64,
}

impl KeptCost {
    /// `cohorts` are attributed and clawed back of each day. `None` while one of them is not known yet: the cost of
    /// everybody over only those who are known to stay would be a wrong number.
    pub fn of(fen: i64, cohorts: impl IntoIterator<Item = (Option<i64>, Option<i64>)>) -> Option<Self> {
        let kept = cohorts.into_iter().map(|(attributed, clawed_back)| Some(attributed? - clawed_back?));
        Some(Self { fen, kept: kept.sum::<Option<i64>>()? })
    }

    /// Fen for each of them, rounded to the nearest; `None` when nobody stayed.
    pub fn per_follower_fen(self) -> Option<i64> {
        let (fen, kept) = (i128::from(self.fen), i128::from(self.kept));
        let rounded = (fen * 2 + kept).checked_div(kept * 2).filter(|_| kept > 0)?;
        i64::try_from(rounded).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_that_of_those_who_stayed_once_all_cohorts_are_known() {
        let cost = KeptCost::of(1_000, [(Some(5), Some(2)), (Some(4), Some(0)), (Some(0), Some(0))]).unwrap();
        assert_eq!((cost.kept, cost.per_follower_fen()), (7, Some(143)));
        assert_eq!(KeptCost::of(1_000, [(Some(5), Some(2)), (Some(4), None)]), None);
        assert_eq!(KeptCost::of(1_000, [(Some(2), Some(2))]).unwrap().per_follower_fen(), None);
        assert_eq!(KeptCost { fen: i64::MAX, kept: 1 }.per_follower_fen(), Some(i64::MAX));
    }
}
