//! The platform's own statistics (platform.md 4.16), counted from what happens on the platform and from nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::act::Act;
use crate::domain::ids::Scene;
use crate::domain::time::BusinessDay;

/// Days that are kept; what is older only counts in the followers.
const KEPT_DAYS: i32 = 400;

/// What the platform counted. A customer who leaves and comes back on one day counts as often as they did so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// The first day it can tell of; `None` until it begins.
    since: Option<BusinessDay>,
    /// Followers before the first kept day.
    followers_before: i64,
    days: BTreeMap<BusinessDay, Counts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    moved: BTreeMap<u16, Moved>,
    said: BTreeMap<u8, Said>,
}

/// Who came and left by one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Follows.
    pub new: i64,
    /// Unfollows.
    pub cancelled: i64,
}

/// Messages of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Customers who sent one.
    pub users: i64,
    /// Messages.
    pub count: i64,
}

/// The types of messages a customer has sent on their latest day, so that they count once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidToday {
    day: BusinessDay,
    kinds: u8,
}

impl SaidToday {
    /// Whether this is the first message of that type on that day.
    pub fn first(&mut self, day: BusinessDay, kind: u8) -> bool {
        if self.day != day {
            *self = Self { day, kinds: 0 };
        }
        let bit = 1 << kind.min(7);
        let first = self.kinds & bit == 0;
        self.kinds |= bit;
        first
    }
}

/// `user_source`: 30 through a code, 1 by search.
pub fn source(scene: Option<&Scene>) -> u16 {
    if scene.is_some() { 30 } else { 1 }
}

/// `msg_type` of what counts as a message; places do not.
pub fn message_type(act: &Act) -> Option<u8> {
    match act {
        Act::Text { .. } | Act::Sticker => Some(1),
        Act::Image => Some(2),
        Act::Voice { .. } => Some(3),
        Act::Video => Some(4),
        Act::Link { .. } => Some(6),
        _ => None,
    }
}

impl Statistics {
    /// Begins on `day` with so many followers, unless it has begun.
    pub fn begin(&mut self, day: BusinessDay, followers: usize) {
        if self.since.is_none() {
            self.since = Some(day);
            self.followers_before = i64::try_from(followers).unwrap_or(i64::MAX);
        }
    }

    /// Somebody followed.
    pub fn followed(&mut self, day: BusinessDay, source: u16) {
        match self.counts(day) {
            Some(counts) => counts.moved.entry(source).or_default().new += 1,
            None => self.followers_before += 1,
        }
    }

    /// Somebody left who had come by `source`.
    pub fn left(&mut self, day: BusinessDay, source: u16) {
        match self.counts(day) {
            Some(counts) => counts.moved.entry(source).or_default().cancelled += 1,
            None => self.followers_before -= 1,
        }
    }

    /// Somebody sent a message.
    pub fn said(&mut self, day: BusinessDay, kind: u8, first_of_sender: bool) {
        if let Some(counts) = self.counts(day) {
            let said = counts.said.entry(kind).or_default();
            said.count += 1;
            said.users += i64::from(first_of_sender);
        }
    }

    /// Follows and unfollows of a day by source; `None` of a day before it began.
    pub fn moves(&self, day: BusinessDay) -> Option<BTreeMap<u16, Moved>> {
        self.tells_of(day).then(|| self.days.get(&day).map(|counts| counts.moved.clone()).unwrap_or_default())
    }

    /// Followers at the end of a day; `None` of a day before it began.
    pub fn followers(&self, day: BusinessDay) -> Option<i64> {
        let moved = self.days.range(..=day).flat_map(|(_, counts)| counts.moved.values());
        self.tells_of(day).then(|| self.followers_before + moved.map(|moved| moved.new - moved.cancelled).sum::<i64>())
    }

    /// Messages of a day by type.
    pub fn messages(&self, day: BusinessDay) -> BTreeMap<u8, Said> {
        self.days.get(&day).map(|counts| counts.said.clone()).unwrap_or_default()
    }

    fn tells_of(&self, day: BusinessDay) -> bool {
        self.since.is_some_and(|since| since <= day)
    }

