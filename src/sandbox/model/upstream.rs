//! Statistics finer and coarser than a day: messages by hour, week and month, how much one customer writes, and how the
//! account answered its deliveries (platform.md 4.16).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::statistics::Said;
use crate::domain::time::{BusinessDay, UnixSecs};

/// Times of one length that are kept: hours, days, weeks, months.
const KEPT: [usize; 4] = [62 * 24, 400, 60, 14];
/// The least messages of the platform's intervals 1, 2 and 3.
const INTERVALS: [u32; 3] = [1, 6, 11];

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// An hour of the business day.
    Hour,
    /// A business day.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
}

impl Over {
    const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// The hour as hours since 1970-01-01, or the first day of the time that `at` belongs to.
    fn of(self, at: UnixSecs) -> i32 {
        let day = at.business_day();
        match self {
            Self::Hour => day.0.saturating_mul(24).saturating_add(i32::from(at.business_hour())),
            Self::Day => day.0,
            Self::Week => BusinessDay::of_iso_week(day.iso_week()).0,
            Self::Month => {
                let first = day.to_string().get(..7).and_then(|month| BusinessDay::parse(&format!("{month}-01")));
                first.unwrap_or(day).0
            }
        }
    }
}

/// What a customer wrote within the latest time of one length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Wrote {
    of: i32,
    kinds: u8,
    count: u32,
}

/// What a customer wrote within the latest hour, day, week and month, so that they count once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WroteLately([Wrote; 4]);

/// What was written within one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Heard {
    said: BTreeMap<u8, Said>,
    /// Customers by how much they wrote.
    spread: [i64; 3],
}

/// How the deliveries of one hour were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Deliveries, each try for itself.
    pub callbacks: i64,
    /// Those without a usable answer.
    pub failed: i64,
    /// Milliseconds until the answers were there, in all.
    pub total_ms: i64,
    /// The longest.
    pub longest_ms: i64,
}

impl Answered {
    fn and(self, other: Self) -> Self {
        Self {
            callbacks: self.callbacks + other.callbacks,
            failed: self.failed + other.failed,
            total_ms: self.total_ms + other.total_ms,
            longest_ms: self.longest_ms.max(other.longest_ms),
        }
    }
}

/// The counts; a state saved before there were any begins with none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    heard: [BTreeMap<i32, Heard>; 4],
    answered: BTreeMap<i32, Answered>,
}

impl Upstream {
    /// A customer sent a message of this type.
    pub fn said(&mut self, sender: &mut WroteLately, (at, kind): (i64, u8)) {
        let times = Over::ALL.into_iter().zip(KEPT);
        for ((heard, lately), (over, kept)) in self.heard.iter_mut().zip(&mut sender.0).zip(times) {
            let of = over.of(UnixSecs(at));
            if lately.of != of {
                *lately = Wrote { of, ..Wrote::default() };
            }
            let bit = 1 << kind.min(7);
            let heard_then = heard.entry(of).or_default();
            let said = heard_then.said.entry(kind).or_default();
            said.count += 1;
            said.users += i64::from(lately.kinds & bit == 0);
            lately.kinds |= bit;
            let before = interval(lately.count);
            lately.count = lately.count.saturating_add(1);
            let now = interval(lately.count);
            if before != now {
                before.and_then(|at| heard_then.spread.get_mut(at)).into_iter().for_each(|users| *users -= 1);
                now.and_then(|at| heard_then.spread.get_mut(at)).into_iter().for_each(|users| *users += 1);
            }
            while heard.len() > kept {
                heard.pop_first();
            }
        }
    }

    /// A delivery was answered, or not, after so many milliseconds.
    pub fn answered(&mut self, at: i64, try_of_it: Answered) {
        let hour = self.answered.entry(Over::Hour.of(UnixSecs(at))).or_default();
        *hour = hour.and(try_of_it);
        while self.answered.len() > KEPT.first().copied().unwrap_or_default() {
            self.answered.pop_first();
        }
    }

    /// Messages by type, and of an hour its number, of every time that begins on `day`.
    pub fn messages(&self, over: Over, day: BusinessDay) -> Vec<(i32, u8, Said)> {
        let times = self.times(over, day);
        times.flat_map(|(hour, heard)| heard.said.iter().map(move |(kind, said)| (hour, *kind, *said))).collect()
    }

    /// Customers who wrote so much (`count_interval`) in the time that begins on `day`.
    pub fn spread(&self, over: Over, day: BusinessDay) -> Vec<(u8, i64)> {
        let spread = self.times(over, day).flat_map(|(_, heard)| (1..).zip(heard.spread));
        spread.filter(|(_, users)| *users > 0).collect()
    }

