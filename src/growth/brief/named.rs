//! Small parts of a report.

use serde::{Deserialize, Serialize};

use crate::growth::report::SideBySide;

/// A name and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// What people call it.
    pub name: String,
    /// How many.
    pub count: i64,
}

/// Stars that were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stars {
    /// The sum of all stars.
    pub stars: i64,
    /// How many ratings.
    pub ratings: i64,
    /// How many of them gave one or two.
    pub low: i64,
}

/// A number that the platform's own statistics see differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which number.
    pub what: String,
    /// As we count it.
    pub ours: i64,
    /// As the platform does.
    pub theirs: i64,
}

impl Difference {
    /// Where the platform counted a day otherwise. The totals are left out: they differ for good by the followers from
    /// before us, and from day to day only by these two.
    pub fn between(side: &SideBySide) -> Vec<Self> {
        let pairs =
            [("新关注", side.follows, side.platform.new_user), ("取关", side.unfollows, side.platform.cancel_user)];
        let differing = pairs.into_iter().filter(|(_, ours, theirs)| ours != theirs);
        differing.map(|(what, ours, theirs)| Self { what: what.to_owned(), ours, theirs }).collect()
    }
}

/// The largest `most` of counted names; equal ones in order of their names, so that the same counts print the same.
pub(super) fn largest(counts: impl IntoIterator<Item = Named>, most: usize) -> Vec<Named> {
    let mut all: Vec<Named> = counts.into_iter().filter(|named| named.count > 0).collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    all.truncate(most);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UnixSecs;
    use crate::growth::report::PlatformDay;

    #[test]
    fn only_what_the_platform_counts_otherwise_is_a_difference() {
        let platform =
            PlatformDay { new_user: 5, cancel_user: 2, cumulate_user: 900, messages: 0, asked_at: UnixSecs(0) };
        let side = SideBySide { follows: 5, unfollows: 1, total: 30, platform };
        assert_eq!(Difference::between(&side), [Difference { what: "取关".into(), ours: 1, theirs: 2 }]);
        assert_eq!(Difference::between(&SideBySide { unfollows: 2, ..side }), []);
    }

    #[test]
    fn the_largest_come_first_and_nothing_that_did_not_happen() {
        let named = |name: &str, count| Named { name: name.into(), count };
        let all = [named("b", 2), named("c", 0), named("a", 2), named("d", 9), named("e", -1)];
        assert_eq!(largest(all, 2), [named("d", 9), named("a", 2)]);
    }
}
