//! The gap matrix of a period, laid out for reading: who was active on a day by how long they had been away, and from it
//! the distinct customers of any window in one step a day (growth.md 5.2).

use super::Period;
use super::term::{Term, What};
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CAP_DAYS, GAP_FAR, GAP_FIRST, Metric};
use crate::growth::counters::Counters;

/// Gaps of 0 to [`CAP_DAYS`] days, then longer ones, then none at all.
const PLACES: usize = CAP_DAYS.unsigned_abs() as usize + 3;
const FAR: usize = PLACES - 2;
const FIRST: usize = PLACES - 1;

/// The active customers of each day of a period.
pub(super) struct Away {
    from: BusinessDay,
    days: Vec<Day>,
}

struct Day {
    by_gap: [i64; PLACES],
    /// By place, those from there on: whoever had been away for at least so many days.
    at_least: [i64; PLACES],
}

impl Away {
    pub(super) fn of(counters: &Counters, period: Period) -> Self {
        Self { from: period.from(), days: period.days().map(|day| Day::of(counters, day)).collect() }
    }

    /// The active customers of a day whose gap is one of `gaps`: first-timers lead, those who were away for longest end
    /// the list.
    pub(super) fn by_gap(&self, day: BusinessDay, gaps: impl Fn(i32) -> bool) -> Vec<Term> {
        let Some(day) = self.day(day) else { return Vec::new() };
        let order = std::iter::once(FIRST).chain(0..FIRST);
        let known = order.filter_map(|place| Some((gap_at(place), *day.by_gap.get(place)?)));
        known.filter(|(gap, n)| *n != 0 && gaps(*gap)).map(|(gap, n)| Term::new(What::Away(gap), n)).collect()
    }

    /// The distinct customers of a window by the day they were first seen in it: the one whose gap leads out of the
    /// window. Exact while the window has at most [`CAP_DAYS`] + 1 days.
    pub(super) fn first_seen(&self, window: Period) -> Vec<Term> {
        let seen = window.days().filter_map(|day| Some((day, self.day(day)?.away_before(day, window))));
        seen.filter(|(_, n)| *n != 0).map(|(day, n)| Term::new(What::FirstSeen(day), n)).collect()
    }

    fn day(&self, day: BusinessDay) -> Option<&Day> {
        self.days.get(usize::try_from(day.days_since(self.from)).ok()?)
    }
}

impl Day {
    fn of(counters: &Counters, day: BusinessDay) -> Self {
        let mut by_gap = [0; PLACES];
        for (gap, _, value) in counters.row(Metric::Gap, day.0) {
            if let Some(sum) = by_gap.get_mut(place_of(gap)) {
                *sum += value;
            }
        }
        let (mut at_least, mut sum) = (by_gap, 0);
        for value in at_least.iter_mut().rev() {
            sum += *value;
            *value = sum;
        }
        Self { by_gap, at_least }
    }

    fn away_before(&self, day: BusinessDay, window: Period) -> i64 {
        let place = place_of(day.days_since(window.from()).saturating_add(1).max(0)).min(FAR);
        self.at_least.get(place).copied().unwrap_or_default()
    }
}

fn place_of(gap: i32) -> usize {
    match gap {
        GAP_FIRST => FIRST,
        GAP_FAR => FAR,
        gap => usize::try_from(gap).map_or(FAR, |gap| gap.min(FAR)),
    }
}

fn gap_at(place: usize) -> i32 {
    match place {
        FIRST => GAP_FIRST,
        FAR => GAP_FAR,
        place => i32::try_from(place).unwrap_or(GAP_FAR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::CounterKey;

    fn of(cells: &[(i32, i32, &str, i64)]) -> Away {
        let key = |a, b, channel: &str| CounterKey { metric: Metric::Gap, a, b, dimension: channel.to_owned() };
        let counters = cells.iter().map(|(day, gap, channel, n)| (key(*day, *gap, channel), *n)).collect();
        Away::of(&counters, Period::new(BusinessDay(100), BusinessDay(110)).unwrap())
    }

    #[test]
    fn a_gap_is_summed_over_channels_and_each_has_its_place() {
        let away = of(&[
            (100, 3, "", 2),
            (100, 3, "hall", 1),
            (100, GAP_FAR, "", 4),
            (100, GAP_FIRST, "", 5),
            (101, 92, "", 9),
        ]);
        let told = |day, gaps: fn(i32) -> bool| {
            away.by_gap(BusinessDay(day), gaps).iter().map(|term| (term.what.clone(), term.count)).collect::<Vec<_>>()
        };
        assert_eq!(told(100, |_| true), [(What::Away(GAP_FIRST), 5), (What::Away(3), 3), (What::Away(GAP_FAR), 4)]);
        assert_eq!(told(101, |_| true), [(What::Away(92), 9)]);
        assert_eq!(told(100, |gap| gap == 3), [(What::Away(3), 3)]);
        assert_eq!(told(99, |_| true), []);
    }

    #[test]
    fn a_window_counts_each_customer_on_their_first_day_in_it() {
        let away =
            of(&[(100, GAP_FIRST, "", 7), (102, 2, "", 3), (103, 3, "", 1), (103, GAP_FAR, "", 2), (103, 92, "", 1)]);
        let seen = |from, to| {
            let window = Period::new(BusinessDay(from), BusinessDay(to)).unwrap();
            away.first_seen(window).iter().map(|term| term.count).collect::<Vec<_>>()
        };
        assert_eq!(seen(100, 103), [7, 3]);
        assert_eq!(seen(101, 103), [3, 4]);
        assert_eq!(seen(103, 103), [4]);
    }
}