    /// How deliveries were answered in each hour of `day`.
    pub fn health(&self, day: BusinessDay) -> Vec<(i32, Answered)> {
        let hours = day.0.saturating_mul(24);
        self.answered.range(hours..hours.saturating_add(24)).map(|(at, told)| (at - hours, *told)).collect()
    }

    /// How they were on the whole day; `None` of one without deliveries.
    pub fn health_of_day(&self, day: BusinessDay) -> Option<Answered> {
        self.health(day).into_iter().map(|(_, told)| told).reduce(Answered::and)
    }

    fn times(&self, over: Over, day: BusinessDay) -> impl Iterator<Item = (i32, &Heard)> {
        let (first, length) = if over == Over::Hour { (day.0.saturating_mul(24), 24) } else { (day.0, 1) };
        let [hours, days, weeks, months] = &self.heard;
        let heard = match over {
            Over::Hour => hours,
            Over::Day => days,
            Over::Week => weeks,
            Over::Month => months,
        };
        heard.range(first..first.saturating_add(length)).map(move |(at, heard)| (at - first, heard))
    }
}

/// Where in [`Heard::spread`] so many messages count.
fn interval(count: u32) -> Option<usize> {
    INTERVALS.iter().rposition(|least| *least <= count)
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2026-03-02 00:00 in +08:00, a Monday.
    const MONDAY: BusinessDay = BusinessDay(20_514);

    #[test]
    fn a_sender_counts_once_in_each_time_and_moves_between_the_intervals() {
        let (mut upstream, mut lin, mut chen) = (Upstream::default(), WroteLately::default(), WroteLately::default());
        let at = |day: i32, hour: i64| MONDAY.plus_days(day).start().plus_secs(hour * 3600).0;
        for _ in 0..6 {
            upstream.said(&mut lin, (at(0, 9), 1));
        }
        upstream.said(&mut lin, (at(0, 10), 2));
        upstream.said(&mut chen, (at(0, 10), 1));
        upstream.said(&mut lin, (at(1, 9), 1));
        upstream.said(&mut lin, (at(7, 9), 1));
        let said = |users, count| Said { users, count };
        let hours = [(9, 1, said(1, 6)), (10, 1, said(1, 1)), (10, 2, said(1, 1))];
        assert_eq!(upstream.messages(Over::Hour, MONDAY), hours);
        assert_eq!(upstream.messages(Over::Week, MONDAY), [(0, 1, said(2, 8)), (0, 2, said(1, 1))]);
        assert_eq!(upstream.messages(Over::Week, MONDAY.plus_days(1)), [], "told under its Monday");
        let first = BusinessDay::parse("2026-03-01").unwrap();
        assert_eq!(upstream.messages(Over::Month, first), [(0, 1, said(2, 9)), (0, 2, said(1, 1))]);
        assert_eq!(upstream.spread(Over::Day, MONDAY), [(1, 1), (2, 1)]);
        assert_eq!(upstream.spread(Over::Month, first), [(1, 1), (2, 1)]);
        for _ in 0..4 {
            upstream.said(&mut lin, (at(0, 11), 1));
        }
        assert_eq!(upstream.spread(Over::Week, MONDAY.plus_days(7)), [(1, 1)]);
    }

    #[test]
    fn answers_are_summed_by_hour_and_day() {
        let mut upstream = Upstream::default();
        let told = |failed, ms| Answered { callbacks: 1, failed, total_ms: ms, longest_ms: ms };
        for (hour, failed, ms) in [(9, 0, 20), (9, 1, 5000), (23, 0, 30)] {
            upstream.answered(MONDAY.start().plus_secs(hour * 3600).0, told(failed, ms));
        }
        let nine = Answered { callbacks: 2, failed: 1, total_ms: 5020, longest_ms: 5000 };
        assert_eq!(upstream.health(MONDAY), [(9, nine), (23, told(0, 30))]);
        let day = Answered { callbacks: 3, failed: 1, total_ms: 5050, longest_ms: 5000 };
        assert_eq!(upstream.health_of_day(MONDAY), Some(day));
        assert_eq!(upstream.health_of_day(MONDAY.plus_days(1)), None);
    }

    #[test]
    fn old_hours_are_forgotten() {
        let (mut upstream, mut lin) = (Upstream::default(), WroteLately::default());
        for hour in 0..2_000 {
            let at = MONDAY.start().plus_secs(hour * 3600).0;
            upstream.said(&mut lin, (at, 1));
            upstream.answered(at, Answered::default());
        }
        assert_eq!((upstream.heard[0].len(), upstream.answered.len()), (62 * 24, 62 * 24));
    }
}