    /// The counts of a day, unless it is too long ago. A simulated past may begin before the first day.
    fn counts(&mut self, day: BusinessDay) -> Option<&mut Counts> {
        let latest = self.days.keys().next_back().copied().unwrap_or(day).max(day);
        let oldest = latest.plus_days(1 - KEPT_DAYS);
        while let Some(first) = self.days.first_entry().filter(|first| *first.key() < oldest) {
            let moved: i64 = first.remove().moved.values().map(|moved| moved.new - moved.cancelled).sum();
            self.followers_before += moved;
        }
        if day < oldest {
            return None;
        }
        self.since = Some(self.since.map_or(day, |since| since.min(day)).max(oldest));
        Some(self.days.entry(day).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: BusinessDay = BusinessDay(20_000);

    fn begun() -> Statistics {
        let mut statistics = Statistics::default();
        statistics.begin(DAY, 5);
        statistics
    }

    #[test]
    fn every_coming_and_going_counts_by_its_source() {
        let mut statistics = begun();
        for (day, source) in [(0, 30), (0, 30), (0, 1), (2, 30)] {
            statistics.followed(DAY.plus_days(day), source);
        }
        statistics.left(DAY, 30);
        statistics.left(DAY.plus_days(2), 1);
        let moved = |new, cancelled| Moved { new, cancelled };
        assert_eq!(statistics.moves(DAY), Some([(1, moved(1, 0)), (30, moved(2, 1))].into()));
        assert_eq!(statistics.moves(DAY.plus_days(1)), Some(BTreeMap::new()), "a quiet day is known too");
        let followers: Vec<_> = (-1..=3).map(|day| statistics.followers(DAY.plus_days(day))).collect();
        assert_eq!(followers, [None, Some(7), Some(7), Some(7), Some(7)]);
        assert_eq!(statistics.moves(DAY.plus_days(-1)), None);
    }

    #[test]
    fn a_simulated_past_moves_the_first_day_back() {
        let mut statistics = begun();
        statistics.followed(DAY.plus_days(-3), 1);
        let followers: Vec<_> = [-4, -3, 0].map(|day| statistics.followers(DAY.plus_days(day))).into();
        assert_eq!(followers, [None, Some(6), Some(6)]);
        statistics.begin(DAY.plus_days(9), 100);
        assert_eq!(statistics.followers(DAY), Some(6), "it begins once");
    }

    #[test]
    fn a_sender_counts_once_a_day_and_type() {
        let (mut statistics, mut today) = (begun(), SaidToday::default());
        for (day, kind) in [(0, 1), (0, 1), (0, 2), (1, 1)] {
            let day = DAY.plus_days(day);
            statistics.said(day, kind, today.first(day, kind));
        }
        let said = |users, count| Said { users, count };
        assert_eq!(statistics.messages(DAY), [(1, said(1, 2)), (2, said(1, 1))].into());
        assert_eq!(statistics.messages(DAY.plus_days(1)), [(1, said(1, 1))].into());
        assert_eq!(statistics.messages(DAY.plus_days(2)), BTreeMap::new());
    }

    #[test]
    fn only_so_many_days_are_kept_and_no_follower_is_lost() {
        let mut statistics = begun();
        for day in 0..1_000 {
            statistics.followed(DAY.plus_days(day), 1);
            statistics.said(DAY.plus_days(day), 1, true);
        }
        statistics.followed(DAY, 1);
        statistics.left(DAY, 1);
        statistics.left(DAY, 1);
        assert_eq!(statistics.days.len(), 400);
        let last = DAY.plus_days(999);
        assert_eq!(statistics.followers(last), Some(1_004));
        assert_eq!(statistics.followers(last.plus_days(-399)), Some(605));
        assert_eq!(statistics.followers(last.plus_days(-400)), None);
    }

    #[test]
    fn messages_are_what_the_platform_lists() {
        let types = [Act::Sticker, Act::Image, Act::Video, Act::Unfollow, Act::Click { key: "k".into() }];
        assert_eq!(types.map(|act| message_type(&act)), [Some(1), Some(2), Some(4), None, None]);
    }
}
