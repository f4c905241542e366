//! What an inviter is told of their invites: bundled, and so often on a day.

use serde::{Deserialize, Serialize};

use super::drive::Heard;
use crate::domain::time::{BusinessDay, UnixSecs};

/// News wait so long for others.
const BUNDLED_SECS: i64 = 60;
/// What ripens over night, or was too much for a day, is told at this time of the morning: nobody is woken.
const MORNING_SECS: i64 = 9 * 3600 + 1800;
/// Nothing is told of its own accord from this time of the evening on.
const EVENING_SECS: i64 = 22 * 3600;

/// What was told, and what was not yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// Friends who came, untold.
    pub came: u32,
    /// Friends who left too early, untold.
    pub left: u32,
    /// Friends of whom the inviter was told that they count.
    pub counted: u32,
    /// When the last message was.
    pub at: Option<UnixSecs>,
    /// Messages on that day.
    pub times: u8,
}

impl Telling {
    /// Keeps what has to be told. Who did what the terms ask for is told once they count.
    pub fn keep(&mut self, heard: Heard) {
        match heard {
            Heard::Came => self.came = self.came.saturating_add(1),
            // Of somebody who came and left in between nothing was told.
            Heard::Left if self.came > 0 => self.came -= 1,
            Heard::Left => self.left = self.left.saturating_add(1),
            Heard::Nothing | Heard::Qualified | Heard::Refused(_) | Heard::Corrected => {}
        }
    }

    /// Whether there is something to tell when so many friends count.
    pub fn is_owed(&self, counted: u32) -> bool {
        self.came > 0 || self.left > 0 || counted > self.counted
    }

    /// When it may be told: soon, and not by night or more often than so many times on a day.
    pub fn next(&self, now: UnixSecs, most_a_day: u8) -> UnixSecs {
        let (today, soon) = (now.business_day(), now.plus_secs(BUNDLED_SECS));
        let told_today = if self.is_of(today) { self.times } else { 0 };
        let of_day = soon.secs_since(today.start());
        if told_today >= most_a_day || of_day >= EVENING_SECS {
            return morning(today.plus_days(1));
        }
        soon.max(morning(today))
    }

    /// Whether it may be told now.
    pub fn is_due(&self, now: UnixSecs, most_a_day: u8) -> bool {
        self.next(now, most_a_day) <= now.plus_secs(BUNDLED_SECS)
    }

    fn is_of(&self, day: BusinessDay) -> bool {
        self.at.is_some_and(|at| at.business_day() == day)
    }

    /// It was told just now.
    pub fn told(&mut self, now: UnixSecs, counted: u32) {
        let times = if self.is_of(now.business_day()) { self.times } else { 0 };
        *self = Self { came: 0, left: 0, counted, at: Some(now), times: times.saturating_add(1) };
    }
}

/// When what is told by itself on a day may be told.
pub fn morning(day: BusinessDay) -> UnixSecs {
    day.start().plus_secs(MORNING_SECS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixSecs = UnixSecs(1_772_424_000); // 2026-03-02 12:00

    #[test]
    fn it_is_told_soon_by_day_and_so_often_only() {
        let mut telling = Telling::default();
        let today = NOON.business_day();
        assert_eq!(telling.next(NOON, 2), NOON.plus_secs(BUNDLED_SECS));
        assert_eq!(telling.next(today.start(), 2), morning(today), "nobody is woken");
        assert_eq!(telling.next(today.start().plus_secs(EVENING_SECS), 2), morning(today.plus_days(1)));
        telling.told(NOON, 1);
        assert_eq!(telling.next(NOON, 2), NOON.plus_secs(BUNDLED_SECS));
        telling.told(NOON, 2);
        assert_eq!(telling.next(NOON, 2), morning(today.plus_days(1)));
        assert_eq!(telling.next(NOON.plus_secs(86_400), 2), NOON.plus_secs(86_400 + BUNDLED_SECS), "a new day");
    }

    #[test]
    fn of_who_came_and_left_in_between_nothing_is_told() {
        let mut telling = Telling::default();
        assert!(!telling.is_owed(0));
        for heard in [Heard::Came, Heard::Left, Heard::Qualified, Heard::Nothing] {
            telling.keep(heard);
        }
        assert!(!telling.is_owed(0) && telling.is_owed(1));
        telling.keep(Heard::Came);
        telling.told(NOON, 1);
        telling.keep(Heard::Left);
        assert_eq!((telling.came, telling.left, telling.is_owed(1)), (0, 1, true));
    }
}
