//! The set of days on which something happened, kept in 24 bytes: exact for the latest 128 days, and all that the gap
//! matrix needs (growth.md 5.1, 5.2, 5.3).

use super::counter::{CAP_DAYS, GAP_FAR, GAP_FIRST};
use crate::domain::customer::Activity;
use crate::domain::time::BusinessDay;

const BITS: i32 = 128;

/// A day may be added so many days before the latest one and still see the whole of the longest exact gap before it.
/// Far more than the largest [`super::lateness::Lateness`]: only clocks that disagree by weeks get here.
pub const REACH_DAYS: i32 = BITS - 1 - CAP_DAYS;

/// What a new day changes in the gap matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The gap of the new day.
    pub gap: i32,
    /// The gap it split, when it came late.
    pub split: Option<Split>,
}

/// A later day whose previous day is another one now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// That later day.
    pub day: BusinessDay,
    /// Its gap before.
    pub was: i32,
    /// Its gap now.
    pub now: i32,
}

impl Activity {
    /// The history of one day.
    pub fn starting(day: BusinessDay) -> Self {
        Self { first: day, last: day, bits: 1 }
    }

    /// Whether `day` is not too far back to be added exactly.
    pub fn reaches(&self, day: BusinessDay) -> bool {
        self.last.days_since(day) <= REACH_DAYS
    }

    /// Whether any day of `from..=to` is in it; exact for the latest 128 days.
    pub fn any_in(&self, from: BusinessDay, to: BusinessDay) -> bool {
        let newest = self.last.days_since(to).max(0);
        let oldest = self.last.days_since(from);
        if oldest < newest || newest >= BITS {
            return false;
        }
        // `len` is at least 1, so the shift stays below 128.
        let len = (oldest.min(BITS - 1) - newest + 1).unsigned_abs();
        self.bits >> newest & (u128::MAX >> (128 - len)) != 0
    }

    /// The days after `day`, latest first. Exact while `day` is within reach.
    pub fn days_after(self, day: BusinessDay) -> impl DoubleEndedIterator<Item = BusinessDay> {
        let back = self.last.days_since(day).clamp(0, BITS);
        (0..back).filter(move |i| self.bits >> i & 1 == 1).map(move |i| self.last.plus_days(-i))
    }

    /// Adds a day and says what that changes; `None` when it was there already. The day must be within reach.
    pub fn place(&mut self, day: BusinessDay) -> Option<Placed> {
        let back = self.last.days_since(day);
        if back < 0 {
            let gap = gap_between(Some(self.last), day);
            self.bits = self.bits.checked_shl(back.unsigned_abs()).unwrap_or(0) | 1;
            self.last = day;
            return Some(Placed { gap, split: None });
        }
        if self.any_in(day, day) {
            return None;
        }
        let next = self.days_after(day).last()?;
        let placed = if day < self.first {
            self.first = day;
            Placed {
                gap: GAP_FIRST,
                split: Some(Split { day: next, was: GAP_FIRST, now: gap_between(Some(day), next) }),
            }
        } else {
            let previous = self.previous(back);
            let split = Split { day: next, was: gap_between(previous, next), now: gap_between(Some(day), next) };
            Placed { gap: gap_between(previous, day), split: Some(split) }
        };
        self.bits |= 1u128.checked_shl(back.unsigned_abs()).unwrap_or(0);
        Some(placed)
    }

    /// Every day with its gap, first one first; all of them must be among the latest 128.
    pub fn gaps(self) -> impl Iterator<Item = (BusinessDay, i32)> {
        let mut previous = None;
        self.days_after(self.first.plus_days(-1)).rev().map(move |day| {
            let before = previous.replace(day);
            (day, if before.is_none() { GAP_FIRST } else { gap_between(before, day) })
        })
    }

    /// The latest day more than `back` days before the last one, if it is among the latest 128.
    fn previous(&self, back: i32) -> Option<BusinessDay> {
        let older = self.bits.checked_shr(back.unsigned_abs() + 1)?;
        let more = i32::try_from(older.trailing_zeros()).ok()?;
        (older != 0).then(|| self.last.plus_days(-(back + 1 + more)))
    }
}

/// The gap of a day whose previous one lies so far back, or too far back to be known.
fn gap_between(previous: Option<BusinessDay>, day: BusinessDay) -> i32 {
    previous.map(|p| day.days_since(p)).filter(|gap| *gap <= CAP_DAYS).unwrap_or(GAP_FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(days: &[i32]) -> Activity {
        let mut history = Activity::starting(BusinessDay(days[0]));
        for day in &days[1..] {
            history.place(BusinessDay(*day));
        }
        history
    }

    #[test]
    fn the_gap_in_order_is_the_days_since_the_previous_one() {
        assert_eq!(of(&[10]).place(BusinessDay(13)), Some(Placed { gap: 3, split: None }));
        assert_eq!(of(&[10]).place(BusinessDay(102)), Some(Placed { gap: 92, split: None }));
        assert_eq!(of(&[10]).place(BusinessDay(103)), Some(Placed { gap: GAP_FAR, split: None }));
        assert_eq!(of(&[10]).place(BusinessDay(10)), None);
    }

    #[test]
    fn a_late_day_splits_the_gap_it_fell_into() {
        let mut history = of(&[10, 20]);
        let split = Some(Split { day: BusinessDay(20), was: 10, now: 2 });
        assert_eq!(history.place(BusinessDay(18)), Some(Placed { gap: 8, split }));
        assert_eq!(history, of(&[10, 18, 20]));
    }

    #[test]
    fn a_late_day_after_a_very_long_absence_is_far_and_splits_far() {
        let split = Some(Split { day: BusinessDay(200), was: GAP_FAR, now: 1 });
        assert_eq!(of(&[10, 200]).place(BusinessDay(199)), Some(Placed { gap: GAP_FAR, split }));
        let split = Some(Split { day: BusinessDay(103), was: GAP_FAR, now: 1 });
        assert_eq!(of(&[10, 103]).place(BusinessDay(102)), Some(Placed { gap: 92, split }));
    }

    #[test]
    fn a_day_before_the_first_becomes_the_first() {
        let mut history = of(&[10, 11]);
        let split = Some(Split { day: BusinessDay(10), was: GAP_FIRST, now: 2 });
        assert_eq!(history.place(BusinessDay(8)), Some(Placed { gap: GAP_FIRST, split }));
        assert_eq!(history, of(&[8, 10, 11]));
    }

    #[test]
    fn the_whole_longest_gap_is_seen_from_the_farthest_day_in_reach() {
        let last = 1_000;
        let late = last - REACH_DAYS;
        let history = of(&[late - CAP_DAYS, last]);
        assert!(history.reaches(BusinessDay(late)) && !history.reaches(BusinessDay(late - 1)));
        assert_eq!(history.clone().place(BusinessDay(late)).unwrap().gap, CAP_DAYS);
    }

    #[test]
    fn a_range_is_asked_exactly_at_its_ends() {
        let history = of(&[10, 20]);
        let any = |from, to| history.any_in(BusinessDay(from), BusinessDay(to));
        assert!(any(10, 10) && any(20, 20) && any(0, 300) && any(-300, 10));
        assert!(!any(11, 19) && !any(21, 30) && !any(-300, 9) && !any(12, 11));
    }

    #[test]
    fn the_gaps_of_a_short_history_are_those_that_were_placed() {
        let gaps: Vec<_> = of(&[10, 11, 20]).gaps().map(|(day, gap)| (day.0, gap)).collect();
        assert_eq!(gaps, [(10, GAP_FIRST), (11, 1), (20, 9)]);
    }
}
