//! Small parts of a report.

use serde::{Deserialize, Serialize};

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

    #[test]
    fn the_largest_come_first_and_nothing_that_did_not_happen() {
        let named = |name: &str, count| Named { name: name.into(), count };
        let all = [named("b", 2), named("c", 0), named("a", 2), named("d", 9), named("e", -1)];
        assert_eq!(largest(all, 2), [named("d", 9), named("a", 2)]);
    }
}
