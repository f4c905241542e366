//! How often what was called (platform.md 4.2): per day of China, per minute, and the clearings of a month.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::ApiFault;
use crate::domain::time::{BusinessDay, UnixSecs};

const CLEARS_A_MONTH: u32 = 10;
const SINGLE_CLEARS_A_MONTH: u32 = 50;

/// The counters of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas {
    day: BusinessDay,
    used: BTreeMap<String, u64>,
    minute: i64,
    in_minute: BTreeMap<String, u64>,
    month: i32,
    clears: u32,
    single_clears: u32,
}

/// How often a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From midnight to midnight, +08:00.
    pub a_day: u64,
    /// Within a minute of the clock.
    pub a_minute: u64,
}

impl Quotas {
    /// Counts a call, or refuses it.
    pub fn count(&mut self, path: &str, limits: Limits, now: i64) -> Result<(), ApiFault> {
        self.turn(now);
        if self.used(path, now) >= limits.a_day {
            return Err(ApiFault::daily_quota());
        }
        let in_minute = self.in_minute.entry(path.to_owned()).or_default();
        if *in_minute >= limits.a_minute {
            return Err(ApiFault::minute_quota());
        }
        *in_minute += 1;
        *self.used.entry(path.to_owned()).or_default() += 1;
        Ok(())
    }

    /// Calls counted today.
    pub fn used(&self, path: &str, now: i64) -> u64 {
        let today = self.day == UnixSecs(now).business_day();
        self.used.get(path).copied().filter(|_| today).unwrap_or(0)
    }

    /// Clears every counter, ten times a month.
    pub fn clear_all(&mut self, now: i64) -> Result<(), ApiFault> {
        self.turn(now);
        if self.clears >= CLEARS_A_MONTH {
            return Err(too_often());
        }
        self.clears += 1;
        self.used.clear();
        Ok(())
    }

    /// Clears one counter, fifty times a month.
    pub fn clear_one(&mut self, path: &str, now: i64) -> Result<(), ApiFault> {
        self.turn(now);
        if self.single_clears >= SINGLE_CLEARS_A_MONTH {
            return Err(too_often());
        }
        self.single_clears += 1;
        self.used.remove(path);
        Ok(())
    }

    fn turn(&mut self, now: i64) {
        let day = UnixSecs(now).business_day();
        if self.day != day {
            self.day = day;
            self.used.clear();
        }
        if self.minute != now.div_euclid(60) {
            self.minute = now.div_euclid(60);
            self.in_minute.clear();
        }
        if self.month != day.month() {
            self.month = day.month();
            (self.clears, self.single_clears) = (0, 0);
        }
    }
}

fn too_often() -> ApiFault {
    ApiFault::new(48006, "forbid to clear quota because of reaching the limit")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { a_day: 3, a_minute: 2 };
    /// 2026-01-01 23:59:00 +08:00.
    const EVENING: i64 = 1_767_283_140;

    fn code(result: Result<(), ApiFault>) -> i32 {
        result.map_or_else(|fault| fault.errcode, |()| 0)
    }

    #[test]
    fn counters_turn_at_midnight_in_china() {
        let mut quotas = Quotas::default();
        let call = |quotas: &mut Quotas, at| code(quotas.count("x", LIMITS, at));
        assert_eq!([0, 1, 2].map(|secs| call(&mut quotas, EVENING - 60 + secs)), [0, 0, 45011]);
        assert_eq!([0, 1].map(|secs| call(&mut quotas, EVENING + secs)), [0, 45009]);
        assert_eq!(quotas.used("x", EVENING + 59), 3);
        assert_eq!((quotas.used("x", EVENING + 60), call(&mut quotas, EVENING + 60)), (0, 0));
        assert_eq!(code(quotas.count("y", LIMITS, EVENING + 60)), 0, "each call has its own counter");
    }

    #[test]
    fn clearings_are_rare() {
        let mut quotas = Quotas::default();
        for _ in 0..3 {
            let _ = quotas.count("x", Limits { a_minute: 9, ..LIMITS }, EVENING);
        }
        assert_eq!(code(quotas.clear_one("x", EVENING)), 0);
        assert_eq!(quotas.used("x", EVENING), 0);
        let codes: Vec<i32> = (0..11).map(|_| code(quotas.clear_all(EVENING))).collect();
        assert_eq!((codes[9], codes[10]), (0, 48006));
        assert_eq!(code(quotas.clear_all(EVENING + 31 * 86_400)), 0, "another month");
        let codes: Vec<i32> = (0..50).map(|_| code(quotas.clear_one("x", EVENING + 31 * 86_400))).collect();
        assert_eq!(codes[49], 0);
        assert_eq!(code(quotas.clear_one("x", EVENING + 31 * 86_400)), 48006);
    }
}
